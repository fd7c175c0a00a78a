"""What became of a key: the first answer to its command, read back."""

from typing import Any

from ledger.core.outcomes import Declined, Moved, Posted, shown
from ledger.errors import Failure
from ledger.postgres.account_queries import JsonRow
from ledger.postgres.database import AnyConnection
from ledger.values.refusals import Refusals


class NoSuchTransaction(Failure):
    """No transaction has the key."""


def outcome(connection: AnyConnection, key: str, refusals: Refusals, brands: frozenset[str] | None = None) -> JsonRow:
    """Return the first answer to the command with this key, and what kind of command it was.

    Of one limited to `brands` only transactions that moved accounts of these brands are there. Raises
    NoSuchTransaction.
    """
    row = connection.execute(_TRANSACTION, [key]).fetchone()
    if row is None or (brands is not None and not {*row[10]} <= brands) or (brands is not None and not row[10]):
        raise NoSuchTransaction(f"no transaction has the key {key[:64]}")
    number, kind, code, facts, posted_at, recorded_at, by, note, refers_to, moved, _ = row
    answer = (
        Posted(key=key, transaction=number, posted_at=posted_at, accounts=tuple(Moved(*entry) for entry in moved))
        if code is None
        else Declined(key=key, code=code, facts=facts or {}, refusals=refusals)
    )
    more: dict[str, Any] = {"type": kind, "transaction": number, "posted_at": shown(posted_at)}
    more |= {"recorded_at": shown(recorded_at), "by": by, "note": note, "refers_to": refers_to}
    return {**more, **answer.to_json()}


_TRANSACTION = """
SELECT t.id, t.kind, t.code, t.facts, t.posted_at, t.recorded_at, t.by, t.note, r.key,
    ARRAY(
        SELECT jsonb_build_array(e.account_id, a.reference, e.amount, e.balance_after, e.held_after, e.version)
        FROM entry e JOIN account a ON a.id = e.account_id
        WHERE e.transaction_id = t.id AND e.version IS NOT NULL ORDER BY e.leg
    ),
    ARRAY(
        SELECT DISTINCT b.code FROM entry e JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id
        WHERE e.transaction_id = t.id
        UNION SELECT b.code FROM hold_part p JOIN brand b ON b.id = p.brand_id WHERE p.hold_id IN (t.id, t.refers_to)
    )
FROM transaction t LEFT JOIN transaction r ON r.id = t.refers_to WHERE t.key = %s
"""
