"""Refunds of what was paid by or for accounts that are closed since."""

from tests.ledger.story import Story


def test_a_refund_asks_only_the_accounts_that_get_something(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna      balance 200.00
    link    anna -> romashka  payer_first  500.00 a day
    debit   d1  anna 500.00 + pizza 200.00   posted  romashka -500.00, anna -200.00
    unlink  anna -> romashka
    status  anna  closed
    refund  f1  d1  line 1 100.00    posted  romashka 100.00
    refund  f2  d1  line 2           declined  account_closed
    refund  f3  d1  600.01           declined  refund_exceeds_debit
    refund  f4  d1                   declined  account_closed
    refund  f5  d1  line 1           posted  romashka 400.00
    balance romashka  1000.00
    """
    story.holds()


def test_what_a_closed_account_paid_goes_to_its_payer_when_the_command_says_so(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account anna      balance 200.00
    link    anna -> romashka  payer_first  500.00 a day
    debit   d1  anna 500.00 + pizza 200.00   posted  romashka -500.00, anna -200.00
    used    romashka for anna day 2024-03-04 500.00 1
    unlink  anna -> romashka
    status  anna  closed
    refund  f1  d1  line 2 50.00 closed_to payer    posted  romashka 50.00
    legs f1  revenue pizza -50.00 anna, unallocated pizza 50.00 anna, unallocated pizza -50.00 romashka
    used    romashka for anna day 2024-03-04 500.00 1
    refund  f2  d1  closed_to payer                 posted  romashka 650.00
    used    romashka for anna day 2024-03-04 0.00 0
    refund  f3  d1  closed_to payer                 declined  refund_exceeds_debit
    allocate l1  f1  romashka 1.00                  declined  payment_not_found
    balance romashka  1200.00
    """
    story.holds()


def test_more_than_a_payer_paid_itself_settles_what_else_it_owes(story: Story) -> None:
    """
    account romashka  credit 1000.00  30 days
    account anna      balance 200.00
    link    anna -> romashka  payer_first  500.00 a day
    debit   d1  romashka 300.00              posted  romashka -300.00
    debit   d2  anna 500.00 + pizza 200.00   posted  romashka -500.00, anna -200.00
    unlink  anna -> romashka
    status  anna  closed
    refund  f1  d2  closed_to payer          posted  romashka 700.00
    balance romashka  -100.00
    """
    story.holds()


def test_what_a_closed_account_paid_waits_in_unallocated_for_its_account(story: Story) -> None:
    """
    account anna   balance 100.00
    account boris
    debit   d1  anna 60.00 + pizza 40.00    posted
    status  anna  closed
    refund  f1  d1  closed_to payer         declined  account_closed
    refund  f2  d1  closed_to unallocated   posted
    legs f2  revenue sushi -60.00 anna, unallocated sushi 60.00 anna, revenue pizza -40.00 anna, unallocated pizza 40.00 anna
    allocate l1  f2  boris 70.00            posted  boris 70.00
    legs l1  unallocated sushi -60.00 boris, unallocated pizza -10.00 boris
    allocate l2  f2  boris 30.01            declined  allocation_exceeds_payment
    | allocation exceeds payment f2: amount 100.00, allocated 70.00, this allocation 30.01 RUB; over by 0.01
    allocate l3  f2  boris 30.00            posted  boris 30.00
    """
    story.holds()


def test_an_open_account_gets_its_own_whatever_the_command_says(story: Story) -> None:
    """
    account anna   balance 100.00
    debit   d1  anna 60.00    posted
    refund  f1  d1 10.00 closed_to unallocated   posted  anna 10.00
    legs f1  revenue sushi -10.00 anna
    """
    story.holds()
