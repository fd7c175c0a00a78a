"""Results as pictures: every bar is a figure of the report, and no two currencies share an axis."""

from base64 import b64decode
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest

from ledger.errors import Failure
from reports.core.report import REPORTS, Report
from reports.formats import rendered
from tests.reports.standard.test_every_report import busy, parameters_for
from tests.reports.story import Story

__all__ = ["busy"]

DRAWN = [report for report in REPORTS.values() if report.picture]


def rows(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data of a chart."""
    return [row for dataset in chart["datasets"].values() for row in dataset]


@pytest.mark.parametrize("report", DRAWN, ids=[report.name for report in DRAWN])
def test_what_is_drawn_is_what_the_report_says(report: Report, busy: Story) -> None:
    """Heights come to the figures, by currency; a report of two currencies is two pictures with axes of their own."""
    result = busy.book().report(report.name, **parameters_for(report))
    chart = result.chart().to_dict()
    assert report.picture is not None
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(chart):
        found[row.get("currency", "")] += Decimal(str(row["figure"]))
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in result.frame.rows(named=True):
        expected[row.get("currency") or ""] += sum(
            (Decimal(str(row[n] or 0)) for n in report.picture.figures), Decimal(0)
        )
    assert {of: round(found[of], 2) for of in expected} == {of: round(figure, 2) for of, figure in expected.items()}
    parts = {row.get("part") for row in rows(chart)}
    assert ("facet" in chart) == (len(parts) > 1)
    if len(parts) > 1:
        assert chart["resolve"]["scale"]["y"] == "independent"


def test_bars_of_names_are_the_largest_and_labels_are_in_the_readers_language(story: Story) -> None:
    """Of thirty services 25 are drawn; the axis says Услуга."""
    story.account("anna", holder="sushi")
    for number in range(1, 31):
        story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": number, "service": f"s{number:02}"})
    result = story.book().report("services", **{"from": "2017-03-01", "to": "2017-03-31"})
    chart = result.chart("ru").to_dict()
    assert sorted(row["figure"] for row in rows(chart)) == list(range(6, 31))
    assert chart["encoding"]["x"]["title"] == "Услуга"


def test_a_list_has_no_picture(busy: Story) -> None:
    """It says so."""
    with pytest.raises(Failure, match="there is no picture of terms-changes: it is a list"):
        busy.book().report("terms-changes", **{"from": "2017-03-01", "to": "2017-03-31"}).chart()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_pages_and_pdfs_have_the_picture_as_vectors(busy: Story, language: Any) -> None:
    """The same bytes each time, words in the reader's language; a list, and nothing at all, have none."""
    march = {"from": "2017-03-01", "to": "2017-03-31"}
    result = busy.book().report("brand-revenue", **march)
    page = rendered(result, "html", language=language).decode()
    svg = b64decode(page.split('<img src="data:image/svg+xml;base64,', 1)[1].split('"', 1)[0]).decode()
    assert ("Осталось деньгами" if language == "ru" else "Kept") in svg
    assert rendered(result, "html", language=language).decode() == page
    with_it, without = (
        [one.type for one in pypdfium2.PdfDocument(rendered(each, "pdf", language=language))[0].get_objects()]
        for each in (result, replace(result, report=replace(result.report, picture=None)))
    )
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in with_it and len(with_it) > len(without)
    assert "<img" not in rendered(busy.book().report("terms-changes", **march), "html", language=language).decode()
    assert "<img" not in rendered(Story().book().report("brand-revenue", **march), "html").decode()
