"""The demo's commands: in order of time, well-formed, and the same on every run."""

import hashlib
from itertools import pairwise

import polars as pl
import pytest

from ledger.core.commands import Debit, Payment
from ledger.food.core.commands import Cancel, Deliver, FollowUp, Order, RefundItems
from reports.demo import complete_journey as journey
from reports.demo import lunches, play, year


@pytest.fixture(scope="module")
def brands() -> pl.DataFrame:
    """Return the year's brands."""
    return journey.brands(journey.till_lines())


@pytest.fixture(scope="module")
def lines(brands: pl.DataFrame) -> pl.DataFrame:
    """Return the year's lines of twenty households."""
    return journey.lines(journey.till_lines().filter(pl.col("household_id") <= 20), brands)


def test_the_years_payments_come_right_before_their_baskets(lines: pl.DataFrame) -> None:
    """Same account, same moment; time never goes back, keys never repeat."""
    commands = list(year.commands(journey.baskets(lines), journey.households(lines)))
    assert sum(isinstance(command, Debit) for command in commands) == lines["basket_id"].n_unique()
    assert len({command.key for command in commands}) == len(commands)
    for before, after in pairwise(commands):
        assert before.at is not None
        assert after.at is not None
        assert before.at <= after.at
        if isinstance(before, Payment):
            assert isinstance(after, Debit)
            assert (before.account, before.at) == (after.account, after.at)


def test_the_years_debits_carry_the_lines_to_the_cent(lines: pl.DataFrame) -> None:
    """Whatever the frames say arrives in the commands."""
    debits = [
        command
        for command in year.commands(journey.baskets(lines), journey.households(lines))
        if isinstance(command, Debit)
    ]
    sent = [line for debit in debits for line in debit.lines]
    assert len(sent) == lines.height
    assert sum(line.amount for line in sent) * 100 == lines["amount"].sum()
    assert sum(line.gross or 0 for line in sent) * 100 == lines["gross"].sum()


def test_the_years_registry_names_each_brand_party_and_account_once(brands: pl.DataFrame, lines: pl.DataFrame) -> None:
    """An account's party and holder come before it."""
    records = list(year.registry(brands, journey.households(lines)))
    codes = {record["code"] for record in records if record["type"] == "brand"}
    parties = [record["reference"] for record in records if record["type"] == "party"]
    accounts = [record for record in records if record["type"] == "account"]
    assert [record["party"] for record in accounts] == parties
    assert {record["holder"] for record in accounts} <= codes
    assert len(set(parties)) == len(parties) == lines["household_id"].n_unique()


def test_lunches_are_apart_from_the_year_and_in_order_of_time() -> None:
    """Their own brand, 36 companies, from 8 January to 28 February 2018; nothing but orders is sold."""
    commands = list(lunches.commands())
    times = [command.at for command in commands]
    assert times == sorted(times)
    assert {type(command) for command in commands} == {Payment, Order, Deliver, Cancel, RefundItems}
    assert {brand for order in commands if isinstance(order, Order) for brand in order.brands} == {"LUNCH"}
    assert times[0].date() == lunches.FIRST
    assert times[-1].date() == lunches.LAST
    assert len({command.key for command in commands}) == len(commands)
    assert len(lunches.companies()) == 36


def test_lunches_show_what_becomes_of_orders() -> None:
    """Codes, points, delivery, pre-orders: delivered whole or in part, cancelled with and without a fee, left open."""
    commands = list(lunches.commands())
    orders = {command.key: command for command in commands if isinstance(command, Order)}
    early = {key for key, order in orders.items() if order.due_at is not None}
    ended = {command.order for command in commands if isinstance(command, Deliver | Cancel)}
    assert {code for order in orders.values() for code in order.promo_codes} == {"WELCOME", "LUNCH10", "FEBRUARY"}
    assert any(order.bonus_at_most for order in orders.values())
    assert early - ended, "some pre-orders run out, some are open still"
    assert not orders.keys() - early - ended
    assert {bool(command.fee) for command in commands if isinstance(command, Cancel)} == {True, False}
    assert any(command.items and command.order in early for command in commands if isinstance(command, Deliver))


def test_no_batch_has_an_order_and_what_became_of_it() -> None:
    """Else a refused order would be delivered; every command is in one batch, in its place."""
    commands = list(lunches.commands())
    batches = list(play._apart(commands))
    assert [command for batch in batches for command in batch] == commands
    for batch in batches:
        assert len(batch) <= play.BATCH
        placed = {command.key for command in batch}
        assert not placed & {command.order for command in batch if isinstance(command, FollowUp)}


def test_the_lunches_are_the_same_on_every_machine() -> None:
    """Else playing the demo again would meet key_reused."""
    digests = b"".join(command.fingerprint for command in lunches.commands())
    assert hashlib.sha256(digests).hexdigest()[:16] == "b526f66f80dd6193"


def test_lunches_use_credit_links_and_limits() -> None:
    """Every employee is linked to his company; the kinds of terms are all there."""
    records = list(lunches.registry())
    kinds = [record["type"] for record in records]
    employees = sum(company.employees for company in lunches.companies())
    assert kinds.count("link") == employees
    assert kinds.count("credit_terms") == 28
    assert kinds.count("account") == employees + 36
    assert 0 < kinds.count("write_off_limit") < employees
    assert (kinds.count("promotion"), kinds.count("bonus_program")) == (3, 1)
