"""Reading for the server: blocking queries, on a few threads that keep a connection each."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg

from ledger.postgres.database import AnyConnection, Unreachable, check_book, connect

T = TypeVar("T")

STATEMENT_MS = 10_000
THREADS = 4


class ReadPool:
    """A few connections to one database, for reading."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tiffin-reading")
        self._local = threading.local()

    async def run(self, query: Callable[[AnyConnection], T]) -> T:
        """Return what a query returns. Raises what it raises, Unreachable when the database is away."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_retry, query)

    def close(self) -> None:
        """Let the threads, and with them the connections, go."""
        self._threads.shutdown(cancel_futures=True)

    def _with_retry(self, query: Callable[[AnyConnection], T]) -> T:
        kept = self._connection()
        try:
            return self._run(kept, query)
        except psycopg.OperationalError as error:
            if not kept.closed:
                raise Unreachable("the question took too long" if _timed_out(error) else "PostgreSQL gave up") from None
        # The connection was lost while it was idle, or now: once more on a new one.
        try:
            return self._run(self._connection(), query)
        except psycopg.OperationalError:
            raise Unreachable("PostgreSQL does not answer") from None

    def _run(self, connection: AnyConnection, query: Callable[[AnyConnection], T]) -> T:
        try:
            return query(connection)
        finally:
            if not connection.closed and not connection.broken:
                connection.rollback()

    def _connection(self) -> AnyConnection:
        connection: AnyConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = connect(self._url, settings={"statement_timeout": STATEMENT_MS, "jit": "off"})
            check_book(connection)
            self._local.connection = connection
        return connection


class NoDatabase(ReadPool):
    """No database: a test double has none."""

    async def run(self, query: Callable[[AnyConnection], T]) -> T:
        """Raise Unreachable."""
        raise Unreachable("this is a test double: it answers commands, and no questions")


def _timed_out(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.errors.QueryCanceled)
