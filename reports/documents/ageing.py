"""What is unpaid of each debit of an account, from its entries alone.

A refund lowers the debit it refunds; every other credit settles the oldest first. Whatever
takes money ages like a debit. What is unpaid is always max(0, −balance), so only entries
since the balance was last at or above zero matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.documents.model import ZERO, Age

_BOUNDS: tuple[tuple[int, int | None], ...] = ((0, 30), (31, 60), (61, 90), (91, None))


@dataclass(frozen=True)
class Moved:
    """What ageing needs of one entry, in the account's order."""

    transaction: int
    refers_to: int | None
    kind: str
    posted_on: date
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Unpaid:
    """What is still unpaid of one debit."""

    transaction: int
    posted_on: date
    amount: Decimal


def unpaid_debits(entries: Iterable[Moved]) -> list[Unpaid]:
    """Return the unpaid debits after these entries, oldest first; they sum to max(0, −balance)."""
    open_: dict[int, Unpaid] = {}
    for entry in entries:
        if entry.amount < 0:
            short = min(-entry.amount, max(ZERO, -entry.balance))
            if short:
                earlier = open_[entry.transaction].amount if entry.transaction in open_ else ZERO
                open_[entry.transaction] = Unpaid(entry.transaction, entry.posted_on, earlier + short)
        elif entry.amount > 0:
            _settle(open_, entry)
    return list(open_.values())


def _settle(open_: dict[int, Unpaid], entry: Moved) -> None:
    left = entry.amount
    # A refund goes to its own debit first; sorting is stable, so the rest stay oldest first.
    own = entry.refers_to if entry.kind == "refund" else None
    for transaction in sorted(open_, key=lambda key: key != own):
        debit = open_[transaction]
        taken = min(left, debit.amount)
        left -= taken
        if taken == debit.amount:
            del open_[debit.transaction]
        else:
            open_[debit.transaction] = Unpaid(debit.transaction, debit.posted_on, debit.amount - taken)
        if not left:
            return


def ages(unpaid: Sequence[Unpaid], *, on: date) -> tuple[Age, ...]:
    """Return what is unpaid by age in days on a date, every band named, the empty ones too."""
    old = [((on - debit.posted_on).days, debit.amount) for debit in unpaid]
    return tuple(
        Age(low, high, sum((amount for days, amount in old if low <= days and (high is None or days <= high)),
                           start=ZERO))
        for low, high in _BOUNDS
    )  # fmt: skip
