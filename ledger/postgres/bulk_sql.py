"""Rows on their way to PostgreSQL: by COPY, or by one INSERT a table, many of which can go out together.

The driver takes values one by one and waits where it need not; here whole columns travel as one text, and what the
program has to do next is done while the server works.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from select import select
from typing import Any, TypeVar

from psycopg import OperationalError
from psycopg.pq import PipelineStatus
from pydantic_core import to_json

from ledger.postgres.database import AnyConnection

T = TypeVar("T")
Types = dict[str, str]
"""Columns with their types."""

Row = Sequence[object]
Rows = Sequence[Row]
Statement = tuple[str, list[object]]

COPY_FROM = 50
"""From this many rows on COPY costs less than an INSERT of arrays (DECISIONS D13)."""


def columns(text: str) -> Types:
    """Return columns with their types, given as in SQL: "id bigint, key text"."""
    words = text.replace(",", " ").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def together(connection: AnyConnection) -> AbstractContextManager[object]:
    """Return a pipeline, or nothing new within one: entering it again would wait for what is under way."""
    return nullcontext() if in_pipeline(connection) else connection.pipeline()


def in_pipeline(connection: AnyConnection) -> bool:
    """Tell whether statements are being sent together."""
    return connection.pgconn.pipeline_status != PipelineStatus.OFF


def run(connection: AnyConnection, statements: Iterable[Statement]) -> None:
    """Carry out the statements that have anything to do; each is made while the server works on those before."""
    with together(connection):
        for sql, parameters in statements:
            if parameters:
                connection.execute(sql, parameters)
                flush(connection)


STALLED_SECONDS = 60
"""How long the server may take nothing and send nothing, while there is something to send."""


def flush(connection: AnyConnection) -> None:
    """Send what was given to the driver, and read meanwhile, so that the server need not wait for us to read.

    In a pipeline the driver itself leaves what the socket does not take at once, and then waits for an answer to it.
    Raises psycopg.OperationalError when nothing moves any more.
    """
    pgconn = connection.pgconn
    while pgconn.flush():
        readable, writable, _ = select([pgconn.socket], [pgconn.socket], [], STALLED_SECONDS)
        if readable:
            pgconn.consume_input()
        elif not writable:
            connection.close()
            raise OperationalError(f"the server took nothing for {STALLED_SECONDS} s")


def copy(connection: AnyConnection, table: str, types: Types, rows: Rows, then: Callable[[], T]) -> T:
    """Write rows by COPY; return what `then` returns, which runs while the server takes them in."""
    with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)
        return then()


def _filled(types: Types, rows: Rows) -> tuple[Types, list[list[object]]]:
    """Return the columns in which anything stands, and their types."""
    filled: Types = {}
    columns: list[list[object]] = []
    for (name, type_), values in zip(types.items(), zip(*rows, strict=True), strict=False):
        if values.count(None) < len(values):
            filled[name] = type_
            columns.append(list(values))
    return filled, columns


def json_text(value: object) -> str | None:
    """Return JSON as text, as which it travels: the driver has no array of it."""
    return None if value is None else to_json(value).decode()


def insert(table: str, types: Types, rows: Rows, key: tuple[str, ...] = ()) -> Statement:
    """Return one INSERT of all rows; with a key, rows that exist are updated."""
    names, source, parameters = source_of(types, rows)
    sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM {source} AS n"
    if key:
        sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        sql += f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
    return sql, parameters


PLAIN = ("bigint", "integer", "smallint", "timestamptz")
"""Types whose text needs no quotes in an array."""

TEXTS = ("text", "json", "jsonb")
_TEXTS = "string_to_array(%s, chr(31), chr(30))"


def array_of(values: Iterable[object]) -> str:
    """Return values of a plain type as the text of a PostgreSQL array; the driver would take them one by one."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def texts_of(values: Iterable[str | None]) -> str:
    """Return several texts as one, to be parted by `_TEXTS`: control characters are in no text of ours."""
    return "\x1f".join(["\x1e" if value is None else value for value in values])


def _array(type_: str, column: list[Any]) -> object:
    if type_ == "date":  # few different ones, each slow to write out
        texts = {day: "NULL" if day is None else str(day) for day in set(column)}
        return f"{{{','.join([texts[day] for day in column])}}}"
    if type_ in PLAIN:
        return array_of(column)
    if type_ == "bytea":
        return array_of(f'"\\\\x{value.hex()}"' for value in column)
    return texts_of(column) if type_ in TEXTS else column


FEW = 8
"""Up to this many rows are written out; the driver takes ten times as long for an array as for a value."""


def source_of(types: Types, rows: Rows) -> tuple[Types, str, list[object]]:
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
