"""Every money cell of a report answers with the entries behind it, and their sum is the figure."""

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports import explain
from reports.cli.explain import app
from reports.core.report import REPORTS, Report
from reports.core.result import Result
from reports.explain import links, read_address
from reports.formats import rendered
from reports.run import LakeBook
from tests.reports.standard.test_every_report import busy, parameters_for
from tests.reports.standard.test_money_in_and_between_brands import move
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

__all__ = ["busy"]

CONTROLLED = ("ledger", "brand-revenue", "terms-changes")
WAYS: dict[str, list[dict[str, Any]]] = {
    "brand-revenue": [{"by": by} for by in ("day", "week", "month", "total", "hour", "weekday")],
    "services": [{}, {"attribute": "dish"}],
    "vat": [{"by": by} for by in ("day", "total")],
    "receipts": [{"by": by} for by in ("day", "week", "total")],
    "turnover": [{"by": by} for by in ("account", "party", "kind", "brand")],
    "trial-balance": [{"by": by} for by in ("kind", "account")],
    "receivables-aging": [{"by": by} for by in ("account", "party")],
    "account-card": [{}, {"dated_by": "value"}, {"account": "pavel"}],
    "advances": [{"by": by} for by in ("account", "party")],
    "cash-by-channel": [{}, {"as_of": "2017-03-15"}],
    "declines": [{"by": by} for by in ("code", "kind", "account")],
    "holds": [{"by": by} for by in ("account", "hold")],
    "client-activity": [{}, {"from": "2017-02-01"}],
}
"""What else each is asked for."""


RARE = {"control": {"difference"}, "subaccounts": {"held"}}
"""Figures that are nothing in this book."""
EXPLAINED = ("money", "average", "share")


@pytest.fixture
def full(busy: Story) -> Story:
    """Return the busy book with every other kind of figure: debts, lots, holders, statements, limits, returns."""
    busy.account("pavel", holder="pizza")
    busy.account("nobodys")
    busy.payment("2016-01-10", "pavel", 80, "pizza", channel="courier")
    busy.payment("2017-03-01", "pavel", 45, "sushi", channel="courier")
    busy.payment("2017-03-01T15:00", "pavel", 25, "sushi", channel="courier")
    busy.payout("2017-03-02", "pavel", 55, "sushi", channel="courier")
    busy.transfer("2017-03-03", "pavel", "anna", 12)
    busy.payment("2017-03-03", "nobodys", 9, "sushi", channel="card", key="wrong")
    busy.reverse("2017-03-04", "wrong")
    busy.debit("2017-01-20", "romashka", ("sushi", 800))
    busy.debit("2017-02-20", "pavel", ("sushi", 33), {"brand": "pizza", "amount": 20, "service": "tip"}, key="d2")
    busy.refund("2017-03-20", "d2", ("sushi", 33))
    busy.holder("2017-03-15", "anna", "pizza")
    busy.debit("2017-03-16", "anna", {"brand": "sushi", "amount": 60, "source": "romashka"})
    busy.limit("romashka", "anna", "month", 900)
    busy.limit("romashka", "romashka", "week", 900)
    busy.limit("romashka", "anna", "order", 300)
    busy.hold("2017-03-10", "pavel", 11, "2017-03-12", key="lapsed")
    busy.release("2017-03-12", "lapsed", 11, kind="expiry")
    busy.bonus("2017-03-03", "points", 20, gone_on="2017-04-10")
    busy.bonus("2017-03-04", "points", -4, reason="expired")
    busy.bonus("2017-03-05", "points", -2, reason="taken back")
    busy.decline("2017-03-08", "points", 7, "insufficient_points", kind="bonus")
    owing = {"account_id": busy.accounts["points"]["id"], "brand_id": busy.brands["sushi"], "currency": "RUB"}
    for number, (day, amount) in enumerate((("2017-03-06", 5), ("2017-03-07", -2)), start=1):
        fact = {"id": number, "amount": Decimal(amount), "business_date": date.fromisoformat(day)}
        busy.rows["bonus_owed"].append(owing | fact)
    busy.hold("2017-03-16", "points", 3, "2017-05-01")
    busy.adjustment("2017-03-17", "points", 1, "sushi")
    for gone_on in ("2017-05-15", "2017-06-20", "2017-12-01"):
        busy.bonus("2017-03-17", "points", 2, gone_on=gone_on)
    taxed = {"brand": "sushi", "vat_rate": 20}
    by_points = taxed | {"amount": 6, "vat": 1, "source": "points"}
    busy.debit("2017-03-18", "anna", taxed | {"amount": 60, "gross": 72, "vat": 10}, by_points, key="d3")
    busy.refund("2017-03-19", "d3", taxed | {"amount": 12, "vat": 2}, by_points)
    busy.adjustment("2017-03-18", "anna", -2, "sushi", by="o.petrova")
    busy.hold("2017-02-20", "pavel", 8, "2017-06-01", key="opened")
    busy.release("2017-03-21", "opened", 3)
    move(busy, "2017-03-21", 20, ("sushi", "courier"), ("pizza", "bank"), fee=1)
    busy.terms("pavel", 50, 30, "2017-01-01")
    busy.account("debtor", holder="sushi")
    busy.terms("debtor", 900, 30, "2016-01-01")
    for day in ("2016-10-01", "2016-11-15", "2016-12-20", "2017-01-20", "2017-02-10", "2017-03-20"):
        busy.debit(day, "debtor", ("sushi", 10))
    busy.account("saver", holder="sushi")
    for day in ("2016-01-10", "2016-12-01", "2017-01-15"):
        busy.payment(day, "saver", 10, "sushi", channel="card")
    busy.bonus("2017-02-25", "points", 4)
    busy.debit("2017-03-22", "anna", {"brand": "sushi", "amount": 3, "service": "tip"})
    busy.refund("2017-03-22", "d1", {"brand": "sushi", "amount": 7, "source": "romashka"})
    faced = {"source_id": busy.accounts["anna"]["id"], "source_kind": "money"}
    financed = {"sushi": ("promotion_income", 5), "pizza": ("promotion_expense", -5)}
    legs = [
        (busy._system(of, "adjustments", "RUB"), by, faced | {"chart": code}) for of, (code, by) in financed.items()
    ]
    busy._post("2017-03-22", "debit", legs, amount=5, currency="RUB")
    for number, (amount, reversal) in enumerate(((-9, False), (-5, True), (4, True), (7, False)), start=101):
        facts = {"amount": Decimal(amount), "reversal": reversal, "transaction_id": None, "business_date": None}
        busy.rows["bank_entries"].append(busy.rows["bank_entries"][0] | {"id": number, **facts})
    paid = busy.unknown_payment("2017-03-13", 30, "sushi", channel="bank", key="u2")
    busy.bank("2017-03-13", paid, "sushi", opening=75)
    busy.allocate("2017-03-14", "u2", "pavel", 10, "sushi")
    busy.order("2017-03-14", "o2", "pavel", 40, code="TEN", discount=10, given_back="2017-03-15")
    return busy


ALL = pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))


@ALL
def test_a_figure_is_the_sum_of_its_entries(report: Report, full: Story) -> None:
    """Each figure of each report, in some row of some piece; the residual is 0.00, and the page has its entries."""
    known = {column.name for column in report.columns if column.kind in EXPLAINED}
    if report.contributions is None:
        assert not known
        return
    assert known <= {*report.contributions.names}
    seen: set[str] = set()
    for result in results(report, full.book()):
        for number, row in enumerate(result.frame.rows(named=True)):
            new = {name for name in known - seen if row.get(name)} or ({*known} if number == 0 else set())
            if result.report.name == "control" and row["source"] not in CONTROLLED:
                continue
            seen |= {name for name in sorted(new) if explained(full.book(), result, number, name)}
    assert known - seen == RARE.get(report.name, set()), "figures of which no cell had an entry"


@pytest.mark.soak
@ALL
def test_every_cell_is_the_sum_of_its_entries(report: Report, full: Story) -> None:
    """All rows, all ways, all columns."""
    columns = [column.name for column in report.columns if column.kind in EXPLAINED]
    for result in results(report, full.book()):
        for number in range(result.frame.height):
            for column in columns:
                explained(full.book(), result, number, column)


def results(report: Report, book: LakeBook) -> Iterator[Result]:
    """Give the report in every way that it is asked for."""
    for way in WAYS.get(report.name, [{}]):
        yield book.report(report.name, **(parameters_for(report) | way))


def explained(book: LakeBook, result: Result, row: int, column: str) -> bool:
    """Check the explanation of a cell; return whether anything is behind it."""
    said = book.explain(result, row, column)
    assert (said.figure, said.residual) == (exact(result.frame[column][row]), 0), (result.parameters, row, column)
    for one in said.ratio or (said,):
        assert one.entries.height == min(one.count, explain.SIZE)
        assert one.count > explain.SIZE or sum(one.entries["adds"], Decimal(0)) == one.sum
        assert not one.parts or sum(sign * figure for sign, _, figure in one.parts) == one.figure
    return said.count > 0


def exact(figure: Any) -> Decimal | None:
    """Return a figure of a frame as explanations have it."""
    return None if figure is None else Decimal(str(figure))


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
        ("brand-revenue", 0, "brand", "nothing is known of what is behind brand of brand-revenue"),
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


def test_figures_of_files_link_to_their_explanations(sold: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a link is the same each time, and finds the figure again; without a dashboard there is none."""
    book = sold.book()
    result = book.report("brand-revenue", **MARCH)
    assert b"<a " not in rendered(result, "html")
    monkeypatch.setenv("TIFFIN_DASHBOARD_URL", "https://tiffin.example/")
    page = rendered(result, "html").decode()
    found = [unescape(link) for link in re.findall('<a href="([^"]+)">', page)]
    assert len(found) == len(set(found)) == sum(map(len, links(result, "https://tiffin.example")))
    [kept] = [link for link in found if "column=kept&" in link and "sushi" in link]
    assert kept == (
        "https://tiffin.example/explanation?report=brand-revenue&column=kept&cut=1&from=2017-03-01&to=2017-03-31"
        "&dated_by=booking&by=month&row.brand=sushi&row.month=2017-03&row.currency=RUB"
    )
    address = read_address(dict(parse_qsl(urlsplit(kept).query, keep_blank_values=True)))
    assert book.explain_at(address).figure == 685
    assert book.explain_at(address).address.url("https://tiffin.example") == kept
    with ZipFile(io.BytesIO(rendered(result, "xlsx"))) as book_:
        targets = dict(re.findall('Id="(rId[0-9]+)"[^>]* Target="([^"]+)"', _part(book_, "_rels/sheet1.xml.rels")))
        sheet = _part(book_, "sheet1.xml")
    linked = {unescape(targets[id_]): cell for cell, id_ in re.findall('<hyperlink ref="(\\w+)" r:id="(\\w+)"', sheet)}
    assert set(linked) == set(found)
    assert re.search(f'<c r="{linked[kept]}" s="[0-9]+"><v>685</v>', sheet), "the cell is still a number"


def _part(book: ZipFile, name: str) -> str:
    return book.read(f"xl/worksheets/{name}").decode()


def test_a_link_of_nothing_is_a_sentence() -> None:
    """A report or a column that is not there is named."""
    with pytest.raises(Failure, match="brand-revenue has no column nett: did you mean net"):
        read_address({"report": "brand-revenue", "column": "nett"})
