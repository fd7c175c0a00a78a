"""Duplicate clients: one account is merged into another, in one transaction, and what concerned it comes there."""

from tests.ledger.story import Story


def test_what_is_owed_moves_with_its_dates(story: Story) -> None:
    """
    account anna      credit 1000.00  10 days
    account anna2     credit 1000.00  30 days
    at 2024-03-01
    debit   d1  anna2  400.00         posted  anna2 -400.00
    at 2024-03-04
    debit   d2  anna   100.00         posted  anna -100.00
    debit   d3  anna2   50.00 due 2024-03-06   posted  anna2 -50.00
    payment p1  anna2   20.00         posted  anna2 20.00
    owed    anna2  d3 2024-03-04 due 2024-03-06 30.00, d1 2024-03-01 due 2024-03-31 400.00

    at 2024-03-05
    merge   anna2 -> anna
    balance anna2     0.00
    balance anna   -530.00
    owed    anna2  nothing
    owed    anna   d3 2024-03-04 due 2024-03-06 30.00, d2 2024-03-04 due 2024-03-14 100.00, d1 2024-03-01 due 2024-03-31 400.00

    debit   d4  anna2   10.00         declined  account_closed
    | account anna2 is closed: it was merged into account anna
    hold    h1  anna2   10.00  until 2024-03-09   declined  account_closed
    transfer t1 anna -> anna2  1.00   declined  account_closed
    payment p2  anna2   40.00         posted  anna 40.00
    owed    anna   d2 2024-03-04 due 2024-03-14 90.00, d1 2024-03-01 due 2024-03-31 400.00
    refund  f1  d1  100.00            posted  anna 100.00
    revenue f1  1 sushi anna2 -100.00 -100.00
    owed    anna   d2 2024-03-04 due 2024-03-14 90.00, d1 2024-03-01 due 2024-03-31 300.00
    reverse v1  p1                    posted  anna -20.00
    owed    anna   d3 2024-03-04 due 2024-03-06 10.00, d2 2024-03-04 due 2024-03-14 100.00, d1 2024-03-01 due 2024-03-31 300.00
    """
    story.holds()


def test_money_ahead_moves_and_a_chain_of_merges_ends_at_the_last(story: Story) -> None:
    """
    account anna      balance 10.00
    account anna2     balance 20.00
    account anna3     balance 30.00
    payment p1  75.00                  posted
    debit   d1  anna3  5.00            posted  anna3 -5.00
    transfer t1 anna3 -> anna2 1.00    posted  anna3 -1.00, anna2 1.00
    merge   anna3 -> anna2
    merge   anna2 -> anna
    balance anna   55.00
    allocate l1  p1  anna3 40.00, anna2 35.00   posted  anna 75.00
    refund  f1  d1                     posted  anna 5.00
    reverse v1  p1                     posted  anna -75.00
    reverse v2  t1                     posted  anna 0.00
    |
    """
    story.lines = [line for line in story.lines if line != "|"]
    story.holds()


def test_a_payer_who_is_merged_gets_back_on_its_successor(story: Story) -> None:
    """
    account romashka  balance 1000.00
    account rom2      balance 1000.00
    account anna      balance 300.00
    link    anna -> rom2  payer_first  500.00 a day
    debit   d1  anna  700.00   posted  rom2 -500.00, anna -200.00
    limit   rom2 for anna  none a day
    unlink  anna -> rom2
    merge   rom2 -> romashka
    refund  f1  d1  70.00      posted  romashka 50.00, anna 20.00
    balance romashka  1550.00
    balance anna       120.00
    """
    story.holds()


def test_one_debit_that_charged_both_is_one_item_due_on_the_earlier_date(story: Story) -> None:
    """
    account romashka  credit 1000.00  30 days
    account anna      credit 1000.00  10 days
    link    anna -> romashka  payer_first  500.00 a day
    debit   d1  anna  700.00   posted  romashka -500.00, anna -200.00
    limit   romashka for anna  none a day
    unlink  anna -> romashka
    merge   anna -> romashka
    owed    romashka  d1 2024-03-04 due 2024-03-14 700.00
    refund  f1  d1  line 1 70.00   posted  romashka 70.00
    owed    romashka  d1 2024-03-04 due 2024-03-14 630.00
    """
    story.holds()


def test_an_item_without_a_date_takes_it_from_terms_recorded_after_the_merge(story: Story) -> None:
    """
    account anna      credit 1000.00  10 days
    account anna2     credit 1000.00
    debit   d1  anna2  400.00   posted  anna2 -400.00
    merge   anna2 -> anna
    owed    anna  d1 2024-03-04 400.00
    terms   anna  credit 500.00  5 days
    debit   d2  anna  1.00      posted  anna -1.00
    owed    anna  d1 2024-03-04 due 2024-03-09 400.00, d2 2024-03-04 due 2024-03-09 1.00
    """
    story.holds()
