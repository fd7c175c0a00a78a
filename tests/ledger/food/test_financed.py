"""Discounts that other brands finance, posted with the order. Each test runs on the pure core and on PostgreSQL."""

from typing import Any

import pytest

from ledger.food.core import commands as f
from tests.ledger.food.shops import Food, dish


def opened(food: Food, *shares: tuple[str, str], **more: Any) -> None:
    """Anna has 1000.00; TEN takes 10 % off, of which brands pay shares to the sellers."""
    food.record(type="brand", code="wok")
    food.client("anna", "1000.00")
    financed = [{"brand": brand, "percent": percent} for brand, percent in shares]
    food.record(type="promotion", code="TEN", kind="percent", value="10", financed=financed, **more)


def legs(food: Food, key: str) -> list[tuple[str, int, str, str | None]]:
    """Return the brands' legs of a transaction that are financed: account, amount, whom it faces, code."""
    entries = food.postgres.state()["transactions"][key][5]
    assert entries == food.pure.state()["transactions"][key][5]
    return [(e[0], e[1], e[7], e[13]) for e in entries if e[13] is not None]


EXPENSE, INCOME = "promotion_expense", "promotion_income"


def test_the_financer_pays_the_seller_with_the_order_and_refunds_go_back_in_proportion(food: Food) -> None:
    """
    Two sushi at 250.00 less 50.00: wok pays 60 %, 30.00; VAT of 10 % is of 450.00 + 30.00: 43.64. One of them comes
    back: 15.00; 75.00 of the 225.00 left: a third of 15.00.
    """
    opened(food, ("wok", "60"))
    food.order("o1", items=[{**dish("set", "250.00", 2), "vat_rate": "10"}], promo_codes=["TEN"])
    assert legs(food, "o1") == [
        ("adjustments wok", -3000, "cash sushi", EXPENSE),
        ("adjustments sushi", 3000, "cash wok", INCOME),
    ]
    assert [e[11] for e in food.postgres.state()["transactions"]["o1"][5] if e[8]] == [4364]
    food.post("refund_items", "r1", order="o1", items=[{"sku": "set", "quantity": 1}])
    assert [amount for _, amount, _, _ in legs(food, "r1")] == [1500, -1500]
    food.post("refund_items", "r2", order="o1", amount="75.00")
    assert [amount for _, amount, _, _ in legs(food, "r2")] == [500, -500]
    food.post("cancel", "c1", order="o1")
    assert [amount for _, amount, _, _ in legs(food, "c1")] == [1000, -1000]


def test_several_brands_share_and_a_brand_finances_nothing_of_its_own(food: Food) -> None:
    """Of 10.01 off sushi's dish wok pays 33.33 % and pizza 33.34 %; off wok's own dish of 100.00 only pizza pays."""
    opened(food, ("wok", "33.33"), ("pizza", "33.34"))
    items = [dish("set", "100.10"), dish("soup", "100.00", brand="wok")]
    food.order("o1", items=items, promo_codes=["TEN"])
    paid = [(who, amount) for who, amount, _, code in legs(food, "o1") if code == EXPENSE]
    assert paid == [("adjustments pizza", -334), ("adjustments wok", -334), ("adjustments pizza", -334)]


def test_a_pre_order_is_financed_when_it_is_delivered(food: Food) -> None:
    """Nothing with the hold; of two ordered one is delivered: half of 30.00. One that is cancelled never is."""
    opened(food, ("wok", "60"))
    later = {"promo_codes": ["TEN"], "due_at": "2024-03-05T12:00:00+03:00"}
    food.order("p1", items=[dish("set", "250.00", 2)], **later)
    food.order("p2", items=[dish("set", "50.00")], **later)
    food.at("2024-03-05", "11:00")
    food.post("deliver", "d1", order="p1", items=[{"sku": "set", "quantity": 1}])
    food.post("cancel", "c2", order="p2")
    assert (legs(food, "p1"), [amount for _, amount, _, _ in legs(food, "d1")]) == ([], [-1500, 1500])
    assert legs(food, "c2") == []


def test_a_dish_that_is_free_is_financed_whole(food: Food) -> None:
    """100 % off, of which wok pays all: 50.00, and back with the cancel."""
    opened(food, ("wok", "100"))
    food.record(
        type="promotion", code="FREE", kind="percent", value="100", financed=[{"brand": "wok", "percent": "100"}]
    )
    food.order("o1", items=[{**dish("set", "50.00"), "vat_rate": "10"}], promo_codes=["FREE"])
    assert [amount for _, amount, _, _ in legs(food, "o1")] == [-5000, 5000]
    food.post("cancel", "c1", order="o1")
    assert [amount for _, amount, _, _ in legs(food, "c1")] == [5000, -5000]


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ([("wok", "60"), ("pizza", "41")], "financed: the brands pay more than 100 percent"),
        ([("wok", "60"), ("wok", "1")], "financed: a brand is named twice"),
        ([("wok", "0")], "financed: a brand pays nothing; leave it out"),
    ],
)
def test_shares_are_sensible(shares: list[tuple[str, str]], why: str) -> None:
    """At most the whole, each brand once, something each."""
    line = {"type": "promotion", "code": "TEN", "financed": [{"brand": b, "percent": p} for b, p in shares]}
    with pytest.raises(ValueError, match=why):
        f.parse(line)
