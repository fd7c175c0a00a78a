"""Orders that say more: extras, the shop's own discounts, references and attributes, VAT of a fee."""

from typing import Any

import pytest

from ledger.food.core import commands as f
from tests.ledger.food.shops import Food, dish

TIPS = {"service": "tips", "brand": "sushi", "amount": "50.00"}
SERVICE = {"service": "service_fee", "brand": "pizza", "amount": "100.00", "vat_rate": "20", "discountable": True}


def lines(food: Food, key: str) -> list[tuple[Any, ...]]:
    """Return line, brand, source, amount, gross, VAT of a transaction's revenue."""
    entries = food.postgres.state()["transactions"][key][5]
    return [(e[8], e[0].split()[1], e[7], e[1], e[9], e[11]) for e in entries if e[8] is not None]


def test_promotions_lower_extras_that_may_be_lowered_and_tips_stay(food: Food) -> None:
    """10 % of 200.00 dishes and of 100.00 service: 30.00; delivery 30.00 and tips 50.00 stay: 350.00."""
    food.client("anna", "1000.00")
    food.record(type="promotion", code="TEN", kind="percent", value="10")
    order = {"items": [dish("set", "200.00")], "promo_codes": ["TEN"], "extras": [TIPS, SERVICE]}
    delivery = {"brand": "sushi", "amount": "30.00"}
    [quoted] = food.postgres.desk.quote([f.parse({"type": "order", "key": "q", "account": "anna", **order})])  # type: ignore[list-item]
    assert quoted.to_json()["order"]["net"] == "320.00"
    said = food.order("o1", **order, delivery=delivery)["order"]
    assert (said["net"], said["discount"]) == ("350.00", "30.00")
    assert lines(food, "o1") == [
        (1, "sushi", "anna", 18000, 20000, None),
        (2, "sushi", "anna", 3000, 3000, None),
        (3, "sushi", "anna", 5000, 5000, None),
        (4, "pizza", "anna", 9000, 10000, 1500),
    ]
    food.post("refund_items", "r1", order="o1", extras=["service_fee"], delivery=True)
    assert food.balance("anna") == "770.00"
    again = food.post("refund_items", "r2", order="o1", extras=["service_fee"])
    assert (again["code"], again["facts"]["item"]) == ("item_not_in_order", "service_fee")
    assert food.post("refund_items", "r3", order="o1", extras=["tips"])["status"] == "posted"


def test_the_shops_own_discount_comes_off_before_promotions(food: Food) -> None:
    """Two of 100.00 less 40.00 are 160.00; half of that is 80.00, paid."""
    food.client("anna", "1000.00")
    food.record(type="promotion", code="HALF", kind="percent", value="50")
    item = {**dish("set", "100.00", 2), "discount": "40.00"}
    said = food.order("o1", items=[item], promo_codes=["HALF"])["order"]
    assert (said["gross"], said["discount"], said["net"]) == ("200.00", "120.00", "80.00")
    assert said["promotions"] == [{"code": "HALF", "discount": "80.00"}]
    food.post("refund_items", "r1", order="o1", items=[{"sku": "set", "quantity": 1}])
    assert food.balance("anna") == "960.00"
    merged = food.order("o2", items=[item, {**dish("set", "100.00"), "discount": "10.00"}])["order"]
    assert (merged["gross"], merged["net"]) == ("300.00", "250.00")


def test_references_and_attributes_stand_with_order_lines_and_revenue(food: Food) -> None:
    """An item's own win over the order's; name and quantity are the ledger's."""
    food.client("anna", "1000.00")
    item = {**dish("set", "100.00"), "reference": "line 7", "attributes": {"kitchen": "north", "quantity": 9}}
    said = {"reference": "cheque 12", "attributes": {"from": "app", "kitchen": "south"}}
    food.order("o1", items=[item], extras=[TIPS], **said)
    rows = food.postgres.rows
    of_item, of_all = {"from": "app", "kitchen": "north", "quantity": 9}, {"from": "app", "kitchen": "south"}
    assert rows("SELECT reference, attributes FROM food_order") == [("cheque 12", of_all)]
    assert rows("SELECT service, reference, attributes FROM order_line ORDER BY line") == [
        ("dish", "line 7", of_item),
        ("tips", None, of_all),
    ]
    assert rows("SELECT attributes FROM entry WHERE line IS NOT NULL ORDER BY line") == [
        ({**of_item, "quantity": 1},),
        (of_all,),
    ]
    food.post("refund_items", "r1", order="o1", extras=["tips"])
    assert rows("SELECT reference, attributes FROM food_order") == [("cheque 12", of_all)]


def test_a_fee_has_vat(food: Food) -> None:
    """120.00 with 20 %: 20.00."""
    food.client("anna", "1000.00")
    food.order("o1", items=[dish("set", "500.00")])
    food.post("cancel", "c1", order="o1", fee="120.00", fee_vat_rate="20")
    assert food.postgres.rows("SELECT vat FROM entry WHERE service = 'cancel_fee'") == [(2000,)]
    assert food.balance("anna") == "880.00"


def due(day: str) -> str:
    """Return noon of a day in March."""
    return f"2024-03-{day}T12:00:00+03:00"


def test_a_pre_order_is_due_later_at_the_prices_and_promotions_of_then(food: Food) -> None:
    """Due on the 6th, amended to the 10th: on the 8th it is held still, and its delivery captures what it cost."""
    food.client("anna", "1000.00")
    food.record(type="promotion", code="TEN", kind="percent", value="10", valid_until="2024-03-04", max_uses=1)
    food.order("o1", items=[dish("set", "200.00")], promo_codes=["TEN"], due_at=due("06"))
    said = food.post("amend", "a1", order="o1", due_at=due("10"))
    assert (said["order"]["net"], said["accounts"][0]["held"]) == ("180.00", "180.00")
    food.at("2024-03-08")
    assert food.order("o2", items=[dish("set", "900.00")])["code"] == "insufficient_funds"
    assert food.post("deliver", "d1", order="o1")["accounts"][0]["amount"] == "-180.00"
    assert food.balance("anna") == "820.00"
    assert food.post("amend", "a2", order="o1", due_at=due("20"))["code"] == "order_delivered"


def test_a_pre_order_that_is_due_earlier_runs_out_earlier(food: Food) -> None:
    """Due on the 10th, amended to the 5th: at noon of the 6th its money is free; what ran out is not amended."""
    food.client("anna", "1000.00")
    food.order("o1", items=[dish("set", "200.00")], due_at=due("10"))
    food.post("amend", "a1", order="o1", due_at=due("05"))
    assert "not after the booking time" in food.post("amend", "a2", order="o1", due_at=due("04"))["message"]
    food.at("2024-03-06")
    assert food.post("amend", "a3", order="o1", due_at=due("10"))["code"] == "hold_expired"
    food.order("o2", items=[dish("set", "1000.00")])
    assert food.balance("anna") == "0.00"
    expiry = "SELECT posted_at = %s FROM transaction WHERE kind = 'expiry'"
    assert food.postgres.rows(expiry.replace("%s", "'2024-03-06 12:00+03'")) == [(True,)]


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"items": [{**dish("a", "1.00"), "discount": "1.01"}]}, "items.0.discount: 1.01 is more than 1.00"),
        ({"extras": [{**TIPS, "service": "dish"}]}, "extras.0.service: dish is what items are"),
        ({"extras": [TIPS, TIPS]}, "extras: a service of a brand is given twice"),
        (
            {"delivery": {"brand": "sushi", "amount": "1.00"}, "extras": [{**TIPS, "service": "delivery"}]},
            "extras: a service of a brand is given twice",
        ),
        (
            {"items": [dish("a", "1.00"), {**dish("a", "1.00"), "reference": "b"}]},
            "items: a of sushi is given twice with different details",
        ),
    ],
)
def test_what_an_order_cannot_say_is_one_sentence(order: dict[str, Any], why: str) -> None:
    """And nothing is kept."""
    with pytest.raises(ValueError, match=":") as error:
        f.parse({"type": "order", "key": "k", "account": "anna", "items": [dish("a", "1.00")], **order})
    assert str(error.value) == why
