"""The difference between two revenue figures is the sum of what made it, each part by hand to the kopeck."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from reports.cli.explain import app
from reports.core.result import Result
from reports.explain.difference import FIGURES, WORDS, Difference
from reports.run import LakeBook
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

FEBRUARY = {"from": "2017-02-01", "to": "2017-02-28"}
MARCH = {"from": "2017-03-01", "to": "2017-03-31"}


@pytest.fixture
def company(story: Story) -> Story:
    """
    February  anna   sushi 1,100.00 less 100.00, sushi 500.00, pizza 300.00
              boris  pizza 800.00
    March     anna   sushi 700.00, of it 40.00 by points, sushi 600.00, pizza 400.00 less 50.00, pizza 250.00
                     a tip of 30.00 to sushi
              clara  sushi 900.00, of which 90.00 are given back
    """
    for reference in ("anna", "boris", "clara"):
        story.account(reference, holder="sushi")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 40)
    story.debit("2017-02-03", "anna", {"brand": "sushi", "amount": 1000, "gross": 1100})
    story.debit("2017-02-04", "anna", ("sushi", 500))
    story.debit("2017-02-05", "anna", ("pizza", 300))
    story.debit("2017-02-06", "boris", ("pizza", 800))
    story.debit("2017-03-03", "anna", ("sushi", 660), {"brand": "sushi", "amount": 40, "source": "points"})
    story.debit("2017-03-04", "anna", ("sushi", 600))
    story.debit("2017-03-05", "anna", {"brand": "pizza", "amount": 350, "gross": 400})
    story.debit("2017-03-06", "anna", ("pizza", 250))
    story.debit("2017-03-07", "anna", {"brand": "sushi", "amount": 30, "service": "tip"})
    story.debit("2017-03-08", "clara", ("sushi", 900), key="c1")
    story.refund("2017-03-09", "c1", ("sushi", 90))
    story.close("2017-03-31")
    return story


def made(said: Difference) -> dict[str, str]:
    """Return the parts that are not nothing."""
    return {part.name: str(part.amount) for part in said.parts if part.amount}


def test_two_months_of_all_brands(company: Story) -> None:
    """
    Kept was 2,600.00 and is 2,700.00. Anna is the one client of both months: 3 orders of 1,900.00, then 4 of 1,950.00.

    orders    one more at 1,900.00 / 3, her average         633.33
    mix       2 of sushi at 800.00 and 2 of pizza at 300.00 are 2,200.00, 4 at the average 2,533.33
    average   sushi 2 × (650.00 − 800.00), pizza 2 × (325.00 − 300.00)
    """
    book = company.book()
    said = book.explain(book.report("brand-revenue", **MARCH, by="total"), {}, "kept", against=FEBRUARY)
    assert (said.before, said.now, said.residual) == (Decimal(2600), Decimal(2700), 0)
    assert made(said) == {
        "lost_clients": "-800.00",
        "new_clients": "900.00",
        "orders": "633.33",
        "mix": "-333.33",
        "average_order": "-250.00",
        "apart": "30.00",
        "discounts": "50.00",
        "refunds": "-90.00",
        "bonuses": "-40.00",
    }
    assert [part.name for part in said.parts] == [name for name in WORDS if name != "late_bookings"]


def test_two_brands_of_a_month(company: Story) -> None:
    """Sushi's net is 2,230.00, pizza's 600.00: clara, anna's 2 orders of 650.00 and not 325.00, a tip, a discount."""
    book = company.book()
    march = book.report("brand-revenue", **MARCH)
    said = book.explain(march, {"brand": "sushi"}, "net", against={"brand": "pizza"})
    assert (said.before, said.now, said.residual) == (600, 2230, 0)
    assert made(said) == {"new_clients": "900.00", "average_order": "650.00", "apart": "30.00", "discounts": "50.00"}


def known_later(company: Story) -> tuple[LakeBook, Result, Difference]:
    """Return March, in which two lunches were booked in April, and what made it differ from what was known then."""
    company.debit("2017-04-03", "anna", ("sushi", 120), occurred_at="2017-03-30")
    company.debit("2017-04-04", "boris", {"brand": "pizza", "amount": 180, "gross": 200}, occurred_at="2017-03-31")
    book = company.book()
    now = book.report("brand-revenue", **MARCH, dated_by="occurred")
    return book, now, book.explain(now, {"currency": "RUB"}, "net", against={"booked_until": "2017-03-31"})


def test_a_month_as_it_was_known_before(company: Story) -> None:
    """In April two lunches of March are booked, of 120.00 and of 200.00 less 20.00; by when they happened."""
    book, now, said = known_later(company)
    assert (said.now - said.before, said.residual) == (300, 0)
    assert made(said) == {"late_bookings": "300.00"}
    before = {**FEBRUARY, "booked_until": "2017-02-28"}
    assert book.explain(now, {"currency": "RUB"}, "net", against=before).residual == 0


def test_every_difference_is_that_of_the_report_and_the_sum_of_its_parts(company: Story) -> None:
    """Of each brand and of both, between two of three months, one of them empty."""
    book = company.book()
    months = [FEBRUARY, MARCH, {"from": "2017-01-01", "to": "2017-01-31"}]
    for row in ({"currency": "RUB"}, {"brand": "sushi"}, {"brand": "pizza", "currency": "RUB"}):
        brand = {name: value for name, value in row.items() if name == "brand"}
        results = [book.report("brand-revenue", **days, **brand) for days in months]
        for place, (now, then) in enumerate(zip((1, 0, 1, 0), (0, 1, 2, 2), strict=True)):
            column = [*FIGURES][place % 3]
            said = book.explain(results[now], row, column, against=months[then])
            assert [said.before, said.now] == [results[at].frame[column].sum() or 0 for at in (then, now)]
            assert said.residual == 0
            assert sum(said.frame["amount"], said.before) == said.now


ADDS = {
    "lost_clients": [("debit", "-800.00")],
    "new_clients": [("debit", "900.00")],
    "apart": [("debit", "30.00")],
    "discounts": [("debit", "100.00"), ("debit", "-50.00")],
    "refunds": [("refund", "-90.00")],
    "bonuses": [("debit", "-40.00")],
}


def test_a_part_opens_its_rows(company: Story) -> None:
    """Of entries on either side, which add up to it; or orders by brand, of clients on both sides."""
    book = company.book()
    said = book.explain(book.report("brand-revenue", **MARCH), {}, "kept", against=FEBRUARY)
    for name, adds in ADDS.items():
        found = book.part_rows(said, name)
        assert [(kind, str(add)) for kind, add in found.entries.select("kind", "adds").iter_rows()] == adds, name
        assert (found.count, found.residual) == (len(adds), 0)
    by_brand = book.part_rows(said, "mix")
    assert (by_brand.sum, by_brand.brands is not None) == (None, True)
    assert by_brand.brands.drop("brand_name").rows() == [  # type: ignore[union-attr]
        ("pizza", 1, Decimal(300), 300.0, 2, Decimal(650), 325.0),
        ("sushi", 2, Decimal(1600), 800.0, 2, Decimal(1300), 650.0),
    ]
    both = book.report("brand-revenue", **{"from": "2017-02-01", "to": "2017-03-31"})
    longer = book.explain(both, {}, "kept", against=FEBRUARY)
    assert book.part_rows(longer, "discounts").entries["adds"].to_list() == [Decimal("-50.00")]  # of March alone
    with pytest.raises(Failure, match="has no part discount: did you mean discounts"):
        book.part_rows(said, "discount")


def test_what_came_later_opens_what_came_later(company: Story) -> None:
    """Two lunches of March that were booked in April."""
    book, _, said = known_later(company)
    late = book.part_rows(said, "late_bookings")
    assert (late.entries["adds"].to_list(), late.residual) == ([Decimal(120), Decimal(180)], 0)


def test_a_month_of_a_row_is_a_period_of_its_own(company: Story) -> None:
    """Of sushi, March of a year by months against its February, as March asked for alone."""
    book = company.book()
    year = book.report("brand-revenue", **{"from": "2017-01-01", "to": "2017-12-31"}, by="month")
    of_march = {"brand": "sushi", "month": "2017-03", "currency": "RUB"}
    said = book.explain(year, of_march, "net", against=FEBRUARY)
    alone = book.explain(book.report("brand-revenue", **MARCH), {"brand": "sushi"}, "net", against=FEBRUARY)
    assert (said.before, said.now, said.parts) == (alone.before, alone.now, alone.parts)
    assert said.now == 2230


def test_the_steps_of_the_picture_lead_from_one_figure_to_the_other(company: Story) -> None:
    """A bar of each figure, and between them one of each part that is not nothing."""
    book = company.book()
    said = book.explain(book.report("brand-revenue", **MARCH), {}, "kept", against=FEBRUARY)
    bars = said.chart().to_dict()
    [drawn] = bars["datasets"].values()
    assert [(bar["what"], bar["from"], bar["until"], bar["label"]) for bar in drawn] == [
        ("before", 0, 2600, "2,600.00"),
        ("lost clients", 2600, 1800, "−800.00"),
        ("new clients", 1800, 2700, "+900.00"),
        ("number of orders", 2700, 3333.33, "+633.33"),
        ("mix of brands", 3333.33, 3000, "−333.33"),
        ("average order", 3000, 2750, "−250.00"),
        ("lines of no order", 2750, 2780, "+30.00"),
        ("discounts", 2780, 2830, "+50.00"),
        ("refunds", 2830, 2740, "−90.00"),
        ("bonuses", 2740, 2700, "−40.00"),
        ("now", 0, 2700, "2,700.00"),
    ]


@pytest.mark.parametrize(
    ("name", "row", "column", "sentence"),
    [
        ("receipts", {}, "net", "net of receipts cannot be compared: gross, net, kept of brand-revenue can"),
        ("brand-revenue", {}, "vat", "vat of brand-revenue cannot be compared: gross, net, kept of brand-revenue can"),
        (
            "brand-revenue",
            {"hour": "12"},
            "net",
            "figures of periods are compared, not of one hour: ask for days, weeks",
        ),
        ("brand-revenue", {"brand": "sushy"}, "net", "brand-revenue has no brand sushy: did you mean sushi?"),
        ("brand-revenue", {"currency": "RUR"}, "net", "brand-revenue has no currency RUR: did you mean RUB?"),
        ("brand-revenue", {"service": "tip"}, "net", "a row that is compared is a brand and a currency"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    company: Story, name: str, row: dict[str, Any], column: str, sentence: str
) -> None:
    """It says what could be."""
    book = company.book()
    with pytest.raises(Failure) as caught:
        book.explain(book.report(name, **MARCH), row, column, against=FEBRUARY)
    assert str(caught.value).startswith(sentence)


def test_the_command(company: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month, or names and values; the parts as a table, as JSON, or as a picture."""
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(company, tmp_path)))
    asked = ["brand-revenue", "kept", "--from", "2017-03-01", "--to", "2017-03-31", "--against", "2017-02"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.output.splitlines()[0] == "kept of brand-revenue: 2600.00 → 2700.00, +100.00 RUB"
    assert "number of orders" in done.output and "residual 0.00" in done.output
    drawn = tmp_path / "why.svg"
    CliRunner().invoke(app, [*asked, "--chart", str(drawn)], catch_exceptions=False)
    assert "−333.33" in drawn.read_text()
    by_name = [*asked[:-1], "from=2017-02-01", "--against", "to=2017-02-28", "--json"]
    said = CliRunner().invoke(app, by_name, catch_exceptions=False).output
    assert '"before": "2600.00"' in said and '"residual": "0.00"' in said
    wrong = CliRunner().invoke(app, [*asked[:-1], "soon"])
    assert str(wrong.exception).startswith("--against soon: expected a month")
