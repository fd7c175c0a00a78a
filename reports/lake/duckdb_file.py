"""The dated DuckDB file of a nightly cut: the tables themselves, every table and column commented.

It opens in plain `duckdb`, anywhere, with nothing installed. It is made beside its place and
renamed, and never changed: a file replaced under an open handle would go on showing the old data.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from reports.core.result import CutFacts, TableSource
from reports.lake.manifest import DatedDatabase
from reports.lake.reader import Lake
from reports.lake.schema import TABLES, Table, Type
from reports.lake.storage import Place

FOLDER = "duckdb"
STORAGE_VERSION = "v1.2.0"
"""The oldest DuckDB that opens the file."""

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


def make(lake: Lake) -> DatedDatabase:
    """Write the DuckDB file of a cut and return how its manifest names it."""
    name = file_name(lake.cut.closes or lake.cut.taken_at.date(), lake.cut.number)
    with _beside(lake.place) as path:
        with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
            for table in TABLES:
                fill(connection, lake, table)
            _about(connection, lake)
            _closed_balances(connection, lake)
        size = path.stat().st_size
        if lake.place.folder:
            path.replace(lake.place.folder / name)
        else:
            lake.place.write(name, path)
    return DatedDatabase(name=name, size=size, sha256=lake.place.digest(name))


def months(lake: TableSource, table: Table) -> list[str]:
    """Return the months of an appended table, oldest first."""
    found: pl.DataFrame = lake.scan(table.name).select(pl.col("month").unique().sort()).collect()
    return found["month"].to_list()


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
    for frame in _pieces(lake, table):
        connection.register("piece", frame.to_arrow())
        connection.execute(f'INSERT INTO "{table.name}" SELECT * FROM piece')
        connection.unregister("piece")
    comment = f"{table.comment}; {_as_of(lake.cut, table)}"
    _comment(connection, table.name, comment, {column.name: column.comment for column in table.columns})


def _as_of(cut: CutFacts, table: Table) -> str:
    """Return of when a table is: tables of state are of the cut's moment, which is after the closed day."""
    at = f"{cut.taken_at:%Y-%m-%d %H:%M:%S} UTC, the moment of cut {cut.number}"
    if not table.appended:
        return f"as of {at}, not of a closed day (balances of that: balances_closed)"
    return f"complete up to {at}; days after {cut.closed_until or 'any'} may still get rows"


def _pieces(lake: TableSource, table: Table) -> Iterator[pl.DataFrame]:
    # A month at a time bounds the memory; sorted, neighbours resemble each other and take less room.
    frame = lake.scan(table.name)
    if not table.appended:
        yield frame.sort(table.key).collect()
        return
    for month in months(lake, table):
        yield frame.filter(pl.col("month") == month).sort(table.key).collect()


def _about(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    connection.execute(
        "CREATE TABLE cut (number BIGINT, taken_at TIMESTAMPTZ, last_transaction BIGINT, closed_until DATE, "
        "time_zone VARCHAR)"
    )
    cut = lake.cut
    connection.execute(
        "INSERT INTO cut VALUES (?, ?, ?, ?, ?)",
        [cut.number, cut.taken_at, cut.last_transaction, cut.closed_until, cut.time_zone],
    )
    _comment(connection, "cut", "the point up to which this file is complete", _ABOUT)


def _closed_balances(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Add what client accounts had at the end of the closed day that names the file."""
    closed = lake.cut.closed_until
    until = f"DATE '{closed}'" if closed else "NULL"
    connection.execute(
        "CREATE TABLE balances_closed AS SELECT account_id, arg_max(balance_after, version) AS balance, "
        f"arg_max(held_after, version) AS held FROM entries WHERE version IS NOT NULL AND business_date <= {until} "
        "AND NOT (kind = 'expiry' AND amount = 0 AND held = 0) "  # the end of a free hold may be dated out of order
        "GROUP BY account_id ORDER BY account_id"
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
    connection.execute(f'COMMENT ON TABLE "{table}" IS {_quoted(comment)}')
    for column, sentence in columns.items():
        connection.execute(f'COMMENT ON COLUMN "{table}"."{column}" IS {_quoted(sentence)}')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
