"""A discount that another brand finances, in the reports: who owes whom, and the base of VAT."""

from datetime import date
from pathlib import Path

from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures

PERIOD = {"first_day": "2026-03-01", "last_day": "2026-03-31"}


def test_the_financer_owes_the_seller_and_what_it_pays_stays_in_the_base(database_url: str, tmp_path: Path) -> None:
    """
    Sushi sells 500.00 less 10 %, of which wok pays 60 %: 450.00 and 30.00, VAT of 10 % 43.64. Half comes back: 225.00,
    15.00, 21.82. Wok owes sushi 15.00 and pays 5.00 of it.
    """
    company = Acted(database_url, tmp_path)
    company.administer(
        *({"type": "brand", "code": code} for code in ("sushi", "wok")),
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {
            "type": "promotion",
            "code": "TEN",
            "kind": "percent",
            "value": "10",
            "financed": [{"brand": "wok", "percent": "60"}],
        },
    )
    at = {"at": "2026-03-02T12:00:00+03:00"}
    items = [{"brand": "sushi", "sku": "set", "price": "250.00", "quantity": 2, "vat_rate": "10"}]
    half = [{"sku": "set", "quantity": 1}]
    company.post(
        {"type": "payment", "key": "p1", "account": "anna", "amount": "1000.00", "brand": "sushi", **at},
        {"type": "order", "key": "o1", "account": "anna", "items": items, "promo_codes": ["TEN"], **at},
        {"type": "refund_items", "key": "r1", "order": "o1", "items": half, **at},
        {
            "type": "move",
            "key": "m1",
            "brand": "wok",
            "from": "bank",
            "to": "bank",
            "to_brand": "sushi",
            "amount": "5.00",
            **at,
        },
    )
    book = company.closed(date(2026, 3, 31))
    due = book.report("brand-settlements", **PERIOD)
    assert figures(due.frame, "brand", "other", "due") == [("sushi", "wok", "10.00"), ("wok", "sushi", "-10.00")]
    vat = book.report("vat", **PERIOD)
    assert figures(vat.frame, "brand", "net", "refunds", "financed", "base", "base_vat") == [
        ("sushi", "450.00", "225.00", "15.00", "240.00", "21.82")
    ]
    for result in (due, vat, book.report("trial-balance", **PERIOD)):
        assert result.holds, [control for control in result.controls if not control.holds]
