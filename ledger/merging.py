"""Merge an account into another of the same currency: what it means for the book. Nothing here reads a clock or writes.

One transaction moves the balance, the points of each brand, and with them what is owed: aging items keep their dates
on the successor. The account is closed for good; what concerns it comes to the successor (DECISIONS D182). That its
holds, links and limits were ended before is for the caller to hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core import commands as c
from ledger.core import guards as g
from ledger.core.book import Book
from ledger.core.decide import decide, entered
from ledger.core.guards import Case, Move, Verdict
from ledger.core.outcomes import Invalid, Posted
from ledger.core.transactions import Transaction
from ledger.values.field_types import OWN_KEYS
from ledger.values.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class MergeAccounts(c.Command):
    """An account and its successor, as administration asks for it: no caller's command."""

    kind = "merge"

    account: int
    into: int


def pairs(book: Book, account: int, into: int) -> Iterator[tuple[int, int]]:
    """Yield the accounts to be closed with their successors: the client's own, then those of points, brand by brand."""
    yield account, into
    theirs = {book.accounts[bonus].brand: bonus for bonus in book.bonuses.get(into, ())}
    for bonus in book.bonuses.get(account, ()):
        yield bonus, theirs[book.accounts[bonus].brand]


def _rule(case: Case, command: Any) -> Verdict:
    book = case.book
    account, into = g.account_of(case, command.account), g.account_of(case, command.into)
    g.usable(case, account, into)
    moves = []
    for old, new in pairs(book, account.id, into.id):
        balance = book.balances[old].balance
        moves += [Move(old, -balance), Move(new, balance)]
    # Those merged into the old one before have an entry of nothing: all that belong to the successor are named.
    moves += [Move(before, 0) for before, after in book.merged.items() if after == account.id]
    amount = book.balances[account.id].balance
    return Verdict(into, abs(amount), account.currency, moves, [])


def merged(book: Book, account: int, into: int, *, now: datetime, **given: Any) -> Transaction:
    """Return the transaction that merges an account into another, entered; `given` are `at`, `by` and `note`.

    Raises Refused, and leaves the book as it was, where a rule of the ledger breaks; ValueError for a future time.
    """
    command = MergeAccounts(key=f"{OWN_KEYS}merge:{account}", account=account, into=into, **given)
    decided = decide(book, command, now, rule=_rule)
    if isinstance(decided, Invalid):
        raise ValueError(decided.message)
    if decided.code is not None:
        raise Refused(decided.code, **(decided.facts or {}))
    posted = entered(book, decided)
    assert isinstance(posted, Posted)
    hand_over(book, account, into)
    return decided


def hand_over(book: Book, account: int, into: int) -> None:
    """Close an account whose balance was merged into another: from now on the other has its items and what comes."""
    for old, new in pairs(book, account, into):
        book.status[old] = "closed"
        book.merged |= {before: new for before, after in book.merged.items() if after == old} | {old: new}
    book.changed_ages |= {account, into}
    book.aging(into).take_over(book.aging(account))
