"""Money of the brands' own: channels of cash, moves, the company's own chart, and reversals by parts."""

import re

import pytest

from ledger.core.commands import parse
from tests.ledger.story import Story


def test_an_acquirer_pays_out_less_its_fee(story: Story) -> None:
    """
    account anna
    payment p1  anna 1000.00 channel card   posted
    payment p2  anna 700.00 channel cash    posted
    move    m1  sushi card -> bank 1000.00 fee 15.00   posted
    legs m1  cash:card sushi 1000.00, cash:bank sushi -985.00, adjustments:fee sushi -15.00
    move    m2  sushi cash -> bank 700.00   posted
    legs m2  cash:cash sushi 700.00, cash:bank sushi -700.00
    move    m3  sushi cash -> tips_paid 2000.00   posted
    legs m3  cash:cash sushi 2000.00, adjustments:tips_paid sushi -2000.00
    balance anna  1700.00
    """
    story.holds()


def test_a_fee_that_is_learned_later_arrives_nowhere(story: Story) -> None:
    """
    move    m1  sushi card -> bank 15.00 fee 15.00   posted
    legs m1  cash:card sushi 15.00, adjustments:fee sushi -15.00
    """
    story.holds()


def test_a_move_to_another_brand_names_it_and_a_closed_brand_may(story: Story) -> None:
    """
    brand pizza  closed
    move    m1  sushi bank -> pizza bank 50.00 fee 1.00   posted
    legs m1  cash:bank sushi 50.00 cash pizza, cash:bank pizza -49.00 cash sushi, adjustments:fee sushi -1.00 cash pizza
    reverse v1  m1 20.00   posted
    legs v1  cash:bank sushi -20.00 cash pizza, cash:bank pizza 19.60 cash sushi, adjustments:fee sushi 0.40 cash pizza
    reverse v2  m1         posted
    legs v2  cash:bank sushi -30.00 cash pizza, cash:bank pizza 29.40 cash sushi, adjustments:fee sushi 0.60 cash pizza
    reverse v3  m1         declined  already_reversed
    move    m2  nobody bank -> cash 5.00   declined  brand_not_found
    closed 2024-03-05
    move    m3  sushi bank -> cash 5.00   declined  period_closed
    """
    story.holds()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"from": "bank", "to": "bank"}, "to: is the same place as from"),
        ({"from": "fee", "to": "chart:fee"}, "to: is the same place as from"),
        ({"from": "card", "to": "bank", "fee": "10.01"}, "fee: 10.01 is more than the amount 10.00"),
        ({"from": "card"}, "to: is missing"),
        ({"to": "card"}, "from: is missing"),
        ({"from": "card", "to": "bank", "amount": "0.00"}, "amount: is zero"),
        ({"from": "card", "to": "bank", "account": "anna"}, "account: is not a known field"),
    ],
)
def test_moves_that_make_no_sense_are_never_built(fields: dict[str, str], sentence: str) -> None:
    """One sentence, which begins with the field."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse({"type": "move", "key": "m", "brand": "sushi", "amount": "10.00", **fields})


def test_a_channel_and_a_code_of_the_same_name_are_told_apart(story: Story) -> None:
    """
    account anna
    payment p1  anna 10.00 channel netting    posted
    move    m1  sushi channel:netting -> netting 10.00   posted
    legs m1  cash:netting sushi 10.00, adjustments:netting sushi -10.00
    adjustment a1  anna -3.00 pizza chart 91.02   posted
    legs a1  adjustments:91.02 pizza 3.00 anna
    move    m2  pizza chart:91.02 -> bank 3.00   posted
    legs m2  adjustments:91.02 pizza 3.00, cash:bank pizza -3.00
    """
    story.holds()


def test_what_is_written_off_is_not_lent_again_and_a_recovery_is_taken_back_and_paid(story: Story) -> None:
    """
    account anna  credit 500.00  30 days
    debit   d1  anna 300.00    posted
    adjustment a1  anna 300.00 chart bad_debt   posted  anna 300.00
    legs a1  adjustments:bad_debt sushi -300.00 anna
    debit   d2  anna 1.00      declined  credit_limit_exceeded
    | credit limit exceeded on account anna: balance 0.00, held 0.00, this debit 1.00, credit limit 0.00 RUB; short by 1.00
    reverse v1  a1 100.00      posted  anna -100.00
    payment p1  anna 100.00    posted
    balance anna  0.00
    reverse v2  a1 200.01      declined  reversal_exceeds_transaction
    | reversal exceeds adjustment a1: left 200.00, this reversal 200.01 RUB; over by 0.01
    reverse v3  a1             posted  anna -200.00
    adjustment a2  anna -1.00 chart bad_debt   posted
    adjustment a3  anna 1.00 chart breakage    posted
    """
    story.holds()


def test_a_payment_is_reversed_by_parts_until_nothing_is_left(story: Story) -> None:
    """
    account anna
    payment p1  anna 100.00 channel card   posted
    reverse v1  p1 30.00   posted  anna -30.00
    legs v1  cash:card sushi 30.00 anna
    reverse v2  p1 80.00   declined  reversal_exceeds_transaction
    reverse v3  p1         posted  anna -70.00
    reverse v4  p1 1.00    declined  already_reversed
    | payment p1 was reversed before, by transaction v3
    reverse v5  v3 40.00   posted  anna 40.00
    reverse v6  v5         declined  reversal_is_final
    | v5 is the reversal of reversal v3, which is final
    reverse v7  p1         posted  anna -40.00
    reverse v8  v3         posted  anna 30.00
    reverse v9  p1         posted  anna -30.00
    reverse w1  v3         declined  already_reversed
    balance anna  0.00
    """
    story.holds()


def test_a_chargeback_that_was_won_may_come_again(story: Story) -> None:
    """
    account anna
    payment p1  anna 100.00    posted
    reverse v1  p1    posted  anna -100.00
    reverse v2  v1    posted  anna 100.00
    reverse v3  v1    declined  already_reversed
    reverse v4  p1    posted  anna -100.00
    balance anna  0.00
    """
    story.holds()


def test_a_part_of_what_is_in_several_places_needs_its_split(story: Story) -> None:
    """
    account anna
    account boris
    payment p1  anna 50.00 sushi, boris 30.00 pizza, anna 20.00 pizza   posted
    reverse v1  p1 10.00   declined  split_required
    | payment p1 is in several places: account anna through sushi 50.00, account boris through pizza 30.00, account anna through pizza 20.00 RUB; reversing 10.00 of it needs a split
    reverse v2  p1 10.00 split anna 10.00   declined  split_required
    reverse v3  p1 60.00 split anna 15.00 pizza, boris 30.00, anna 15.00 sushi   posted  anna -30.00, boris -30.00
    legs v3  cash pizza 15.00 anna, cash pizza 30.00 boris, cash sushi 15.00 anna
    reverse v4  p1 6.00 split anna 6.00 pizza   declined  reversal_exceeds_transaction
    | reversal exceeds payment p1: left 5.00 of account anna through pizza, this reversal 6.00 RUB; over by 1.00
    reverse v5  p1 1.00 split boris 1.00   declined  reversal_exceeds_transaction
    reverse v6  p1    posted  anna -40.00
    legs v6  cash sushi 35.00 anna, cash pizza 5.00 anna
    """
    story.holds()


def test_what_is_unallocated_is_a_place_of_its_own(story: Story) -> None:
    """
    account anna
    payment  p1  90.00 channel bank   posted
    reverse  v1  p1 10.00             posted
    legs v1  unallocated sushi -10.00, cash:bank sushi 10.00
    allocate l1  p1  anna 30.00       posted
    reverse  v2  p1 40.00             declined  split_required
    reverse  v3  p1 40.00 split anna 20.00, unallocated 20.00   posted  anna -20.00
    legs v3  unallocated sushi -40.00, cash:bank sushi 40.00, unallocated sushi 20.00 anna
    allocate l2  p1  anna 30.01       declined  allocation_exceeds_payment
    | allocation exceeds payment p1: amount 60.00, allocated 30.00, this allocation 30.01 RUB; over by 0.01
    reverse  v4  v3                   posted  anna 20.00
    allocate l3  p1  anna 40.00       posted
    reverse  v5  p1                   posted  anna -70.00
    legs v5  unallocated sushi -80.00, cash:bank sushi 80.00, unallocated sushi 70.00 anna
    allocate l4  p1  anna 1.00        declined  already_reversed
    """
    story.holds()


def test_payouts_transfers_and_adjustments_are_reversed_by_parts(story: Story) -> None:
    """
    account anna  balance 100.00
    account boris
    payout   o1  anna 20.00            posted
    reverse  v1  o1 5.00               posted  anna 5.00
    transfer t1  anna -> boris 10.00   posted
    reverse  v2  t1 4.00               posted  anna 4.00, boris -4.00
    reverse  v3  t1                    posted  anna 6.00, boris -6.00
    adjustment a1  anna -8.00 pizza    posted
    reverse  v4  a1 3.00               posted  anna 3.00
    reverse  v5  a1                    posted  anna 5.00
    reverse  v6  o1                    posted  anna 15.00
    balance anna  100.00
    """
    story.holds()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"split": [{"account": "anna", "amount": "1.00"}]}, "amount: is missing; the split must add up to it"),
        (
            {"amount": "2.00", "split": [{"amount": "1.00"}]},
            "split: the parts sum to 1.00, not to the amount 2.00",
        ),
    ],
)
def test_a_split_of_a_reversal_sums_to_its_amount(fields: dict[str, object], sentence: str) -> None:
    """As that of a payment does."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse({"type": "reverse", "key": "v", "transaction": "p", "reason": "r", **fields})
