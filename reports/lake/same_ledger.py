"""Is this still the ledger that the lake was made from?

A database that was restored to an earlier moment gives the numbers of lost transactions to other ones. A cut that
was added to the lake then would mix both pasts, and every sum of it would hold.
"""

from datetime import datetime

import polars as pl

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from reports.lake.manifest import LedgerPoint, Manifest
from reports.lake.reader import Lake
from reports.lake.storage import Place

_WAY_OUT = (
    "restore the database further, or run tiffin lake rebuild to export what the ledger has now "
    "and to see where it differs"
)


def ledger_point(connection: AnyConnection, last_transaction: int) -> LedgerPoint:
    """Return which ledger this is, as far as a transaction number."""
    _, incarnation, found = _read(connection, last_transaction)
    key, fingerprint = found or (None, None)
    return LedgerPoint(incarnation=incarnation, key=key, fingerprint=fingerprint)


def check_same_book(connection: AnyConnection, place: Place, published: Manifest) -> None:
    """Raise Failure when the lake holds another book."""
    book, _, _ = _read(connection, 0)
    if published.book != book:
        raise Failure(f"the lake at {place.url} holds another book, initialised at {published.book:%Y-%m-%d %H:%M:%S}")


def check_same_ledger(connection: AnyConnection, place: Place, published: Manifest) -> None:
    """Raise Failure, naming what was found and what to do, unless the ledger still has what the lake was made from."""
    check_same_book(connection, place, published)
    last = published.cut.last_transaction
    _, incarnation, found = _read(connection, last)
    pinned = published.ledger or _pinned_before(place, published)
    other = _other(pinned, last, found, incarnation, _end(connection))
    if other:
        raise Failure(
            f"the ledger is not the one that cut {published.cut.number} of the lake at {place.url} was made from: "
            f"{other}; no cut was made: {_WAY_OUT}"
        )


def _other(pinned: LedgerPoint, last: int, found: tuple[str, str] | None, incarnation: str, end: int) -> str | None:
    if last and found is None:
        return f"the cut has transactions up to {last}, {pinned.key}, the ledger has no {last} and ends at {end}"
    key, fingerprint = found or (None, None)
    if key != pinned.key:
        return f"transaction {last} has key {key}, not {pinned.key}"
    if pinned.fingerprint not in (None, fingerprint):
        return f"transaction {last}, {key}, has fingerprint {fingerprint}, not {pinned.fingerprint}"
    if pinned.incarnation not in ("", incarnation):
        return f"it is incarnation {incarnation} of the book, not {pinned.incarnation}: it was restored since"
    return None


def _pinned_before(place: Place, published: Manifest) -> LedgerPoint:
    """Return what a manifest of an earlier release pins: the key, which its lake has."""
    last = pl.col("id") == published.cut.last_transaction
    keys = Lake(place, published).scan("transactions").filter(last).select("key").collect()["key"].to_list()
    return LedgerPoint(incarnation="", key=keys[0] if keys else None, fingerprint=None)


def _read(connection: AnyConnection, number: int) -> tuple[datetime, str, tuple[str, str] | None]:
    row = connection.execute(
        "SELECT initialised_at, incarnation, key, encode(fingerprint, 'hex') "
        "FROM book LEFT JOIN transaction t ON t.id = %s",
        [number],
    ).fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    book, incarnation, key, fingerprint = row
    return book, incarnation, None if key is None else (key, fingerprint)


def _end(connection: AnyConnection) -> int:
    row = connection.execute("SELECT coalesce(max(id), 0) FROM transaction").fetchone()
    return row[0] if row else 0
