"""Post what bank statements tell: once, however often and in however many files it is told.

Money in is posted as payments, booked now, with the bank's value date (DECISIONS D27); what matches no
account goes to the brand's `unallocated`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ledger.bank.core.statement import Statement, exact, note
from ledger.bank.postgres.plan_import import Imported, Row, plan
from ledger.core.commands import Payment
from ledger.core.field_types import TEXT_LENGTH
from ledger.core.outcomes import Declined, Posted
from ledger.postgres.post import Ledger

BATCH = 500
REUSED = "key_reused"
Progress = Callable[[int, int], object]


def import_statements(
    ledger: Ledger,
    statements: Sequence[Statement],
    *,
    brand: str | None = None,
    by: str | None = None,
    dry_run: bool = False,
    progress: Progress = lambda done, of: None,
) -> list[Imported]:
    """Return what became of each statement, in order; all that was posted is durable by then.

    `brand` is whose statements these are when no brand's bank details say so. With `dry_run` nothing is posted.
    Raises Failure for a brand that does not exist, or when the database stays out of reach.
    """

    def planned() -> list[Imported]:
        connection = ledger.connection()
        with connection.transaction():
            return plan(connection, statements, brand, by=by, keep=not dry_run)

    return _carried_out(ledger, ledger.retried(planned), by, dry_run, progress)


def _carried_out(
    ledger: Ledger, planned: list[Imported], by: str | None, dry_run: bool, progress: Progress
) -> list[Imported]:
    of = Counter(row.result for each in planned for row in each.rows)["would be posted"]
    done = 0
    result = []
    for each in planned:
        rows = list(each.rows)
        places = [place for place, row in enumerate(rows) if row.result == "would be posted"]
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            for place, row in zip(batch, _batch(ledger, each, [rows[p] for p in batch], by, dry_run), strict=True):
                rows[place] = row
            done += len(batch)
            progress(done, of)
        result.append(replace(each, rows=tuple(rows)))
    return result


def _batch(ledger: Ledger, imported: Imported, rows: list[Row], by: str | None, dry_run: bool) -> list[Row]:
    """Return what became of payments. One that its account would refuse goes to `unallocated`, and says why.

    A refusal would be kept under its key for ever, though the money did come in: so payments are quoted first,
    and what is refused even so is not posted.
    """
    quoted = ledger.quote([_payment(row, imported, by) for row in rows])
    refused = {place: q for place, q in enumerate(quoted) if isinstance(q, Declined) and q.code != REUSED}
    for place, outcome in refused.items():
        rows[place] = replace(rows[place], account=None, party="", rule="", why=outcome.message)
    if refused:
        quoted = ledger.quote([_payment(row, imported, by) for row in rows])
    answered = dict(enumerate(quoted))
    if not dry_run:
        good = [place for place, outcome in answered.items() if isinstance(outcome, Posted)]
        answered |= zip(good, ledger.post([_payment(rows[place], imported, by) for place in good]), strict=True)
    return [_answered(row, answered[place]) for place, row in enumerate(rows)]


def _answered(row: Row, outcome: Any) -> Row:
    if isinstance(outcome, Posted):
        if outcome.transaction < 0:
            return row
        return replace(row, result="there already" if outcome.replayed else "posted", transaction=outcome.transaction)
    if isinstance(outcome, Declined) and outcome.code == REUSED:
        # Somebody else imported it this very moment, on other terms.
        return replace(row, result="there already", account=None, transaction=outcome.facts.get("transaction"))
    return replace(row, result="declined", account=None, party="", why=outcome.message)


def _payment(row: Row, imported: Imported, by: str | None) -> Payment:
    entry = row.entry
    return Payment(
        key=row.key,
        amount=exact(entry.amount),
        account=row.account,
        brand=imported.brand,
        currency=imported.statement.currency,
        channel="bank",
        value_date=entry.value_date,
        note=note(entry, TEXT_LENGTH) or None,
        by=by,
    )
