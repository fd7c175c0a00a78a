"""Make the seal of a closing: read what the closed days added, and chain it to the seal before.

The first seal of a book covers everything up to its day, however long the book was kept without.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.postgres.database import AnyConnection, newest_revision
from reports.lake.take_cut import Taken
from reports.proof import read_rows
from reports.proof.canonical import canonical
from reports.proof.running import Reader, State, account_leaf, read_entries, read_list, read_states, sealed_leaves
from reports.proof.seal import Seal, Sealed, sign
from reports.proof.sparse_map import SparseMap


@dataclass(frozen=True)
class Made:
    """A seal that is not written yet, and the leaves that it changes."""

    sealed: Sealed
    leaves: dict[str, str] = field(repr=False)


def seals(reader: Reader) -> list[Sealed]:
    """Return the seals that the ledger keeps, in order."""
    rows = reader.frame(read_rows.SEALS).select("line", "hash", "public_key", "signature").iter_rows()
    return [Sealed(*row) for row in rows]


def make_seal(taken: Taken, guards: str, key: Ed25519PrivateKey | None) -> Made | None:
    """Return the seal of the days that a cut closes, None when it closes none."""
    if not taken.closing or taken.closed_until is None:
        return None
    reader = taken.snapshot
    kept = seals(reader)
    before = kept[-1].seal if kept else None
    past = sealed_leaves(reader, before.number if before else 0)
    entries = read_entries(reader, past, before.until if before else None, taken.closed_until)
    for name in read_rows.LISTS:
        read_list(reader, past, name, int(reader.frame(read_rows.LAST[name]).item()))
    read_states(reader, past)
    past.put("guards", canonical({"schema": newest_revision(), "guards": guards}))
    seal = Seal(
        number=before.number + 1 if before else 1,
        day=taken.closed_until.isoformat(),
        previous=kept[-1].hash if kept else None,
        root=SparseMap(past.values).root,
        book=taken.ledger.incarnation,
        time_zone=taken.time_zone,
        closed_at=micros(taken),
        last_transaction=taken.snapshot.last_transaction,
        last_change=taken.snapshot.last_change,
        leaves=len(past.values),
        entries=entries + (before.entries if before else 0),
        totals=_totals(reader, past.values),
        guards=guards,
        schema=newest_revision(),
    )
    return Made(Sealed(seal.line, seal.hash, *sign(seal.hash, key)), past.changed)


def micros(taken: Taken) -> int:
    """Return when a cut was taken, in microseconds since 1970."""
    return int(taken.taken_at.timestamp()) * 1_000_000 + taken.taken_at.microsecond


def write_seal(connection: AnyConnection, made: Made | None) -> None:
    """Write a seal and its leaves, if one was made."""
    if made is None:
        return
    sealed, seal = made.sealed, made.sealed.seal
    connection.execute(
        "INSERT INTO seal (number, day, line, hash, public_key, signature) VALUES (%s, %s, %s, %s, %s, %s)",
        [seal.number, seal.day, sealed.line, sealed.hash, sealed.public_key, sealed.signature],
    )
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY seal_leaf (name, seal_number, value) FROM STDIN") as copy,
    ):
        for name, value in sorted(made.leaves.items()):
            copy.write_row((name, seal.number, value))


def _totals(reader: Reader, values: dict[str, str]) -> dict[str, dict[str, int]]:
    """Return the sums of all sealed entries by currency and kind of account."""
    found: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    accounts: pl.DataFrame = reader.frame("SELECT id, currency, kind FROM account ORDER BY currency, kind, id")
    for number, currency, kind in accounts.iter_rows():
        state = State.of(values.get(account_leaf(number)))
        if state.rows:
            found[currency][kind] += state.balance or 0
    return {currency: dict(kinds) for currency, kinds in found.items()}
