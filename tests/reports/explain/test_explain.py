"""Every money cell of a report answers with the entries behind it, and their sum is the figure."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports import explain
from reports.cli.explain import app
from reports.core.report import REPORTS, Report
from tests.reports.standard.test_every_report import busy, parameters_for
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

__all__ = ["busy"]

NOT_YET = {
    "advances",
    "bank",
    "bonuses",
    "brand-settlements",
    "cash-by-channel",
    "client-activity",
    "control",
    "credit-exposure",
    "declines",
    "dso",
    "holds",
    "promotions",
    "subaccounts",
    "terms-changes",
}
"""Reports that do not say yet what is behind their figures."""
WAYS: dict[str, list[dict[str, Any]]] = {
    "brand-revenue": [{"by": by} for by in ("day", "week", "month", "total", "hour", "weekday")],
    "services": [{}, {"attribute": "dish"}],
    "vat": [{"by": by} for by in ("day", "total")],
    "receipts": [{"by": by} for by in ("day", "week", "total")],
    "turnover": [{"by": by} for by in ("account", "party", "kind", "brand")],
    "trial-balance": [{"by": by} for by in ("kind", "account")],
    "receivables-aging": [{"by": by} for by in ("account", "party")],
    "account-card": [{}, {"dated_by": "value"}],
}
"""What else each is asked for."""


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_every_money_cell_is_the_sum_of_its_entries(report: Report, busy: Story) -> None:
    """In two currencies, by every piece and key; the residual of each is 0.00, and the page has its entries."""
    money = {column.name for column in report.columns if column.kind == "money"}
    if report.name in NOT_YET:
        assert report.contributions is None
        return
    assert report.contributions is not None
    assert {*report.contributions.words, *report.contributions.made} == money
    book, seen = busy.book(), set()
    for way in WAYS.get(report.name, [{}]):
        result = book.report(report.name, **(parameters_for(report) | way))
        for number, row in enumerate(result.frame.rows(named=True)):
            for column in money:
                said = book.explain(result, number, column)
                assert (said.figure, said.residual) == (row[column], 0), (way, row, column)
                assert said.entries.height == said.count
                assert sum(said.entries["adds"], Decimal(0)) == said.sum
                assert sum(sign * figure for sign, _, figure in said.parts) == (row[column] if said.parts else 0)
                seen |= {column} if said.count else set()
    assert seen, "no figure had an entry"


@pytest.fixture
def sold(story: Story) -> Story:
    """Return a March in which sushi sold 700.00 to two clients, gave 15.00 back, and pizza sold 40.00."""
    for reference in ("anna", "boris"):
        story.account(reference, holder="sushi")
    story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": 500, "gross": 520}, ("pizza", 40), key="d1")
    story.debit("2017-03-03", "boris", ("sushi", 200))
    story.refund("2017-03-05", "d1", ("sushi", 15))
    story.close("2017-03-31")
    return story


MARCH = {"from": "2017-03-01", "to": "2017-03-31"}


def test_a_figure_of_others_opens_as_these_and_as_entries(sold: Story) -> None:
    """kept = net 700.00 − refunds 15.00 − bonus 0.00, of three entries; the address finds it again."""
    book = sold.book()
    said = book.explain(book.report("brand-revenue", **MARCH), {"brand": "sushi"}, "kept")
    assert said.words == "kept = net − refunds − bonus"
    assert said.parts == [(1, "net", 700), (-1, "refunds", 15), (-1, "bonus", 0)]
    assert (said.figure, said.count, said.sum, said.residual) == (685, 3, 685, 0)
    assert said.entries["kind"].to_list() == ["debit", "debit", "refund"]
    assert said.entries["adds"].to_list() == [500, 200, -15]
    where = said.address
    assert (where.report, where.column, where.cut) == ("brand-revenue", "kept", 1)
    assert where.key == {"brand": "sushi", "month": "2017-03", "currency": "RUB"}
    again = book.explain(book.report(where.report, **where.parameters), where.key, where.column)
    assert again.figure == said.figure


def test_millions_of_entries_come_page_by_page(sold: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count and sum are of all; no entry is on two pages."""
    monkeypatch.setattr(explain, "SIZE", 2)
    book = sold.book()
    result = book.report("turnover", **MARCH, by="kind")
    pages = [book.explain(result, 0, "closing", page=page) for page in (1, 2, 3)]
    assert {(said.count, said.sum) for said in pages} == {(3, Decimal("-725.00"))}
    assert [said.entries["adds"].to_list() for said in pages] == [[-540, -200], [15], []]


@pytest.mark.parametrize(
    ("name", "row", "column", "sentence"),
    [
        ("brand-revenue", {"brand": "soup"}, "net", "0 rows of brand-revenue match"),
        ("brand-revenue", {"currency": "RUB"}, "net", "2 rows of brand-revenue match: say which brand or month"),
        ("brand-revenue", {"brnad": "sushi"}, "net", "brand-revenue has no column brnad: did you mean brand"),
        ("brand-revenue", 7, "net", "brand-revenue has 2 rows: there is no row 7"),
        ("brand-revenue", 0, "nett", "nothing is known of what is behind nett of brand-revenue: did you mean net"),
        ("dso", 0, "charged", "nothing is known of what is behind charged of dso"),
    ],
)
def test_what_is_no_figure_is_a_sentence(sold: Story, name: str, row: Any, column: str, sentence: str) -> None:
    """It says what would be one."""
    book = sold.book()
    with pytest.raises(Failure) as caught:
        book.explain(book.report(name, **MARCH), row, column)
    assert str(caught.value).startswith(sentence)


def test_the_command(sold: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For people and for programs; the row is named by what it says."""
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(sold, tmp_path)))
    asked = ["brand-revenue", "net", "--from", "2017-03-01", "--to", "2017-03-31", "--row", "brand=sushi"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.output.splitlines()[:3] == [
        "net of brand-revenue at cut 1, brand=sushi month=2017-03 currency=RUB",
        "amount of the lines sold, after discount, before refunds",
        "700.00: 2 entries, 700.00, residual 0.00",
    ]
    said = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).output)
    assert (said["figure"], said["residual"], len(said["entries"])) == ("700.00", "0.00", 2)
    wrong = CliRunner().invoke(app, [*asked[:-1], "brand"])
    assert str(wrong.exception) == "--row brand: expected NAME=VALUE, such as brand=sushi"
