"""Brand revenue."""

import pytest

from reports.standard import brand_revenue, services
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}
SUMS = ("brand", "currency", "orders", "gross", "discount", "net", "refunds", "bonus", "kept")


@pytest.fixture
def sales(story: Story) -> Story:
    """Return sales of two brands, with a discount, a free line, points, a refund and two currencies."""
    story.account("anna")
    story.account("boris", currency="USD")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 20)
    story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 80, "gross": 100, "vat": "13.33", "vat_rate": 20},
        {"brand": "sushi", "amount": 20, "source": "points"},
        {"brand": "pizza", "amount": 0, "gross": 15},
        key="d1",
    )
    story.debit("2017-03-06", "anna", ("sushi", 50), key="d2")
    story.refund("2017-03-20", "d1", {"brand": "sushi", "amount": 5, "source": "points"}, ("sushi", 10))
    story.debit("2017-03-31", "boris", ("sushi", 7))
    story.debit("2017-04-01", "anna", ("sushi", 1000))
    return story


def test_gross_less_discount_is_net_and_kept_is_what_is_left(sales: Story) -> None:
    """Refunds and points are columns of their own; a free line is an order; currencies stay apart."""
    result = sales.book().report("brand-revenue", **MARCH)
    assert figures(result.frame, *SUMS) == [
        ("pizza", "RUB", 1, "15.00", "15.00", "0.00", "0.00", "0.00", "0.00"),
        ("sushi", "RUB", 2, "170.00", "20.00", "150.00", "15.00", "15.00", "120.00"),
        ("sushi", "USD", 1, "7.00", "0.00", "7.00", "0.00", "0.00", "7.00"),
    ]
    assert result.frame["average"].to_list() == [0.0, 67.5, 7.0]
    assert figures(result.frame, "month", "vat")[1] == ("2017-03", "13.33")
    assert result.holds


@pytest.mark.parametrize(
    ("by", "pieces"),
    [
        ("day", ["2017-03-02", "2017-03-06", "2017-03-20"]),
        ("week", ["2017-02-27", "2017-03-06", "2017-03-20"]),
        ("month", ["2017-03"]),
    ],
)
def test_pieces_of_the_period(sales: Story, by: str, pieces: list[str]) -> None:
    """Weeks are named by their Monday, also when it is before the period."""
    result = sales.book().report("brand-revenue", **MARCH, by=by, brand="sushi", currency="RUB")
    assert [str(piece) for piece in result.frame[by]] == pieces
    assert result.holds


@pytest.mark.parametrize("name", ["brand-revenue", "services"])
def test_months_that_are_counted_one_by_one_give_what_all_at_once_gives(
    sales: Story, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders refunded, captured and ended in later months, by every piece of the period, controls and all."""
    hold = sales.hold("2017-03-02", "anna", 60, "2017-05-30")
    sales.capture("2017-04-03", hold, ("sushi", 20))
    sales.capture("2017-05-04", hold, ("pizza", 30))
    sales.debit("2017-04-10", "anna", ("sushi", 30), {"brand": "sushi", "amount": 1, "service": "tip"}, key="d3")
    sales.refund("2017-05-11", "d3", ("sushi", 30))
    book, days = sales.book(), {"first_day": "2017-03-03", "last_day": "2017-05-30"}
    ways = [{"by": by} for by in ("day", "week", "month", "hour", "weekday", "total")] if name != "services" else [{}]
    by_months = [book.report(name, **days, **way) for way in ways]
    assert all(result.holds and result.frame.height for result in by_months)
    with monkeypatch.context() as at_once:
        for module in (brand_revenue, services):
            at_once.setattr(module, "months", lambda entries, first_day, last_day: [(first_day, last_day)])
        for way, result in zip(ways, by_months, strict=True):
            whole = book.report(name, **days, **way)
            assert (whole.frame.rows(), whole.controls) == (result.frame.rows(), result.controls), way


def test_a_brand_without_sales_is_empty(sales: Story) -> None:
    """Nothing sold is no row, not an error."""
    sales.brand("tea")
    result = sales.book().report("brand-revenue", **MARCH, brand="tea")
    assert result.frame.height == 0
    assert result.holds


def test_captures_of_one_hold_are_one_order(story: Story) -> None:
    """A pre-order delivered in two parts is one order."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 100, "sushi")
    hold = story.hold("2017-03-02", "anna", 60, "2017-03-30")
    story.capture("2017-03-03", hold, ("sushi", 20))
    story.capture("2017-03-04", hold, ("sushi", 30))
    result = story.book().report("brand-revenue", **MARCH)
    assert figures(result.frame, "orders", "net") == [(1, "50.00")]


def test_revenue_that_no_client_paid_shows(sales: Story) -> None:
    """A revenue entry changed behind the guards breaks the control with what clients paid."""
    next(row for row in sales.rows["entries"] if row["account_kind"] == "revenue")["amount"] += 3
    broken = [c.name for c in sales.book().report("brand-revenue", **MARCH).controls if not c.holds]
    assert broken == ["net", "clients_paid"]


def test_a_business_day_ends_at_midnight_of_the_books_zone(story: Story) -> None:
    """One second before midnight in Moscow is still that day, though the day is over nowhere else."""
    story.account("anna")
    story.debit("2016-02-29T23:59:59", "anna", ("sushi", 1))
    story.debit("2016-03-01T00:00:00", "anna", ("sushi", 2))
    leap_day = story.book().report("brand-revenue", first_day="2016-02-29", last_day="2016-02-29")
    assert figures(leap_day.frame, "month", "net") == [("2016-02", "1.00")]
