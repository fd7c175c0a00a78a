"""The dated DuckDB file of a nightly cut: the tables themselves, every table and column commented.

It opens in plain `duckdb`, anywhere, with nothing installed. It is made beside its place and
renamed, and never changed: a file replaced under an open handle would go on showing the old data.
A night's file is a copy of the last one, to which is added what is new (DECISIONS D195).
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from reports.core.result import CutFacts, TableSource
from reports.lake.manifest import DatedDatabase, Manifest
from reports.lake.reader import Lake
from reports.lake.schema import TABLES, Table, Type
from reports.lake.storage import Place

FOLDER = "duckdb"
STORAGE_VERSION = "v1.2.0"
"""The oldest DuckDB that opens the file."""

MEMORY = "512MB"
"""What DuckDB takes at most while it writes the file; what needs more goes to the disk beside it."""

PIECE = 50_000  # transactions handed to DuckDB at once: some tens of megabytes with their entries

DUCKDB_TYPES: dict[Type, str] = {
    "int": "BIGINT",
    "text": "VARCHAR",
    "money": "DECIMAL(18, 2)",
    "rate": "DECIMAL(5, 2)",
    "bool": "BOOLEAN",
    "date": "DATE",
    "instant": "TIMESTAMPTZ",
    "json": "VARCHAR",
}

_ABOUT = {
    "number": "number of the cut",
    "taken_at": "when the cut was taken, UTC",
    "last_transaction": "the latest transaction in it",
    "closed_until": "days up to this one never change; later ones may",
    "time_zone": "the book's time zone, in which business dates are days",
}


def file_name(day: date, number: int) -> str:
    """Return the object name of a cut's DuckDB file."""
    return f"{FOLDER}/ledger-{day}-{number}.duckdb"


def make(lake: Lake, before: Iterable[Manifest] = ()) -> DatedDatabase:
    """Write the DuckDB file of a cut and return how its manifest names it.

    `before` are manifests of earlier cuts, latest first: the file grows from the latest that is still there.
    """
    name = file_name(lake.cut.closes or lake.cut.taken_at.date(), lake.cut.number)
    with _beside(lake.place) as path:
        base = next((known for known in before if known.database), None)
        if base is None or not copied(lake.place, base, path) or not _added(path, lake, base):
            path.unlink(missing_ok=True)
            with _opened(path) as connection:
                _fill(connection, lake, None)
        size = path.stat().st_size
        if lake.place.folder:
            path.replace(lake.place.folder / name)
        else:
            lake.place.write(name, path)
    return DatedDatabase(name=name, size=size, sha256=lake.place.digest(name))


def copied(place: Place, base: Manifest, path: Path) -> bool:
    """Copy the file of an earlier cut to a path; say whether it is there, as it was written."""
    assert base.database
    try:
        return place.fetch(base.database.name, path) == base.database.sha256
    except FileNotFoundError:
        return False


def _added(path: Path, lake: Lake, base: Manifest) -> bool:
    """Add what is new to a copy of an earlier cut's file; say whether it could be: not where its columns differ."""
    with _opened(path) as connection:
        found = connection.execute(
            "SELECT table_name, list(column_name || ': ' || comment ORDER BY column_index) FROM duckdb_columns() "
            "WHERE NOT internal GROUP BY table_name"
        ).fetchall()
        declared = {table.name: [f"{c.name}: {c.comment}" for c in table.columns] for table in TABLES}
        same = dict(found).items() >= declared.items()
        if same:
            _fill(connection, lake, base)
    return same


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    settings: dict[str, Any] = {
        "storage_compatibility_version": STORAGE_VERSION,
        "memory_limit": MEMORY,
        "temp_directory": str(path.with_suffix(".spilled")),
    }
    with duckdb.connect(str(path), config=settings) as connection:
        yield connection


def _fill(connection: duckdb.DuckDBPyConnection, lake: Lake, base: Manifest | None) -> None:
    """Write all tables, or to those of an earlier cut what is new: rows that were appended, snapshots that changed."""
    for table in TABLES:
        pinned = base.tables.get(table.name) if base else None
        if base is None or pinned is None:
            fill(connection, lake, table)
        elif table.appended:
            _append(connection, lake, table, base.cut.last_transaction)
            _describe(connection, lake.cut, table, columns=False)
        elif pinned.content is None or pinned.content != lake.manifest.tables[table.name].content:
            connection.execute(f'DROP TABLE "{table.name}"')
            fill(connection, lake, table)
        else:
            _describe(connection, lake.cut, table, columns=False)
    _about(connection, lake)
    _closed_balances(connection, lake, base.cut.closed_until if base else None)
    _metrics(connection, lake)


def _metrics(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Write the metrics as views; one that is wrong is left out, and named where the pack is checked."""
    from reports.metrics.metric import all_metrics
    from reports.metrics.views import PREFIX, views

    of_before = connection.execute("SELECT view_name FROM duckdb_views() WHERE starts_with(view_name, ?)", [PREFIX])
    for (name,) in of_before.fetchall():
        connection.execute(f'DROP VIEW "{name}"')
    for _, statements in views(all_metrics(), lake.cut):
        with suppress(duckdb.Error):
            for statement in statements:
                connection.execute(statement)


def outdated(names: Iterable[str], *, days: int, months: int) -> list[str]:
    """Return which of a lake's DuckDB files may go: all but those of the latest days, and the last of each month."""
    dated = {
        name: (date.fromisoformat(found[1]), int(found[2]))
        for name in names
        if (found := re.search(r"/ledger-(\d{4}-\d\d-\d\d)-(\d+)\.duckdb$", name))
    }
    newest_first = sorted(dated, key=dated.__getitem__, reverse=True)
    since = dated[newest_first[0]][0] - timedelta(days=days) if dated else date.max
    ends: dict[str, str] = {}
    for name in newest_first:
        ends.setdefault(f"{dated[name][0]:%Y-%m}", name)
    kept = {*list(ends.values())[: months + 1], *(name for name in dated if dated[name][0] > since)}
    return sorted(dated.keys() - kept)


@contextmanager
def _beside(place: Place) -> Iterator[Path]:
    """Lend a path on the disk where the file is to be; whatever is left there by a killed run is removed."""
    if place.folder is None:
        with tempfile.TemporaryDirectory(prefix="tiffin-") as folder:
            yield Path(folder) / "ledger.duckdb"
        return
    folder_ = place.folder / FOLDER / ".making"
    shutil.rmtree(folder_, ignore_errors=True)
    folder_.mkdir(parents=True)
    yield folder_ / "ledger.duckdb"
    shutil.rmtree(folder_)


def declaration(table: Table) -> str:
    """Return the statement that creates a table, empty."""
    columns = ", ".join(f'"{column.name}" {DUCKDB_TYPES[column.type]}' for column in table.columns)
    return f'CREATE TABLE "{table.name}" ({columns})'


def fill(connection: duckdb.DuckDBPyConnection, lake: TableSource, table: Table) -> None:
    """Create a table with its rows and comments."""
    connection.execute(declaration(table))
    _append(connection, lake, table)
    _describe(connection, lake.cut, table)


def _append(connection: duckdb.DuckDBPyConnection, lake: TableSource, table: Table, after: int = 0) -> None:
    """Add a table's rows by key, or those after a transaction."""
    for piece in _pieces(lake.scan(table.name), table, after):
        connection.register("piece", piece.to_arrow())
        connection.execute(f'INSERT INTO "{table.name}" SELECT * FROM piece')
        connection.unregister("piece")


def _pieces(frame: pl.LazyFrame, table: Table, after: int) -> Iterator[pl.DataFrame]:
    # Some transactions at a time bound the memory; sorted, neighbours resemble each other and take less room.
    if not table.appended:
        yield frame.sort(table.key).collect()
        return
    key = pl.col(table.key[0])
    (first, last) = frame.filter(key > after).select(key.min().alias("first"), key.max().alias("last")).collect().row(0)
    for start in range(first, last + 1, PIECE) if first is not None else ():
        part = frame.filter(key.is_between(start, start + PIECE, closed="left"))
        yield part.sort(table.key).collect(engine="streaming")


def _describe(connection: duckdb.DuckDBPyConnection, cut: CutFacts, table: Table, *, columns: bool = True) -> None:
    comment = f"{table.comment}; {_as_of(cut, table)}"
    _comment(connection, table.name, comment, {c.name: c.comment for c in table.columns} if columns else {})


def _as_of(cut: CutFacts, table: Table) -> str:
    """Return the moment a table is as of: for tables of state the cut's own, which is after the closed day."""
    at = f"{cut.taken_at:%Y-%m-%d %H:%M:%S} UTC, the moment of cut {cut.number}"
    if not table.appended:
        return f"as of {at}, not of a closed day (balances of that: balances_closed)"
    return f"complete up to {at}; days after {cut.closed_until or 'any'} may still get rows"


def _about(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE cut (number BIGINT, taken_at TIMESTAMPTZ, last_transaction BIGINT, closed_until DATE, "
        "time_zone VARCHAR)"
    )
    cut = lake.cut
    connection.execute(
        "INSERT INTO cut VALUES (?, ?, ?, ?, ?)",
        [cut.number, cut.taken_at, cut.last_transaction, cut.closed_until, cut.time_zone],
    )
    _comment(connection, "cut", "the point up to which this file is complete", _ABOUT)


def _closed_balances(connection: duckdb.DuckDBPyConnection, lake: Lake, since: date | None) -> None:
    """Write what client accounts had at the end of the closed day that names the file.

    `since` is the closed day up to which they stand there.
    """
    closed = lake.cut.closed_until
    connection.execute(
        "CREATE TABLE IF NOT EXISTS balances_closed (account_id BIGINT, balance DECIMAL(18, 2), held DECIMAL(18, 2))"
    )
    connection.execute(
        "CREATE TEMP TABLE closing AS SELECT account_id, arg_max(balance_after, version) AS balance, "
        "arg_max(held_after, version) AS held FROM entries "
        "WHERE version IS NOT NULL AND business_date > ? AND business_date <= ? "
        "AND NOT (kind = 'expiry' AND amount = 0 AND held = 0) GROUP BY account_id",  # that may be dated out of order
        [since or date.min, closed or date.min],
    )
    connection.execute(
        "CREATE OR REPLACE TABLE balances_closed AS SELECT * FROM closing UNION ALL "
        "SELECT * FROM balances_closed WHERE account_id NOT IN (SELECT account_id FROM closing) ORDER BY account_id"
    )
    _comment(
        connection,
        "balances_closed",
        f"balances of clients' accounts at the end of {closed or 'no day: none is closed'}, the last closed day",
        {
            "account_id": "the account",
            "balance": "balance after its last entry up to that day",
            "held": "held after that entry",
        },
    )


def _comment(connection: duckdb.DuckDBPyConnection, table: str, comment: str, columns: dict[str, str]) -> None:
    on_columns = (f'COMMENT ON COLUMN "{table}"."{name}" IS {_quoted(words)};' for name, words in columns.items())
    on_table = f'COMMENT ON TABLE "{table}" IS {_quoted(comment)};'
    connection.execute("".join(["BEGIN;", on_table, *on_columns, "COMMIT;"]))  # one write to the disk, not one each


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
