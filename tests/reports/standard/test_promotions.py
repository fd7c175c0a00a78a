"""What promotions cost and brought."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story


def test_a_promotion_is_counted_when_used_and_when_given_back(story: Story) -> None:
    """
    TEN  3 March anna -10.00 of 100.00, 5 March boris -20.00 of 200.00, cancelled on 2 April
    OFF  4 March anna -5.00

    March: TEN used twice by two clients for 30.00; April: given back once; February's use is February's
    """
    for reference in ("anna", "boris"):
        story.account(reference)
    story.order("2017-02-28", "o0", "anna", 50, code="TEN", discount=5)
    story.order("2017-03-03", "o1", "anna", 90, code="TEN", discount=10)
    story.order("2017-03-04", "o2", "anna", 45, code="OFF", discount=5)
    story.order("2017-03-05", "o3", "boris", 180, code="TEN", discount=20, given_back="2017-04-02")
    march = story.book().report("promotions", first_day="2017-03-01", last_day="2017-03-31")
    assert march.holds
    figures = ["code", "uses", "given_back", "clients", "discount", "discount_given_back", "net"]
    assert march.frame.select(figures).rows() == [
        ("OFF", 1, 0, 1, Decimal("5.00"), Decimal("0.00"), Decimal("45.00")),
        ("TEN", 2, 0, 2, Decimal("30.00"), Decimal("0.00"), Decimal("270.00")),
    ]
    april = story.book().report("promotions", first_day="2017-04-01", last_day="2017-04-30")
    assert april.holds
    assert april.frame.select(figures).rows() == [("TEN", 0, 1, 0, Decimal("0.00"), Decimal("20.00"), Decimal("0.00"))]


def test_a_discount_that_no_promotion_explains_fails_the_control(story: Story) -> None:
    """An order lowered by 1.00 more than its promotion took: the control says by how much."""
    story.account("anna")
    story.order("2017-03-03", "o1", "anna", 90, code="TEN", discount=10)
    story.rows["orders"][0]["discount"] += 1
    result = story.book().report("promotions", first_day="2017-03-01", last_day="2017-03-31")
    [control] = [control for control in result.controls if not control.holds]
    assert abs(control.difference) == Decimal("1.00")


def test_the_shops_own_discount_is_of_no_promotion(database_url: str, tmp_path: Path) -> None:
    """Of 120.00 off, 40.00 are the shop's own; tips stand apart; the lake has what the order said."""
    company = Acted(database_url, tmp_path)
    company.administer(
        {"type": "brand", "code": "sushi"},
        {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna"},
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {"type": "promotion", "code": "HALF", "kind": "percent", "value": "50"},
    )
    at = "2026-03-02T12:00:00+03:00"
    item = {"brand": "sushi", "sku": "set", "price": "100.00", "quantity": 2, "discount": "40.00"}
    company.post(
        {"type": "payment", "key": "p", "account": "anna", "amount": "500.00", "brand": "sushi", "at": at},
        {
            "type": "order",
            "key": "o",
            "account": "anna",
            "items": [item],
            "promo_codes": ["HALF"],
            "at": at,
            "extras": [{"service": "tips", "brand": "sushi", "amount": "50.00"}],
            "reference": "cheque 12",
            "attributes": {"from": "app"},
        },
    )
    book = company.closed(date(2026, 3, 31))
    march = {"first_day": "2026-03-01", "last_day": "2026-03-31"}
    promotions = book.report("promotions", **march)
    assert figures(promotions.frame, "code", "uses", "discount") == [("HALF", 1, "80.00")]
    revenue = book.report("brand-revenue", **march, by="total")
    assert figures(revenue.frame, "orders", "gross", "discount", "net", "apart", "average") == [
        (1, "250.00", "120.00", "130.00", "50.00", 80.0)
    ]
    services = book.report("services", **march, attribute="from")
    assert figures(services.frame, "service", "value", "net") == [("dish", "app", "80.00"), ("tips", "app", "50.00")]
    assert promotions.holds
    assert revenue.holds
    assert services.holds
    assert book.orders.select("reference", "attributes", "own_discount").collect().rows() == [
        ("cheque 12", '{"from": "app"}', Decimal("40.00"))
    ]
