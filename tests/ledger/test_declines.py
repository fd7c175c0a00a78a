"""Every code of a refused command, its sentence, and which of several is given; keys, days, statuses, currencies."""

from pathlib import Path

from ledger.core import commands
from ledger.core.outcomes import Declined
from ledger.values.refusals import DECLINES
from tests.ledger.story import Story
from tests.ledger.worlds import Postgres


def test_an_account_that_nobody_has_is_not_found(story: Story) -> None:
    """
    debit   d1  nobody  1.00   declined  account_not_found
    | no such account: reference nobody
    transfer t1 nobody -> anna 1.00   declined  account_not_found
    payment p1  nobody 1.00    declined  account_not_found
    """
    story.holds()


def test_a_brand_that_is_not_there_or_closed_is_not_found(story: Story) -> None:
    """
    account anna   balance 100.00
    brand   kebab  closed
    debit   d1  anna  blini 1.00   declined  brand_not_found
    | no such brand: blini
    debit   d2  anna  kebab 1.00   declined  brand_not_found
    | no such brand: kebab (closed)
    payment p1  anna 1.00 kebab    declined  brand_not_found
    payment p2  1.00 blini         declined  brand_not_found
    """
    story.holds()


def test_no_command_touches_a_closed_day_and_the_decline_is_not_on_it_either(story: Story) -> None:
    """
    account anna   balance 100.00
    payment p0  5.00               posted
    closed  2024-03-04
    debit   d1  anna  1.00         declined  period_closed
    | 2024-03-04 is closed: days up to 2024-03-04 take no more transactions
    payment p1  1.00               declined  period_closed
    reverse v1  p0                 declined  period_closed
    allocate l1  p0  anna 1.00     declined  period_closed
    debit   d2  nobody  1.00       declined  account_not_found
    refund  f1  d1                 declined  period_closed
    at      2024-03-05
    debit   d3  anna  1.00         posted
    """
    story.holds()
    for world in story.worlds:
        declined = [t[2] for t in world.state()["transactions"].values() if t[1]]
        assert all(day.isoformat() > "2024-03-04" for day in declined)


def test_an_earlier_time_than_the_accounts_latest_is_out_of_order_and_may_be_sent_again(story: Story) -> None:
    """
    account anna   balance 100.00
    account boris
    debit   d1  anna  1.00    posted
    at      2024-03-04 11:59
    debit   d2  anna  1.00    declined  out_of_order
    | 2024-03-04T08:59:00Z is before the latest entry of account anna, of 2024-03-04T09:00:00Z
    transfer t1 boris -> anna 1.00   declined  out_of_order
    payment p1  boris 1.00    posted
    at      2024-03-04 12:00
    debit   d2  anna  1.00    posted
    """
    story.holds()


def test_a_payers_later_entry_makes_a_debit_out_of_order_too(story: Story) -> None:
    """
    account romashka  balance 100.00
    account anna      balance 5.00
    link    anna -> romashka  payer_first  brands sushi
    at      2024-03-04 13:00
    debit   d1  romashka  1.00   posted
    at      2024-03-04 12:30
    debit   d2  anna  2.00        declined  out_of_order
    | 2024-03-04T09:30:00Z is before the latest entry of account romashka, of 2024-03-04T10:00:00Z
    debit   d3  anna  pizza 2.00  posted  anna -2.00
    """
    story.holds()


def test_closed_accounts_take_nothing_and_frozen_ones_give_nothing(story: Story) -> None:
    """
    account anna   balance 100.00
    account boris
    account clara
    payment p1  anna 10.00            posted
    debit   d1  anna 10.00            posted
    hold    h1  anna 10.00  until 2024-03-09   posted
    status  anna   frozen
    status  clara  closed
    debit   d2  anna 1.00             declined  account_frozen
    | account anna is frozen
    hold    h2  anna 1.00  until 2024-03-09   declined  account_frozen
    payout  o1  anna 1.00             declined  account_frozen
    transfer t1  anna -> boris 1.00   declined  account_frozen
    payment p2  anna 1.00             posted
    adjustment a1  anna -1.00         posted
    refund  f1  d1  1.00              posted
    capture c1  h1  1.00              posted
    release r1  h1                    posted
    reverse v1  p1                    posted
    transfer t2  boris -> anna 1.00   declined  insufficient_funds
    payment p3  clara 1.00            declined  account_closed
    | account clara is closed
    adjustment a2  clara 1.00         declined  account_closed
    debit   d3  clara 1.00            declined  account_closed
    transfer t3  anna -> clara 1.00   declined  account_closed
    payment p4  anna 1.00, clara 1.00  declined  account_closed
    """
    story.holds()


def test_the_currency_must_be_the_accounts(story: Story) -> None:
    """
    account anna   balance 100.00
    account john   USD
    payment p1  anna 1.00  currency USD    declined  currency_mismatch
    | account anna is in RUB, not in USD
    transfer t1  anna -> john 1.00         declined  currency_mismatch
    | account john is in USD, not in RUB
    payment p2  anna 1.00, john 1.00       declined  currency_mismatch
    payment p3  5.00                       posted
    allocate l1  p3  john 5.00             declined  currency_mismatch
    | account john is in USD, not in RUB
    payment p4  5.00  currency USD         posted
    allocate l2  p4  john 5.00             posted
    debit   d1  john 5.00  currency USD    posted
    refund  f1  d1  currency RUB           declined  currency_mismatch
    refund  f2  d1  currency USD           posted
    payment p5  5.00  currency USD         posted
    reverse v1  p5  currency RUB           declined  currency_mismatch
    """
    story.holds()


def test_what_is_referred_to_must_be_there_and_of_its_kind(story: Story) -> None:
    """
    account anna   balance 100.00
    payment p1  anna 1.00      posted
    debit   d1  anna 500.00    declined  insufficient_funds
    allocate l1  p9  anna 1.00   declined  payment_not_found
    | no unallocated payment with the key p9
    reverse v1  p9             declined  payment_not_found
    | no payment, payout, transfer, adjustment, move or reversal with the key p9
    refund  f1  p1             declined  debit_not_found
    | no debit with the key p1
    refund  f2  d1             declined  debit_not_found
    capture c1  p1             declined  hold_not_found
    | no hold with the key p1
    release r1  h9             declined  hold_not_found
    """
    story.holds()


def test_payouts_and_transfers_take_own_money_only(story: Story) -> None:
    """
    account anna   credit 100.00  balance 10.00
    account boris
    hold    h1  anna  4.00  until 2024-03-09    posted
    payout  o1  anna  6.01   declined  insufficient_funds
    | insufficient funds on account anna: balance 10.00, held 4.00, this payout 6.01 RUB; short by 0.01
    facts   asked=6.01 offered=6.00
    transfer t1  anna -> boris 6.01   declined  insufficient_funds
    | insufficient funds on account anna: balance 10.00, held 4.00, this transfer 6.01 RUB; short by 0.01
    transfer t2  anna -> boris 2.00   posted  anna -2.00, boris 2.00
    payout  o2  anna  4.00   posted  anna -4.00
    debit   d1  anna  50.00  posted
    payout  o3  anna  1.00   declined  insufficient_funds
    facts   offered=0.00
    """
    story.holds()


def test_a_key_has_one_answer_for_ever_declines_included(story: Story) -> None:
    """
    account anna   balance 100.00
    debit   d1  anna  60.00    posted  anna -60.00
    debit   d2  anna  60.00    declined  insufficient_funds
    payment p1  anna  900.00   posted
    debit   d1  anna  60.00    replayed  anna -60.00
    debit   d2  anna  60.00    declined  insufficient_funds
    | insufficient funds on account anna: balance 40.00, held 0.00, this debit 60.00 RUB; short by 20.00
    debit   d1  anna  60.01    declined  key_reused
    | key d1 was used before with other content, by transaction d1
    payment d1  anna  60.00    declined  key_reused
    status  anna frozen
    closed  2024-03-04
    debit   d1  anna  60.00    replayed  anna -60.00
    balance anna  940.00
    """
    story.holds()


def test_a_time_in_the_future_is_invalid(story: Story) -> None:
    """
    account anna   balance 100.00
    at      2999-01-01
    debit   d1  nobody  1.00   invalid
    """
    story.holds()


def test_not_found_comes_before_all_else_and_frozen_before_currency(story: Story) -> None:
    """
    account anna   balance 1.00
    account john   USD
    status  anna   frozen
    debit   d1  nobody  blini 5.00              declined  account_not_found
    debit   d2  anna    blini 5.00              declined  brand_not_found
    debit   d3  anna    5.00  currency USD      declined  account_frozen
    transfer t1  anna -> john 5.00              declined  account_frozen
    status  anna   open
    debit   d4  anna    5.00  currency USD      declined  currency_mismatch
    payment p1  anna 1.00                       posted
    closed  2024-03-04
    debit   d5  anna    blini 5.00              declined  brand_not_found
    debit   d6  anna    5.00  currency USD      declined  period_closed
    reverse v1  nothing                         declined  period_closed
    at      2024-03-04 10:00
    debit   d7  anna    5.00                    declined  period_closed
    """
    story.holds()


def test_a_closed_account_comes_before_an_unknown_payment(story: Story) -> None:
    """
    account anna
    account john   USD
    status  anna   closed
    allocate l1  p9  anna 1.00   declined  account_closed
    allocate l2  p9  nobody 1.00   declined  account_not_found
    allocate l3  p9  john 1.00  currency RUB   declined  currency_mismatch
    """
    story.holds()


def test_a_balance_that_the_lake_could_not_hold_is_refused(story: Story) -> None:
    """
    account anna
    account boris
    payments anna  1000  9999999999999.99
    payment p1  anna 10.00    declined  balance_out_of_range
    facts   balance=10000000000000000.00 most=9999999999999999.99
    payment p2  anna 9.99     posted
    payment p3  boris 1.00    posted
    transfer t1  boris -> anna 0.01   declined  balance_out_of_range
    balance anna  9999999999999999.99
    """
    story.holds()


def test_every_code_of_commands_has_a_story() -> None:
    """The stories of this folder name each decline code of commands at least once."""
    of_commands = list(DECLINES)[: list(DECLINES).index("balance_out_of_range") + 1]
    told = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    of_commands.remove("owned_by_order")  # only a second level owns anything: its stories are with the orders
    for code in of_commands:
        assert f"declined  {code}\n" in told, code


def test_the_order_of_precedence_is_the_designs() -> None:
    """Which of several reasons is given is a promise to callers."""
    assert list(DECLINES)[:28] == [
        "key_reused",
        "account_not_found",
        "brand_not_found",
        "period_closed",
        "too_late",
        "out_of_order",
        "account_closed",
        "account_frozen",
        "currency_mismatch",
        "payment_not_found",
        "debit_not_found",
        "owned_by_order",
        "already_reversed",
        "reversal_is_final",
        "reversal_exceeds_transaction",
        "split_required",
        "refund_exceeds_debit",
        "allocation_exceeds_payment",
        "hold_not_found",
        "hold_not_open",
        "hold_expired",
        "capture_exceeds_hold",
        "write_off_limit_exceeded",
        "credit_expired",
        "credit_overdue",
        "credit_limit_exceeded",
        "insufficient_funds",
        "balance_out_of_range",
    ]


def test_a_name_is_looked_up_when_the_sentence_is_made(postgres: Postgres) -> None:
    """Facts are kept for ever: they call clients by their accounts, and a client who is renamed is named so."""
    postgres.administer({"type": "brand", "code": "sushi"})
    postgres.administer({"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."})
    postgres.administer({"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"})
    debit = commands.parse(
        {"type": "debit", "key": "d1", "account": "anna", "lines": [{"brand": "sushi", "amount": "1.00"}]}
    )
    [first] = postgres.ledger.post([debit])
    assert isinstance(first, Declined)
    number = first.facts["account"]
    assert first.message.startswith(f"insufficient funds on account {number} (Anna K.): balance 0.00")
    [(kept,)] = postgres.rows("SELECT facts::text FROM transaction")
    assert "Anna" not in kept
    assert "Anna" not in str(first.to_json()["facts"])
    postgres.administer({"type": "party", "reference": "anna", "name": "Anna Petrova"})
    [again] = postgres.ledger.post([debit])
    assert isinstance(again, Declined)
    assert again.message.startswith(f"insufficient funds on account {number} (Anna Petrova): balance 0.00")
    assert again.facts == first.facts
