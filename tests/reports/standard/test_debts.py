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


def test_old_debts_reach_the_last_band(story: Story) -> None:
    """121 days after its due date a debt is in the last band; the day before in the one before."""
    story.account("anna")
    story.terms("anna", 100, 10, "2016-01-01")
    story.adjustment("2016-10-22", "anna", -40, "sushi")
    bands = ("late_91_120", "late_over_120")
    book = story.book()
    assert figures(book.report("receivables-aging", as_of="2017-03-01").frame, *bands) == [("40.00", "0.00")]
    assert figures(book.report("receivables-aging", as_of="2017-03-02").frame, *bands) == [("0.00", "40.00")]


def test_a_debt_without_terms_is_due_when_terms_that_were_recorded_later_say_so(story: Story) -> None:
    """No date until 1 December, when the first terms with a period are valid; what comes after them is too late."""
    story.account("anna")
    story.adjustment("2016-11-01", "anna", -40, "sushi")
    story.terms("anna", 100, None, "2016-11-02", recorded_at="2016-11-02")
    story.terms("anna", 100, 20, "2016-12-01", recorded_at="2016-11-03")
    story.terms("anna", 100, 5, "2016-11-04", recorded_at="2016-11-04")
    book = story.book()
    assert figures(book.report("open-items", as_of="2016-11-30").frame, "due", "days_late") == [(None, None)]
    items = book.report("open-items", as_of="2016-12-01").frame
    assert figures(items, "days_late") == [(10,)] and str(items["due"][0]) == "2016-11-21"
    assert figures(book.report("receivables-aging", as_of="2016-11-30").frame, "not_due") == [("40.00",)]


def test_new_terms_leave_due_dates_and_credits_settle_what_is_due_first(story: Story) -> None:
    """60 days from 1 March, 7 from 20 March: the later debit is due, and paid, before the older one."""
    story.account("anna")
    story.terms("anna", 1000, 60, "2017-01-01")
    story.debit("2017-03-01", "anna", ("sushi", 100), key="d1")
    story.terms("anna", 1000, 7, "2017-01-01", recorded_at="2017-03-20")
    story.debit("2017-03-21", "anna", ("sushi", 10), key="d2")
    story.payment("2017-03-22", "anna", 4, "sushi")
    items = story.book().report("open-items", as_of="2017-03-31").frame.sort("due")
    assert figures(items, "key", "unpaid", "days_late") == [("d2", "6.00", 3), ("d1", "100.00", None)]
    assert [str(day) for day in items["due"]] == ["2017-03-28", "2017-04-30"]


def undone(story: Story) -> Story:
    """Paid on 5 March and charged back on 10 April; an adjustment of 5 March undone on the same day."""
    story.account("anna")
    story.terms("anna", 1000, 30, "2017-01-01")
    story.debit("2017-03-01", "anna", ("sushi", 100), key="d1")
    story.payment("2017-03-05", "anna", 100, "sushi", key="p1")
    story.account("boris")
    story.terms("boris", 1000, 30, "2017-01-01")
    story.debit("2017-03-01", "boris", ("sushi", 50), key="d2")
    story.adjustment("2017-03-05", "boris", -100, "sushi", key="a1")
    story.reverse("2017-04-10", "p1")
    story.reverse("2017-04-10", "a1")
    return story


def test_what_is_undone_leaves_debts_as_old_as_they_were(story: Story) -> None:
    """Both debits of 1 March are 15 days late on 15 April; on 9 April the paid one was not owed."""
    book = undone(story).book()
    names = ("key", "unpaid", "days_late")
    assert figures(book.report("open-items", as_of="2017-04-15").frame, *names) == [
        ("d1", "100.00", 15),
        ("d2", "50.00", 15),
    ]
    assert figures(book.report("open-items", as_of="2017-04-09").frame, *names) == [
        ("d2", "50.00", 9),
        ("a1", "100.00", 5),
    ]


def test_a_prepayment_undone_leaves_what_it_covered_unpaid_since_its_day(story: Story) -> None:
    """Prepaid 1,000, debit of 300 on 5 March, the prepayment reversed on 10 April."""
    story.account("anna")
    story.payment("2017-03-01", "anna", 1000, "sushi", key="p1")
    story.debit("2017-03-05", "anna", ("sushi", 300), key="d1")
    story.reverse("2017-04-10", "p1")
    items = story.book().report("open-items", as_of="2017-04-15").frame
    assert figures(items, "key", "unpaid") == [("d1", "300.00")] and str(items["business_date"][0]) == "2017-03-05"


def test_days_closed_before_there_were_due_dates_keep_their_figures(story: Story) -> None:
    """There a reversal ages like a debit, terms of the day count, and a debt without terms is due at once."""
    story.dates_items = False
    undone(story)
    story.account("vera")
    story.adjustment("2017-04-01", "vera", -7, "sushi", key="a2")
    story.close("2017-04-15", rules=1)
    story.terms("anna", 1000, 5, "2017-01-01", recorded_at="2017-04-16")
    book = story.book()
    names = ("key", "unpaid", "days_late")
    old = book.report("open-items", as_of="2017-04-15").frame
    assert figures(old, "kind", "unpaid", "days_late") == [
        ("reverse", "100.00", None),
        ("adjustment", "50.00", 11),
        ("adjustment", "7.00", 14),
    ]
    new = book.report("open-items", as_of="2017-04-16").frame
    assert figures(new, *names) == [("d1", "100.00", 16), ("d2", "50.00", 16), ("a2", "7.00", None)]


def test_terms_without_a_period_are_never_late(story: Story) -> None:
    """A limit without a period says how much, not how long."""
    story.account("romashka")
    story.terms("romashka", 500, None, "2017-01-01")
    story.debit("2017-01-10", "romashka", ("sushi", 100))
    result = story.book().report("open-items", as_of="2017-12-31")
    assert figures(result.frame, "due", "days_late", "unpaid") == [(None, None, "100.00")]


def test_terms_set_after_a_day_was_closed_do_not_change_it(debts: Story) -> None:
    """The report of a closed day sees what was known then, and debts keep the dates that they were given."""
    debts.close("2017-03-31")
    before = debts.book().report("open-items", as_of="2017-03-31")
    debts.terms("romashka", 1000, 5, "2017-01-01", recorded_at="2017-04-05")
    after = debts.book().report("open-items", as_of="2017-03-31")
    assert after.frame.equals(before.frame)
    later = debts.book().report("open-items", as_of="2017-04-30")
    assert later.frame["days_late"].to_list() == [49, 21]


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


def test_a_frozen_account_has_nothing_available_from_its_day_on(story: Story) -> None:
    """Frozen on 31 March; the day before it had what its credit left."""
    story.account("anna")
    story.terms("anna", 500, 30, "2017-01-01")
    story.debit("2017-03-10", "anna", ("sushi", 300))
    story.change("2017-03-31T15:00", "account_status", "anna", {"status": "open"}, {"status": "frozen"})
    book = story.book()
    names = ("limit", "available", "state")
    assert figures(book.report("credit-exposure", as_of="2017-03-30").frame, *names) == [("500.00", "200.00", "ok")]
    assert figures(book.report("credit-exposure", as_of="2017-03-31").frame, *names) == [("500.00", "0.00", "frozen")]
    story.close("2017-03-31", rules=1)
    closed = story.book().report("credit-exposure", as_of="2017-03-31").frame
    assert figures(closed, *names) == [("500.00", "200.00", "ok")]


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
