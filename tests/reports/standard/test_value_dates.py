"""Reports of movements by value date: what the bank dates late changes months that are closed."""

import pytest

from ledger.errors import Failure
from reports.core.parameters import Movements
from reports.core.report import REPORTS, Report
from tests.reports.standard.test_every_report import parameters_for
from tests.reports.standard.test_turnover import figures
from tests.reports.story import Story

MOVEMENTS = [report for report in REPORTS.values() if issubclass(report.parameters, Movements)]
MARCH = {"first_day": "2017-03-01", "last_day": "2017-03-31"}
BY_VALUE = {**MARCH, "dated_by": "value"}


@pytest.fixture
def late(story: Story) -> Story:
    """Return a closed March; in April a payment of 30 March is booked."""
    story.account("anna", holder="sushi")
    story.payment("2017-03-05", "anna", 100, "pizza", channel="bank", key="p1")
    story.debit("2017-03-06", "anna", ("sushi", 30))
    story.close("2017-03-31")
    story.payment("2017-04-03", "anna", 50, "pizza", channel="bank", value_date="2017-03-30")
    story.payment("2017-04-04", "anna", 7, "sushi", channel="bank")
    story.debit("2017-04-05", "anna", ("sushi", 20), occurred_at="2017-03-31")
    return story


def test_a_closed_month_by_value_date_is_provisional_unless_it_is_booked_until_a_closed_day(late: Story) -> None:
    """March had 100 when it was closed and has 150 now; booked until its last day it has 100 for ever."""
    booking = late.book().report("receipts", **MARCH, by="total")
    assert (figures(booking.frame, "received"), booking.provisional) == ([("100.00",)], False)
    value = late.book().report("receipts", **BY_VALUE, by="total")
    assert (figures(value.frame, "received"), value.provisional) == ([("150.00",)], True)
    final = late.book().report("receipts", **BY_VALUE, by="total", booked_until="2017-03-31")
    assert (figures(final.frame, "received"), final.provisional) == ([("100.00",)], False)
    open_day = late.book().report("receipts", **BY_VALUE, by="total", booked_until="2017-04-03")
    assert (figures(open_day.frame, "received"), open_day.provisional) == ([("150.00",)], True)


def test_march_by_when_it_happened_has_the_lunch_that_was_booked_in_april(late: Story) -> None:
    """30 of the services of March were booked in it, 20 on 5 April; booked until its last day it has 30 for ever."""
    occurred = {**MARCH, "dated_by": "occurred"}
    assert figures(late.book().report("services", **MARCH).frame, "net") == [("30.00",)]
    now = late.book().report("services", **occurred)
    assert (figures(now.frame, "net"), now.provisional) == ([("50.00",)], True)
    final = late.book().report("services", **occurred, booked_until="2017-03-31")
    assert (figures(final.frame, "net"), final.provisional) == ([("30.00",)], False)


@pytest.mark.parametrize("dated_by", ["value", "occurred"])
@pytest.mark.parametrize("report", MOVEMENTS, ids=[report.name for report in MOVEMENTS])
def test_every_report_of_movements_goes_by_other_dates(report: Report, dated_by: str, late: Story) -> None:
    """Every control holds, by value date or occurrence and up to a day of booking; the figures are provisional."""
    dated = parameters_for(report) | {"dated_by": dated_by}
    now, then = late.book().report(report.name, **dated), None
    then = late.book().report(report.name, **dated, booked_until="2017-03-31")
    for result in (now, then):
        assert result.holds, [control for control in result.controls if not control.holds]
    assert (now.provisional, then.provisional) == (True, False)


def test_balances_by_value_date(late: Story) -> None:
    """Anna's 120 of 31 March by the bank are 70 by the book; her card runs in the bank's order."""
    assert figures(late.book().report("turnover", **MARCH).frame, "closing") == [("70.00",)]
    assert figures(late.book().report("turnover", **BY_VALUE).frame, "closing") == [("120.00",)]
    card = late.book().report("account-card", **{**BY_VALUE, "last_day": "2017-04-30"}, account="anna")
    assert figures(card.frame, "version", "balance") == [
        (1, "100.00"),
        (2, "70.00"),
        (3, "120.00"),
        (4, "127.00"),
        (5, "107.00"),
    ]
    settled = late.book().report("brand-settlements", **BY_VALUE)
    assert figures(settled.frame, "brand", "received") == [("pizza", "-150.00"), ("sushi", "150.00")]


def test_reports_of_movements_of_money_are_all_of_these() -> None:
    """Points and set-aside money are none of the bank's, so holds and bonuses are not among them."""
    assert (
        [report.name for report in MOVEMENTS]
        == """
        account-card brand-revenue brand-settlements client-activity corrections receipts services subaccounts
        trial-balance turnover vat
    """.split()
    )


def test_a_day_of_booking_that_is_none_is_one_sentence(late: Story) -> None:
    """As any date."""
    with pytest.raises(Failure, match="June is not a date"):
        late.book().report("receipts", **BY_VALUE, booked_until="June")
