"""Answer SQL over the pinned tables: DuckDB, read only, without files or network, within limits of rows and seconds.

A cut with a dated DuckDB file is queried there, with the tables' comments; any other cut has
the tables that the query names put into memory (DECISIONS D44).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import polars as pl

from ledger.errors import Failure
from reports.core.result import TableSource
from reports.lake.schema import TABLE_NAMES

SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """Rows of a query; `more` means that there were more than requested, and these are the first."""

    frame: pl.DataFrame
    more: bool


def answer_sql(
    lake: TableSource, query: str, *, most_rows: int | None = None, seconds: float | None = SECONDS
) -> Answer:
    """Return at most that many rows, or all. Raises Failure when the query is wrong or takes too long."""
    try:
        with _connected(lake, query) as connection, _stopped(connection, seconds):
            found = connection.sql(query)
            if most_rows is not None:
                found = found.limit(most_rows + 1)
            frame = pl.DataFrame(found.to_arrow_table())
    except duckdb.InterruptException:
        raise Failure(f"the query was stopped after {seconds:g} seconds: narrow it") from None
    except duckdb.Error as error:
        raise Failure(" ".join(str(error).split("\n\n")[0].split())) from None
    if most_rows is None:
        return Answer(frame, more=False)
    return Answer(frame.head(most_rows), frame.height > most_rows)


@contextmanager
def _connected(lake: TableSource, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
    _only_asks(query)
    path = getattr(lake, "duckdb_path", None)  # a lake made in memory by a test has none
    with duckdb.connect(str(path), read_only=True) if path else duckdb.connect() as connection:
        if not path:
            for table in connection.get_table_names(query) & TABLE_NAMES:
                connection.register(table, lake.scan(table).collect().to_arrow())
        connection.execute(f"SET TimeZone = '{lake.cut.time_zone}'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _only_asks(query: str) -> None:
    """Raise Failure for what is not one question: SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE."""
    kinds = [statement.type for statement in duckdb.extract_statements(query)]
    if len(kinds) != 1:
        raise Failure("send one statement at a time")
    if kinds[0] != duckdb.StatementType.SELECT:
        raise Failure(f"{kinds[0].name} is not allowed here: use SELECT")


@contextmanager
def _stopped(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
