"""Write what a batch decided: transactions, entries, and the state they leave, one statement each.

Transactions go in by key order, so that two writers racing with one key wait for each
other and never deadlock. Balances, usage, holds and open debits are written as they
stand at the end of the batch.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.pq import PipelineStatus
from pydantic_core import to_json
from stdnum import luhn

from ledger.book import Book, Transaction

T = TypeVar("T")
Types = dict[str, str]
Rows = Sequence[Sequence[Any]]
Statement = tuple[str, list[Any]]

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


def write(connection: Connection[Any], book: Book, meanwhile: Callable[[], object] = bool) -> None:
    """Write everything that was entered into the book since it was loaded, then forget it was new.

    `meanwhile` is done once, while the server writes if it has much to write.
    """
    if not book.entered:
        meanwhile()
        return
    transactions = _transactions(book.entered)
    if len(transactions) < COPY_FROM or in_pipeline(connection):
        entries = _entries(book.entered)
        statements = [_insert("transaction", _TRANSACTION, transactions), _insert("entry", _ENTRY, entries)]
        statements += _state(book)
        meanwhile()
    else:
        # While the server works on what it has got, the next rows are made ready.
        entries = _copy(connection, "transaction", _TRANSACTION, transactions, lambda: _entries(book.entered))
        statements, _ = _copy(connection, "entry", _ENTRY, entries, lambda: (_state(book), meanwhile()))
    with together(connection):
        for sql, parameters in statements:
            if parameters:
                connection.execute(sql, parameters)
    book.entered.clear()
    book.changed_holds.clear()
    book.changed_debits.clear()
    book.changed_usage.clear()


def _state(book: Book) -> list[Statement]:
    """Return the statements that write how things stand at the end of the batch."""
    return [
        _update_balances(_balances(book)),
        *_holds(book),
        *_debits(book),
        _insert("usage", _USAGE, list(_usage(book)), key=("payer_id", "account_id", "period", "since")),
    ]


def together(connection: Connection[Any]) -> AbstractContextManager[Any]:
    """Return a pipeline, or nothing new within one: entering it again would wait for what is under way."""
    return nullcontext() if in_pipeline(connection) else connection.pipeline()


def in_pipeline(connection: Connection[Any]) -> bool:
    """Tell whether statements are being sent together."""
    return connection.pgconn.pipeline_status != PipelineStatus.OFF


def _copy(connection: Connection[Any], table: str, types: Types, rows: Rows, then: Callable[[], T]) -> T:
    """Write rows by COPY; return what `then` returns, which runs while the server still writes."""
    with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
        return then()


def _filled(types: Types, rows: Rows) -> tuple[Types, list[list[Any]]]:
    """Return the columns in which anything stands, and their types."""
    filled: Types = {}
    columns: list[list[Any]] = []
    for (name, type_), values in zip(types.items(), zip(*rows, strict=True), strict=False):
        if values.count(None) < len(values):
            filled[name] = type_
            columns.append(list(values))
    return filled, columns


def _json(value: Any) -> str | None:
    """Return JSON as text, as which it travels: the driver has no array of it."""
    return None if value is None else to_json(value).decode()


def _insert(table: str, types: Types, rows: Rows, key: tuple[str, ...] = ()) -> Statement:
    """Return one INSERT of all rows; with a key, rows that exist are updated."""
    names, source, parameters = _source(types, rows)
    sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM {source} AS n"
    if key:
        sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        sql += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
    return sql, parameters


PLAIN = ("bigint", "integer", "smallint", "timestamptz", "date")
"""Types whose text needs no quotes in an array."""

TEXTS = ("text", "jsonb")
_TEXTS = "string_to_array(%s, chr(31), chr(30))"


def array_of(values: Iterable[object]) -> str:
    """Return values of a plain type as the text of a PostgreSQL array; the driver would take them one by one."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def texts_of(values: Iterable[str | None]) -> str:
    """Return several texts as one, to be parted by `_TEXTS`: control characters are in no text of ours."""
    return "\x1f".join(["\x1e" if value is None else value for value in values])


def _array(type_: str, column: list[Any]) -> Any:
    if type_ in PLAIN:
        return array_of(column)
    return texts_of(column) if type_ in TEXTS else column


FEW = 8
"""Up to so many rows are written out; the driver takes ten times as long for an array as for a value."""


def _source(types: Types, rows: Rows) -> tuple[Types, str, list[Any]]:
    """Return the columns in which anything stands, rows of them as a FROM item, and its parameters."""
    filled, columns = _filled(types, rows)
    if len(rows) > FEW:
        arrays = [_array(type_, column) for type_, column in zip(filled.values(), columns, strict=True)]
        places = (f"{_TEXTS if type_ in TEXTS else '%s'}::{type_}[]" for type_ in filled.values())
        return filled, f"unnest({', '.join(places)})", arrays
    row = f"({', '.join(f'%s::{type_}' for type_ in filled.values())})"
    parameters = [value for values in zip(*columns, strict=True) for value in values]
    return filled, f"(VALUES {', '.join([row] * len(rows))})", parameters


class Moments(dict[datetime | None, str | None]):
    """Moments as text: a batch has few, and the driver would write out each of them a thousand times."""

    def __missing__(self, at: datetime | None) -> str | None:
        self[at] = at.isoformat() if at else None
        return self[at]


def _transactions(entered: list[Transaction]) -> Rows:
    written = Moments()
    return [
        (
            t.id, t.key, t.fingerprint, t.kind, "posted" if t.code is None else "declined", t.code,
            _json(t.facts), t.account, t.amount, t.currency, written[t.posted_at], t.day, t.value_date,
            t.expires_at, t.refers_to, t.channel, t.reason, t.by, t.note,
        )
        for t in sorted(entered, key=attrgetter("key"))
    ]  # fmt: skip


def _entries(entered: list[Transaction]) -> Rows:
    return [
        (t.id, leg, t.currency, *entry)
        if entry.attributes is None
        else (t.id, leg, t.currency, *entry[:-1], _json(entry.attributes))
        for t in entered
        for leg, entry in enumerate(t.entries, 1)
    ]


def _balances(book: Book) -> Rows:
    written = Moments()
    moved = {entry.account: book.balances[entry.account] for t in book.entered for entry in t.clients()}
    return [(account, b.balance, b.held, b.version, written[b.posted_at]) for account, b in moved.items()]


def _update_balances(rows: Rows) -> Statement:
    names, source, parameters = _source(_BALANCE, rows)
    sets = ", ".join(f"{name} = n.{name}" for name in names if name != "account_id")
    return (
        f"UPDATE balance b SET {sets} FROM {source} AS n({', '.join(names)}) WHERE b.account_id = n.account_id",
        parameters,
    )


def _holds(book: Book) -> Iterable[Statement]:
    holds = [book.holds[number] for number in book.changed_holds]
    yield _insert("hold", _HOLD, [(h.id, h.account, h.expires_at, h.state) for h in holds], key=("transaction_id",))
    parts = [
        (
            h.id, number, p.line, p.source, p.brand, p.amount, p.held, p.captured, p.refunded, p.service, p.reference,
            p.gross, p.discount, p.vat_rate, p.vat, _json(p.attributes),
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
    open_ = [
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
