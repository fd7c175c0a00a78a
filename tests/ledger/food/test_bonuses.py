"""Bonuses: points given, spent, expired, taken back, restored. Each test runs on the pure core and on PostgreSQL."""

from datetime import datetime, timedelta

from tests.ledger.food.shops import Food, dish
from tests.ledger.worlds import MOSCOW


def programme(food: Food, days: int | None = 10, accrue: str = "10", redeem: str = "50", brand: str = "sushi") -> None:
    food.record(
        type="bonus_program", brand=brand, accrue_percent=accrue, redeem_percent=redeem, expires_after_days=days,
        valid_from="2024-01-01",
    )  # fmt: skip


def earn(food: Food, key: str, price: str) -> None:
    """Order a dish and have it delivered: a tenth comes back as points."""
    assert food.order(key, items=[dish("set", price)])["status"] == "posted"
    assert food.post("deliver", f"{key}-delivered", order=key)["status"] == "posted"


def points(food: Food) -> str:
    """Return what anna's sushi points sum to."""
    [name] = [name for name in food.postgres.state()["balances"] if "anna" in name and "sushi" in name]
    return food.balance(name)


def lots(food: Food) -> list[tuple[str, int]]:
    """Return (day gone, points left) of what is left."""
    [all_lots] = food.postgres.state()["lots"].values()
    return [(gone_on.isoformat(), left) for gone_on, _, left in all_lots if left]


def test_points_come_on_delivery_for_the_money_paid_for_the_brands_dishes(food: Food) -> None:
    """
    romashka pays 100.00 of 300.00 sushi, anna the rest, 10 % off; pizza and the delivery bring nothing
    270.00 of money: 27.00 points, none of them before the delivery
    """
    food.client("anna", "1000.00")
    food.client("romashka", "100.00")
    food.record(type="link", account="anna", payer="romashka", draw="payer_first")
    programme(food)
    food.record(type="promotion", code="TEN", kind="percent", value="10", brand="sushi")
    said = food.order(
        "o1", items=[dish("set", "300.00"), dish("marg", "200.00", brand="pizza")], promo_codes=["TEN"],
        delivery={"brand": "sushi", "amount": "99.00"},
    )  # fmt: skip
    assert said["order"]["paid"] == {"bonuses": "0.00", "payers": "100.00", "client": "469.00"}
    assert points(food) == "0.00"
    said = food.post("deliver", "d1", order="o1")
    assert said["order"]["bonuses"]["accrued"] == "27.00"
    assert points(food) == "27.00"


def test_points_pay_at_most_their_share_of_their_brands_lines_and_what_was_asked(food: Food) -> None:
    """100.00 points; half of 120.00 may be paid by points, of pizza nothing; asked 25.00, no more than that."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    said = food.order("o2", items=[dish("a", "120.00"), dish("marg", "200.00", brand="pizza")], bonus_at_most="500.00")
    assert said["order"]["paid"] == {"bonuses": "60.00", "payers": "0.00", "client": "260.00"}
    said = food.order("o3", items=[dish("a", "120.00")], bonus_at_most="25.00")
    assert said["order"]["paid"]["bonuses"] == "25.00"
    said = food.order("o4", items=[dish("a", "120.00")], bonus_at_most="500.00")
    assert said["order"]["paid"]["bonuses"] == "15.00"
    said = food.post("deliver", "d4", order="o4")
    assert said["order"]["bonuses"]["accrued"] == "10.50"


def test_two_brands_points_each_keep_their_own_share(food: Food) -> None:
    """Sushi's may pay half, pizza's a tenth, though both have plenty."""
    food.client("anna", "50000.00")
    programme(food)
    programme(food, redeem="10", brand="pizza")
    food.order("o1", items=[dish("a", "5000.00"), dish("b", "5000.00", brand="pizza")])
    food.post("deliver", "d1", order="o1")
    said = food.order("o2", items=[dish("a", "100.00"), dish("b", "100.00", brand="pizza")], bonus_at_most="1000.00")
    assert said["order"]["paid"] == {"bonuses": "60.00", "payers": "0.00", "client": "140.00"}


def test_points_of_two_brands_are_told_and_taken_back_in_the_order_of_the_lines(food: Food) -> None:
    """Pizza stands before sushi, whichever brand is older, at the delivery and at every step after it."""
    food.client("anna", "5000.00")
    programme(food)
    programme(food, brand="pizza")
    food.order("o1", items=[dish("a", "100.00", 2), dish("b", "100.00", brand="pizza")])
    steps = [food.post("deliver", "d1", order="o1")]
    steps.append(food.post("refund_items", "r1", order="o1", items=[{"sku": "a", "quantity": 1}]))
    steps.append(food.post("cancel", "c1", order="o1"))
    for said in steps:
        assert [points["brand"] for points in said["order"]["bonuses"]["brands"]] == ["pizza", "sushi"]


def test_points_expire_at_midnight_after_their_days_the_oldest_first(food: Food) -> None:
    """
    4 March 100.00 points, 6 March 50.00, each for 10 days; 30.00 spent on 7 March are the oldest
    14 March 23:59 all 120.00 are there; 15 March 00:00 the 70.00 of 4 March are gone, booked then
    """
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-06")
    earn(food, "o2", "500.00")
    food.at("2024-03-07")
    food.order("o3", items=[dish("a", "60.00")], bonus_at_most="30.00")
    assert lots(food) == [("2024-03-15", 7000), ("2024-03-17", 5000)]
    food.at("2024-03-14", "23:59")
    said = food.order("o4", items=[dish("a", "2.00")], bonus_at_most="1.00")
    assert said["order"]["paid"]["bonuses"] == "1.00"
    food.at("2024-03-15", "00:00")
    said = food.order("o5", items=[dish("a", "1000.00")], bonus_at_most="500.00")
    assert said["order"]["paid"]["bonuses"] == "50.00"
    expired = food.postgres.rows("SELECT posted_at, amount FROM transaction WHERE reason = 'expired'")
    assert expired == [(datetime(2024, 3, 15, tzinfo=MOSCOW), 6900)]


def test_points_can_be_asked_for_as_they_stood(food: Food) -> None:
    """Time counts, not jobs: before the expiry is booked it counts, and the past stays as it was."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-06")
    due = (food.now + timedelta(hours=1)).isoformat()
    food.order("o2", items=[dish("a", "60.00")], bonus_at_most="30.00", due_at=due)

    def at(day: str) -> list[dict[str, object]]:
        return food.postgres.bonuses("anna", datetime.fromisoformat(f"{day}T13:00").replace(tzinfo=MOSCOW))

    def standing(balance: str, held: str, *expiring: tuple[str, str]) -> list[dict[str, object]]:
        listed = [{"on": on, "amount": amount} for on, amount in expiring]
        return [{"brand": "sushi", "balance": balance, "held": held, "expiring": listed}]

    assert at("2024-03-05") == standing("100.00", "0.00", ("2024-03-15", "100.00"))
    assert at("2024-03-06") == standing("100.00", "30.00", ("2024-03-15", "70.00"))
    # The pre-order's hold ran out on 7 March at 13:00.
    assert at("2024-03-07") == standing("100.00", "0.00", ("2024-03-15", "100.00"))
    assert at("2024-03-15") == standing("0.00", "0.00")
    food.at("2024-03-20")
    for world in food.worlds:
        world.expire(food.now)
    assert points(food) == "0.00"
    assert at("2024-03-05") == standing("100.00", "0.00", ("2024-03-15", "100.00"))
    food.agree([world.state() for world in food.worlds])


def test_points_set_aside_do_not_expire_but_do_when_they_come_back_too_late(food: Food) -> None:
    """Held on 14 March for a pre-order, released on the 16th: their day was the 15th, so they are gone at once."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "200.00")], bonus_at_most="100.00", due_at="2024-03-16T12:00:00+03:00")
    food.at("2024-03-15")
    assert food.order("o3", items=[dish("a", "100.00")], bonus_at_most="50.00")["order"]["paid"]["bonuses"] == "0.00"
    food.at("2024-03-16")
    food.post("cancel", "c1", order="o2")
    assert points(food) == "100.00"
    said = food.order("o4", items=[dish("a", "100.00")], bonus_at_most="50.00")
    assert said["order"]["paid"]["bonuses"] == "0.00"
    assert points(food) == "0.00"


def test_points_captured_late_were_set_aside_in_time(food: Food) -> None:
    """The pre-order is delivered after their day, and they pay for it: half of it comes, half of them go back."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "100.00", 2)], bonus_at_most="100.00", due_at="2024-03-16T12:00:00+03:00")
    food.at("2024-03-16")
    said = food.post("deliver", "d2", order="o2", items=[{"sku": "a", "quantity": 1}])
    assert said["order"]["paid"] == {"bonuses": "50.00", "payers": "0.00", "client": "50.00"}
    assert lots(food) == [("2024-03-15", 5000), ("2024-03-27", 500)]
    for world in food.worlds:
        world.expire(food.now)
    assert points(food) == "5.00"


def test_points_spent_come_back_with_their_original_expiry(food: Food) -> None:
    """Spent on 5 March, refunded on the 9th: they are still gone on the 15th."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-05")
    food.order("o2", items=[dish("a", "100.00", 2)], bonus_at_most="100.00")
    assert lots(food) == []
    food.at("2024-03-09")
    said = food.post("refund_items", "r1", order="o2", items=[{"sku": "a", "quantity": 1}])
    assert said["order"]["paid"]["bonuses"] == "50.00"
    assert lots(food) == [("2024-03-15", 5000)]


def test_points_are_taken_back_in_proportion_and_the_shortfall_is_told(food: Food) -> None:
    """
    o1 1000.00 in four dishes brings 100.00 points; one dish back takes 25.00 of them
    60.00 are spent, 15.00 left: the rest back would take 75.00, takes 15.00, 60.00 are short
    """
    food.client("anna", "5000.00")
    programme(food)
    food.order("o1", items=[dish("set", "250.00", 4)])
    food.post("deliver", "d1", order="o1")
    said = food.post("refund_items", "r1", order="o1", items=[{"sku": "set", "quantity": 1}])
    assert said["order"]["bonuses"]["taken_back"] == "25.00"
    assert food.order("o2", items=[dish("a", "120.00")], bonus_at_most="60.00")["order"]["paid"]["bonuses"] == "60.00"
    said = food.post("cancel", "c1", order="o1")
    bonuses = said["order"]["bonuses"]
    assert (bonuses["accrued"], bonuses["taken_back"], bonuses["shortfall"]) == ("100.00", "40.00", "60.00")
    assert points(food) == "0.00"


def test_the_ledgers_own_commands_on_points_are_followed(food: Food) -> None:
    """A debit with points and a refund of an order's debit, posted without food, leave lots that agree."""
    from ledger.core.commands import parse

    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    lines = [{"brand": "sushi", "amount": "70.00", "service": "hall"}]
    food.post("debit", "x1", account="anna", lines=lines, bonus_at_most="40.00")
    food.order("o2", items=[dish("a", "80.00")], bonus_at_most="40.00")
    refund = {"type": "refund", "key": "x2", "debit": "o2", "amount": "80.00", "at": food.now.isoformat()}
    food.postgres.ledger.post([parse(refund)])  # past the desk, as a finance screen does
    food.pure.post([refund])
    food.at("2024-03-05")
    said = food.order("o3", items=[dish("a", "200.00")], bonus_at_most="500.00")
    assert said["order"]["paid"]["bonuses"] == "60.00"


def test_points_never_expire_on_a_closed_day(food: Food) -> None:
    """Their day was closed before anybody booked it: they are gone on the first open day, and never could be spent."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    from datetime import date

    for world in food.worlds:
        world.close(date(2024, 3, 18))
    food.at("2024-03-20")
    said = food.order("o2", items=[dish("a", "100.00")], bonus_at_most="50.00")
    assert said["order"]["paid"]["bonuses"] == "0.00"
    expired = food.postgres.rows("SELECT business_date FROM transaction WHERE reason = 'expired'")
    assert [day.isoformat() for (day,) in expired] == ["2024-03-19"]


def test_a_programme_without_an_end_of_points(food: Food) -> None:
    """Points that never expire are there years later."""
    food.client("anna", "5000.00")
    programme(food, days=None)
    earn(food, "o1", "1000.00")
    food.at("2025-03-15")
    said = food.order("o2", items=[dish("a", "200.00")], bonus_at_most="500.00")
    assert said["order"]["paid"]["bonuses"] == "100.00"


def test_a_step_before_the_points_latest_entry_is_out_of_order(food: Food) -> None:
    """The money could be booked there, its points could not: the step is refused whole, and not kept."""
    food.client("anna", "5000.00")
    programme(food)
    food.order("o1", items=[dish("a", "100.00")])
    early = food.now + timedelta(minutes=1)
    for world in food.worlds:
        number = world.points("anna", "sushi")
        at = (food.now + timedelta(hours=1)).isoformat()
        gift = {"type": "bonus", "key": "gift", "account": number, "amount": "5.00", "reason": "sorry", "at": at}
        assert world.post([gift])[0]["status"] == "posted"
    food.now = early
    assert food.post("deliver", "d1", order="o1")["code"] == "out_of_order"
    food.now = early + timedelta(hours=2)
    assert food.post("deliver", "d1", order="o1")["status"] == "posted"
