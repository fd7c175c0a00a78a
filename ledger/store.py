"""Write what a batch decided: transactions, entries, and the state they leave, one statement each.

Transactions go in by key order, so that two writers racing with one key wait for each
other and never deadlock. Balances, usage, holds and open debits are written as they
stand at the end of the batch.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from psycopg import Connection
from psycopg.pq import PipelineStatus
from stdnum import luhn

from ledger.book import Book, Transaction

CUT_LOCK = 741_852_963
"""Advisory lock: shared by every writer until it commits, exclusive for the exporter while it reads the last id."""

_TRANSACTION = {
    "id": "bigint", "key": "text", "fingerprint": "bytea", "kind": "text", "status": "text", "code": "text",
    "facts": "jsonb", "account_id": "bigint", "amount": "bigint", "currency": "text", "posted_at": "timestamptz",
    "business_date": "date", "value_date": "date", "expires_at": "timestamptz", "refers_to": "bigint",
    "channel": "text", "reason": "text", "by": "text", "note": "text",
}  # fmt: skip
_ENTRY = {
    "transaction_id": "bigint", "leg": "smallint", "currency": "text", "account_id": "bigint", "amount": "bigint",
    "held": "bigint", "version": "bigint", "balance_after": "bigint", "held_after": "bigint",
    "subaccount_id": "bigint", "source_id": "bigint", "line": "smallint", "service": "text", "reference": "text",
    "gross": "bigint", "discount": "bigint", "vat_rate": "numeric", "vat": "bigint", "attributes": "jsonb",
}  # fmt: skip
_HOLD = {"transaction_id": "bigint", "account_id": "bigint", "expires_at": "timestamptz", "state": "text"}
_HOLD_PART = {
    "hold_id": "bigint", "part": "smallint", "line": "smallint", "source_id": "bigint", "brand_id": "bigint",
    "amount": "bigint", "held": "bigint", "captured": "bigint", "refunded": "bigint", "service": "text",
    "reference": "text", "gross": "bigint", "discount": "bigint", "vat_rate": "numeric", "vat": "bigint",
    "attributes": "jsonb",
}  # fmt: skip
_BALANCE = {
    "account_id": "bigint", "balance": "bigint", "held": "bigint", "version": "bigint", "posted_at": "timestamptz",
}  # fmt: skip
_USAGE = {
    "payer_id": "bigint", "account_id": "bigint", "period": "text", "since": "date", "amount": "bigint",
    "count": "integer",
}  # fmt: skip
_OPEN_DEBIT = {"account_id": "bigint", "transaction_id": "bigint", "business_date": "date", "unpaid": "bigint"}


COPY_FROM = 50
"""From so many rows on COPY costs less than an INSERT of arrays; below, several statements go out together."""


def write(connection: Connection[Any], book: Book) -> None:
    """Write everything that was entered into the book since it was loaded, then forget it was new."""
    if not book.entered:
        return
    transactions, entries = list(_transactions(book.entered)), list(_entries(book.entered))
    statements = [
        _update_balances(list(_balances(book))),
        *_holds(book),
        *_debits(book),
        _insert("usage", _USAGE, list(_usage(book)), key=("payer_id", "account_id", "period", "since")),
    ]
    if len(transactions) < COPY_FROM or in_pipeline(connection):
        statements = [
            _insert("transaction", _TRANSACTION, transactions), _insert("entry", _ENTRY, entries), *statements
        ]  # fmt: skip
    else:
        _copy(connection, "transaction", _TRANSACTION, transactions)
        _copy(connection, "entry", _ENTRY, entries)
    with together(connection):
        for sql, parameters in statements:
            if parameters:
                connection.execute(sql, parameters)
    book.entered.clear()
    book.changed_holds.clear()
    book.changed_debits.clear()
    book.changed_usage.clear()


def together(connection: Connection[Any]) -> AbstractContextManager[Any]:
    """Return a pipeline, or nothing new within one: entering it again would wait for what is under way."""
    return nullcontext() if in_pipeline(connection) else connection.pipeline()


def in_pipeline(connection: Connection[Any]) -> bool:
    """Tell whether statements are being sent together."""
    return connection.pgconn.pipeline_status != PipelineStatus.OFF


Types = dict[str, str]
Statement = tuple[str, list[Any]]


def _copy(connection: Connection[Any], table: str, types: Types, rows: list[Sequence[Any]]) -> None:
    """Write rows by COPY, without the columns in which nothing stands."""
    types, columns = _filled(types, rows)
    if not columns:
        return
    with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN") as copy:
        for row in zip(*columns, strict=True):
            copy.write_row(row)


def _filled(types: Types, rows: list[Sequence[Any]]) -> tuple[Types, list[list[Any]]]:
    """Return the columns in which anything stands, and their types; JSON as text."""
    filled: Types = {}
    columns: list[list[Any]] = []
    for (name, type_), values in zip(types.items(), zip(*rows, strict=True), strict=False):
        if values.count(None) < len(values):
            filled[name] = type_
            # JSON travels as text: the driver has no array of it.
            columns.append(
                [None if value is None else json.dumps(value) for value in values] if type_ == "jsonb" else list(values)
            )
    return filled, columns


def _insert(table: str, types: Types, rows: list[Sequence[Any]], key: tuple[str, ...] = ()) -> Statement:
    """Return one INSERT of all rows; with a key, rows that exist are updated."""
    names, source, parameters = _source(types, rows)
    sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM {source} AS n"
    if key:
        sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        sql += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
    return sql, parameters


NUMBERS = ("bigint", "integer", "smallint")


def array_of(numbers: Iterable[int | None]) -> str:
    """Return whole numbers as the text of a PostgreSQL array; the driver would take them one by one."""
    return f"{{{','.join(['NULL' if number is None else str(number) for number in numbers])}}}"


FEW = 8
"""Up to so many rows are written out; the driver takes ten times as long for an array as for a value."""


def _source(types: Types, rows: list[Sequence[Any]]) -> tuple[Types, str, list[Any]]:
    """Return the columns in which anything stands, rows of them as a FROM item, and its parameters."""
    filled, columns = _filled(types, rows)
    if len(rows) > FEW:
        arrays = [
            array_of(column) if type_ in NUMBERS else column
            for type_, column in zip(filled.values(), columns, strict=True)
        ]
        return filled, f"unnest({', '.join(f'%s::{type_}[]' for type_ in filled.values())})", arrays
    row = f"({', '.join(f'%s::{type_}' for type_ in filled.values())})"
    parameters = [value for values in zip(*columns, strict=True) for value in values]
    return filled, f"(VALUES {', '.join([row] * len(rows))})", parameters


def _transactions(entered: list[Transaction]) -> Iterable[Sequence[Any]]:
    for t in sorted(entered, key=lambda transaction: transaction.key):
        yield (
            t.id, t.key, t.fingerprint, t.kind, "posted" if t.code is None else "declined", t.code, t.facts, t.account,
            t.amount, t.currency, t.posted_at, t.day, t.value_date, t.expires_at, t.refers_to, t.channel, t.reason,
            t.by, t.note,
        )  # fmt: skip


def _entries(entered: list[Transaction]) -> Iterable[Sequence[Any]]:
    for transaction in entered:
        for leg, entry in enumerate(transaction.entries, 1):
            yield (transaction.id, leg, transaction.currency, *entry)


def _balances(book: Book) -> Iterable[Sequence[Any]]:
    moved = {entry.account for transaction in book.entered for entry in transaction.clients()}
    for account in moved:
        balance = book.balances[account]
        yield account, balance.balance, balance.held, balance.version, balance.posted_at


def _update_balances(rows: list[Sequence[Any]]) -> Statement:
    names, source, parameters = _source(_BALANCE, rows)
    sets = ", ".join(f"{name} = n.{name}" for name in names if name != "account_id")
    return (
        f"UPDATE balance b SET {sets} FROM {source} AS n({', '.join(names)}) WHERE b.account_id = n.account_id",
        parameters,
    )


def _holds(book: Book) -> Iterable[Statement]:
    holds = [book.holds[number] for number in book.changed_holds]
    yield _insert("hold", _HOLD, [(h.id, h.account, h.expires_at, h.state) for h in holds], key=("transaction_id",))
    parts: list[Sequence[Any]] = [
        (
            h.id, number, p.line, p.source, p.brand, p.amount, p.held, p.captured, p.refunded, p.service, p.reference,
            p.gross, p.discount, p.vat_rate, p.vat, p.attributes,
        )
        for h in holds for number, p in enumerate(h.parts, 1)
    ]  # fmt: skip
    yield _insert("hold_part", _HOLD_PART, parts, key=("hold_id", "part"))


def _debits(book: Book) -> Iterable[Statement]:
    gone = [key for key, debit in book.changed_debits.items() if debit is None]
    names, source, parameters = _source({"account_id": "bigint", "transaction_id": "bigint"}, list(gone))
    yield (
        f"DELETE FROM open_debit d USING {source} AS g({', '.join(names)}) "
        "WHERE d.account_id = g.account_id AND d.transaction_id = g.transaction_id",
        parameters,
    )
    open_: list[Sequence[Any]] = [
        (account, d.transaction, d.day, d.unpaid) for (account, _), d in book.changed_debits.items() if d is not None
    ]
    yield _insert("open_debit", _OPEN_DEBIT, open_, key=("account_id", "transaction_id"))


def _usage(book: Book) -> Iterable[Sequence[Any]]:
    for key in book.changed_usage:
        usage = book.usage[key]
        yield (*key, usage.amount, usage.count)


def new_number(connection: Connection[Any]) -> int:
    """Return an account number nobody has: the next of the sequence and its check digit."""
    row = connection.execute("SELECT nextval('account_number_seq')").fetchone()
    assert row is not None
    return int(f"{row[0]}{luhn.calc_check_digit(str(row[0]))}")
