"""Acquirers and depositors as they are kept: who was made known when, by whom, and revoked."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from pydantic import ValidationError

from ledger.bank.core.depositors import BANK, Depositor, place
from ledger.bank.core.statement import normal
from ledger.core.commands import Move
from ledger.errors import Failure
from ledger.values.validation import sentence_of

Depositors = dict[tuple[str, str], Depositor]


@dataclass(frozen=True, kw_only=True)
class KnownDepositor(Depositor):
    """A depositor with who made it known and who revoked it."""

    name: str
    known_since: datetime
    known_by: str | None
    revoked_at: datetime | None
    revoked_by: str | None


_KNOWN = (
    "SELECT d.payer, b.code AS brand, d.channel, d.fee_percent, coalesce((SELECT e.name FROM bank_entry e "
    "WHERE e.payer = d.payer AND e.name <> '' ORDER BY e.id DESC LIMIT 1), '') AS name, d.known_since, d.known_by, "
    "d.revoked_at, d.revoked_by FROM bank_depositor d JOIN brand b ON b.id = d.brand_id"
)


def list_depositors(connection: Connection[Any]) -> list[KnownDepositor]:
    """Return all depositors, the latest first, those revoked too."""
    return connection.cursor(row_factory=class_row(KnownDepositor)).execute(f"{_KNOWN} ORDER BY d.id DESC").fetchall()


def depositors(connection: Connection[Any]) -> Depositors:
    """Return the depositors of today by payer and brand."""
    rows = connection.cursor(row_factory=class_row(KnownDepositor)).execute(f"{_KNOWN} WHERE d.revoked_at IS NULL")
    return {(each.payer, each.brand): each for each in rows}


def make_known(connection: Connection[Any], depositor: Depositor, by: str | None) -> None:
    """Let a payer be a brand's depositor from now on, in place of what was known of it.

    Raises Failure for a payer that is no bank account, a brand that does not exist, a channel or fee that cannot be.
    """
    payer = normal_payer(depositor.payer)
    if not payer:
        raise Failure(f"{depositor.payer or 'nothing'} is not an account at a bank")
    fee = depositor.fee_percent
    if fee is not None and not (fee.is_finite() and 0 <= fee < 100 and fee == round(fee, 2)):
        raise Failure(f"fee: {fee} is not a percentage from 0 to less than 100 with at most two decimals")
    row = connection.execute("SELECT id FROM brand WHERE code = %s", [depositor.brand]).fetchone()
    if row is None:
        raise Failure(f"no such brand: {depositor.brand}")
    if depositor.channel in ("", BANK):
        raise Failure(f"channel: {depositor.channel or 'nothing'} is not where money waits for the bank")
    try:
        from_, amount = place(depositor.channel), Decimal(1)
        Move(key="tried", brand=depositor.brand, from_=from_, to=place(BANK), amount=amount, by=by)
    except ValidationError as error:
        raise Failure(f"channel: {sentence_of(error).partition(': ')[2]}") from None
    revoke_depositor(connection, payer, depositor.brand, by)
    connection.execute(
        "INSERT INTO bank_depositor (payer, brand_id, channel, fee_percent, known_by) VALUES (%s, %s, %s, %s, %s)",
        [payer, row[0], depositor.channel, depositor.fee_percent, by],
    )


def revoke_depositor(connection: Connection[Any], payer: str, brand: str | None, by: str | None) -> int:
    """Let a payer be a depositor no longer, of one brand or of all; return of how many."""
    return connection.execute(
        "UPDATE bank_depositor d SET revoked_at = clock_timestamp(), revoked_by = %s FROM brand b "
        "WHERE b.id = d.brand_id AND d.payer = %s AND d.revoked_at IS NULL AND (%s::text IS NULL OR b.code = %s)",
        [by, normal_payer(payer), brand, brand],
    ).rowcount


def normal_payer(text: str) -> str:
    """Return a payer as entries name it: an IBAN, or bank and account with a stroke between."""
    return "/".join(part for part in map(normal, text.split("/")) if part)
