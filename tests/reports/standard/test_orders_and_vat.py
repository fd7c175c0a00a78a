"""Orders that are kept, what is no order, and the VAT of what points paid: figures worked out by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reports.documents.papers import statement_of
from reports.run import LakeBook
from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}
COUNTED = ("orders", "net", "refunds", "apart", "average")
SOLD = ("month", "orders", "average")


def at(day: str) -> str:
    """Return noon of a day, as commands say it."""
    return f"{day}T12:00:00+03:00"


def item(price: str, **fields: Any) -> dict[str, Any]:
    """Return a dish of an order."""
    return {"brand": "sushi", "sku": "set", "price": price, **fields}


@pytest.fixture
def company(database_url: str, tmp_path: Path) -> Acted:
    """Return a brand with points, 10 percent accrued, that pay up to half, and a client with 10,000.00."""
    acted = Acted(database_url, tmp_path)
    acted.administer(
        {"type": "brand", "code": "sushi", "legal_name": "Sushi House LLC"},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {
            "type": "bonus_program",
            "brand": "sushi",
            "accrue_percent": "10",
            "redeem_percent": "50",
            "expires_after_days": 300,
            "valid_from": "2026-01-01",
        },
    )
    acted.post(
        {
            "type": "payment",
            "key": "p",
            "account": "anna",
            "amount": "10000.00",
            "brand": "sushi",
            "at": at("2026-03-01"),
        }
    )
    return acted


def test_a_cancelled_order_is_no_order_and_its_fee_stands_apart(company: Acted) -> None:
    """600.00 cancelled with a fee of 150.00: 0 orders, no average, 150.00 apart."""
    company.post(
        {"type": "order", "key": "o", "account": "anna", "items": [item("600.00")], "at": at("2026-03-02")},
        {"type": "cancel", "key": "c", "order": "o", "fee": "150.00", "at": at("2026-03-02")},
    )
    result = company.closed(date(2026, 3, 31)).report("brand-revenue", first_day="2026-03-01", last_day="2026-03-31")
    assert figures(result.frame, *COUNTED) == [(0, "750.00", "600.00", "150.00", None)]
    assert result.holds


def test_an_order_that_cost_nothing_is_one_until_it_is_cancelled(company: Acted) -> None:
    """A free dish of March, cancelled in April: +1 in March, −1 in April, with no entry that says so."""
    company.administer({"type": "promotion", "code": "GIFT", "kind": "percent", "value": "100"})
    company.post(
        {
            "type": "order",
            "key": "o",
            "account": "anna",
            "promo_codes": ["GIFT"],
            "items": [item("90.00")],
            "at": at("2026-03-02"),
        },
        {"type": "cancel", "key": "c", "order": "o", "at": at("2026-04-02")},
    )
    book = company.closed(date(2026, 4, 30))
    result = book.report("brand-revenue", first_day="2026-03-01", last_day="2026-04-30")
    assert figures(result.frame, *SOLD) == [("2026-03", 1, 0.0), ("2026-04", -1, None)]
    assert result.holds
    activity = book.report("client-activity", first_day="2026-03-01", last_day="2026-04-30")
    assert figures(activity.frame, "cohort", "month", "orders") == [
        ("2026-03", "2026-03", 1),
        ("2026-03", "2026-04", -1),
    ]
    assert activity.holds


def test_closed_months_stay_and_months_add_up_to_the_quarter(story: Story) -> None:
    """
    February  600.00 and 400.00 ordered: 2 orders, 500.00 on average
    March     the 600.00 given back, the 400.00 lowered by 100.00: −1 order
    together  1 order of 300.00
    """
    story.account("anna")
    story.debit("2017-02-03", "anna", ("sushi", 600), key="a")
    story.debit("2017-02-04", "anna", ("sushi", 400), key="b")
    before = story.book().report("brand-revenue", first_day="2017-02-01", last_day="2017-02-28").frame
    story.refund("2017-03-01", "a", ("sushi", 600))
    story.refund("2017-03-02", "b", ("sushi", 100))
    book = story.book()
    assert book.report("brand-revenue", first_day="2017-02-01", last_day="2017-02-28").frame.equals(before)
    months = book.report("brand-revenue", first_day="2017-02-01", last_day="2017-03-31").frame
    assert figures(months, *SOLD) == [("2017-02", 2, 500.0), ("2017-03", -1, None)]
    assert figures(book.report("brand-revenue", **MARCH).frame, *SOLD) == [("2017-03", -1, None)]
    quarter = book.report("brand-revenue", first_day="2017-02-01", last_day="2017-03-31", by="total")
    assert figures(quarter.frame, "orders", "average") == [(1, 300.0)]
    assert quarter.holds


def test_tips_penalties_and_a_hall_are_no_orders(story: Story) -> None:
    """One order of 500.00, with tips of 50.00 on its bill; a hall for 2000.00 and a penalty of 30.00 beside it."""
    story.account("anna")
    story.debit("2017-03-03", "anna", ("sushi", 500), {"brand": "sushi", "amount": 50, "line": 2, "service": "tips"})
    story.debit("2017-03-04", "anna", {"brand": "sushi", "amount": 2000, "service": "hall"}, key="hall")
    story.debit("2017-03-05", "anna", {"brand": "sushi", "amount": 30, "service": "penalty"})
    story.refund("2017-03-06", "hall", {"brand": "sushi", "amount": 500, "service": "hall"})
    book = story.book()
    result = book.report("brand-revenue", **MARCH)
    assert figures(result.frame, *COUNTED) == [(1, "2580.00", "500.00", "1580.00", 500.0)]
    activity = book.report("client-activity", **MARCH)
    assert figures(activity.frame, "orders", "net") == [(1, "500.00")]
    assert result.holds
    assert activity.holds


def test_each_brand_keeps_its_own_part_of_an_order(story: Story) -> None:
    """Sushi's part is given back, pizza's stays: 0 orders of sushi, 1 of pizza, and the client ordered once."""
    story.account("anna")
    story.debit("2017-03-03", "anna", ("sushi", 500), {"brand": "pizza", "amount": 200, "line": 2}, key="o")
    story.refund("2017-03-05", "o", ("sushi", 500))
    book = story.book()
    assert figures(book.report("brand-revenue", **MARCH).frame, "brand", "orders") == [("pizza", 1), ("sushi", 0)]
    assert figures(book.report("client-activity", **MARCH).frame, "orders", "net") == [(1, "200.00")]


def test_own_points_lower_the_price_and_its_vat_in_reports_as_on_papers(company: Acted) -> None:
    """
    3 March  1,700.00 incl. 10 % (VAT 154.55), 350.00 of it by points: 31.82 of the VAT is theirs, 122.73 is left
    5 March  340.00 of it back, a fifth: points 70.00 and money 270.00, VAT 30.91, of it points' 6.36

    From 3 to 5 March: 154.55 − 30.91 − (31.82 − 6.36) = 98.18, as on the statement.
    """
    company.post(
        {
            "type": "order",
            "key": "a",
            "account": "anna",
            "at": at("2026-03-02"),
            "items": [item("3500.00", vat_rate="10")],
        },
        {"type": "deliver", "key": "ad", "order": "a", "at": at("2026-03-02")},
        {
            "type": "order",
            "key": "b",
            "account": "anna",
            "at": at("2026-03-03"),
            "bonus_at_most": "350.00",
            "items": [item("1700.00", vat_rate="10")],
        },
        {"type": "deliver", "key": "bd", "order": "b", "at": at("2026-03-03")},
        {"type": "refund_items", "key": "br", "order": "b", "at": at("2026-03-05"), "amount": "340.00"},
    )
    book = company.closed(date(2026, 3, 31))
    sold = ("bonus", "vat", "refunds_vat", "bonus_vat", "kept", "kept_vat")
    first = book.report("brand-revenue", first_day="2026-03-03", last_day="2026-03-03")
    assert figures(first.frame, *sold) == [("350.00", "154.55", "0.00", "31.82", "1350.00", "122.73")]
    both = book.report("brand-revenue", first_day="2026-03-03", last_day="2026-03-05")
    assert figures(both.frame, *sold) == [("280.00", "154.55", "30.91", "25.46", "1080.00", "98.18")]
    assert first.holds
    assert both.holds
    [(_, left)] = _vat_of_paper(book, date(2026, 3, 3), date(2026, 3, 5))
    assert left == "98.18"


def _vat_of_paper(book: LakeBook, since: date, until: date) -> list[tuple[str, str]]:
    return [(str(vat.rate), str(vat.vat)) for vat in statement_of(book, "anna", since, until).vat]


def test_points_of_another_brand_stay_in_the_base(story: Story) -> None:
    """Of 110.00 incl. 10.00, pizza's points pay 33.00 for a dish of sushi: sushi owes VAT of all of it."""
    story.account("anna")
    story.bonus_account("points", of="anna", brand="pizza")
    story.bonus("2017-02-01", "points", 33)
    story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 77, "vat": 7, "vat_rate": 10},
        {"brand": "sushi", "amount": 33, "vat": 3, "vat_rate": 10, "source": "points"},
    )
    result = story.book().report("brand-revenue", **MARCH)
    assert figures(result.frame, "vat", "bonus", "bonus_vat", "kept", "kept_vat") == [
        ("10.00", "33.00", "0.00", "77.00", "10.00")
    ]
    assert result.holds


def test_vat_of_a_line_that_no_paper_prints_fails_the_control(story: Story) -> None:
    """A revenue entry that names a source that paid nothing: its VAT is on no paper."""
    story.account("anna")
    story.account("boris")
    story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": 110, "vat": 10, "vat_rate": 10})
    next(row for row in story.rows["entries"] if row["account_kind"] == "revenue")["source_id"] = story.accounts[
        "boris"
    ]["id"]
    broken = [c for c in story.book().report("brand-revenue", **MARCH).controls if not c.holds]
    assert [(c.name, str(c.difference)) for c in broken] == [("vat", "10.00")]


def test_vat_by_rate_is_what_is_left_of_sales(story: Story) -> None:
    """Of 110.00 at 10 % own points paid 22.00; 24.00 at 20 % came back by half; 5.00 is without VAT."""
    story.account("anna")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 22)
    story.debit(
        "2017-03-02",
        "anna",
        {"brand": "sushi", "amount": 88, "vat": 8, "vat_rate": 10},
        {"brand": "sushi", "amount": 22, "vat": 2, "vat_rate": 10, "source": "points"},
        {"brand": "sushi", "amount": 24, "vat": 4, "vat_rate": 20, "line": 2},
        {"brand": "sushi", "amount": 5, "line": 3},
        key="d",
    )
    story.refund("2017-03-03", "d", {"brand": "sushi", "amount": 12, "vat": 2, "vat_rate": 20, "line": 2})
    result = story.book().report("vat", **MARCH)
    shown = ("vat_rate", "net", "vat", "refunds_vat", "bonus_vat", "base", "base_vat")
    assert figures(result.frame, *shown) == [
        ("10.00", "110.00", "10.00", "0.00", "2.00", "88.00", "8.00"),
        ("20.00", "24.00", "4.00", "2.00", "0.00", "12.00", "2.00"),
        (None, "5.00", "0.00", "0.00", "0.00", "5.00", "0.00"),
    ]
    assert result.holds


def test_revenue_by_hour_and_weekday_is_that_of_the_orders_first_line(story: Story) -> None:
    """
    Thursday 2 March  12:10 300.00, 12:50 100.00 (booked at 18:00: the till was offline), 19:30 500.00
    Friday 3 March    the 500.00 given back at 09:00: it was Thursday's, at 19
    Sunday 5 March    a penalty of 30.00 at 20:00: no order
    """
    story.account("anna")
    story.debit("2017-03-02T12:10", "anna", ("sushi", 300))
    story.debit("2017-03-02T18:00", "anna", ("sushi", 100), occurred_at="2017-03-02T12:50")
    story.debit("2017-03-02T19:30", "anna", ("sushi", 500), key="late")
    story.refund("2017-03-03T09:00", "late", ("sushi", 500))
    story.debit("2017-03-05T20:00", "anna", {"brand": "sushi", "amount": 30, "service": "penalty"})
    book = story.book()
    by_hour, by_weekday = (book.report("brand-revenue", **MARCH, by=by) for by in ("hour", "weekday"))
    assert figures(by_hour.frame, "hour", *COUNTED) == [
        (12, 2, "400.00", "0.00", "0.00", 200.0),
        (19, 0, "500.00", "500.00", "0.00", None),
        (20, 0, "30.00", "0.00", "30.00", None),
    ]
    assert figures(by_weekday.frame, "weekday", *COUNTED) == [
        (4, 2, "900.00", "500.00", "0.00", 200.0),
        (7, 0, "30.00", "0.00", "30.00", None),
    ]
    assert by_hour.holds
    assert by_weekday.holds
