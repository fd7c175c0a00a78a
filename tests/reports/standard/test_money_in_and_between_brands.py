"""Trial balance, receipts, brand settlements, bonuses, holds."""

import pytest

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
    assert [(str(row["day"]), *cells) for row, cells in zip(
        result.frame.rows(named=True), figures(result.frame, *names), strict=True)] == [
        ("2017-03-01", "bank", 1, "75.00", "0.00", "0.00", "75.00", "75.00"),
        ("2017-03-01", "card", 1, "300.00", "0.00", "0.00", "300.00", "0.00"),
        ("2017-03-02", "bank", 0, "0.00", "0.00", "0.00", "0.00", "-75.00"),
        ("2017-03-02", "card", 0, "0.00", "0.00", "300.00", "-300.00", "0.00"),
        ("2017-03-03", "bank", 0, "0.00", "20.00", "0.00", "-20.00", "0.00"),
    ]  # fmt: skip
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


def test_a_payment_split_over_accounts_and_brands_meets_in_order(story: Story) -> None:
    """400 for anna by sushi and 500 for boris by pizza stay apart."""
    story.account("anna", holder="sushi")
    story.account("boris", holder="sushi")
    legs = [("anna", 400, {}), ("boris", 500, {}), (story._system("sushi", "cash", "RUB"), -400, {}),
            (story._system("pizza", "cash", "RUB"), -500, {})]  # fmt: skip
    story._post("2017-03-01", "payment", legs, amount=900, currency="RUB")
    result = story.book().report("brand-settlements", **MARCH)
    assert figures(result.frame, "brand", "other", "received") == [
        ("pizza", "sushi", "-500.00"),
        ("sushi", "pizza", "500.00"),
    ]


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
