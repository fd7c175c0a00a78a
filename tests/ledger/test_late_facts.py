"""Late facts: what happened earlier than it is booked counts in the windows of its own time."""

from tests.ledger.story import Story


def test_lunches_of_a_till_that_was_offline_count_in_the_windows_of_their_days(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna
    account boris
    link    anna -> romashka   payer_first  500.00 a day
    link    boris -> romashka  payer_first  500.00 a day

    at      2024-03-05 15:00
    debit   d1  boris  300.00                            posted  romashka -300.00
    at      2024-03-05 16:00
    debit   d2  anna  400.00 occurred 2024-03-04T13:00   posted  romashka -400.00
    debit   d3  anna  100.00 occurred 2024-03-04T23:59   posted  romashka -100.00
    debit   d4  anna  0.01 occurred 2024-03-04T23:59     declined  write_off_limit_exceeded
    debit   d5  anna  500.00                             posted  romashka -500.00
    used    romashka for anna  day  2024-03-04  500.00 2
    used    romashka for anna  day  2024-03-05  500.00 1
    """
    story.holds()


def test_a_refund_and_an_expiry_give_back_to_the_window_of_when_it_happened(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna
    link    anna -> romashka  payer_first  500.00 a day  1 orders a day
    link    anna -> romashka  payer_first  900.00 a week

    at      2024-03-11
    debit   d1  anna  300.00 occurred 2024-03-10                  posted  romashka -300.00
    hold    h1  anna  400.00 until 2024-03-13 occurred 2024-03-09  posted  romashka 0.00
    debit   d2  anna  100.00 occurred 2024-03-09                  declined  write_off_limit_exceeded
    used    romashka for anna  week  2024-03-04  700.00 2
    refund  f1  d1                                                posted  romashka 300.00
    used    romashka for anna  week  2024-03-04  400.00 1
    at      2024-03-14
    debit   d3  anna  500.00 occurred 2024-03-09                  posted  romashka -500.00
    used    romashka for anna  week  2024-03-04  500.00 1
    used    romashka for anna  week  2024-03-11  0.00 0
    """
    story.holds()


def test_credit_and_closed_days_go_by_the_booking_and_a_fact_may_be_so_many_days_late(story: Story) -> None:
    """
    account anna  credit 1000.00  30 days  until 2024-03-04
    closed  2024-03-04

    at      2024-03-05
    debit   d1  anna  100.00 occurred 2024-03-04   declined  credit_expired
    payment p1  anna 500.00                        posted
    debit   d2  anna  100.00 occurred 2024-03-04   posted  anna -100.00
    debit   d3  anna  100.00 occurred 2024-02-27   posted  anna -100.00
    debit   d4  anna  100.00 occurred 2024-02-26T23:59   declined  too_late
    | 2024-02-26T20:59:00Z is more than 7 days before the booking, at 2024-03-05T09:00:00Z
    debit   d5  anna  100.00 occurred 2024-03-05T12:01   invalid
    payment p2  anna 500.00 occurred 2024-02-26    declined  too_late
    refund  f1  d2 occurred 2024-02-26             declined  too_late
    balance anna  300.00
    """
    story.holds()


def test_a_limit_set_later_starts_with_what_happened_in_its_window(story: Story) -> None:
    """
    account romashka  balance 5000.00
    account anna
    link    anna -> romashka  payer_first
    at      2024-03-05
    debit   d1  anna  300.00 occurred 2024-03-04                  posted  romashka -300.00
    hold    h1  anna  100.00 until 2024-03-06 occurred 2024-03-04  posted  romashka 0.00
    limit   romashka for anna  500.00 a day
    used    romashka for anna  day  2024-03-04  400.00 2
    used    romashka for anna  day  2024-03-05  0.00 0
    debit   d2  anna  200.00 occurred 2024-03-04                  declined  write_off_limit_exceeded
    debit   d3  anna  200.00                                      posted  romashka -200.00
    """
    story.holds()
