"""Points given by hand: to whom, until when, at whose expense. Each test runs on the pure core and on PostgreSQL."""

import pytest

from ledger.core import commands
from tests.ledger.food.shops import Food, dish

PROGRAM = {"type": "bonus_program", "brand": "sushi", "accrue_percent": "10", "redeem_percent": "50",
           "valid_from": "2024-01-01"}  # fmt: skip


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
        ("anna.sushi", "-200.00"), ("anna", "-200.00"),
    ]  # fmt: skip


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
        ("anna.sushi", 30000, None), ("bonus_expense pizza", -30000, "anna.sushi"),
    ]  # fmt: skip
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
