"""Take a cut: a moment at which every transaction number up to the last one is committed.

Writers hold a lock shared from before they take numbers until they commit; a cut takes it
alone, on a connection of its own, for as long as it needs to open its snapshot. Exporting `id > last` without this
would lose lower numbers that commit later.
"""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable

from ledger.errors import Failure
from ledger.postgres import locks
from ledger.postgres.database import AnyConnection, check_book, connect
from reports.lake.extract import Snapshot
from reports.lake.manifest import Cut, LedgerPoint
from reports.lake.same_ledger import ledger_point
from reports.proof.read_rows import SALTS

LOCK_TIMEOUT_MS = 200  # writers queue behind a waiting cut no longer than this
PATIENCE_SECONDS = 120.0
RUN_PATIENCE_SECONDS = 5.0  # a killed run's lock goes when PostgreSQL notices, which takes a moment

Connection = AnyConnection


@dataclass(frozen=True)
class Taken:
    """A cut just taken: its open snapshot and the facts of the book then.

    `closing` means that the cut is to close days that are still open: `close` does, once it was verified.
    """

    snapshot: Snapshot
    taken_at: datetime
    book: datetime
    time_zone: str
    closes: date | None
    closed_until: date | None
    closing: bool
    ledger: LedgerPoint


@contextmanager
def alone(url: str) -> Iterator[Connection]:
    """Hold the right to write the lake; the connection goes with it.

    Raises Failure when another run holds it.
    """
    with connect(url) as guard, connect(url, autocommit=True) as connection:
        check_book(guard)
        deadline = time.monotonic() + RUN_PATIENCE_SECONDS
        while True:
            try:
                # It waits for the whole run, idle: that is what it is for.
                guard.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                guard.execute(locks.LAKE_RUN)
                break
            except LockNotAvailable:
                guard.rollback()
                if time.monotonic() > deadline:
                    raise Failure("another tiffin nightly or tiffin lake is running on this book") from None
                time.sleep(0.1)
        yield connection


@contextmanager
def cut(connection: Connection, url: str, *, closes: date | None = None) -> Iterator[Taken]:
    """Take a cut and keep its snapshot open; with `closes`, the days up to it take no more transactions from now on.

    Holds that have expired are booked first. Raises Failure when the day has not ended in
    the book's time zone, the book is not there yet, or writers never leave a gap.
    """
    with _writers_kept_out(connection, url):
        book, time_zone, closed_until = _book(connection)
        closing = closes is not None and _begin_closing(connection, closes, time_zone, closed_until)
        connection.execute(SALTS)
        taken_at: datetime = _value(connection, "SELECT clock_timestamp()")
        snapshot = Snapshot(url)
    with snapshot:
        ledger = ledger_point(connection, snapshot.last_transaction)
        until = closes if closing else closed_until
        yield Taken(snapshot, taken_at, book, time_zone, closes, until, closing, ledger)


def close(connection: Connection, cut: Cut) -> None:
    """Close the days that a cut was taken to close, as of the moment when it was taken.

    Nothing happens when they are closed already.
    """
    with connection.transaction():
        connection.execute(
            "INSERT INTO closing (closed_until, closed_at, last_transaction) "
            "SELECT %(day)s, %(at)s, %(last)s FROM book WHERE closing = %(day)s",
            {"day": cut.closed_until, "at": cut.taken_at, "last": cut.last_transaction},
        )
        connection.execute(
            "UPDATE book SET closed_until = closing, closing = NULL WHERE closing = %s", [cut.closed_until]
        )


def note_cut(connection: Connection, taken_at: datetime) -> None:
    """Note in the book of which moment the latest cut is: `tiffin serve` gives its age to whoever watches."""
    connection.execute("UPDATE book SET cut_at = greatest(cut_at, %s)", [taken_at])


def keep_open(connection: Connection) -> None:
    """Let the days that were to be closed take transactions again."""
    with suppress(psycopg.Error):  # a connection that broke: the next night finds the days as this one left them
        connection.execute("UPDATE book SET closing = NULL WHERE closing IS NOT NULL")


@contextmanager
def _writers_kept_out(connection: Connection, url: str) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with connect(url) as gate:
            _lock(gate, deadline)
            if not _expired(connection):
                yield
                return
        if time.monotonic() > deadline:
            raise Failure("holds and points keep expiring faster than they are booked: no cut was made")
        _book_expired(url, _value(connection, "SELECT clock_timestamp()"))


def _lock(gate: Connection, deadline: float) -> None:
    while True:
        gate.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
        try:
            gate.execute(locks.CUTTING)
        except LockNotAvailable:
            gate.rollback()
            if time.monotonic() > deadline:
                raise Failure(
                    f"writers kept the ledger busy for {PATIENCE_SECONDS:.0f} seconds: no cut was made"
                ) from None
            time.sleep(random.uniform(0.05, 0.25))
        else:
            return


def _expired(connection: Connection) -> bool:
    """Return whether holds or points expired that are not booked, or lots are behind their accounts."""
    return bool(_value(connection, _EXPIRED))


_EXPIRED = """
SELECT EXISTS (SELECT FROM hold WHERE state = 'open' AND expires_at <= clock_timestamp())
OR EXISTS (
    SELECT FROM bonus_lot WHERE points_left > 0
    AND (lapsed > 0 OR gone_on <= (SELECT (clock_timestamp() AT TIME ZONE time_zone)::date FROM book))
) OR EXISTS (
    SELECT FROM account a JOIN balance b ON b.account_id = a.id LEFT JOIN bonus_points p ON p.account_id = a.id
    WHERE a.kind = 'bonus' AND b.version > coalesce(p.version, 0)
)
"""


def _book_expired(url: str, until: datetime) -> None:
    # Here, for most cuts find nothing expired and need no writer.
    from ledger.food.postgres.post_orders import Desk
    from ledger.postgres.post import Ledger

    with closing(Ledger(url)) as ledger:
        Desk(ledger).book_expired(until)


def _book(connection: Connection) -> tuple[datetime, str, date | None]:
    row = connection.execute("SELECT initialised_at, time_zone, closed_until FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    return row[0], row[1], row[2]


def begun(connection: Connection, day: date) -> None:
    """Raise a Failure for a day before the book: before its first transaction, and before it was made.

    The day before it was made is allowed, so that the first night of a new book is like any other.
    """
    made: date | None = _value(connection, "SELECT (initialised_at AT TIME ZONE time_zone)::date - 1 FROM book")
    if made is None or day >= made:
        return
    if not _value(connection, "SELECT EXISTS (SELECT FROM transaction WHERE business_date <= %s)", day):
        first = min(made, _value(connection, "SELECT min(business_date) FROM transaction") or made)
        raise Failure(f"the book begins on {first}: there is nothing to close on {day}")


def _begin_closing(connection: Connection, day: date, time_zone: str, closed_until: date | None) -> bool:
    today: date = _value(connection, "SELECT (clock_timestamp() AT TIME ZONE %s)::date", time_zone)
    if day >= today:
        raise Failure(f"{day} has not ended in {time_zone}: the latest day that can be closed is before {today}")
    if closed_until and day <= closed_until:
        return False  # days are never opened again
    connection.execute("UPDATE book SET closing = %s", [day])
    return True


def _value(connection: Connection, sql: Any, *values: Any) -> Any:
    row = connection.execute(sql, values).fetchone()
    return row[0] if row else None
