"""Editions: notebooks run after closed periods, kept with their cut, held back when a control differs."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import reports
from ledger.errors import Failure
from reports.editions import changes as changed
from reports.editions import kept
from reports.editions.blocks import reason
from reports.editions.changes import changes
from reports.editions.facts import FORMATS, Facts
from reports.editions.kept import Listed, listed, make_due
from reports.editions.page import written
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

LIST = """
[[edition]]
notebook = "brands"
formats = ["html", "md"]
"""


def lake_of(folder: Path, *, until: str) -> str:
    """Return a lake of two months, closed up to a day."""
    story = Story()
    story.brand("sushi")
    story.account("anna", holder="sushi")
    story.payment("2017-02-10", "anna", 500, "sushi")
    story.debit("2017-02-11", "anna", ("sushi", 70))
    if until >= "2017-03":
        story.debit("2017-03-03", "anna", ("sushi", 300))
    story.close(until)
    folder.mkdir(parents=True, exist_ok=True)
    return str(write_lake(story, folder))


def test_the_editions_of_two_months_and_what_changed_between_them(tmp_path: Path) -> None:
    """Made once; the second one has what sold 70 and then 300; a page of March does not overwrite February's."""
    (tmp_path / "editions.toml").write_text(LIST)
    february = lake_of(tmp_path / "one", until="2017-02-28")
    [first] = make_due(tmp_path, february, date(2017, 2, 28))
    assert (first.state, first.period) == ("made", "2017-02")
    [again] = make_due(tmp_path, february, date(2017, 3, 30))
    assert again.state == "found"
    [second] = make_due(tmp_path, lake_of(tmp_path / "two", until="2017-03-31"), date(2017, 3, 31))
    text = (second.folder / "brands.md").read_text()
    assert "**Changed since cut 1**" in text
    assert "| brand-revenue / net / RUB | 70.00 | 300.00 | +230.00 |" in text
    assert "## What made the difference: Kept, RUB\n\n70.00 → 300.00" in text
    assert "| average order | 230.00 |" in text and "lost clients" not in text
    assert json.loads((first.folder / "edition.json").read_text())["figures"]["brand-revenue / net / RUB"] == "70.00"
    assert [(one.notebook, one.period) for one in kept.kept(tmp_path)] == [("brands", "2017-02"), ("brands", "2017-03")]
    assert "Changed since cut 1" in (second.folder / "brands.html").read_text()


def test_a_page_is_in_the_readers_language(tmp_path: Path) -> None:
    """What changed, and what made the difference; of the same facts the same bytes."""
    book = reports.open(lake_of(tmp_path, until="2017-03-31"))
    march = book.report("brand-revenue", **{"from": "2017-03-01", "to": "2017-03-31"})
    [said] = changed.reasons(book, [march], (date(2017, 2, 1), date(2017, 2, 28)), 1)
    facts = Facts("brands", "Бренды", {"month": "2017-03"}, 1, "2017-03-31", False, {"net": "300.00"})
    before = replace(facts, figures={"net": "70.00"})
    for form in FORMATS[::2]:
        page = written(form, facts, [reason(said, "ru")], "ru", book.cut, before)
        assert page == written(form, facts, [reason(said, "ru")], "ru", book.cut, before)
        for words in ("Что изменилось со среза 1", "Из чего сложилась разница: Осталось деньгами, RUB", "средний чек"):
            assert words in page.decode()
    assert "70,00 → 300,00" in page.decode()


def test_an_edition_whose_controls_differ_is_held_back(tmp_path: Path) -> None:
    """Nothing of it is kept, so that it is made when they hold."""
    (tmp_path / "editions.toml").write_text('[[edition]]\nnotebook = "brands"\n')
    story = Story()
    story.brand("sushi")
    story.account("anna", holder="sushi")
    story.debit("2017-02-11", "anna", ("sushi", 70))
    story.rows["entries"][0]["amount"] *= 2
    story.close("2017-02-28")
    [one] = make_due(tmp_path, str(write_lake(story, tmp_path / "lake")), date(2017, 2, 28))
    assert one.state == "held back" and one.problems
    assert not one.folder.exists() and kept.kept(tmp_path) == []


def test_periods_are_the_latest_whole_ones() -> None:
    """A month ends on its last day, a week on Sunday."""
    month, week, day = (Listed(notebook="brands", every=every) for every in ("month", "week", "day"))
    assert month.period(date(2017, 3, 30)) == (date(2017, 2, 1), date(2017, 2, 28))
    assert month.period(date(2017, 3, 31)) == (date(2017, 3, 1), date(2017, 3, 31))
    assert week.period(date(2017, 3, 18)) == (date(2017, 3, 6), date(2017, 3, 12))
    assert week.period(date(2017, 3, 19)) == (date(2017, 3, 13), date(2017, 3, 19))
    assert day.period(date(2017, 3, 18)) == (date(2017, 3, 18), date(2017, 3, 18))
    assert Listed(notebook="receivables_review").given(date(2017, 3, 1), date(2017, 3, 31)) == {"as-of": "2017-03-31"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[edition]]\nnotebook = 'tuor'", "there is no notebook tuor: did you mean tour?"),
        ("[[edition]]\nevery = 'day'", "edition.*notebook: field required|notebook: field required"),
        ("[[edition]]\nnotebook = 'tour'\nevery = 'year'", "every: input should be 'day', 'week' or 'month'"),
        ("[[editions]]\nnotebook = 'tour'", "there is no editions in a list of editions"),
        ("[[edition]\n", "is not TOML"),
        ("[[edition]]\nnotebook = 'tour'\n" * 2, "tour of every month is listed twice"),
    ],
)
def test_a_wrong_list_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """It names the file and the line or the field."""
    (tmp_path / "editions.toml").write_text(text)
    with pytest.raises(Failure, match=sentence):
        listed(tmp_path)


def test_a_figure_that_is_new_or_gone_was_or_is_nothing() -> None:
    """In the order of the edition, those that are gone last."""
    found = changes({"a": "1.00", "b": "2.00", "c": "3.00"}, {"c": "3.00", "d": "4.00", "a": "1.50"})
    assert [(c.figure, c.before, c.now, c.difference) for c in found] == [
        ("d", "0", "4.00", "+4.00"),
        ("a", "1.00", "1.50", "+0.50"),
        ("b", "2.00", "0", "-2.00"),
    ]
