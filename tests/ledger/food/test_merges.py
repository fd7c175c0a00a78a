"""Duplicate clients with orders and points: lots keep their dates, orders count for the successor, what they get back
comes to it. Each test runs on the pure core and on PostgreSQL.
"""

from datetime import datetime
from typing import Any

from ledger.food.core import commands as f
from tests.ledger.food.shops import Food, dish
from tests.ledger.worlds import MOSCOW

PROGRAM = {
    "type": "bonus_program",
    "brand": "sushi",
    "accrue_percent": "10",
    "redeem_percent": "50",
    "expires_after_days": 10,
    "valid_from": "2024-01-01",
}


def opened(food: Food) -> None:
    food.record(**PROGRAM)
    food.client("anna", "100.00")
    food.client("anna2", "1000.00")


def gift(food: Food, account: str, amount: str, **fields: str) -> None:
    food.post("bonus", account=account, brand="sushi", amount=amount, reason="welcome", **fields)


def merge(food: Food, account: str = "anna2", into: str = "anna") -> None:
    food.record(type="merge", account=account, into=into, at=food.now.isoformat())
    food.agree([world.state() for world in food.worlds])


def lots(food: Food, account: str) -> list[tuple[str, int]]:
    """Return the lots with points left: the day on which they are gone, how many."""
    return [(str(gone_on), left) for gone_on, _, left in food.postgres.state()["lots"].get(account, []) if left]


def refused(food: Food, **line: Any) -> str:
    """Return the sentence by which an administration line is declined; nothing may have moved."""
    before = food.postgres.state()
    [outcome] = food.postgres.desk.administer([f.parse(line)])  # type: ignore[list-item]
    assert food.postgres.state() == before, "something moved"
    return str(outcome.to_json()["message"])


def test_points_move_with_their_lots_and_those_of_an_order_come_back_to_the_successor(food: Food) -> None:
    """
    anna2: 50 points until 6 March, 30 of order o1 until 14 March; o2 of 100.00 is paid by 40 of the first.
    After the merge anna has her 20 and 10 + 30; the refund of o2 gives 40 back, with their old date.
    """
    opened(food)
    gift(food, "anna", "20.00")
    gift(food, "anna2", "50.00", expires_on="2024-03-06")
    food.order("o1", "anna2", items=[dish("set", "300.00")])
    food.post("deliver", order="o1")
    food.order("o2", "anna2", items=[dish("set", "100.00")], bonus_at_most="40.00")
    before = datetime(2024, 3, 4, 12, 30, tzinfo=MOSCOW)
    stood = food.postgres.bonuses("anna2", before)
    food.at("2024-03-05")
    merge(food)
    assert (food.balance("anna"), food.balance("anna2")) == ("740.00", "0.00")
    assert (food.balance("anna.sushi"), food.balance("anna2.sushi")) == ("60.00", "0.00")
    assert lots(food, "anna.sushi") == [("2024-03-07", 1000), ("2024-03-15", 2000), ("2024-03-15", 3000)]

    said = food.post("cancel", "x2", order="o2")
    assert [(moved["account"], moved["amount"]) for moved in said["accounts"]] == [
        ("anna.sushi", "40.00"),
        ("anna", "60.00"),
    ]
    assert lots(food, "anna.sushi") == [("2024-03-07", 5000), ("2024-03-15", 2000), ("2024-03-15", 3000)]
    food.post("cancel", "x1", order="o1")  # its own 30 are taken back from its own lot
    assert lots(food, "anna.sushi") == [("2024-03-07", 5000), ("2024-03-15", 2000)]

    now = datetime(2024, 3, 5, 12, tzinfo=MOSCOW)
    [points] = food.postgres.bonuses("anna", now)
    assert points["expiring"] == [{"on": "2024-03-07", "amount": "50.00"}, {"on": "2024-03-15", "amount": "20.00"}]
    assert food.postgres.bonuses("anna2", before) == stood
    [nothing] = food.postgres.bonuses("anna2", now)
    assert (nothing["balance"], nothing["expiring"]) == ("0.00", [])
    food.at("2024-03-08")
    food.postgres.expire(food.now)
    food.pure.expire(food.now)
    assert food.balance("anna.sushi") == "20.00"


def test_what_is_owed_in_points_moves_and_is_paid_at_once(food: Food) -> None:
    """anna2 spent the 30 points of an order that was cancelled, and owes them; anna has 100."""
    opened(food)
    food.order("o1", "anna2", items=[dish("set", "300.00")])
    food.post("deliver", order="o1")
    food.order("o2", "anna2", items=[dish("set", "100.00")], bonus_at_most="30.00")
    food.post("cancel", order="o1")
    assert food.postgres.state()["points owed"] == {"anna2.sushi": 3000}
    gift(food, "anna", "100.00")
    merge(food)
    assert food.postgres.state()["points owed"] == {}
    assert food.balance("anna.sushi") == "70.00"


def test_orders_count_for_the_successor(food: Food) -> None:
    """A first order there is none any more; uses of a promotion by one client are those of both; so are older orders."""
    opened(food)
    food.record(type="promotion", code="FIRST", kind="percent", value="10", first_order_only=True)
    food.record(type="promotion", code="ONCE", kind="amount", value="5.00", max_uses_per_party=1)
    for party, orders in (("anna2", 3), ("anna", 1)):
        [done] = food.postgres.desk.administer(
            [f.parse({"type": "party", "reference": party, "orders_before": orders})]
        )  # type: ignore[list-item]
        assert done.to_json()["status"] == "done"
    food.order("o1", "anna2", items=[dish("set", "300.00")], promo_codes=["ONCE"])
    merge(food)
    once = food.order("o2", items=[dish("set", "50.00")], promo_codes=["ONCE"])
    assert (once["code"], once["facts"]["used"]) == ("promo_used_up_by_party", 1)
    assert food.postgres.rows("SELECT reference, orders_before FROM party ORDER BY 1") == [("anna", 4), ("anna2", 0)]
    assert food.pure.shop.orders_of[sum(b"anna")] == 1
    food.postgres.administer({"type": "party", "reference": "anna", "orders_before": 0})
    first = food.order("o3", items=[dish("set", "50.00")], promo_codes=["FIRST"])
    assert (first["code"], first["facts"]["orders"]) == ("promo_first_order_only", 1)


def test_steps_of_an_order_of_the_old_account_move_the_new_one(food: Food) -> None:
    """It is delivered and brings 10 % in points, it is refunded in part, and cancelled for a fee."""
    opened(food)
    food.order("o1", "anna2", items=[dish("set", "100.00", 2)])
    merge(food)
    assert food.post("deliver", order="o1")["order"]["bonuses"]["accrued"] == "20.00"
    assert food.balance("anna.sushi") == "20.00"
    said = food.post("refund_items", order="o1", items=[{"sku": "set", "quantity": 1}])
    assert [(moved["account"], moved["amount"]) for moved in said["accounts"]] == [("anna", "100.00")]
    assert (food.balance("anna.sushi"), said["order"]["paid"]["client"]) == ("10.00", "100.00")
    said = food.post("cancel", order="o1", fee="30.00")
    assert (food.balance("anna"), said["order"]["fee"]) == ("1070.00", {"brand": "sushi", "amount": "30.00"})
    assert food.order("o2", "anna2", items=[dish("set", "1.00")])["facts"]["merged_into"] == "anna"


def test_what_hangs_on_an_account_is_ended_first_and_named(food: Food) -> None:
    """A pre-order, a link, limits: nothing moves; said again a merge is done; a closed account is no end of one."""
    opened(food)
    food.client("acme")
    food.record(type="link", account="anna2", payer="acme", draw="payer_first")
    food.record(type="write_off_limit", payer="acme", account="anna2", period="day", amount="5.00")
    food.order("p1", "anna2", items=[dish("set", "100.00")], due_at="2124-03-09T12:00:00+03:00")
    line = {"type": "merge", "account": "anna2", "into": "anna", "at": food.now.isoformat()}
    assert refused(food, **line).endswith("(Anna): it has open hold p1, link anna2 <- acme, limit acme -> anna2 day")
    food.record(type="write_off_limit", payer="acme", account="anna2", period="day", amount=None)
    food.record(type="link", account="anna2", payer="acme", draw=None)
    food.post("cancel", order="p1")
    merge(food)
    [again] = food.postgres.desk.administer([f.parse(line)])  # type: ignore[list-item]
    assert again.to_json()["status"] == "done"
    assert "is closed: it was merged into account" in refused(food, **{**line, "into": "acme"})
    assert "is closed: it was merged into account" in refused(food, **{**line, "account": "acme", "into": "anna2"})
    assert "is closed: it was merged" in refused(food, type="credit_terms", account="anna2", limit="5.00")
