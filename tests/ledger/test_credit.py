"""Credit: limit, period, validity, and how old a debt is."""

from tests.ledger.story import Story


def test_credit_reaches_to_its_limit_and_not_a_kopeck_further(story: Story) -> None:
    """
    account romashka  credit 1000.00
    debit   d1  romashka  950.00   posted
    debit   d2  romashka  120.00   declined  credit_limit_exceeded
    | credit limit exceeded on account romashka: balance -950.00, held 0.00, this debit 120.00, credit limit 1000.00 RUB; short by 70.00
    facts   asked=120.00 offered=50.00 balance=-950.00 held=0.00 drawn=120.00 credit_limit=1000.00 short_by=70.00 account=romashka
    hold    h1  romashka  50.00  until 2024-03-09   posted
    debit   d3  romashka  0.01   declined  credit_limit_exceeded
    | credit limit exceeded on account romashka: balance -950.00, held 50.00, this debit 0.01, credit limit 1000.00 RUB; short by 0.01
    """
    story.holds()


def test_without_terms_an_account_gives_its_own_money_only(story: Story) -> None:
    """
    account anna   balance 100.00
    debit   d1  anna  100.01   declined  insufficient_funds
    | insufficient funds on account anna: balance 100.00, held 0.00, this debit 100.01 RUB; short by 0.01
    debit   d2  anna  100.00   posted  anna -100.00
    """
    story.holds()


def test_terms_that_have_not_begun_are_no_terms_and_both_their_days_count(story: Story) -> None:
    """
    account anna   credit 100.00  from 2024-03-05 until 2024-03-06
    at      2024-03-04 23:59
    debit   d1  anna  10.00   declined  insufficient_funds
    at      2024-03-05 00:00
    debit   d2  anna  10.00   posted
    at      2024-03-06 23:59
    debit   d3  anna  10.00   posted
    at      2024-03-07 00:00
    debit   d4  anna  10.00   declined  credit_expired
    | credit expired on account anna: balance -20.00, held 0.00, this debit 10.00, credit was valid until 2024-03-06, RUB; short by 30.00
    payment p1  anna  25.00   posted
    debit   d5  anna  5.00    posted
    """
    story.holds()


def test_of_the_terms_valid_on_a_day_the_last_recorded_is_in_force(story: Story) -> None:
    """
    account anna   credit 100.00
    terms   anna   credit 500.00  from 2024-03-05 until 2024-03-05
    debit   d1  anna  101.00   declined  credit_limit_exceeded
    at      2024-03-05
    debit   d2  anna  300.00   posted
    terms   anna   credit 200.00  from 2024-03-05 until 2024-03-05
    debit   d3  anna  1.00     declined  credit_limit_exceeded
    | credit limit exceeded on account anna: balance -300.00, held 0.00, this debit 1.00, credit limit 200.00 RUB; short by 101.00
    """
    story.holds()


def test_a_debt_is_overdue_on_the_day_after_its_last(story: Story) -> None:
    """
    account anna   credit 100.00  10 days
    debit   d1  anna  10.00   posted
    at      2024-03-14 23:59
    debit   d2  anna  10.00   posted
    at      2024-03-15 00:00
    debit   d3  anna  10.00   declined  credit_overdue
    | credit overdue on account anna: balance -20.00, held 0.00, this debit 10.00 RUB, unpaid since 2024-03-04, due on 2024-03-14; short by 30.00
    facts   unpaid_since=2024-03-04 due_on=2024-03-14
    payment p1  anna  9.99    posted
    debit   d4  anna  1.00    declined  credit_overdue
    payment p2  anna  0.01    posted
    owed    anna  d2 2024-03-14 due 2024-03-24 10.00
    debit   d5  anna  1.00    posted
    """
    story.holds()


def test_who_always_pays_in_time_is_never_overdue_though_never_at_zero(story: Story) -> None:
    """
    account anna   credit 100.00  10 days
    debit   d1  anna  50.00   posted
    at      2024-03-12
    debit   d2  anna  50.00   posted
    payment p1  anna  50.00   posted
    at      2024-03-20
    debit   d3  anna  50.00   posted
    payment p2  anna  50.00   posted
    at      2024-03-28
    debit   d4  anna  50.00   posted
    owed    anna  d3 2024-03-20 due 2024-03-30 50.00, d4 2024-03-28 due 2024-04-07 50.00
    """
    story.holds()


def test_a_refund_lowers_its_own_debit_and_other_credits_settle_the_oldest(story: Story) -> None:
    """
    account anna   credit 1000.00
    debit   d1  anna  100.00   posted
    at      2024-03-05
    debit   d2  anna  50.00    posted
    at      2024-03-06
    debit   d3  anna  30.00    posted
    refund  f1  d2  20.00      posted
    owed    anna  d1 2024-03-04 100.00, d2 2024-03-05 30.00, d3 2024-03-06 30.00
    payment p1  anna  110.00   posted
    owed    anna  d2 2024-03-05 20.00, d3 2024-03-06 30.00
    refund  f2  d2  30.00      posted
    owed    anna  d3 2024-03-06 20.00
    """
    story.holds()


def test_ordering_and_cancelling_does_not_make_an_old_debt_young(story: Story) -> None:
    """
    account anna   credit 1000.00  10 days
    debit   d1  anna  100.00   posted
    at      2024-03-14
    debit   d2  anna  100.00   posted
    refund  f1  d2             posted
    owed    anna  d1 2024-03-04 due 2024-03-14 100.00
    hold    h1  anna  50.00  until 2024-03-15   posted
    release r1  h1             posted
    at      2024-03-15
    debit   d3  anna  1.00     declined  credit_overdue
    """
    story.holds()


def test_a_debit_covered_in_part_owes_the_rest_and_a_refund_beyond_it_settles_the_oldest(story: Story) -> None:
    """
    account anna   credit 1000.00  balance 30.00
    debit   d1  anna  100.00   posted
    owed    anna  d1 2024-03-04 70.00
    debit   d2  anna  10.00    posted
    refund  f1  d1  75.00      posted
    owed    anna  d2 2024-03-04 5.00
    payment p1  anna  50.00    posted
    owed    anna  nothing
    """
    story.holds()


def test_captures_and_negative_adjustments_age_like_debits_and_a_reversal_opens_what_was_paid(story: Story) -> None:
    """
    account anna   credit 1000.00
    payment p1  anna  10.00    posted
    debit   d0  anna  10.00    posted
    hold    h1  anna  20.00  until 2024-03-20   posted
    at      2024-03-05
    reverse v1  p1             posted  anna -10.00
    at      2024-03-06
    adjustment a1  anna -5.00  posted
    at      2024-03-07
    capture c1  h1             posted  anna -20.00
    owed    anna  d0 2024-03-04 10.00, a1 2024-03-06 5.00, c1 2024-03-07 20.00
    reverse v2  a1             posted  anna 5.00
    owed    anna  d0 2024-03-04 10.00, c1 2024-03-07 20.00
    refund  f1  c1  15.00      posted
    owed    anna  d0 2024-03-04 10.00, c1 2024-03-07 5.00
    """
    story.holds()


def test_a_payer_owes_for_its_subaccounts_by_their_days(story: Story) -> None:
    """
    account romashka  credit 1000.00  5 days
    account anna
    account boris     balance 1.00
    link    anna  -> romashka  payer_first
    link    boris -> romashka  payer_first
    debit   d1  anna   10.00   posted
    at      2024-03-05
    debit   d2  boris  20.00   posted
    owed    romashka  d1 2024-03-04 due 2024-03-09 10.00, d2 2024-03-05 due 2024-03-10 20.00
    at      2024-03-10
    debit   d3  boris  1.00    posted  boris -1.00
    debit   d4  anna   1.00    declined  credit_overdue
    refund  f1  d1             posted  romashka 10.00
    debit   d5  anna   1.00    posted  romashka -1.00
    """
    story.holds()


def test_a_payment_undone_leaves_the_debt_as_old_as_it_was(story: Story) -> None:
    """
    account anna   credit 1000.00  30 days
    at      2024-03-01
    debit   d1  anna  100.00   posted
    at      2024-03-05
    payment p1  anna  100.00   posted
    owed    anna  nothing
    at      2024-04-10
    reverse v1  p1             posted  anna -100.00
    owed    anna  d1 2024-03-01 due 2024-03-31 100.00
    at      2024-04-15
    debit   d2  anna  1.00     declined  credit_overdue
    | credit overdue on account anna: balance -100.00, held 0.00, this debit 1.00 RUB, unpaid since 2024-03-01, due on 2024-03-31; short by 101.00
    """
    story.holds()


def test_what_a_prepayment_covered_is_owed_since_its_day_when_the_prepayment_is_undone(story: Story) -> None:
    """
    account anna
    payment p1  anna  1000.00  posted
    at      2024-03-05
    debit   d1  anna  300.00   posted
    at      2024-04-10
    reverse v1  p1             posted  anna -1000.00
    owed    anna  d1 2024-03-05 300.00
    """
    story.holds()


def test_an_adjustment_undone_leaves_the_older_debit_unpaid(story: Story) -> None:
    """
    account anna   credit 1000.00  30 days
    at      2024-03-01
    debit   d1  anna  50.00    posted
    at      2024-03-05
    adjustment a1  anna -100.00  posted
    at      2024-04-03
    reverse v1  a1             posted  anna 100.00
    owed    anna  d1 2024-03-01 due 2024-03-31 50.00
    debit   d2  anna  1.00     declined  credit_overdue
    """
    story.holds()


def test_shorter_terms_leave_the_due_dates_of_before(story: Story) -> None:
    """
    account anna   credit 1000.00  60 days
    at      2024-03-01
    debit   d1  anna  100.00   posted
    terms   anna   credit 1000.00  7 days  from 2024-03-20
    at      2024-03-21
    debit   d2  anna  10.00    posted
    owed    anna  d2 2024-03-21 due 2024-03-28 10.00, d1 2024-03-01 due 2024-04-30 100.00
    payment p1  anna  10.00    posted
    owed    anna  d1 2024-03-01 due 2024-04-30 100.00
    at      2024-04-29
    debit   d3  anna  1.00     posted
    """
    story.holds()


def test_longer_terms_do_not_make_an_overdue_debt_young(story: Story) -> None:
    """
    account anna   credit 1000.00  7 days
    at      2024-03-01
    debit   d1  anna  100.00   posted
    at      2024-03-20
    terms   anna   credit 1000.00  60 days
    debit   d2  anna  1.00     declined  credit_overdue
    facts   unpaid_since=2024-03-01 due_on=2024-03-08
    payment p1  anna  99.00    posted
    debit   d3  anna  1.00     declined  credit_overdue
    payment p2  anna  1.00     posted
    debit   d4  anna  1.00     posted
    owed    anna  d4 2024-03-20 due 2024-05-19 1.00
    """
    story.holds()


def test_a_due_date_can_be_agreed_and_is_that_of_every_source(story: Story) -> None:
    """
    account romashka  credit 30.00  10 days
    account anna      credit 100.00
    link    anna -> romashka  payer_first
    debit   d1  anna  50.00  due 2024-03-09  posted  romashka -30.00, anna -20.00
    hold    h1  anna  10.00  due 2024-03-07  until 2024-03-08  posted
    adjustment a1  anna -5.00  due 2024-02-01  posted
    owed    romashka  d1 2024-03-04 due 2024-03-09 30.00
    owed    anna  a1 2024-03-04 due 2024-02-01 5.00, d1 2024-03-04 due 2024-03-09 20.00
    unlink  anna -> romashka
    debit   d2  anna  1.00     declined  credit_overdue
    at      2024-03-05
    capture c1  h1             posted  anna -10.00
    owed    anna  a1 2024-03-04 due 2024-02-01 5.00, c1 2024-03-05 due 2024-03-07 10.00, d1 2024-03-04 due 2024-03-09 20.00
    payment p1  anna  12.00    posted
    owed    anna  c1 2024-03-05 due 2024-03-07 3.00, d1 2024-03-04 due 2024-03-09 20.00
    """
    story.holds()


def test_a_captured_hold_arises_at_its_capture_by_the_terms_of_each_source(story: Story) -> None:
    """
    account romashka  credit 30.00  10 days
    account anna      credit 100.00  20 days
    link    anna -> romashka  payer_first
    hold    h1  anna  50.00  until 2024-03-20  posted
    at      2024-03-06
    terms   anna   credit 100.00  5 days
    capture c1  h1             posted
    owed    romashka  c1 2024-03-06 due 2024-03-16 30.00
    owed    anna  c1 2024-03-06 due 2024-03-11 20.00
    """
    story.holds()


def test_an_item_without_a_period_takes_it_from_the_first_terms_that_have_one_once_they_are_valid(story: Story) -> None:
    """
    account anna   credit 100.00
    debit   d1  anna  10.00    posted
    owed    anna  d1 2024-03-04 10.00
    terms   anna   credit 100.00  20 days  from 2024-03-11
    at      2024-03-07
    debit   d2  anna  10.00    posted
    terms   anna   credit 100.00  3 days  from 2024-03-07
    at      2024-03-08
    debit   d3  anna  10.00    posted
    owed    anna  d2 2024-03-07 due 2024-03-10 10.00, d3 2024-03-08 due 2024-03-11 10.00, d1 2024-03-04 10.00
    at      2024-03-12
    payment p1  anna  25.00    posted
    owed    anna  d1 2024-03-04 due 2024-03-24 5.00
    at      2024-03-25
    debit   d4  anna  1.00     declined  credit_overdue
    facts   unpaid_since=2024-03-04 due_on=2024-03-24
    """
    story.holds()


def test_a_business_day_is_the_books_own(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna
    link    anna -> romashka  payer_first  100.00 a day
    at      2024-03-04 23:59
    debit   d1  anna  100.00   posted
    at      2024-03-05 00:00
    debit   d2  anna  100.00   posted
    used    romashka for anna day 2024-03-05 100.00 1
    """
    story.holds()
