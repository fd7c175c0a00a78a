"""Trial balance, receipts, brand settlements, bonuses, holds."""

from decimal import Decimal
from typing import Any

import pytest

from ledger.core.command_parts import CHART
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


def test_the_trial_balance_has_both_sides(story: Story) -> None:
    """Cash is a debit, revenue and what clients have are credits; a client's debt is a debit, not netted."""
    story.account("anna")
    story.account("boris")
    story.payment("2017-02-01", "anna", 300, "sushi")
    story.debit("2017-03-01", "boris", ("pizza", 40))
    result = story.book().report("trial-balance", **MARCH)
    names = ("kind", "brand", "opening_debit", "opening_credit", "debit", "credit", "closing_debit", "closing_credit")
    assert sorted(figures(result.frame, *names), key=str) == [
        ("cash", "sushi", "300.00", "0.00", "0.00", "0.00", "300.00", "0.00"),
        ("money", None, "0.00", "300.00", "40.00", "0.00", "40.00", "300.00"),
        ("revenue", "pizza", "0.00", "0.00", "0.00", "40.00", "0.00", "40.00"),
    ]
    assert result.holds
    by_account = story.book().report("trial-balance", **MARCH, by="account")
    assert by_account.frame.height == 4
    assert by_account.holds


def test_receipts_by_day_brand_and_channel(story: Story) -> None:
    """A reversal is in its payment's channel; what is unallocated is named, and leaves when it is given to accounts."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 300, "sushi", channel="card", key="p1")
    story.unknown_payment("2017-03-01", 75, "sushi", channel="bank", key="p2", value_date="2017-02-28")
    story.reverse("2017-03-02", "p1", reason="chargeback")
    story.allocate("2017-03-02", "p2", "anna", 75, "sushi")
    story.payout("2017-03-03", "anna", 20, "pizza", channel="bank")
    result = story.book().report("receipts", **MARCH)
    names = ("channel", "count", "received", "paid_out", "reversed", "net", "unallocated")
    assert [
        (str(row["day"]), *cells)
        for row, cells in zip(result.frame.rows(named=True), figures(result.frame, *names), strict=True)
    ] == [
        ("2017-03-01", "bank", 1, "75.00", "0.00", "0.00", "75.00", "75.00"),
        ("2017-03-01", "card", 1, "300.00", "0.00", "0.00", "300.00", "0.00"),
        ("2017-03-02", "bank", 0, "0.00", "0.00", "0.00", "0.00", "-75.00"),
        ("2017-03-02", "card", 0, "0.00", "0.00", "300.00", "-300.00", "0.00"),
        ("2017-03-03", "bank", 0, "0.00", "20.00", "0.00", "-20.00", "0.00"),
    ]
    assert result.holds
    by_value = story.book().report(
        "receipts", first_day="2017-02-01", last_day="2017-02-28", dated_by="value", by="month"
    )
    assert figures(by_value.frame, "month", "received") == [("2017-02", "75.00")]
    assert by_value.holds


def test_brands_owe_one_another_for_money_and_services(story: Story) -> None:
    """Pizza took 300 for sushi's client and served 100; sushi owes the service, pizza owes the money."""
    story.account("anna", holder="sushi")
    story.bonus_account("points", of="anna", brand="pizza")
    story.bonus("2017-02-01", "points", 50)
    story.payment("2017-03-01", "anna", 300, "pizza", key="p1")
    points = {"brand": "pizza", "amount": 7, "source": "points"}
    story.debit("2017-03-02", "anna", ("pizza", 100), ("sushi", 50), points, key="d1")
    story.refund("2017-03-03", "d1", ("pizza", 30))
    result = story.book().report("brand-settlements", **MARCH)
    names = ("brand", "other", "received", "served", "due")
    assert figures(result.frame, *names) == [
        ("pizza", "sushi", "-300.00", "70.00", "-230.00"),
        ("sushi", "pizza", "300.00", "-70.00", "230.00"),
    ]
    assert result.holds
    one_side = story.book().report("brand-settlements", **MARCH, brand="sushi")
    assert figures(one_side.frame, "other", "due") == [("pizza", "230.00")]
    assert one_side.holds


def test_accounts_without_a_holder_and_transfers_are_settled(story: Story) -> None:
    """A transfer between accounts of two holders is owed by the first; no holder shows as unassigned."""
    story.account("anna", holder="sushi")
    story.account("boris")
    story.transfer("2017-03-01", "anna", "boris", 40)
    story.reverse("2017-03-02", story.transfer("2017-03-02", "anna", "boris", 5))
    result = story.book().report("brand-settlements", **MARCH)
    assert figures(result.frame, "brand", "other", "transferred") == [
        ("sushi", "unassigned", "-40.00"),
        ("unassigned", "sushi", "40.00"),
    ]


def settled(story: Story, *names: str, **given: Any) -> list[tuple[Any, ...]]:
    """Return the settlements of March, or of other days, as figures; every control must hold."""
    result = story.book().report("brand-settlements", **(MARCH | given))
    assert result.holds, [control for control in result.controls if not control.holds]
    return figures(result.frame, "brand", "other", *names)


@pytest.fixture
def three(story: Story) -> Story:
    """Return a story of three brands that hold an account each: x of b1, y of b2, z of b3."""
    for brand, account in (("b1", "x"), ("b2", "y"), ("b3", "z")):
        story.brand(brand)
        story.account(account, holder=brand)
    return story


def test_each_part_of_a_payment_is_owed_by_the_brand_that_took_it(three: Story) -> None:
    """b1 took 50 for x and 50 for z, b2 took 30 for y: b1 owes b3 50, and nobody owes anything else."""
    three.split_payment("2017-03-01", ("x", 50, "b1"), ("y", 30, "b2"), ("z", 50, "b1"))
    assert settled(three, "received", "due") == [
        ("b1", "b3", "-50.00", "-50.00"),
        ("b3", "b1", "50.00", "50.00"),
    ]


def test_parts_written_before_they_named_their_account_meet_in_their_order(story: Story) -> None:
    """400 for anna by sushi and 500 for boris by pizza stay apart, as past reports have it."""
    story.names_sources = False
    story.account("anna", holder="sushi")
    story.account("boris", holder="sushi")
    story.split_payment("2017-03-01", ("anna", 400, "sushi"), ("boris", 500, "pizza"))
    story.adjustment("2017-03-02", "anna", -7, "pizza")
    assert settled(story, "received", "adjusted", "due") == [
        ("pizza", "sushi", "-500.00", "7.00", "-493.00"),
        ("sushi", "pizza", "500.00", "-7.00", "493.00"),
    ]


def test_an_unallocated_payment_is_owed_when_it_is_allocated_and_not_when_that_is_reversed(story: Story) -> None:
    """Pizza's 75 of nobody are owed to nobody; 50 of them for sushi's client are, until the payment is undone."""
    story.account("anna", holder="sushi")
    story.unknown_payment("2017-03-01", 75, "pizza", key="p1")
    assert settled(story, "due") == []
    story.allocate("2017-03-02", "p1", "anna", 50, "pizza")
    assert settled(story, "received") == [("pizza", "sushi", "-50.00"), ("sushi", "pizza", "50.00")]
    cash, unallocated = (story._system("pizza", kind, "RUB") for kind in ("cash", "unallocated"))
    anna = {"source_id": story.accounts["anna"]["id"], "source_kind": "money"}
    nobody = {"source_id": None}
    legs = [("anna", -50, {}), (unallocated, -75, nobody), (cash, 75, nobody), (unallocated, 50, anna)]
    story._post("2017-03-03", "reverse", legs, refers_to="p1")
    assert settled(story, "due") == [("pizza", "sushi", "0.00"), ("sushi", "pizza", "0.00")]


def test_what_a_brand_adjusts_on_an_account_of_another_is_owed(story: Story) -> None:
    """Pizza charges sushi's client 40, and sushi owes pizza 40; what it forgives it owes itself."""
    story.account("anna", holder="sushi")
    story.account("nobodys")
    story.adjustment("2017-03-01", "anna", -40, "pizza", key="a1")
    story.adjustment("2017-03-01", "nobodys", 3, "pizza")
    story.payout("2017-03-02", "anna", 10, "pizza")
    assert settled(story, "adjusted", "received", "due") == [
        ("pizza", "sushi", "40.00", "10.00", "50.00"),
        ("pizza", "unassigned", "-3.00", "0.00", "-3.00"),
        ("sushi", "pizza", "-40.00", "-10.00", "-50.00"),
        ("unassigned", "pizza", "3.00", "0.00", "3.00"),
    ]
    story.reverse("2017-03-03", "a1")
    assert settled(story, "adjusted", brand="sushi") == [("sushi", "pizza", "0.00")]


def test_a_change_of_holder_passes_the_balance_on_and_months_sum_to_their_quarter(three: Story) -> None:
    """
    b3 takes 300 for x, whom b1 holds; on 10 February b2 becomes the holder: b1 owes it the 300 of the day before.
    That day's 50 from b3 are b2's already, and b3 serves 120 in March.
    """
    three.payment("2017-01-05", "x", 300, "b3")
    three.payment("2017-02-10T09:00", "x", 50, "b3")
    three.holder("2017-02-10", "x", "b2")
    three.debit("2017-03-05", "x", ("b3", 120))
    months = [("2017-01-01", "2017-01-31"), ("2017-02-01", "2017-02-28"), ("2017-03-01", "2017-03-31")]
    found = [settled(three, "due", first_day=since, last_day=until) for since, until in months]
    assert found == [
        [("b1", "b3", "300.00"), ("b3", "b1", "-300.00")],
        [("b1", "b2", "-300.00"), ("b2", "b1", "300.00"), ("b2", "b3", "50.00"), ("b3", "b2", "-50.00")],
        [("b2", "b3", "-120.00"), ("b3", "b2", "120.00")],
    ]
    assert settled(three, "passed_on", "due", first_day="2017-01-01") == [
        ("b1", "b2", "-300.00", "-300.00"),
        ("b1", "b3", "0.00", "300.00"),
        ("b2", "b1", "300.00", "300.00"),
        ("b2", "b3", "0.00", "-70.00"),
        ("b3", "b1", "0.00", "-300.00"),
        ("b3", "b2", "0.00", "70.00"),
    ]


def test_of_several_holders_of_one_day_the_last_counts_and_none_is_unassigned(three: Story) -> None:
    """A debt is passed on as well; where the holder comes back on the same day nothing is."""
    three.debit("2017-03-01", "x", ("b1", 20))
    for brand in ("b2", "b3", "b1"):
        three.holder("2017-03-02", "x", brand)
    assert settled(three, "due") == []
    three.holder("2017-03-03", "x", None)
    assert settled(three, "due") == [("b1", "unassigned", "20.00"), ("unassigned", "b1", "-20.00")]


def test_a_leg_that_faces_the_wrong_account_fails_the_control(three: Story) -> None:
    """b1 took 50 for z; the leg says it was for y."""
    three.payment("2017-03-01", "z", 50, "b1")
    three.rows["entries"][-1]["source_id"] = three.accounts["y"]["id"]
    result = three.book().report("brand-settlements", **MARCH)
    assert [(c.name, str(c.actual)) for c in result.controls if not c.holds] == [("positions", "100.00")]
    one = three.book().report("brand-settlements", **MARCH, brand="b1")
    assert one.holds  # of b1 itself it is 50 either way


def test_bonuses_are_accrued_redeemed_expired_and_taken_back(story: Story) -> None:
    """The closing is what clients may still spend; a refund gives points back."""
    story.account("anna")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 100)
    story.debit("2017-03-02", "anna", {"brand": "sushi", "amount": 40, "source": "points"}, key="d1")
    story.bonus("2017-03-02", "points", 10)
    story.refund("2017-03-03", "d1", {"brand": "sushi", "amount": 15, "source": "points"})
    story.bonus("2017-03-03", "points", -4, reason="taken back")
    story.bonus("2017-03-31", "points", -30, reason="expired")
    result = story.book().report("bonuses", **MARCH)
    names = ("opening", "accrued", "redeemed", "expired", "taken_back", "closing")
    assert figures(result.frame, *names) == [("100.00", "10.00", "25.00", "30.00", "4.00", "51.00")]
    assert result.holds


def test_bonuses_are_told_by_when_they_are_gone_as_of_any_day(story: Story) -> None:
    """
    1 Feb 100 until 2 Apr, 2 Mar 10 until 30 Jul and 7 for ever, 10 Mar 5 until 1 May
    5 Mar 40 are spent, of those that go first; 20 Mar 15 of them come back, with their day
    """
    story.account("anna")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 100, gone_on="2017-04-02")
    story.bonus("2017-03-02", "points", 10, gone_on="2017-07-30")
    story.bonus("2017-03-02", "points", 7)
    story.debit("2017-03-05", "anna", {"brand": "sushi", "amount": 40, "source": "points"}, key="d1")
    story.bonus("2017-03-10", "points", 5, gone_on="2017-05-01")
    story.refund("2017-03-20", "d1", {"brand": "sushi", "amount": 15, "source": "points"})
    names = ("held", "gone_in_30", "gone_in_60", "gone_in_90", "gone_later", "gone_never", "closing")
    ages = {
        "2017-03-04": ("0.00", "100.00", "0.00", "0.00", "10.00", "7.00", "117.00"),
        "2017-03-19": ("0.00", "60.00", "5.00", "0.00", "10.00", "7.00", "82.00"),
        "2017-03-31": ("0.00", "75.00", "5.00", "0.00", "10.00", "7.00", "97.00"),
        "2017-05-01": ("0.00", "80.00", "0.00", "10.00", "0.00", "7.00", "97.00"),
    }
    for day, expected in ages.items():
        result = story.book().report("bonuses", first_day="2017-03-01", last_day=day)
        assert figures(result.frame, *names) == [expected], day
        assert result.holds
    story.rows["lot_changes"][0]["amount"] -= 1
    broken = [c.name for c in story.book().report("bonuses", **MARCH).controls if not c.holds]
    assert broken == ["ages"]


def test_points_set_aside_are_no_money_reserved(story: Story) -> None:
    """A pre-order holds 30 of money and 8 of points: `holds` tells the one, `bonuses` the other."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 500, "sushi")
    story.bonus_account("points", of="anna", brand="sushi")
    story.bonus("2017-02-01", "points", 20)
    story.hold("2017-03-10", "anna", 30, "2017-04-01")
    story._post("2017-03-10", "hold", [("points", 0, {"held": 8})], account="anna", amount=8)
    assert figures(story.book().report("holds", **MARCH).frame, "new", "closing") == [("30.00", "30.00")]
    bonuses = story.book().report("bonuses", **MARCH)
    assert figures(bonuses.frame, "held", "gone_never", "closing") == [("8.00", "12.00", "20.00")]
    assert bonuses.holds


def test_holds_open_close_and_grow_old(story: Story) -> None:
    """Captured, released and expired leave; what is left has an age."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 500, "sushi")
    first = story.hold("2017-02-20", "anna", 60, "2017-04-20")
    second = story.hold("2017-03-10", "anna", 30, "2017-04-01")
    third = story.hold("2017-03-11", "anna", 8, "2017-03-12")
    story.capture("2017-03-05", first, ("sushi", 20))
    story.release("2017-03-12", third, 8, kind="expiry")
    story.release("2017-03-15", second, 30)
    result = story.book().report("holds", **MARCH)
    names = ("opening", "new", "captured", "released", "expired", "closing", "age")
    assert figures(result.frame, *names) == [("60.00", "38.00", "20.00", "30.00", "8.00", "40.00", 39)]
    assert result.holds
    by_hold = story.book().report("holds", **MARCH, by="hold")
    assert figures(by_hold.frame, "document", "closing") == [(first, "40.00"), (second, "0.00"), (third, "0.00")]
    assert by_hold.holds


@pytest.mark.parametrize("name", ["trial-balance", "receipts", "brand-settlements", "bonuses", "holds"])
def test_currencies_are_never_added(story: Story, name: str) -> None:
    """Every row and every control is of one currency."""
    story.account("anna", holder="sushi")
    story.account("boris", currency="USD", holder="sushi")
    for account in ("anna", "boris"):
        story.bonus_account(f"{account}-points", of=account, brand="sushi")
        story.payment("2017-03-01", account, 100, "pizza")
        story.bonus("2017-03-01", f"{account}-points", 5)
        story.hold("2017-03-02", account, 10, "2017-04-01")
    result = story.book().report(name, **MARCH)
    assert set(result.frame["currency"]) == {"RUB", "USD"}
    assert {control.currency for control in result.controls} == {"RUB", "USD"}
    only = story.book().report(name, **MARCH, currency="USD")
    assert set(only.frame["currency"]) == {"USD"}
    assert only.holds


def move(story: Story, at: str, amount: Any, *sides: tuple[str, str], fee: Any = 0) -> str:
    """Move money between places of brands, each (brand, channel or code), as the ledger writes it."""
    (brand, here), (other, there) = sides
    legs: list[Any] = []
    for of, faces, place, change in (
        (brand, other, here, Decimal(str(amount))),
        (other, brand, there, Decimal(str(fee)) - Decimal(str(amount))),
        (brand, other, "fee", -Decimal(str(fee))),
    ):
        kind = "adjustments" if place in CHART else "cash"
        cash = story.accounts[story._system(faces, "cash", "RUB")]["id"]
        named = {"source_id": cash, "source_kind": "cash"} if brand != other else {}
        if change:
            code = {"chart": place} if kind == "adjustments" else {"channel": place}
            legs.append((story._system(of, kind, "RUB"), change, {**named, **code}))
    return story._post(at, "move", legs, amount=amount, currency="RUB")


def test_a_move_pays_what_a_brand_owes(three: Story) -> None:
    """b1 took 50 for z; it moves them to b3 with a fee of 1, and then the last 1, part of which is reversed."""
    three.payment("2017-03-01", "z", 50, "b1", channel="bank")
    move(three, "2017-03-02", 50, ("b1", "bank"), ("b3", "bank"), fee=1)
    assert settled(three, "moved", "due", brand="b3") == [("b3", "b1", "-49.00", "1.00")]
    last = move(three, "2017-03-03", 1, ("b1", "bank"), ("b3", "bank"))
    assert settled(three, "due") == [("b1", "b3", "0.00"), ("b3", "b1", "0.00")]
    three.reverse("2017-03-04", last, sources=True)
    assert settled(three, "due", brand="b1") == [("b1", "b3", "-1.00")]


def test_moves_stand_apart_among_receipts_and_a_reversed_payout_is_no_reversed_payment(story: Story) -> None:
    """1,000 by card arrive as 985 at the bank; 20 are paid out and come back."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 1000, "sushi", channel="card")
    move(story, "2017-03-02", 1000, ("sushi", "card"), ("sushi", "bank"), fee=15)
    paid = story.payout("2017-03-03", "anna", 20, "sushi", channel="bank")
    story.reverse("2017-03-04", paid)
    result = story.book().report("receipts", **MARCH, by="total")
    assert figures(result.frame, "channel", "received", "paid_out", "reversed", "net", "moved") == [
        ("bank", "0.00", "0.00", "0.00", "0.00", "985.00"),
        ("card", "1000.00", "0.00", "0.00", "1000.00", "-1000.00"),
    ]
    assert result.holds


def test_cash_is_told_by_channel_and_since_when_it_is_on_its_way(story: Story) -> None:
    """Card 1,000 of 1 March and 300 of 3 March: 1,100 arrive less 15; the courier's 700 are still with him."""
    story.account("anna")
    for day, amount, channel in (("01", 1000, "card"), ("03", 300, "card"), ("02", 700, "cash")):
        story.payment(f"2017-03-{day}", "anna", amount, "sushi", channel=channel)
    for row in story.rows["entries"]:
        row["channel"] = next(t["channel"] for t in story.rows["transactions"] if t["id"] == row["transaction_id"])
    move(story, "2017-03-04", 1100, ("sushi", "card"), ("sushi", "bank"), fee=15)
    result = story.book().report("cash-by-channel", as_of="2017-03-10")
    rows = [(str(row["since"]), row["days"]) for row in result.frame.iter_rows(named=True)]
    assert list(zip(figures(result.frame, "channel", "state", "amount"), rows, strict=True)) == [
        (("bank", "arrived", "1085.00"), ("None", None)),
        (("card", "in_transit", "200.00"), ("2017-03-03", 7)),
        (("cash", "in_transit", "700.00"), ("2017-03-02", 8)),
    ]
    assert result.holds
    move(story, "2017-03-05", 701, ("sushi", "cash"), ("sushi", "tips_paid"))
    result = story.book().report("cash-by-channel", as_of="2017-03-10")
    assert figures(result.frame, "channel", "state", "amount")[-1] == ("cash", "below_zero", "-1.00")
    assert [(c.name, str(c.actual)) for c in result.controls if not c.holds] == [("below_zero", "-1.00")]


def test_what_was_on_its_way_before_entries_named_their_channel_is_told_apart(story: Story) -> None:
    """5,000 by card were never moved on, 300 came later; of the 350 moved then, 50 were of before."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 5000, "sushi", channel="card")
    story.payment("2017-03-01", "anna", 300, "sushi", channel="card")
    for row in story.rows["entries"][2:]:
        row["channel"] = "card"
    by_channel = ("channel", "state", "amount")
    result = story.book().report("cash-by-channel", as_of="2017-03-31")
    assert figures(result.frame, *by_channel) == [("card", "before", "5000.00"), ("card", "in_transit", "300.00")]
    move(story, "2017-03-05", 350, ("sushi", "card"), ("sushi", "bank"))
    result = story.book().report("cash-by-channel", as_of="2017-03-31")
    assert figures(result.frame, *by_channel) == [("bank", "arrived", "350.00"), ("card", "before", "4950.00")]
    assert result.holds


def test_a_channel_that_went_below_zero_before_moves_were_there_fails_no_control(story: Story) -> None:
    """Card 1,000 came and 200 were paid out by bank before the upgrade: nobody could post what the acquirer paid."""
    story.account("anna")
    story.payment("2017-02-01", "anna", 1000, "sushi", channel="card")
    story.payout("2017-02-03", "anna", 200, "sushi", channel="bank")
    result = story.book().report("cash-by-channel", as_of="2017-03-31")
    assert figures(result.frame, "channel", "state", "amount") == [
        ("bank", "before", "-200.00"),
        ("card", "before", "1000.00"),
    ]
    assert result.holds


def test_adjustments_stand_by_their_code_in_trial_balance_and_corrections(story: Story) -> None:
    """Bad debt of 40 and breakage of 7, and a typing error without a code."""
    story.account("anna")
    for amount, chart in ((40, "bad_debt"), (-7, "breakage"), (-1, None)):
        story.adjustment("2017-03-01", "anna", amount, "sushi")
        story.rows["entries"][-1]["chart"] = chart
    result = story.book().report("trial-balance", **MARCH)
    own = [row for row in figures(result.frame, "kind", "chart", "debit", "credit") if row[0] == "adjustments"]
    assert own == [
        ("adjustments", "", "0.00", "1.00"),
        ("adjustments", "bad_debt", "40.00", "0.00"),
        ("adjustments", "breakage", "0.00", "7.00"),
    ]
    assert result.holds
    corrections = story.book().report("corrections", **MARCH)
    assert figures(corrections.frame, "chart", "change") == [
        ("bad_debt", "40.00"),
        ("breakage", "-7.00"),
        ("", "-1.00"),
    ]
