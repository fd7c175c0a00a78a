"""Prove accounts over some days from the ledger: the entries, and the seal that they lead to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import Failure
from ledger.postgres.database import check_book, connect
from reports.lake.extract import Snapshot
from reports.proof import read_rows
from reports.proof.proof import COLUMNS, MapPlace, Proof
from reports.proof.running import State, account_leaf, sealed_leaves
from reports.proof.seal import Sealed
from reports.proof.sparse_map import SparseMap
from reports.proof.take_seal import seals


class Prover:
    """Proves accounts over the days since one until another; the maps of both seals are read once for all of them."""

    def __init__(self, url: str, since: date, until: date, key: Ed25519PrivateKey | None = None) -> None:
        """Find the seals around the days; the `key` signs the data of papers.

        Raises Failure when the days are not sealed yet, or the tables are those of another version.
        """
        self.since, self.until, self.key = since, until, key
        self.too_long: dict[int, int] = {}  # bytes of the proofs that were left out of papers, by account
        self._proofs: dict[int, Proof] = {}
        with connect(url) as connection:
            check_book(connection)
        self._ledger = Snapshot(url)
        chain = seals(self._ledger)
        after = next((sealed for sealed in chain if sealed.seal.until >= until), None)
        if after is None:
            self._ledger.close()
            last = f"the last seal is of {chain[-1].seal.day}" if chain else "no day was sealed yet"
            raise Failure(f"{until} is not sealed: {last}; tiffin nightly seals the days that it closes")
        before = [sealed for sealed in chain if sealed.seal.until < since]
        self.seal = after
        self._after = _sealing(self._ledger, after)
        self._before = _sealing(self._ledger, before[-1]) if before else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger.close()

    def load(self, accounts: Sequence[int]) -> None:
        """Read the proofs of some accounts at once, for `of`."""
        self._proofs = self.prove(accounts)

    def of(self, account: int) -> Proof:
        """Return the proof of an account."""
        if account not in self._proofs:
            self.load([account])
        return self._proofs[account]

    def prove(self, accounts: Sequence[int]) -> dict[int, Proof]:
        """Return the proof of each account."""
        start = self._before.sealed.seal.until if self._before else None
        texts: dict[int, list[str]] = {account: [] for account in accounts}
        frame = self._ledger.frame(read_rows.entries_of(accounts, start, self.seal.seal.until))
        for account, text in frame.select("account_id", "text").iter_rows():
            texts[account].append(text)
        return {account: self._proof(account, texts[account]) for account in accounts}

    def _proof(self, account: int, texts: list[str]) -> Proof:
        since = self.since.isoformat()
        before = self._before.place(account) if self._before else None
        state = State.of(before.value if before else None)
        rows = [json.loads(text) for text in texts]
        skipped = sum(row["date"] < since for row in rows) - 1
        if skipped >= 0:  # the last entry before the days proves what the seal before would
            before = None
        for row, text in zip(rows[: max(0, skipped)], texts, strict=False):
            state.follow([text])
            state.balance = (state.balance or 0) + row["amount"]
            state.held = (state.held or 0) + row["held"]
        return Proof(
            account=account,
            since=since,
            until=self.until.isoformat(),
            start=state.value if state.rows else None,
            before=before,
            after=self._after.place(account),
            rows=tuple(tuple(row[name] for name in COLUMNS) for row in rows[max(0, skipped) :]),
        )


@dataclass(frozen=True)
class _Sealing:
    """A seal with its leaves and their map."""

    sealed: Sealed
    values: dict[str, str]
    map: SparseMap

    def place(self, account: int) -> MapPlace:
        name = account_leaf(account)
        return MapPlace(self.sealed, self.values.get(name), self.map.path(name))


def _sealing(ledger: Snapshot, sealed: Sealed) -> _Sealing:
    values = sealed_leaves(ledger, sealed.seal.number).values
    return _Sealing(sealed, values, SparseMap(values))


def account_number(url: str, account: str) -> int:
    """Return the number of a client's account, given by number or reference. Raises Failure when there is none."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT id FROM account WHERE party_id IS NOT NULL AND (reference = %(it)s OR id::text = %(it)s)",
            {"it": account},
        ).fetchone()
    if row is None:
        raise Failure(f"there is no account {account}")
    number: int = row[0]
    return number
