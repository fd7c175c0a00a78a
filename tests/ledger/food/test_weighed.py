"""Weighed goods: what a delivery came to, dearer or cheaper than ordered. Each test runs on the pure core and PostgreSQL."""

from typing import Any

from ledger.food.core import commands as f
from tests.ledger.food.shops import Food, dish


def preorder(food: Food, money: str = "1000.00", **limits: Any) -> None:
    """Anna's fish for 400.00, ordered on 4 March for the next day; acme pays within limits, if there are any."""
    food.client("anna", money)
    food.client("acme", "5000.00")
    if limits:
        food.record(type="link", account="anna", payer="acme", draw="payer_first", group="kitchen")
    for period, limit in limits.items():
        of = {"group": "kitchen"} if period == "month" else {"account": "anna"}
        food.record(type="write_off_limit", payer="acme", **of, period=period, **limit)
    food.order("p1", items=[dish("fish", "400.00")], due_at="2024-03-05T11:00:00+03:00")
    food.at("2024-03-05")


def weigh(food: Food, amount: str, order: str = "p1", quantity: int = 1) -> dict[str, Any]:
    return food.post("deliver", order=order, items=[{"sku": "fish", "quantity": quantity, "amount": amount}])


def used(food: Food, period: str, day: str) -> tuple[int, int]:
    of = "acme" if period == "month" else "anna"
    rows = food.postgres.rows(
        "SELECT u.amount, u.count FROM usage u JOIN account a ON a.id = u.account_id "
        f"WHERE a.reference = '{of}' AND period = '{period}' AND since = '{day}'"
    )
    return rows[0] if rows else (0, 0)


def test_what_is_dearer_is_captured_first_and_the_rest_debited(food: Food) -> None:
    """430.00 for 400.00: 400 captured, 30 debited, 43 points. Refunds: 20.00 of the surplus, then its 10.00 and 400.00."""
    food.record(type="bonus_program", brand="sushi", accrue_percent="10", redeem_percent="50", valid_from="2024-01-01")
    preorder(food)
    said = weigh(food, "430.00")
    assert (said["order"]["paid"]["client"], said["order"]["lines"][0]["weighed"]) == ("430.00", "430.00")
    assert (food.balance("anna"), food.balance("anna.sushi")) == ("570.00", "43.00")
    rows = food.postgres.rows(
        "SELECT t.kind, t.key, t.amount, t.refers_to = (SELECT id FROM transaction WHERE key = 'p1') FROM transaction t "
        "WHERE kind IN ('capture', 'debit') ORDER BY id"
    )
    [capture, surplus] = rows
    assert (capture[0], capture[2]) == ("capture", 40000)
    assert (surplus[0], surplus[2:], surplus[1].startswith("tiffin:surplus:")) == ("debit", (3000, True), True)
    food.post("refund_items", order="p1", amount="20.00")
    assert (food.balance("anna"), food.balance("anna.sushi")) == ("590.00", "41.00")
    assert food.postgres.rows(
        "SELECT sum(amount) FROM transaction WHERE kind = 'refund' AND refers_to IN "
        "(SELECT id FROM transaction WHERE kind = 'debit')"
    ) == [(2000,)]
    said = food.post("refund_items", order="p1", items=[{"sku": "fish", "quantity": 1}])
    assert (food.balance("anna"), food.balance("anna.sushi"), said["order"]["paid"]["client"]) == (
        "1000.00",
        "0.00",
        "0.00",
    )


def test_the_surplus_counts_in_the_windows_of_its_order_and_as_no_other(food: Food) -> None:
    """
    Acme pays 500.00 a day and one order a day, 2 a month for the kitchen: of 550.00 it pays 500.00, all of 4 March.
    """
    preorder(food, day={"amount": "500.00", "count": 1}, month={"amount": "900.00", "count": 2})
    said = weigh(food, "550.00")
    assert said["order"]["paid"] == {"bonuses": "0.00", "payers": "500.00", "client": "50.00"}
    assert (used(food, "day", "2024-03-04"), used(food, "day", "2024-03-05")) == ((50000, 1), (0, 0))
    assert used(food, "month", "2024-03-01") == (50000, 1)
    food.post("refund_items", order="p1", amount="150.00")  # all of the surplus: the order still counts
    assert (used(food, "day", "2024-03-04"), used(food, "month", "2024-03-01")) == ((40000, 1), (40000, 1))
    food.post("cancel", order="p1")
    assert (used(food, "day", "2024-03-04"), used(food, "month", "2024-03-01")) == ((0, 0), (0, 0))


def test_a_limit_set_afterwards_counts_the_order_once(food: Food) -> None:
    """By what entries say: 450.00 on 4 March, one order."""
    preorder(food, month={"amount": "900.00"})
    weigh(food, "450.00")
    food.record(type="write_off_limit", payer="acme", account="anna", period="day", amount="500.00")
    assert used(food, "day", "2024-03-04") == (45000, 1)


def test_a_limit_of_one_order_holds_for_both_together(food: Food) -> None:
    """420.00 an order: of 450.00 the company pays 420.00."""
    preorder(food, order={"amount": "420.00", "count": 1})
    assert weigh(food, "450.00")["order"]["paid"] == {"bonuses": "0.00", "payers": "420.00", "client": "30.00"}


def test_a_surplus_that_is_declined_declines_the_delivery(food: Food) -> None:
    """Nothing moves, and the pre-order still stands: by 400.00 it is delivered."""
    preorder(food, money="400.00")
    assert weigh(food, "430.00")["code"] == "insufficient_funds"
    assert food.balance("anna") == "400.00"
    assert weigh(food, "400.00")["status"] == "posted"
    assert food.balance("anna") == "0.00"


def test_what_is_cheaper_is_not_charged(food: Food) -> None:
    """350.00 of a pre-order of 400.00; of an order charged at once, two for 380.00 of 400.00, and one back for 190.00."""
    preorder(food)
    weigh(food, "350.00")
    assert food.balance("anna") == "650.00"
    food.order("o1", items=[dish("fish", "200.00", 2)])
    weigh(food, "380.00", "o1", 2)
    assert food.balance("anna") == "270.00"
    food.post("refund_items", order="o1", items=[{"sku": "fish", "quantity": 1}])
    assert food.balance("anna") == "460.00"


def test_an_order_charged_at_once_and_one_that_ran_out_may_be_dearer(food: Food) -> None:
    """430.00 instead of 400.00, each; the quote says so before."""
    preorder(food)
    food.order("o1", items=[dish("fish", "400.00")])
    line = {
        "type": "deliver",
        "key": "q",
        "order": "o1",
        "at": food.now.isoformat(),
        "items": [{"sku": "fish", "quantity": 1, "amount": "430.00"}],
    }
    [quote] = food.postgres.desk.quote([f.parse(line)])  # type: ignore[list-item]
    assert quote.to_json()["order"]["paid"]["client"] == "430.00"
    weigh(food, "430.00", "o1")
    assert food.balance("anna") == "570.00"
    food.post("payment", account="anna", amount="500.00", brand="sushi")
    food.at("2024-03-07")
    weigh(food, "430.00")
    assert food.balance("anna") == "640.00"


def test_an_amount_is_of_what_is_delivered(food: Food) -> None:
    """One of two pieces, at 210.00 instead of 200.00: the other is not charged."""
    food.client("anna", "1000.00")
    food.order("p1", items=[dish("fish", "200.00", 2)], due_at="2024-03-05T11:00:00+03:00")
    weigh(food, "210.00")
    assert food.balance("anna") == "790.00"
