"""Post what bank statements report: once, however often and in however many files it is reported.

Money in is posted as payments, booked now, with the bank's value date (DECISIONS D27); what matches no
account goes to the brand's `unallocated`. What an acquirer or a depositor brings is moved from its channel to the bank.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ledger.bank.core.depositors import move
from ledger.bank.core.statement import ZERO, Statement, exact, note
from ledger.bank.postgres.plan_import import Imported, Row, plan
from ledger.core.commands import Command, Mark, Payment
from ledger.core.outcomes import Declined, Posted
from ledger.errors import Failure
from ledger.postgres.post import Ledger
from ledger.values.field_types import TEXT_LENGTH
from ledger.values.money import MOST, decimal
from ledger.values.validation import sentence_of

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

    `brand` is whose statements these are when no brand's bank details have the account. With `dry_run` nothing is
    posted. Raises Failure for a brand that does not exist, for a `by` with characters that are not
    allowed, or when the database stays out of reach.
    """
    try:
        Mark(key="import", reason="import", by=by)  # no payment of the file may be the first to find it
    except ValidationError as error:
        raise Failure(sentence_of(error)) from None

    def planned() -> list[Imported]:
        connection = ledger.connection()
        with connection.transaction():
            return plan(connection, statements, brand, by=by, keep=not dry_run)

    return _carried_out(ledger, ledger.retried(planned), by, dry_run, progress)


def _carried_out(
    ledger: Ledger, planned: list[Imported], by: str | None, dry_run: bool, progress: Progress
) -> list[Imported]:
    of = sum(row.result == "would be posted" for each in planned for row in each.rows)
    done = 0
    result = []
    for each in planned:
        rows = list(each.rows)
        places = [place for place, row in enumerate(rows) if row.result == "would be posted"]
        for place, why in _refused(ledger, each, {place: rows[place] for place in places}).items():
            rows[place] = replace(rows[place], account=None, party="", rule="", why=why)
        for start in range(0, 0 if dry_run else len(places), BATCH):
            batch = places[start : start + BATCH]
            answers = ledger.post([_command(rows[place], each, by) for place in batch])
            for place, answer in zip(batch, answers, strict=True):
                rows[place] = _answered(rows[place], answer)
            done += len(batch)
            progress(done, of)
        result.append(replace(each, rows=tuple(rows)))
    return result


def _refused(ledger: Ledger, imported: Imported, rows: dict[int, Row]) -> dict[int, str]:
    """Return the payments that their accounts would refuse, by place, and why.

    A refusal would stay under its key forever, though the money did come in: so what an account would receive is
    quoted first, as one sum; only where that is refused, payment by payment.
    """
    by_account: dict[int, list[int]] = {}
    for place, row in rows.items():
        if row.account is not None:
            by_account.setdefault(row.account, []).append(place)
    amounts = {account: [exact(rows[place].entry.amount) for place in places] for account, places in by_account.items()}
    sums = {account: sum(each, ZERO) for account, each in amounts.items()}
    small = [account for account, amount in sums.items() if amount <= decimal(MOST)]
    quoted = ledger.quote([_quotation(f"bank:{account}", account, sums[account], imported) for account in small])
    good = {account for account, answer in zip(small, quoted, strict=True) if isinstance(answer, Posted)}
    doubtful = [place for account in by_account.keys() - good for place in by_account[account]]
    each = ((rows[place].key, rows[place].account, exact(rows[place].entry.amount)) for place in doubtful)
    answers = ledger.quote([_quotation(*one, imported) for one in each])
    return {
        place: answer.message
        for place, answer in zip(doubtful, answers, strict=True)
        if isinstance(answer, Declined) and answer.code != REUSED
    }


def _quotation(key: str, account: int | None, amount: Decimal, imported: Imported) -> Payment:
    return Payment(key=key, amount=amount, account=account, brand=imported.brand, currency=imported.statement.currency)


def _answered(row: Row, outcome: Any) -> Row:
    if isinstance(outcome, Posted):
        return replace(row, result="there already" if outcome.replayed else "posted", transaction=outcome.transaction)
    if isinstance(outcome, Declined) and outcome.code == REUSED:
        # Somebody else imported it this very moment, on other terms.
        return replace(row, result="there already", account=None, transaction=outcome.facts.get("transaction"))
    return replace(row, result="declined", account=None, party="", why=outcome.message)


def _command(row: Row, imported: Imported, by: str | None) -> Command:
    entry = row.entry
    if row.depositor is not None:
        return move(entry, imported.statement, row.depositor, key=row.key, by=by)
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
