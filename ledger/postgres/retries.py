"""Database transactions that are tried again: whatever makes PostgreSQL give up a batch that may be sent again.

A deadlock, a racing key, a lost connection: a retry finds by its keys what was committed after all, and replays it.
"""

import atexit
import gc
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import TypeVar

import psycopg
from psycopg import errors, pq

from ledger.errors import GaveUp, first_line
from ledger.logs import log
from ledger.postgres.database import AnyConnection, Unreachable
from ledger.postgres.wire import abandon

T = TypeVar("T")

# A lost connection is reported by our own log line, not by the driver.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

TRIES = 8
PATIENCE_SECONDS = 30
"""How long a lost database is waited for."""

AGAIN = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,
    errors.LockNotAvailable,
    errors.IdleInTransactionSessionTimeout,
    psycopg.OperationalError,
    Unreachable,
)


def retried(work: Callable[[], T], connection: Callable[[], AnyConnection | None], *, lock_tries: int = TRIES) -> T:
    """Return what `work` returns; while PostgreSQL gives it up for what may be tried again, it is tried again.

    `connection` returns the one that the work is done on, if there is one; a lock that is not had in time is waited
    for `lock_tries` times. Raises GaveUp in the end, Unreachable when the database is not there.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    for attempt in count(1):
        try:
            return work()
        except AGAIN as error:
            lost = isinstance(error, Unreachable) or not _is_clean(connection())
            tries = lock_tries if isinstance(error, errors.LockNotAvailable) else TRIES
            if isinstance(error, errors.QueryCanceled) or (attempt >= tries and not lost):
                raise GaveUp(f"PostgreSQL gave up after {_times(attempt)}: {first_line(error)}") from error
            if time.monotonic() > until:
                gave_up = Unreachable if lost else GaveUp
                raise gave_up(f"gave up after {PATIENCE_SECONDS} s: {first_line(error)}") from error
            log("retry", attempt=attempt, error=type(error).__name__)
            # Chance keeps writers that met once from meeting again.
            time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))
    raise AssertionError("unreachable")


def _is_clean(connection: AnyConnection | None) -> bool:
    """Return whether the connection may be used again; close it if not."""
    if connection is None or connection.closed:
        return False
    if connection.info.transaction_status == pq.TransactionStatus.IDLE:
        return True
    connection.close()
    return False


def _times(attempts: int) -> str:
    return "one try" if attempts == 1 else f"{attempts} tries"


@contextmanager
def transaction(connection: AnyConnection, *, keep: bool) -> Iterator[bool]:
    """Run a database transaction, rolled back at its end unless it is to `keep`; return whether it began here."""
    # Whoever left something undone on the ledger's connection must not lose it to a rollback in between.
    own = connection.info.transaction_status == pq.TransactionStatus.IDLE
    # The driver's own transaction() lets nobody roll back.
    try:
        yield own
        if keep:
            connection.commit()
        else:
            connection.rollback()
    except BaseException:
        abandon(connection)
        if not connection.closed:
            connection.rollback()
        raise


@cache
def _freeze_once() -> None:
    gc.freeze()
    atexit.register(_unfreeze)


def _unfreeze() -> None:
    """Release at exit what was frozen, where DuckDB is loaded: it reports on stderr what it finds left behind."""
    if "duckdb" in sys.modules:  # it takes 60 ms of processor time, which `tiffin post` does without
        gc.unfreeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away: it would walk what a batch makes, which all lives to the end, in vain.

    What the process had before its first batch, thousands of modules' objects, it never walks again (DECISIONS D135).
    """
    _freeze_once()
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
