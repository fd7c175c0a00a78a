"""Promotions: which apply, what they take off, how often. Each test runs on the pure core and on PostgreSQL."""

from datetime import datetime
from typing import Any

import pytest

from tests.ledger.food.shops import Food, dish
from tests.ledger.worlds import MOSCOW


def promotion(food: Food, code: str, kind: str = "percent", **given: Any) -> None:
    value = {} if kind == "free_delivery" or "value" in given else {"value": "10"}
    food.record(type="promotion", code=code, kind=kind, **value, **given)


def test_a_percent_is_of_its_brands_dishes_up_to_its_cap_and_never_of_delivery(food: Food) -> None:
    """50 % of sushi's 900.00 is 450.00, capped at 200.00; pizza and the delivery cost what they cost."""
    food.client("anna", "2000.00")
    promotion(food, "HALF", value="50", brand="sushi", max_discount="200.00")
    said = food.order(
        "o1",
        items=[dish("set", "450.00", 2), dish("marg", "520.00", brand="pizza")],
        promo_codes=["HALF"],
        delivery={"brand": "sushi", "amount": "99.00"},
    )["order"]
    assert [line["discount"] for line in said["lines"]] == ["0.00", "200.00", "0.00"]
    assert said["promotions"] == [{"code": "HALF", "discount": "200.00"}]


def test_an_amount_takes_no_more_than_the_dishes_cost(food: Food) -> None:
    """300.00 off 120.00: the dishes are free, the delivery is not."""
    food.client("anna", "2000.00")
    promotion(food, "OFF", "amount", value="300.00")
    said = food.order(
        "o1", items=[dish("a", "120.00")], promo_codes=["OFF"], delivery={"brand": "sushi", "amount": "50.00"}
    )
    assert said["order"]["net"] == "50.00"


def test_free_delivery_is_of_the_brand_that_delivers(food: Food) -> None:
    """And does not apply to an order without delivery."""
    food.client("anna", "2000.00")
    promotion(food, "SHIP", "free_delivery", brand="sushi")
    delivery = {"brand": "sushi", "amount": "99.00"}
    said = food.order("o1", items=[dish("a", "100.00")], promo_codes=["SHIP"], delivery=delivery)
    assert said["order"]["net"] == "100.00"
    said = food.order("o2", items=[dish("a", "100.00")], promo_codes=["SHIP"])
    assert said["message"] == "promotion SHIP does not apply: the order has no delivery of sushi"


def test_those_that_stack_come_off_percents_first_then_amounts(food: Food) -> None:
    """10 % of 1000.00 and then 100.00: 800.00, whatever order the codes are named in."""
    food.client("anna", "2000.00")
    promotion(food, "B-TEN", stackable=True)
    promotion(food, "A-OFF", "amount", value="100.00", stackable=True)
    promotion(food, "SHIP", "free_delivery", stackable=True)
    delivery = {"brand": "sushi", "amount": "99.00"}
    said = food.order("o1", items=[dish("a", "1000.00")], promo_codes=["A-OFF", "SHIP", "B-TEN"], delivery=delivery)[
        "order"
    ]
    assert said["net"] == "800.00"
    assert said["promotions"] == [
        {"code": "B-TEN", "discount": "100.00"},
        {"code": "A-OFF", "discount": "100.00"},
        {"code": "SHIP", "discount": "99.00"},
    ]


def test_of_those_that_do_not_stack_the_client_gets_the_best_and_uses_only_that(food: Food) -> None:
    """250.00 off beats 20 % of 1000.00 and beats 10 % with 120.00 off; the others are not used."""
    food.client("anna", "2000.00")
    promotion(food, "TWENTY", value="20", max_uses=1)
    promotion(food, "BIG", "amount", value="250.00")
    promotion(food, "TEN", stackable=True)
    promotion(food, "OFF", "amount", value="120.00", stackable=True)
    codes = ["TWENTY", "BIG", "TEN", "OFF"]
    assert food.order("o1", items=[dish("a", "1000.00")], promo_codes=codes)["order"]["net"] == "750.00"
    assert food.postgres.state()["used"] == {"TWENTY": 0, "BIG": 1, "TEN": 0, "OFF": 0}
    said = food.order("o2", items=[dish("a", "400.00")], promo_codes=["TWENTY", "TEN", "OFF"])
    assert said["order"]["promotions"] == [{"code": "TEN", "discount": "40.00"}, {"code": "OFF", "discount": "120.00"}]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"valid_from": "2024-03-05"},
            "promo_not_yet_valid",
            "promotion X is valid from 2024-03-05, the order is of 2024-03-04",
        ),
        (
            {"valid_until": "2024-03-03"},
            "promo_expired",
            "promotion X was valid until 2024-03-03, the order is of 2024-03-04",
        ),
        ({"brand": "pizza"}, "promo_does_not_apply", "promotion X does not apply: the order has no dish of pizza"),
        (
            {"min_order": "500.00"},
            "promo_below_minimum",
            "promotion X needs 500.00 of dishes, the order has 450.00 RUB; short by 50.00",
        ),
        ({"max_uses": 0}, "promo_used_up", "promotion X is used up: 0 of 0 uses"),
        ({"max_uses_per_party": 0}, "promo_used_up_by_party", "promotion X is used up by account anna: 0 of 0 uses"),
    ],
)
def test_a_code_that_does_not_apply_is_refused_with_the_reason(
    food: Food, given: dict[str, Any], code: str, message: str
) -> None:
    """Nothing is posted, and the refusal is kept for its key."""
    food.client("anna", "2000.00")
    promotion(food, "X", **given)
    said = food.order("o1", items=[dish("a", "450.00")], promo_codes=["X"])
    assert (said["status"], said["code"], said["message"]) == ("declined", code, message)
    assert food.order("o1", items=[dish("a", "450.00")], promo_codes=["X"])["replayed"]
    assert food.balance("anna") == "2000.00"


def test_both_days_of_validity_are_included(food: Food) -> None:
    """In the book's time zone: 23:30 on the last day is in time, half past midnight is not."""
    food.client("anna", "2000.00")
    promotion(food, "X", valid_from="2024-03-04", valid_until="2024-03-04")
    food.at("2024-03-04", "23:30")
    assert food.order("o1", items=[dish("a", "100.00")], promo_codes=["X"])["status"] == "posted"
    food.at("2024-03-05", "00:30")
    assert food.order("o2", items=[dish("a", "100.00")], promo_codes=["X"])["code"] == "promo_expired"


def test_several_reasons_are_named_in_one_order(food: Food) -> None:
    """Unknown before expired before below its minimum; and the account before all of them."""
    food.client("anna", "1.00")
    promotion(food, "LATE", valid_until="2024-03-01")
    promotion(food, "MORE", min_order="500.00")
    order = {"items": [dish("a", "450.00")]}
    assert food.order("o1", promo_codes=["MORE", "LATE", "NONE"], **order)["code"] == "promo_unknown"
    assert food.order("o2", promo_codes=["MORE", "LATE"], **order)["code"] == "promo_expired"
    assert food.order("o3", promo_codes=["MORE"], **order)["code"] == "promo_below_minimum"
    assert food.order("o4", account="boris", promo_codes=["LATE"], **order)["code"] == "account_not_found"
    food.record(type="account_status", account="anna", status="frozen")
    assert food.order("o5", promo_codes=["LATE"], **order)["code"] == "account_frozen"


def test_a_first_order_is_a_clients_first(food: Food) -> None:
    """A cancelled order was none."""
    food.client("anna", "2000.00")
    promotion(food, "HELLO", first_order_only=True)
    food.order("o1", items=[dish("a", "100.00")])
    said = food.order("o2", items=[dish("a", "100.00")], promo_codes=["HELLO"])
    assert said["message"] == "promotion HELLO is for a first order only, account anna ordered 1 times before"
    food.post("cancel", "c1", order="o1")
    assert food.order("o3", items=[dish("a", "100.00")], promo_codes=["HELLO"])["status"] == "posted"


def test_uses_are_counted_by_client_and_given_back_by_a_cancel(food: Food) -> None:
    """Two uses in all, one a client: the third client is refused until the first cancels."""
    for name in ("anna", "boris", "clara"):
        food.client(name, "500.00")
    promotion(food, "TWO", max_uses=2, max_uses_per_party=1)
    order = {"items": [dish("a", "100.00")], "promo_codes": ["TWO"]}
    assert food.order("o1", "anna", **order)["status"] == "posted"
    assert food.order("o2", "anna", **order)["code"] == "promo_used_up_by_party"
    assert food.order("o3", "boris", **order)["status"] == "posted"
    assert food.order("o4", "clara", **order)["code"] == "promo_used_up"
    food.post("cancel", "c1", order="o1")
    assert food.order("o5", "clara", **order)["status"] == "posted"
    assert food.postgres.rows("SELECT used FROM promotion") == [(2,)]


def test_a_limit_set_later_counts_the_uses_before(food: Food) -> None:
    """Used once without a limit; a limit of one is used up from its first moment. Only PostgreSQL administers."""
    food.client("anna", "500.00")
    promotion(food, "X")
    food.order("o1", items=[dish("a", "100.00")], promo_codes=["X"])
    food.postgres.administer({"type": "promotion", "code": "X", "max_uses": 1})
    food.pure.shop.promotions["X"].max_uses = 1
    assert food.order("o2", items=[dish("a", "100.00")], promo_codes=["X"])["code"] == "promo_used_up"


def test_promotions_and_programmes_are_changed_by_dated_rows(food: Food) -> None:
    """Who set what, from what; the same again writes nothing; the kind never changes."""
    world = food.postgres
    line = {"type": "promotion", "code": "X", "kind": "amount", "value": "50.00", "brand": "sushi", "by": "olga"}
    for record in (line, line, {"type": "promotion", "code": "X", "value": "70.00"}):
        world.administer(record)
    for _ in range(2):
        world.administer({"type": "bonus_program", "brand": "sushi", "accrue_percent": "5", "redeem_percent": "30"})
    rows = world.rows(
        "SELECT kind, subject, before->>'value', after->>'value', after->>'brand', by FROM change "
        "WHERE id > 2 ORDER BY id"
    )
    assert rows == [
        ("promotion", "X", None, "50.00", "sushi", "olga"),
        ("promotion", "X", "50.00", "70.00", None, None),
        ("bonus_program", "sushi", None, None, None, None),
    ]
    with pytest.raises(AssertionError, match="never_changes"):
        world.administer({"type": "promotion", "code": "X", "kind": "percent"})


def test_a_quote_prices_and_writes_nothing(food: Food) -> None:
    """The priced order without a number; the code is as unused as before."""
    from ledger.food.core.commands import parse

    food.client("anna", "500.00")
    promotion(food, "X", max_uses=1)
    line = {"type": "order", "key": "o1", "account": "anna", "items": [dish("a", "100.00")], "promo_codes": ["X"]}
    before = food.postgres.state()
    [said] = food.postgres.desk.quote([parse(line)])  # type: ignore[list-item]
    assert said.to_json()["order"]["net"] == "90.00"
    assert said.to_json()["transaction"] is None
    assert food.postgres.state() == before


def test_an_order_whose_dishes_are_all_refunded_gives_its_promotions_back(food: Food) -> None:
    """As a cancel does: the one use is free again, the first order is one again, and a cancel gives nothing back twice."""
    food.client("anna", "1000.00")
    food.record(type="promotion", code="ONE", kind="percent", value="10", max_uses=1)
    food.record(type="promotion", code="NEW", kind="percent", value="50", first_order_only=True)
    food.order("o1", items=[dish("a", "100.00", 2)], promo_codes=["ONE"])
    food.post("deliver", order="o1")
    food.post("refund_items", order="o1", items=[{"sku": "a", "quantity": 1}])
    assert food.order("o2", items=[dish("a", "100.00")], promo_codes=["ONE"])["code"] == "promo_used_up"
    assert food.order("o3", items=[dish("a", "100.00")], promo_codes=["NEW"])["code"] == "promo_first_order_only"
    food.post("refund_items", order="o1", items=[{"sku": "a", "quantity": 1}])
    assert food.postgres.state()["counted"] == {"ONE": 0}
    food.post("cancel", order="o1")
    assert food.postgres.state()["counted"] == {"ONE": 0}
    assert food.order("o4", items=[dish("a", "100.00")], promo_codes=["ONE"])["status"] == "posted"
    food.post("cancel", order="o4")
    assert food.order("o5", items=[dish("a", "100.00")], promo_codes=["NEW"])["order"]["net"] == "50.00"


def test_a_pre_order_that_ran_out_is_a_cancelled_order_by_time_alone(food: Food) -> None:
    """
    o1, a pre-order for 5 March with the client's first-order code, the only use; nobody delivers it
    on 7 March the code serves again, o2, though nothing was booked
    o1 delivered late all the same: its price and promotion of then, counted again though the maximum is reached
    """
    food.client("anna", "100.00")
    food.record(type="promotion", code="NEW", kind="percent", value="50", first_order_only=True, max_uses=1)
    food.order("o1", items=[dish("a", "80.00")], promo_codes=["NEW"], due_at="2024-03-05T12:00:00+03:00")
    food.at("2024-03-06", "11:59")
    assert food.order("o2", items=[dish("a", "100.00")], promo_codes=["NEW"])["code"] == "promo_first_order_only"
    food.at("2024-03-07")
    assert food.order("o3", items=[dish("a", "100.00")], promo_codes=["NEW"])["order"]["net"] == "50.00"
    said = food.post("deliver", "d1", order="o1")
    assert (said["status"], said["order"]["status"], food.balance("anna")) == ("posted", "delivered", "10.00")
    assert said["order"]["paid"]["client"] == "40.00"
    assert food.order("o4", items=[dish("a", "1.00")], promo_codes=["NEW"])["facts"]["orders"] == 2
    rows = food.postgres.rows(
        "SELECT number, used_at, given_back_at FROM promotion_use u JOIN food_order o ON o.id = u.order_id "
        "AND o.key = 'o1' ORDER BY number"
    )
    placed, ran_out, late = (datetime(2024, 3, day, 12, tzinfo=MOSCOW) for day in (4, 6, 7))
    assert rows == [(1, placed, ran_out), (2, late, None)]
    food.post("refund_items", order="o1", items=[{"sku": "a", "quantity": 1}])
    assert food.balance("anna") == "50.00"


def test_a_pre_order_delivered_too_late_needs_its_money_again(food: Food) -> None:
    """What had been set aside is spent by then: the delivery is declined, and the order stays as it was."""
    food.client("anna", "100.00")
    food.order("o1", items=[dish("a", "80.00")], due_at="2024-03-05T12:00:00+03:00")
    food.at("2024-03-07")
    food.order("o2", items=[dish("a", "50.00")])
    said = food.post("deliver", "d1", order="o1")
    assert (said["code"], said["facts"]["short_by"]) == ("insufficient_funds", "30.00")
    food.post("payment", account="anna", amount="30.00", brand="sushi")
    assert food.post("deliver", "d2", order="o1")["status"] == "posted"
    assert food.balance("anna") == "0.00"


def test_a_promotion_is_valid_on_the_day_when_the_order_happened(food: Food) -> None:
    """A till that was offline until after midnight: the last day of TEN was the order's, not the booking's."""
    food.client("anna", "2000.00")
    promotion(food, "TEN", valid_until="2024-03-04")
    food.at("2024-03-05", "00:10")
    late = {"items": [dish("a", "100.00")], "promo_codes": ["TEN"]}
    assert food.order("o1", **late)["code"] == "promo_expired"
    assert food.order("o2", **late, occurred_at="2024-03-04T23:50:00+03:00")["order"]["net"] == "90.00"
