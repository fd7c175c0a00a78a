"""What is debited beyond a charge: weighed goods that came dearer than they were held or debited for. Pure.

The surplus belongs to its charge: it is decided at the moment of that one, in its windows and its groups, by limits
of which the charge used its part already, and counts as no other order (DECISIONS D187).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ledger.core import commands as c
from ledger.core.accounts import Limit
from ledger.core.book import Book
from ledger.core.decide import decide
from ledger.core.outcomes import Invalid
from ledger.core.transactions import Transaction

NO_MATTER = 10**6
"""Days: what belongs to an earlier charge never comes too late."""


def surplus(
    book: Book, command: c.Debit, charge: int, now: datetime, *, sent: c.Command | None = None
) -> Transaction | Invalid:
    """Return the debit that goes beyond a charge (the number of a debit or hold), not yet entered."""
    of = book.numbered[charge]
    fields = {**command.__dict__, "occurred_at": of.occurred_at or of.posted_at}
    fields.pop("fingerprint", None)
    decided = decide(_beyond(book, of), c.Debit(**fields), now, sent=sent or command)
    if isinstance(decided, Transaction):
        decided.refers_to = charge
    return decided


def _beyond(book: Book, charge: Transaction) -> Book:
    """Return the book as it is beyond a charge: limits that it counts in have room for it, links have its groups."""
    account = charge.account or 0
    links = [
        link._replace(group=charge.groups.get(link.payer))
        for link in book.links.get(book.successor(account), book.links.get(account, []))
    ]
    limits = {
        payer: {of: list(_with_room(book, charge, payer, known)) for of, known in by_account.items()}
        for payer, by_account in book.limits.items()
    }
    return replace(book, links={**book.links, book.successor(account): links}, limits=limits, late_days=NO_MATTER)


def _with_room(book: Book, charge: Transaction, payer: int, limits: list[Limit]) -> Iterator[Limit]:
    drawn = book.drawn_by(charge.id, payer)
    for limit in limits:
        amount, times = limit.amount, limit.times
        if limit.period == "order" and amount is not None:
            amount = max(0, amount - drawn)
        yield limit._replace(amount=amount, times=times + 1 if times is not None and drawn else times)
