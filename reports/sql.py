"""Answer SQL over the pinned tables: DuckDB, read only, no files and no network, so many rows and seconds at most.

A cut with a dated DuckDB file is asked there, with the tables' comments; any other cut has
the tables that the query names put into memory.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import polars as pl

from ledger.errors import Failure
from reports.lake.reading import Lake
from reports.run import TABLE_NAMES

SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """Rows of a query; `more` says that there were more than asked for, and these are the first."""

    frame: pl.DataFrame
    more: bool


def ask(lake: Lake, query: str, *, most_rows: int, seconds: float = SECONDS) -> Answer:
    """Return at most so many rows. Raises Failure with one sentence: what is wrong, or that it took too long."""
    try:
        with _connected(lake, query) as connection, _stopped(connection, seconds):
            if len(connection.extract_statements(query)) != 1:
                raise Failure("ask one statement at a time")
            found = connection.sql(query)
            if found is None:
                raise Failure("the statement gives no rows: ask with SELECT")
            frame = pl.DataFrame(found.limit(most_rows + 1).to_arrow_table())
    except duckdb.InterruptException:
        raise Failure(f"the query was stopped after {seconds:g} seconds: narrow it") from None
    except duckdb.Error as error:
        raise Failure(" ".join(str(error).split("\n\n")[0].split())) from None
    return Answer(frame.head(most_rows), frame.height > most_rows)


@contextmanager
def _connected(lake: Lake, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
    path = getattr(lake, "duckdb_path", None)
    with duckdb.connect(str(path), read_only=True) if path else duckdb.connect() as connection:
        if not path:
            for table in _named(connection, query):
                connection.register(table, lake.scan(table).collect().to_arrow())
        connection.execute(f"SET TimeZone = '{lake.cut.time_zone}'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _named(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """Return the lake's tables that the query names; of several statements none, for they are refused."""
    if len(connection.extract_statements(query)) != 1:
        return set()
    return set(connection.get_table_names(query)) & TABLE_NAMES


@contextmanager
def _stopped(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
