"""Rows on their way to PostgreSQL: as one INSERT a table, its columns as one text each, or as the lines of a COPY.

The driver would take values one by one. `wire` sends them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

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


def _filled(types: Types, rows: Rows) -> tuple[Types, list[Sequence[object]]]:
    """Return the columns in which anything stands, and their types."""
    filled: Types = {}
    columns: list[Sequence[object]] = []
    for (name, type_), values in zip(types.items(), zip(*rows, strict=True), strict=False):
        if values[0] is not None or values.count(None) < len(values):
            filled[name] = type_
            columns.append(values)
    return filled, columns


def json_text(value: object) -> str | None:
    """Return JSON as text, as which it travels: the driver has no array of it."""
    return None if value is None else to_json(value).decode()


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table; with a key, rows that exist are updated."""

    table: str
    types: Types
    rows: Rows
    key: tuple[str, ...] = ()

    def statement(self) -> Statement:
        """Return one INSERT of all rows."""
        names, source, parameters = source_of(self.types, self.rows)
        sql = f"INSERT INTO {self.table} ({', '.join(names)}) SELECT * FROM {source} AS n"
        if self.key:
            sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in self.key)
            sql += f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {sets}"
        return sql, parameters


def copied(types: Types, rows: Rows) -> tuple[list[str], bytes]:
    """Return the columns in which anything stands, and rows of them as the lines of a COPY.

    Made column by column: the driver would look at each value of each row.
    """
    filled, columns = _filled(types, rows)
    texts = [_copied(type_, values) for type_, values in zip(filled.values(), columns, strict=True)]
    lines = "\n".join(map("\t".join, zip(*texts, strict=True)))
    return [*filled], f"{lines}\n".encode()


_NULL = "\\N"
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _copied(type_: str, values: Sequence[Any]) -> list[str]:
    if type_ in TEXTS:
        together = "".join([value for value in values if value is not None])
        if any(special in together for special in "\\\t\n\r"):
            values = [value and value.translate(_ESCAPED) for value in values]
        return [_NULL if value is None else value for value in values]
    if type_ == "bytea":
        return [_NULL if value is None else f"\\\\x{value.hex()}" for value in values]
    if type_ in FEW_DIFFERENT:
        texts = {value: _NULL if value is None else str(value) for value in set(values)}
        return [texts[value] for value in values]
    return [_NULL if value is None else str(value) for value in values]


def statement_of(work: Insert | Statement) -> Statement:
    """Return what carries a work out; one without rows has nothing to do, and no values."""
    if isinstance(work, Insert):
        return work.statement() if work.rows else ("", [])
    return work


def at_once(works: Iterable[Insert | Statement]) -> Statement:
    """Return those of the works that have anything to do as one statement; none may read what another writes.

    What triggers see of it is as after one statement after another.
    """
    todo = [statement for work in works if (statement := statement_of(work))[1]]
    parts = ", ".join(f"part_{number} AS ({sql})" for number, (sql, _) in enumerate(todo))
    return f"WITH {parts} SELECT", [value for _, values in todo for value in values]


PLAIN = ("bigint", "integer", "smallint", "timestamptz", "numeric")
"""Types whose text needs no quotes in an array."""

TEXTS = ("text", "json", "jsonb")
FEW_DIFFERENT = ("date", "timestamptz")
"""Types of which a batch has few values, each slow to write out."""

_TEXTS = "string_to_array(%s, chr(31), chr(30))"


def array_of(values: Iterable[object]) -> str:
    """Return values of a plain type as the text of a PostgreSQL array; the driver would take them one by one."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


def quoted_array(values: Iterable[str | None]) -> str:
    """Return any texts as the text of a PostgreSQL array."""
    quoted = (None if v is None else '"' + v.replace("\\", r"\\").replace('"', r"\"") + '"' for v in values)
    return array_of(quoted)


def texts_of(values: Iterable[str | None]) -> str:
    """Return several texts as one, to be parted by `_TEXTS`: control characters are in no text of ours."""
    return "\x1f".join(["\x1e" if value is None else value for value in values])


def _array(type_: str, column: Sequence[Any]) -> str:
    if type_ == "date":
        texts = {day: "NULL" if day is None else str(day) for day in set(column)}
        return f"{{{','.join([texts[day] for day in column])}}}"
    if type_ in PLAIN:
        return array_of(column)
    if type_ == "bytea":
        return array_of(f'"\\\\x{value.hex()}"' for value in column)
    assert type_ in TEXTS, type_
    return texts_of(column)


FEW = 8
"""Up to this many rows are written out; the driver takes ten times as long for an array as for a value."""


def source_of(types: Types, rows: Rows) -> tuple[Types, str, list[object]]:
    """Return the columns in which anything stands, rows of them as a FROM item, and its parameters."""
    filled, columns = _filled(types, rows)
    if len(rows) > FEW:
        arrays: list[object] = [_array(type_, column) for type_, column in zip(filled.values(), columns, strict=True)]
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
