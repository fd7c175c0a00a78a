"""Who owes and who is near a limit: receivables-aging, open-items, credit-exposure."""

import pytest

from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story


@pytest.fixture
def debts(story: Story) -> Story:
    """Return a company on 30 days of credit that owes three debits, and a client who has paid ahead."""
    story.account("romashka", holder="sushi", kind="legal_entity")
    story.account("anna", holder="pizza")
    story.terms("romashka", 1000, 30, "2017-01-01", "2017-06-30")
    story.debit("2017-01-10", "romashka", ("sushi", 100), key="d1")
    story.debit("2017-02-10", "romashka", ("sushi", 200), key="d2")
    story.payment("2017-02-15", "romashka", 130, "sushi")
    story.debit("2017-03-10", "romashka", ("pizza", 300), key="d3")
    story.refund("2017-03-12", "d3", ("pizza", 50))
    story.payment("2017-03-20", "anna", 80, "pizza")
    return story


def test_credits_settle_the_oldest_and_a_refund_its_own_debit(debts: Story) -> None:
    """130 paid d1 and 30 of d2; the refund lowered d3 though d2 is older."""
    result = debts.book().report("open-items", as_of="2017-03-31")
    assert figures(result.frame, "key", "amount", "unpaid", "days_late") == [
        ("d2", "200.00", "170.00", 19),
        ("d3", "250.00", "250.00", None),
    ]
    assert [str(day) for day in result.frame["due"]] == ["2017-03-12", "2017-04-09"]
    assert result.holds


def test_ages_are_of_any_date(debts: Story) -> None:
    """In February only d1 and d2 were there, and d1 was a day late."""
    result = debts.book().report("receivables-aging", as_of="2017-02-10")
    assert figures(result.frame, "reference", "not_due", "late_1_30", "total", "advance", "days_late") == [
        ("romashka", "200.00", "100.00", "300.00", "0.00", 1)
    ]
    assert result.holds


def test_ageing_has_debts_and_advances_apart(debts: Story) -> None:
    """A balance above zero is an advance and no debt below zero."""
    result = debts.book().report("receivables-aging", as_of="2017-03-31")
    names = ("reference", "not_due", "late_1_30", "total", "advance", "days_late")
    assert figures(result.frame, *names) == [
        ("romashka", "250.00", "170.00", "420.00", "0.00", 19),
        ("anna", "0.00", "0.00", "0.00", "80.00", None),
    ]
    assert result.holds
    by_brand = debts.book().report("receivables-aging", as_of="2017-03-31", brand="pizza", by="party")
    assert figures(by_brand.frame, "party", "advance") == [("anna", "80.00")]
    assert by_brand.holds


def test_a_debt_without_terms_is_due_at_once_and_old_ones_reach_the_last_band(story: Story) -> None:
    """121 days after an adjustment below zero the debt is in the last band; the day before in the one before."""
    story.account("anna")
    story.adjustment("2016-11-01", "anna", -40, "sushi")
    bands = ("late_91_120", "late_over_120")
    book = story.book()
    assert figures(book.report("receivables-aging", as_of="2017-03-01").frame, *bands) == [("40.00", "0.00")]
    assert figures(book.report("receivables-aging", as_of="2017-03-02").frame, *bands) == [("0.00", "40.00")]


def test_terms_without_a_period_are_never_late(story: Story) -> None:
    """A limit without a period says how much, not how long."""
    story.account("romashka")
    story.terms("romashka", 500, None, "2017-01-01")
    story.debit("2017-01-10", "romashka", ("sushi", 100))
    result = story.book().report("open-items", as_of="2017-12-31")
    assert figures(result.frame, "due", "days_late", "unpaid") == [(None, None, "100.00")]


def test_terms_set_after_a_day_was_closed_do_not_change_it(debts: Story) -> None:
    """The report of a closed day sees the period that was known then."""
    debts.close("2017-03-31")
    before = debts.book().report("open-items", as_of="2017-03-31")
    debts.terms("romashka", 1000, 5, "2017-01-01", recorded_at="2017-04-05")
    after = debts.book().report("open-items", as_of="2017-03-31")
    assert after.frame.equals(before.frame)
    later = debts.book().report("open-items", as_of="2017-04-30")
    assert later.frame["days_late"].to_list() == [74, 46]


def test_exposure_tells_the_worst_first(debts: Story) -> None:
    """Overdue goes before near; available above own money is nothing while overdue."""
    debts.hold("2017-03-25", "romashka", 20, "2017-05-01")
    result = debts.book().report("credit-exposure", as_of="2017-03-31")
    names = ("balance", "limit", "used", "held", "available", "days_left", "overdue", "overdue_days", "state")
    assert figures(result.frame, *names) == [
        ("-420.00", "1000.00", "420.00", "20.00", "0.00", 91, "170.00", 19, "overdue")
    ]
    assert result.frame["share"].to_list() == [0.44]
    assert result.holds


@pytest.mark.parametrize(
    ("limit", "period", "valid_until", "state", "available"),
    [
        (1000, 60, None, "ok", "700.00"),
        (350, 60, None, "near", "50.00"),
        (200, 60, None, "over", "0.00"),
        (1000, 60, "2017-04-10", "expiring", "700.00"),
        (1000, 60, "2017-03-30", "expired", "0.00"),
    ],
)
def test_states_of_credit(
    story: Story, limit: int, period: int, valid_until: str | None, state: str, available: str
) -> None:
    """Used 300 of different limits."""
    story.account("romashka")
    story.terms("romashka", limit, period, "2017-01-01", valid_until)
    story.debit("2017-03-10", "romashka", ("sushi", 300))
    result = story.book().report("credit-exposure", as_of="2017-03-31")
    assert figures(result.frame, "state", "available") == [(state, available)]
    assert result.holds
