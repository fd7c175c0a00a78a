"""Bonuses: points given, spent, expired, taken back, restored. Each test runs on the pure core and on PostgreSQL."""

from datetime import datetime, timedelta

from tests.ledger.food.shops import Food, dish
from tests.ledger.worlds import MOSCOW


def programme(food: Food, days: int | None = 10, accrue: str = "10", redeem: str = "50", brand: str = "sushi") -> None:
    food.record(
        type="bonus_program",
        brand=brand,
        accrue_percent=accrue,
        redeem_percent=redeem,
        expires_after_days=days,
        valid_from="2024-01-01",
    )


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
        "o1",
        items=[dish("set", "300.00"), dish("marg", "200.00", brand="pizza")],
        promo_codes=["TEN"],
        delivery={"brand": "sushi", "amount": "99.00"},
    )
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
        return [{"brand": "sushi", "balance": balance, "held": held, "owed": "0.00", "expiring": listed}]

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


def test_points_set_aside_that_come_back_too_late_live_on_for_their_days(food: Food) -> None:
    """Held on 14 March, released by the shop on the 16th: their day was the 15th, now it is the end of the 30th."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "200.00")], bonus_at_most="100.00", due_at="2024-03-16T12:00:00+03:00")
    food.at("2024-03-16")
    food.post("cancel", "c1", order="o2")
    assert lots(food) == [("2024-03-31", 10000)]
    # Once: held again and given back after that, they are gone.
    food.at("2024-03-30")
    food.order("o3", items=[dish("a", "200.00")], bonus_at_most="60.00", due_at="2024-04-01T12:00:00+03:00")
    standing = food.postgres.bonuses("anna", food.now)[0]
    assert (standing["balance"], standing["held"]) == ("100.00", "60.00")
    food.at("2024-04-01")
    food.post("cancel", "c2", order="o3")
    food.at("2024-04-01", "13:00")
    assert food.order("o4", items=[dish("a", "200.00")], bonus_at_most="50.00")["order"]["paid"]["bonuses"] == "0.00"
    assert points(food) == "0.00"


def test_points_that_come_back_too_late_by_time_alone_live_on_too(food: Food) -> None:
    """Nobody delivered the pre-order of the 14th: its hold ran out on the 17th, the points live 14 days from then."""
    food.client("anna", "5000.00")
    food.record(
        type="bonus_program",
        brand="sushi",
        accrue_percent="10",
        redeem_percent="50",
        expires_after_days=10,
        valid_from="2024-01-01",
        returned_live_days=2,
    )
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "100.00")], bonus_at_most="40.00", due_at="2024-03-16T12:00:00+03:00")

    def at(day: str) -> object:
        return food.postgres.bonuses("anna", datetime.fromisoformat(f"{day}T13:00").replace(tzinfo=MOSCOW))[0]

    def standing(*expiring: tuple[str, str]) -> object:
        balance = expiring[0][1] if expiring else "0.00"
        listed = [{"on": on, "amount": amount} for on, amount in expiring]
        return {"brand": "sushi", "balance": balance, "held": "0.00", "owed": "0.00", "expiring": listed}

    # The 60.00 that were free went on the 15th as they should.
    assert at("2024-03-17") == standing(("2024-03-20", "40.00"))
    assert at("2024-03-20") == standing()
    food.at("2024-03-18")
    assert food.order("o3", items=[dish("a", "20.00")], bonus_at_most="5.00")["order"]["paid"]["bonuses"] == "5.00"
    assert at("2024-03-18") == standing(("2024-03-20", "35.00"))
    assert lots(food) == [("2024-03-20", 3500)]


def test_points_that_the_client_himself_gives_back_too_late_are_gone(food: Food) -> None:
    """Held on 14 March for a pre-order that he cancels on the 16th: their day was the 15th, so they are gone at once."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "200.00")], bonus_at_most="100.00", due_at="2024-03-16T12:00:00+03:00")
    food.at("2024-03-15")
    assert food.order("o3", items=[dish("a", "100.00")], bonus_at_most="50.00")["order"]["paid"]["bonuses"] == "0.00"
    food.at("2024-03-16")
    food.post("cancel", "c1", order="o2", by_client=True)
    assert points(food) == "100.00"
    said = food.order("o4", items=[dish("a", "100.00")], bonus_at_most="50.00")
    assert said["order"]["paid"]["bonuses"] == "0.00"
    assert points(food) == "0.00"


def test_points_captured_late_were_set_aside_in_time(food: Food) -> None:
    """The pre-order is delivered after their day, and they pay for it: half of it comes, half of them live on."""
    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-14")
    food.order("o2", items=[dish("a", "100.00", 2)], bonus_at_most="100.00", due_at="2024-03-16T12:00:00+03:00")
    food.at("2024-03-16")
    said = food.post("deliver", "d2", order="o2", items=[{"sku": "a", "quantity": 1}])
    assert said["order"]["paid"] == {"bonuses": "50.00", "payers": "0.00", "client": "50.00"}
    assert lots(food) == [("2024-03-27", 500), ("2024-03-31", 5000)]
    for world in food.worlds:
        world.expire(food.now)
    assert points(food) == "55.00"


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
    assert (points(food), owed(food)) == ("0.00", "60.00")


def owed(food: Food) -> str:
    """Return what anna owes in sushi points, as `balance` tells it."""
    return str(food.postgres.bonuses("anna", food.now)[0]["owed"])


def test_points_that_could_not_be_taken_back_are_owed_and_the_next_ones_pay_them(food: Food) -> None:
    """
    o1 5000.00 delivered brings 500.00, spent on o2; o1 refunded whole: 500.00 are owed
    o3 1000.00 delivered brings 100.00 in full, taken at once: 400.00 are owed
    o2 cancelled: its 500.00 come back, pay 400.00 and leave 100.00
    """
    food.client("anna", "20000.00")
    programme(food)
    earn(food, "o1", "5000.00")
    assert (
        food.order("o2", items=[dish("a", "1000.00")], bonus_at_most="500.00")["order"]["paid"]["bonuses"] == "500.00"
    )
    said = food.post("refund_items", "r1", order="o1", items=[{"sku": "set", "quantity": 1}])
    bonuses = said["order"]["bonuses"]
    assert (bonuses["accrued"], bonuses["taken_back"], bonuses["shortfall"]) == ("500.00", "0.00", "500.00")
    assert owed(food) == "500.00"
    earn(food, "o3", "1000.00")
    assert (points(food), owed(food)) == ("0.00", "400.00")
    moves = food.postgres.rows(
        "SELECT e.amount, t.reason FROM entry e JOIN transaction t ON t.id = e.transaction_id "
        "JOIN account a ON a.id = e.account_id AND a.kind = 'bonus' ORDER BY e.version DESC LIMIT 2"
    )
    assert moves == [(-10000, "owed"), (10000, "deliver o3")]
    food.post("cancel", "c2", order="o2")
    assert (points(food), owed(food)) == ("100.00", "0.00")
    dated = food.postgres.rows("SELECT amount FROM bonus_owed ORDER BY id")
    assert [amount for (amount,) in dated] == [50000, -10000, -40000]


def test_points_given_by_hand_pay_what_is_owed_first(food: Food) -> None:
    """500.00 owed; 30.00 given by hand are taken at once, the past stays, and a closed account owes nothing."""
    food.client("anna", "20000.00")
    programme(food)
    earn(food, "o1", "5000.00")
    food.order("o2", items=[dish("a", "1000.00")], bonus_at_most="500.00")
    food.post("cancel", "c1", order="o1")
    before = food.now
    food.at("2024-03-05")
    for world in food.worlds:
        number = world.points("anna", "sushi")
        gift = {"type": "bonus", "key": "gift", "account": number, "amount": "30.00", "reason": "sorry"}
        assert world.post([{**gift, "at": food.now.isoformat()}])[0]["status"] == "posted"
    food.agree([world.state() for world in food.worlds])
    assert (points(food), owed(food)) == ("0.00", "470.00")
    assert food.postgres.bonuses("anna", before)[0]["owed"] == "500.00"
    [[left]] = food.postgres.rows(
        "SELECT balance FROM balance b JOIN account a ON a.id = account_id AND a.kind = 'money'"
    )
    food.post("payout", account="anna", amount=f"{left / 100:.2f}", brand="sushi")
    food.postgres.administer({"type": "account_status", "account": "anna", "status": "closed"})
    now = datetime.now(MOSCOW) + timedelta(days=1)
    assert food.postgres.bonuses("anna", now)[0]["owed"] == "0.00"


def test_points_of_the_order_itself_are_taken_back_first_and_those_that_expired_count(food: Food) -> None:
    """
    o1 on 4 March and o2 on 8 March bring 100.00 each; o2 refunded takes its own, not the older ones
    o1's 100.00 are gone on 15 March; refunded on the 16th, they count as taken back and nothing is owed
    """
    food.client("anna", "20000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    food.at("2024-03-08")
    earn(food, "o2", "1000.00")
    food.post("refund_items", "r2", order="o2", items=[{"sku": "set", "quantity": 1}])
    assert lots(food) == [("2024-03-15", 10000)]
    food.at("2024-03-16")
    said = food.post("cancel", "c1", order="o1")
    assert (said["order"]["bonuses"]["taken_back"], said["order"]["bonuses"]["shortfall"]) == ("100.00", "0.00")
    assert (points(food), owed(food)) == ("0.00", "0.00")


def test_the_ledgers_own_commands_on_points_are_followed(food: Food) -> None:
    """A debit with points and its refund, posted without food, leave lots that agree."""
    from ledger.core.commands import parse

    food.client("anna", "5000.00")
    programme(food)
    earn(food, "o1", "1000.00")
    lines = [{"brand": "sushi", "amount": "70.00", "service": "hall"}]
    food.post("debit", "x1", account="anna", lines=lines, bonus_at_most="40.00")
    food.order("o2", items=[dish("a", "80.00")], bonus_at_most="40.00")
    refund = {"type": "refund", "key": "x2", "debit": "x1", "amount": "70.00", "at": food.now.isoformat()}
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


def test_a_closed_account_gets_no_points_and_owes_none(food: Food) -> None:
    """romashka paid all: what o1 brought is spent on o2, half of o3 comes after the closing, then o1 goes back."""
    food.client("anna")
    food.client("romashka", "1000.00")
    food.record(type="link", account="anna", payer="romashka", draw="payer_first")
    programme(food)
    earn(food, "o1", "100.00")
    food.order("o2", items=[dish("a", "20.00")], bonus_at_most="10.00")
    food.order("o3", items=[dish("a", "50.00", 2)])
    food.record(type="link", account="anna", payer="romashka", draw=None)
    food.record(type="account_status", account="anna", status="closed")
    said = food.post("deliver", order="o3", items=[{"sku": "a", "quantity": 1}])
    assert (said["status"], said["order"]["bonuses"]["accrued"]) == ("posted", "0.00")
    said = food.post("cancel", order="o1")
    assert (said["order"]["bonuses"]["shortfall"], owed(food), points(food)) == ("10.00", "0.00", "0.00")
    assert food.balance("romashka") == "940.00"
