"""Points at another brand's expense, or spent at another brand: who owes whom, worked out by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures

MARCH = {"first_day": "2026-03-01", "last_day": "2026-03-31"}


def at(day: str) -> str:
    """Return noon of a day, as commands say it."""
    return f"{day}T12:00:00+03:00"


@pytest.fixture
def company(database_url: str, tmp_path: Path) -> Acted:
    """Return two brands with points that pay up to half, and a client of sushi's with 1,000.00."""
    acted = Acted(database_url, tmp_path)
    program: dict[str, Any] = {"type": "bonus_program", "accrue_percent": "10", "valid_from": "2026-01-01"}
    acted.administer(
        {"type": "brand", "code": "sushi", "legal_name": "Sushi House LLC"},
        {"type": "brand", "code": "pizza", "legal_name": "Pizza Point LLC"},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {**program, "brand": "sushi", "redeem_percent": "50"},
    )
    acted.post(
        {
            "type": "payment",
            "key": "p",
            "account": "anna",
            "amount": "1000.00",
            "brand": "sushi",
            "at": at("2026-03-01"),
        }
    )
    return acted


def test_the_brand_whose_fault_it_was_owes_the_points_brand(company: Acted) -> None:
    """300.00 of sushi's points because pizza was late, 120.00 of them taken back: pizza owes sushi 180.00."""
    gift = {"type": "bonus", "account": "anna", "brand": "sushi", "charge_to": "pizza"}
    company.post(
        {**gift, "key": "b1", "amount": "300.00", "reason": "an hour late", "at": at("2026-03-02")},
        {**gift, "key": "b2", "amount": "-120.00", "reason": "half an hour", "at": at("2026-03-03")},
    )
    book = company.closed(date(2026, 3, 31))
    settled = book.report("brand-settlements", **MARCH)
    assert figures(settled.frame, "brand", "other", "adjusted", "due") == [
        ("pizza", "sushi", "-180.00", "-180.00"),
        ("sushi", "pizza", "180.00", "180.00"),
    ]
    points = book.report("bonuses", **MARCH)
    assert figures(points.frame, "brand", "accrued", "taken_back", "closing") == [
        ("sushi", "300.00", "120.00", "180.00")
    ]
    assert settled.holds
    assert points.holds


def test_the_points_brand_owes_the_brand_where_they_were_spent(company: Acted) -> None:
    """Pizza served 300.00, 150.00 of it for sushi's points: sushi owes 300.00; of 100.00 given back, 100.00 less."""
    company.administer({"type": "bonus_program", "brand": "sushi", "spend_at": ["pizza"]})
    gift = {"type": "bonus", "account": "anna", "brand": "sushi", "amount": "500.00", "reason": "welcome"}
    order = {"type": "order", "key": "o", "account": "anna", "bonus_at_most": "500.00"}
    pizza = {"brand": "pizza", "sku": "marg", "price": "300.00"}
    company.post(
        {**gift, "key": "b", "at": at("2026-03-02")},
        {**order, "items": [pizza], "at": at("2026-03-03")},
        {"type": "refund_items", "key": "r", "order": "o", "amount": "100.00", "at": at("2026-03-04")},
    )
    book = company.closed(date(2026, 3, 31))
    settled = book.report("brand-settlements", **MARCH)
    assert figures(settled.frame, "brand", "other", "served", "due") == [
        ("pizza", "sushi", "200.00", "200.00"),
        ("sushi", "pizza", "-200.00", "-200.00"),
    ]
    revenue = book.report("brand-revenue", **MARCH, by="total")
    assert figures(revenue.frame, "brand", "net", "refunds", "bonus", "kept") == [
        ("pizza", "300.00", "100.00", "100.00", "100.00")
    ]
    points = book.report("bonuses", **MARCH)
    one = book.report("bonuses", **MARCH, brand="sushi")
    for result in (points, one):
        assert figures(result.frame, "brand", "redeemed", "closing") == [("sushi", "100.00", "400.00")]
    assert settled.holds
    assert revenue.holds
    assert points.holds
    assert one.holds
