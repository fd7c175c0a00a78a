"""Points given by hand, and where they are spent: to whom, until when, at whose expense. Each test runs on the pure core and on PostgreSQL."""

from typing import Any

import pytest

from ledger.core import commands
from ledger.food.core import commands as f
from tests.ledger.food.shops import Food, dish

PROGRAM = {
    "type": "bonus_program",
    "brand": "sushi",
    "accrue_percent": "10",
    "redeem_percent": "50",
    "valid_from": "2024-01-01",
}


def gift(food: Food, key: str, **fields: str) -> dict[str, object]:
    """Give anna points."""
    return food.post(
        "bonus", key, **{"account": "anna", "brand": "sushi", "amount": "300.00", "reason": "welcome"} | fields
    )


def test_a_client_who_never_ordered_gets_points_by_the_money_account_and_a_brand(food: Food) -> None:
    """The bonus account comes into being; the next gift is on the same; 50 % of 400.00 is paid by points."""
    food.client("anna", "1000.00")
    food.record(**PROGRAM)
    assert gift(food, "b1")["accounts"][0]["account"] == "anna.sushi"  # type: ignore[index]
    assert gift(food, "b2", amount="50.00")["accounts"][0]["balance"] == "350.00"  # type: ignore[index]
    assert gift(food, "b3", amount="-400.00")["code"] == "insufficient_funds"
    said = food.order("o1", items=[dish("set", "400.00")], bonus_at_most="1000.00")
    assert [(moved["account"], moved["amount"]) for moved in said["accounts"]] == [
        ("anna.sushi", "-200.00"),
        ("anna", "-200.00"),
    ]


def test_a_gift_ends_with_its_own_day_whatever_the_programme_says(food: Food) -> None:
    """Given on 4 March: 300.00 until 10 March, 100.00 by the programme's 60 days; a gift of the past is none."""
    food.client("anna", "1000.00")
    food.record(**PROGRAM, expires_after_days=60)
    gift(food, "b1", expires_on="2024-03-10")
    gift(food, "b2", amount="100.00")
    assert gift(food, "b3", expires_on="2024-03-03")["message"] == (
        "expires_on: 2024-03-03 is before the day of booking, 2024-03-04"
    )
    food.at("2024-03-10", "23:59")
    order = {"items": [dish("set", "100.00")], "bonus_at_most": "10.00"}
    assert food.order("o1", **order)["accounts"][0]["balance"] == "390.00"  # the first to expire is spent first
    food.at("2024-03-11", "00:00")
    assert food.order("o2", **order)["accounts"][0]["balance"] == "90.00"  # 290.00 are gone
    lots = food.postgres.rows("SELECT amount, expired, points_left, gone_on::text FROM bonus_lot ORDER BY 1")
    assert lots == [(10000, 0, 9000, "2024-05-04"), (30000, 29000, 0, "2024-03-11")]


def test_a_gift_is_the_expense_of_whose_fault_it_was(food: Food) -> None:
    """Sushi's points, because pizza was late: pizza's bonus_expense, which faces anna's points."""
    food.client("anna", "0.00")
    gift(food, "b1", charge_to="pizza", reason="an hour late")
    assert [entry[:2] + entry[7:8] for entry in food.postgres.state()["transactions"]["b1"][5]] == [
        ("anna.sushi", 30000, None),
        ("bonus_expense pizza", -30000, "anna.sushi"),
    ]
    assert gift(food, "b2", charge_to="kebab")["code"] == "brand_not_found"
    assert gift(food, "b3", account="nobody")["code"] == "account_not_found"


def test_a_closed_account_gets_no_points(food: Food) -> None:
    """Neither a first gift nor another."""
    food.client("anna", "0.00")
    food.record(type="account_status", account="anna", status="closed")
    assert gift(food, "b1")["code"] == "account_closed"


def test_what_is_taken_has_no_end() -> None:
    """Points that are taken do not expire."""
    taken = {"type": "bonus", "key": "b", "account": "anna", "brand": "sushi", "amount": "-1.00", "reason": "x"}
    with pytest.raises(ValueError, match="expires_on: goes with points that are given"):
        commands.parse({**taken, "expires_on": "2024-03-10"})


def spenders(food: Food, *, kebab: bool = False) -> None:
    """Sushi's points pay half, at pizza and kebab, too; pizza's pay 30 %; kebab has no programme of its own."""
    food.record(type="brand", code="kebab")
    food.client("anna", "2000.00")
    food.record(**PROGRAM, spend_at=["pizza", "kebab"])
    pizza = {**PROGRAM, "brand": "pizza", "redeem_percent": "30"}
    food.record(**pizza, spend_at=["kebab"] if kebab else [])
    gift(food, "b1", amount="500.00")
    gift(food, "b2", amount="40.00", brand="pizza")


def moved(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who paid what."""
    return [(one["account"], one["amount"]) for one in said["accounts"]]


ITEMS = [dish("set", "200.00"), dish("marg", "300.00", brand="pizza"), dish("doner", "100.00", brand="kebab")]


def test_points_are_spent_at_other_brands_up_to_these_brands_own_share(food: Food) -> None:
    """Sushi 100 of its 200; pizza its 40, then sushi 50 up to 90 of 300; of kebab 50 of 100 by sushi's own share."""
    spenders(food)
    said = food.order("o1", items=ITEMS, bonus_at_most="1000.00")
    assert moved(said) == [("anna.sushi", "-200.00"), ("anna.pizza", "-40.00"), ("anna", "-360.00")]
    paid = [(e[0], e[7], e[1]) for e in food.postgres.state()["transactions"]["o1"][5] if e[8] is not None]
    assert paid == [
        ("revenue kebab", "anna.sushi", 5000),
        ("revenue kebab", "anna", 5000),
        ("revenue pizza", "anna.pizza", 4000),
        ("revenue pizza", "anna.sushi", 5000),
        ("revenue pizza", "anna", 21000),
        ("revenue sushi", "anna.sushi", 10000),
        ("revenue sushi", "anna", 10000),
    ]
    back = food.post("refund_items", order="o1", items=[{"sku": "marg", "quantity": 1}])
    assert moved(back) == [("anna.sushi", "50.00"), ("anna.pizza", "40.00"), ("anna", "210.00")]


def test_the_client_says_how_many_points_in_all(food: Food) -> None:
    """180: sushi's 100 and pizza's 40 on their own dishes first, 40 of kebab's, which is first by its code."""
    spenders(food)
    said = food.order("o1", items=ITEMS, bonus_at_most="180.00")
    assert moved(said) == [("anna.sushi", "-140.00"), ("anna.pizza", "-40.00"), ("anna", "-420.00")]


def test_points_of_all_programmes_together_pay_an_issuers_share_where_the_brand_has_none(food: Food) -> None:
    """Of kebab's 100 pizza pays its 30, and sushi what is left of its 50; a pre-order holds and captures the same."""
    spenders(food, kebab=True)
    items = [dish("doner", "100.00", brand="kebab")]
    said = food.order("o1", items=items, bonus_at_most="1000.00", due_at="2024-03-05T12:00:00+03:00")
    held = [(one["account"], one["held"]) for one in said["accounts"]]
    assert held == [("anna.sushi", "20.00"), ("anna.pizza", "30.00"), ("anna", "50.00")]
    food.at("2024-03-09")  # its hold ran out: delivered all the same, points pay again what they had set aside
    assert moved(food.post("deliver", order="o1")) == [
        ("anna.sushi", "-20.00"),
        ("anna.pizza", "-30.00"),
        ("anna", "-50.00"),
    ]


def test_a_brand_that_is_not_there_has_no_points_spent_at(food: Food) -> None:
    """And a programme's own brand is no other."""
    [said] = food.postgres.desk.administer([f.parse({**PROGRAM, "spend_at": ["nowhere"]})])  # type: ignore[list-item]
    assert said.to_json()["code"] == "brand_not_found"
    food.record(**PROGRAM, spend_at=["sushi", "pizza"])
    assert food.postgres.rows("SELECT spend_at FROM bonus_program") == [(["pizza"],)]
