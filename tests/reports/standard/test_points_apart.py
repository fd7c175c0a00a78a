"""Points are never added to money: not in totals, not in controls, in any report that shows both."""

from decimal import Decimal

import pytest

from reports.core.result import Result
from reports.formats.captions import subtotals
from reports.journal import Parameters, entries_behind
from tests.reports.story import Story

MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}


@pytest.fixture
def both(story: Story) -> Story:
    """Return a book in which anna has 300.00 and 40 points, and pays 100.00 of which 25 by points; 20 come back."""
    story.account("anna")
    story.bonus_account("anna-points", of="anna", brand="sushi")
    story.payment("2017-03-01", "anna", 300, "sushi")
    story.bonus("2017-03-02", "anna-points", 40)
    story.debit("2017-03-05", "anna", ("sushi", 75), {"brand": "sushi", "amount": 25, "source": "anna-points"}, key="d")
    story.refund("2017-03-06", "d", ("sushi", 15), {"brand": "sushi", "amount": 5, "source": "anna-points"})
    return story


def totals(result: Result, *names: str) -> list[tuple[str, ...]]:
    """Return the sums as text, a row each."""
    return [tuple(str(sums[name]) for name in names) for sums in subtotals(result)]


def controlled(result: Result) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Return both sides of every control by name and kind."""
    return {(one.name, one.kind): (one.expected, one.actual) for one in result.controls}


def test_turnover_has_a_total_and_a_control_for_each(both: Story) -> None:
    """240.00 and 20 points, never 260.00."""
    result = both.book().report("turnover", **MARCH)
    assert totals(result, "kind", "closing") == [("bonus", "20.00"), ("money", "240.00")]
    assert controlled(result) == {
        ("ledger_balance", "bonus"): (20, 20),
        ("ledger_balance", "money"): (240, 240),
        ("zero_sum", "bonus"): (0, 0),
        ("zero_sum", "money"): (0, 0),
    }


def test_what_points_gain_does_not_make_up_for_what_money_lacks(both: Story) -> None:
    """Two errors that would cancel in one sum both show."""
    entries = both.rows["entries"]
    next(row for row in entries if row["account_kind"] == "bonus")["amount"] += 7
    next(row for row in entries if row["account_kind"] == "cash")["amount"] -= 7
    broken = [(c.name, c.kind, c.difference) for c in both.book().report("turnover", **MARCH).controls if not c.holds]
    assert ("zero_sum", "bonus", 7) in broken
    assert ("zero_sum", "money", -7) in broken


@pytest.mark.parametrize("by", ["kind", "account"])
def test_the_trial_balance_balances_in_each(both: Story, by: str) -> None:
    """Of 80.00 of revenue points paid 20, which stand beside the points."""
    result = both.book().report("trial-balance", **MARCH, by=by)
    assert totals(result, "kind", "closing_debit", "closing_credit") == [
        ("bonus", "0.00", "20.00"),
        ("bonus_expense", "40.00", "0.00"),
        ("cash", "300.00", "0.00"),
        ("money", "0.00", "240.00"),
        ("revenue", "0.00", "80.00"),
    ]
    sides = controlled(result)
    assert sides["closing_zero", "bonus"] == (40, 40)
    assert sides["closing_zero", "money"] == (300, 300)
    assert result.holds
    assert both.book().report("trial-balance", first_day="2017-03-06", last_day="2017-03-06", by=by).holds


def test_points_lost_on_the_way_to_a_brand_show_in_the_trial_balance(both: Story) -> None:
    """A revenue entry marked as money, though points paid, breaks both."""
    entries = both.rows["entries"]
    paid = (row for row in entries if row["account_kind"] == "revenue" and row["source_kind"] == "bonus")
    next(paid)["source_kind"] = "money"
    result = both.book().report("trial-balance", **MARCH)
    broken = {(one.name, one.kind) for one in result.controls if not one.holds}
    assert broken == {(name, kind) for name in ("turnover_zero", "closing_zero") for kind in ("money", "bonus")}


def test_clients_paid_money_and_points_as_brands_received_them(both: Story) -> None:
    """Kept 60.00 and 20 points."""
    sides = controlled(both.book().report("brand-revenue", **MARCH))
    assert sides["clients_paid", "money"] == (60, 60)
    assert sides["clients_paid", "bonus"] == (20, 20)


def test_a_correction_says_what_money_and_what_points_came_back(both: Story) -> None:
    """One refund, two figures."""
    result = both.book().report("corrections", **MARCH)
    assert result.frame.select("change", "points").rows() == [(15, 5)]
    assert totals(result, "currency", "change", "points") == [("RUB", "15.00", "5.00")]
    assert result.holds


def test_points_that_were_not_to_be_had_are_no_money_asked(both: Story) -> None:
    """Two commands are refused by one code: 500.00 of money, and 60 points to be taken back."""
    both.decline("2017-03-20", "anna", 500, "insufficient_funds")
    both.decline("2017-03-21", "anna-points", 60, "insufficient_funds", kind="bonus")
    for by in ("code", "kind", "account"):
        result = both.book().report("declines", **MARCH, by=by)
        assert totals(result, "currency", "count", "asked", "points") == [("RUB", "2", "500.00", "60.00")]
        assert result.holds


def test_an_account_card_adds_up_whatever_the_transactions_are(both: Story) -> None:
    """The kind of a transaction parts no totals, unlike that of an account."""
    result = both.book().report("account-card", account="anna", **MARCH)
    assert totals(result, "currency", "credit", "debit") == [("RUB", "315.00", "75.00")]


def test_entries_are_added_up_by_kind_of_account(both: Story) -> None:
    """The list of entries has a total for points, and one for money."""
    result = entries_behind(both.book(), Parameters.model_validate({"from": "2017-03-01", "to": "2017-03-31"}))
    assert ("bonus", "20.00") in totals(result, "kind", "amount")
    assert {one.kind for one in result.controls} == {"money", "bonus"}
    assert result.holds


def test_the_control_report_keeps_them_apart(both: Story) -> None:
    """Each check of balances has a row for money and one for points."""
    result = both.book().report("control", **MARCH)
    rows = result.frame.filter(source="ledger", check="balances").select("kind", "actual").rows()
    assert rows == [("bonus", 20), ("money", 240)]
    assert result.holds


def test_promotions_are_added_up_whatever_their_kind(story: Story) -> None:
    """A percentage and an amount take off the same money."""
    story.account("anna")
    story.order("2017-03-01", "o1", "anna", 90, code="TEN", discount=10)
    story.order("2017-03-02", "o2", "anna", 95, code="FIVE", discount=5)
    story.rows["promotions"][0]["kind"] = "percent"
    result = story.book().report("promotions", **MARCH)
    assert totals(result, "currency", "discount") == [("RUB", "15.00")]
