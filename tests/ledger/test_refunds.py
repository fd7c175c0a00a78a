"""Refunds and reversals: back to where it came from, never more than was taken, once."""

from tests.ledger.story import Story


def test_a_whole_refund_gives_each_source_what_it_paid(story: Story) -> None:
    """
    account romashka  balance 50.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first
    debit   d1  anna  80.00  posted  romashka -50.00, anna -30.00
    refund  f1  d1           posted  romashka 50.00, anna 30.00
    refund  f2  d1           declined  refund_exceeds_debit
    | refund exceeds debit d1: amount 80.00, refunded 80.00, this refund 80.00 RUB; over by 80.00
    """
    story.holds()


def test_refunds_in_parts_are_split_by_what_each_line_and_source_still_has(story: Story) -> None:
    """
    account romashka  balance 10.00
    account anna      balance 100.00
    link    anna -> romashka  payer_first
    debit   d1  anna  sushi 20.00 of 25.00 + pizza 0.01  posted  romashka -10.00, anna -10.01
    refund  f1  d1  0.03     posted  romashka 0.02, anna 0.01
    refund  f2  d1  19.99    declined  refund_exceeds_debit
    | refund exceeds debit d1: amount 20.01, refunded 0.03, this refund 19.99 RUB; over by 0.01
    refund  f3  d1  10.00    posted
    refund  f4  d1           posted
    balance romashka  10.00
    balance anna      100.00
    refund  f5  d1  0.01     declined  refund_exceeds_debit
    """
    story.holds()


def test_a_line_is_refunded_up_to_what_was_taken_for_it(story: Story) -> None:
    """
    account anna      balance 100.00
    debit   d1  anna  sushi 20.00 of 30.00 vat 20 + pizza 10.00   posted
    refund  f1  d1  line 1 5.00           posted  anna 5.00
    revenue f1  1 sushi anna -5.00 -7.50 -0.83
    refund  f2  d1  line 1 15.01 + line 2  declined  refund_exceeds_debit
    | refund exceeds debit d1: line 1 20.00, refunded 5.00, this refund 15.01 RUB; over by 0.01
    refund  f3  d1  line 3                declined  refund_exceeds_debit
    refund  f4  d1  line 1 + line 2 1.00  posted  anna 16.00
    revenue f4  1 sushi anna -15.00 -22.50 -2.50, 2 pizza anna -1.00 -1.00
    refund  f5  d1                        posted  anna 9.00
    balance anna  100.00
    """
    story.holds()


def test_captures_are_refunded_like_debits(story: Story) -> None:
    """
    account anna      balance 100.00
    hold    h1  anna  60.00  until 2024-03-10   posted
    capture c1  h1  20.00   posted
    refund  f0  h1          declined  debit_not_found
    | no debit with the key h1
    refund  f1  c1  20.01   declined  refund_exceeds_debit
    refund  f2  c1  15.00   posted  anna 15.00
    refund  f3  c1          posted  anna 5.00
    capture c2  h1          posted  anna -40.00
    refund  f4  c2          posted  anna 40.00
    balance anna  100.00
    """
    story.holds()


def test_a_refund_goes_through_when_accounts_are_frozen_or_limits_are_gone(story: Story) -> None:
    """
    account romashka  balance 50.00
    account anna
    link    anna -> romashka  payer_first
    debit   d1  anna  50.00  posted
    status  anna frozen
    status  romashka frozen
    unlink  anna -> romashka
    refund  f1  d1  posted  romashka 50.00
    """
    story.holds()


def test_a_free_dish_is_a_debit_of_nothing_and_cannot_be_refunded(story: Story) -> None:
    """
    account anna
    debit   d1  anna  0.00 of 12.00   posted  anna 0.00
    revenue d1  1 sushi anna 0.00 12.00
    refund  f1  d1  declined  refund_exceeds_debit
    account boris  balance 5.00
    debit   d2  boris  sushi 0.00 of 12.00 + pizza 5.00   posted  boris -5.00
    revenue d2  1 sushi boris 0.00 12.00, 2 pizza boris 5.00 5.00
    refund  f2  d2  posted  boris 5.00
    """
    story.holds()


def test_ties_of_a_split_go_to_the_earliest_part(story: Story) -> None:
    """
    account anna      balance 100.00
    debit   d1  anna  sushi 10.00 + pizza 10.00 + sushi 10.00   posted
    refund  f1  d1  0.02   posted
    revenue f1  1 sushi anna -0.01 -0.01, 2 pizza anna -0.01 -0.01
    """
    story.holds()


def test_a_payment_is_reversed_once_and_may_leave_an_account_below_zero(story: Story) -> None:
    """
    account anna
    payment p1  anna 100.00   posted
    debit   d1  anna 60.00    posted
    reverse v1  p1            posted  anna -100.00
    balance anna  -60.00
    reverse v2  p1            declined  already_reversed
    | payment p1 was reversed before, by transaction v1
    reverse v3  d1            declined  payment_not_found
    | no payment, payout, transfer, adjustment, move or reversal with the key d1
    """
    story.holds()


def test_a_split_payment_payout_transfer_and_adjustment_are_reversed_whole(story: Story) -> None:
    """
    account anna
    account boris
    payment p1  anna 70.00, boris 30.00 pizza   posted  anna 70.00, boris 30.00
    payout  o1  anna 20.00              posted
    transfer t1 anna -> boris 10.00     posted  anna -10.00, boris 10.00
    adjustment a1  boris -1.00          posted
    reverse v1  a1    posted  boris 1.00
    reverse v2  t1    posted  anna 10.00, boris -10.00
    reverse v3  o1    posted  anna 20.00
    reverse v4  p1    posted  anna -70.00, boris -30.00
    legs p1  cash sushi -70.00 anna, cash pizza -30.00 boris
    legs o1  cash sushi 20.00 anna
    legs a1  adjustments sushi 1.00 boris
    legs v1  adjustments sushi -1.00 boris
    legs v4  cash sushi 70.00 anna, cash pizza 30.00 boris
    balance anna   0.00
    balance boris  0.00
    """
    story.holds()


def test_a_payment_without_an_account_is_allocated_up_to_its_amount(story: Story) -> None:
    """
    account anna
    account boris
    payment  p1  75.00 pizza   posted
    allocate l1  p1  anna 30.00, boris 20.00   posted  anna 30.00, boris 20.00
    allocate l2  p1  anna 25.01   declined  allocation_exceeds_payment
    | allocation exceeds payment p1: amount 75.00, allocated 50.00, this allocation 25.01 RUB; over by 0.01
    allocate l3  p1  anna 25.00   posted
    payment  p2  anna 5.00        posted
    allocate l4  p2  anna 1.00    declined  payment_not_found
    | no unallocated payment with the key p2
    """
    story.holds()


def test_reversing_an_allocated_payment_takes_it_from_where_it_went(story: Story) -> None:
    """
    account anna
    payment  p1  75.00         posted
    allocate l1  p1  anna 30.00   posted
    reverse  v1  p1            posted  anna -30.00
    allocate l2  p1  anna 1.00    declined  already_reversed
    payment  p2  10.00         posted
    reverse  v2  p2            posted
    allocate l3  p2  anna 1.00    declined  already_reversed
    legs p1  unallocated sushi 75.00, cash sushi -75.00
    legs l1  unallocated sushi -30.00 anna
    legs v1  unallocated sushi -75.00, cash sushi 75.00, unallocated sushi 30.00 anna
    """
    story.holds()


def test_each_leg_of_a_brand_names_the_account_it_faces_and_those_of_two_are_never_merged(story: Story) -> None:
    """
    account anna
    account boris
    account clara
    payment p1  anna 50.00 sushi, boris 30.00 pizza, clara 40.00 sushi, anna 10.00 sushi   posted
    legs p1  cash sushi -60.00 anna, cash pizza -30.00 boris, cash sushi -40.00 clara
    payment  p2  90.00 pizza   posted
    allocate l1  p2  anna 30.00, boris 20.00, anna 5.00   posted  anna 35.00, boris 20.00
    legs l1  unallocated pizza -35.00 anna, unallocated pizza -20.00 boris
    bonus   b1  anna 5.00 pizza    posted
    legs b1  bonus_expense pizza -5.00 anna.pizza
    """
    story.holds()
