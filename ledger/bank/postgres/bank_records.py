"""What the bank reported, kept in the ledger's database: statements, their entries, and payers that the desk taught."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.bank.core.csv_file import Layout
from ledger.bank.core.recognition import Movement, known_movement
from ledger.bank.core.statement import BankEntry, Statement, exact, normal
from ledger.errors import Failure
from ledger.values.money import decimal, minor
from ledger.values.text import readable

ONE_AT_A_TIME = "LOCK TABLE bank_statement IN SHARE ROW EXCLUSIVE MODE"
"""Each import decides on what the one before it recorded. A reader cannot take this lock."""

_TEXTS = ("bank_reference", "end_to_end", "reference", "name", "tax_id", "account", "bank", "text", "reason")
_OTHERS = """
    key movement statement_id bank_account currency brand_id booked_on value_date amount whole payments payer reversal
""".split()
_COLUMNS = (*_OTHERS, *_TEXTS)


def unify(connection: Connection[Any]) -> None:
    """Wait until no other import is between reading and recording; held until the database transaction ends."""
    connection.execute(ONE_AT_A_TIME)


def known_movements(connection: Connection[Any], statement: Statement, brand: str) -> list[Movement]:
    """Return the movements recorded on the statement's account on the days of its entries."""
    if not statement.entries:
        return []
    days = [entry.booked_on for entry in statement.entries]
    account = normal(statement.account)
    rows = connection.execute(
        f"SELECT movement, key, bank_account, imprint, booked_on, value_date, amount, whole, payments, reversal, "
        f"{', '.join(f'e.{name}' for name in _TEXTS)} FROM bank_entry e JOIN brand b ON b.id = e.brand_id "
        "WHERE (bank_account = %s OR bank_account = '' AND b.code = %s) AND currency = %s "
        "AND booked_on BETWEEN %s AND %s ORDER BY e.id",
        [account, brand, statement.currency, min(days), max(days)],
    )
    groups: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return [_movement(group, statement.currency) for group in groups.values()]


def _movement(rows: Sequence[tuple[Any, ...]], currency: str) -> Movement:
    entries = []
    for _, _, _, _, booked_on, value_date, amount, whole, payments, reversal, *texts in rows:
        entry = BankEntry(booked_on=booked_on, value_date=value_date, amount=decimal(amount), payments=payments)
        found = dict(zip(_TEXTS, texts, strict=True))
        entries.append(replace(entry, whole=None if whole is None else decimal(whole), reversal=reversal, **found))
    _, _, account, imprint, *_ = rows[0]
    return known_movement(entries, account=account, currency=currency, keys=[row[1] for row in rows], imprint=imprint)


def record(
    connection: Connection[Any],
    statement: Statement,
    brand: str,
    fresh: Iterable[tuple[str, BankEntry]],
    adopted: Sequence[str],
    by: str | None,
) -> None:
    """Record a statement and what is new in it, each entry with its key; the same statement again changes nothing.

    `adopted` are the keys of payments imported before entries were kept: now their account at the bank is known.
    """
    account, currency = normal(statement.account), statement.currency
    if adopted:
        adopt = "UPDATE bank_entry SET bank_account = %s WHERE key = ANY(%s) AND bank_account = ''"
        connection.execute(adopt, [account, list(adopted)])
    (brand_id,) = connection.execute("SELECT id FROM brand WHERE code = %s", [brand]).fetchone() or (0,)
    balances = [None if each is None else minor(exact(each)) for each in (statement.opening, statement.closing)]
    turnovers = [minor(exact(each)) for each in (statement.money_in, statement.money_out)]
    of = account, currency, brand_id, readable(statement.number), statement.since, statement.until
    values = (*of, *balances, *turnovers, statement.interim)
    digest = hashlib.blake2b(repr((values, len(statement.entries))).encode(), digest_size=16).hexdigest()
    inserted = connection.execute(
        "INSERT INTO bank_statement (bank_account, currency, brand_id, number, since, until, opening, closing, "
        'money_in, money_out, interim, digest, "by") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) '
        "ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING id",
        [*values, digest, by],
    ).fetchone()
    rows = list(fresh)
    if not rows or inserted is None:
        return
    first = ""
    with connection.cursor().copy(f"COPY bank_entry ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for key, entry in rows:
            first = key if entry.whole is None or key.endswith(":1") else first
            amounts = [None if each is None else minor(exact(each)) for each in (entry.amount, entry.whole)]
            when = key, first, inserted[0], account, currency, brand_id, entry.booked_on, entry.value_date
            texts = (readable(getattr(entry, name)) for name in _TEXTS)
            copy.write_row((*when, *amounts, entry.payments, entry.payer, entry.reversal, *texts))


def learned_payers(connection: Connection[Any], *, keep: bool) -> dict[str, list[int]]:
    """Return the accounts learned for each payer's bank account; with `keep`, learn what the desk taught since."""
    if keep:
        learn(connection)
    found: dict[str, list[int]] = defaultdict(list)
    for payer, account in connection.execute(
        f"SELECT payer, account_id FROM bank_payer WHERE revoked_at IS NULL "
        f"UNION SELECT payer, account_id FROM ({_TAUGHT}) taught ORDER BY 1, 2"
    ):
        found[payer].append(account)
    return found


# A payment that the desk gave to one account, whole or in parts, teaches whose its payer is. What was revoked is
# taught only by what was allocated later. Accounts in which banks gather others' payments are nobody's.
# (DECISIONS D67)
_TAUGHT = r"""
    SELECT DISTINCT ON (b.payer, t.account) b.payer, t.account AS account_id, t.id AS learned_from, t."by" AS learned_by
    FROM transaction p JOIN bank_entry b ON b.key = p.key
    CROSS JOIN LATERAL (
        SELECT min(e.account_id) AS account, max(t.id) AS id, max(t."by") AS "by", max(t.recorded_at) AS at
        FROM transaction t JOIN entry e ON e.transaction_id = t.id
        JOIN account a ON a.id = e.account_id AND a.kind = 'money'
        WHERE t.refers_to = p.id AND t.kind = 'allocate' AND t.status = 'posted'
        HAVING count(DISTINCT e.account_id) = 1
    ) t
    WHERE p.kind = 'payment' AND p.status = 'posted' AND p.account_id IS NULL AND b.payer <> '' AND b.amount > 0
    AND b.account !~ '^(30[123]|409|474)\d{17}$'
    AND NOT EXISTS (SELECT 1 FROM transaction r WHERE r.refers_to = p.id AND r.kind = 'reverse' AND r.status = 'posted')
    AND NOT EXISTS (SELECT 1 FROM bank_payer k WHERE k.payer = b.payer AND k.account_id = t.account
                    AND (k.revoked_at IS NULL OR k.revoked_at >= t.at))
    ORDER BY b.payer, t.account, t.id
"""


@dataclass(frozen=True, kw_only=True)
class LearnedPayer:
    """A payer's bank account and the account that its money is for; since when, from which allocation, by whom."""

    payer: str
    name: str
    account: int
    party: str
    learned_from: int
    learned_at: datetime
    learned_by: str | None
    revoked_at: datetime | None
    revoked_by: str | None


def learn(connection: Connection[Any]) -> None:
    """Take up the payers that the desk taught since."""
    connection.execute(f"INSERT INTO bank_payer (payer, account_id, learned_from, learned_by) {_TAUGHT}")


def list_payers(connection: Connection[Any]) -> list[LearnedPayer]:
    """Return the learned payers, the latest first, those revoked too."""
    rows = connection.cursor(row_factory=class_row(LearnedPayer)).execute(
        "SELECT k.payer, coalesce((SELECT b.name FROM bank_entry b WHERE b.payer = k.payer AND b.name <> '' "
        "ORDER BY b.id DESC LIMIT 1), '') AS name, "
        "k.account_id AS account, p.name AS party, k.learned_from, k.learned_at, k.learned_by, "
        "k.revoked_at, k.revoked_by FROM bank_payer k "
        "JOIN account a ON a.id = k.account_id JOIN party p ON p.id = a.party_id "
        "ORDER BY k.id DESC"
    )
    return rows.fetchall()


def revoke_payer(connection: Connection[Any], payer: str, account: int | None, by: str | None) -> int:
    """Forget whose a payer's bank account is, for one account or all; return how many pairs were forgotten."""
    return connection.execute(
        "UPDATE bank_payer SET revoked_at = clock_timestamp(), revoked_by = %s "
        "WHERE payer = %s AND revoked_at IS NULL AND (%s::bigint IS NULL OR account_id = %s)",
        [by, payer, account, account],
    ).rowcount


def save_layout(connection: Connection[Any], account: str, layout: Layout, by: str | None) -> None:
    """Keep how the CSV files of an account at a bank are read, from now on."""
    connection.execute(
        'INSERT INTO bank_csv (bank_account, layout, "by") VALUES (%s, %s, %s) ON CONFLICT (bank_account) DO UPDATE '
        'SET layout = excluded.layout, changed_at = clock_timestamp(), "by" = excluded."by"',
        [normal(account), Jsonb(layout.stored()), by],
    )


def layout_of(connection: Connection[Any], account: str) -> Layout:
    """Return how the CSV files of an account at a bank are read. Raises Failure when no layout was saved."""
    row = connection.execute("SELECT layout FROM bank_csv WHERE bank_account = %s", [normal(account)]).fetchone()
    if row is None:
        raise Failure(f"no CSV layout is saved for {account}: run tiffin bank-csv {account} FILE --column …")
    return Layout.restored(row[0])


def layouts(connection: Connection[Any]) -> dict[str, Layout]:
    """Return the layouts that are kept, by account at a bank."""
    rows = connection.execute("SELECT bank_account, layout FROM bank_csv ORDER BY bank_account")
    return {account: Layout.restored(layout) for account, layout in rows}
