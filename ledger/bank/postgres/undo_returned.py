"""Undo what came back: the payout that a bank returned, or the payment that it took back, is reversed in the ledger.

The reversal has the key of the bank's entry, so it is posted once, and the entry is `there already` afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace

from ledger.bank.postgres.plan_import import Imported, Row
from ledger.core.commands import Reverse
from ledger.core.outcomes import Declined, Invalid, Posted
from ledger.postgres.post import Ledger
from ledger.values.field_types import TEXT_LENGTH
from ledger.values.text import readable


def undo_returned(ledger: Ledger, imported: Sequence[Imported], *, by: str | None = None) -> list[Imported]:
    """Reverse every transaction that an entry undoes; return the statements with what became of these entries."""
    return [
        replace(each, rows=tuple(_undone(ledger, row, by) if row.undoes is not None else row for row in each.rows))
        for each in imported
    ]


def _undone(ledger: Ledger, row: Row, by: str | None) -> Row:
    with ledger.connection().transaction():
        found = ledger.connection().execute("SELECT key FROM transaction WHERE id = %s", [row.undoes]).fetchone()
    if found is None:
        return row
    reason = readable(f"returned by the bank{f', {row.entry.reason}' if row.entry.reason else ''}")[:TEXT_LENGTH]
    reverse = Reverse(key=row.key, transaction=found[0], reason=reason, value_date=row.entry.value_date, by=by)
    (outcome,) = ledger.post([reverse])
    if isinstance(outcome, Posted):
        undone = replace(row, result="posted", undoes=None, rule=f"reversed {row.undoes}", why="")
        return replace(undone, transaction=outcome.transaction)
    return replace(row, why=outcome.message) if isinstance(outcome, Declined | Invalid) else row
