"""Export a cut: what is new since the cut before is appended, snapshots are written whole.

Nothing is published here. The manifest that comes back pins what was written; until it is
published, readers see the cut before, and the next export undoes what this one wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from reports.lake import delta, manifest
from reports.lake.extract import OF_TRANSACTION, SNAPSHOTS, with_closing
from reports.lake.manifest import Cut, Maker, Manifest, PinnedTable, Previous, Published, Totals
from reports.lake.reader import Lake, declared
from reports.lake.schema import TABLES
from reports.lake.storage import Place
from reports.lake.take_cut import Taken


@dataclass
class _Export:
    """One export under way. `aside` keeps on disk, slice by slice, what entries need of their transactions."""

    place: Place
    taken: Taken
    cut: Cut
    previous: Manifest | None
    aside: Path
    sums: list[pl.DataFrame] = field(default_factory=list)

    def slices(self) -> Iterator[tuple[int, int]]:
        after = self.previous.cut.last_transaction if self.previous else 0
        return self.taken.snapshot.slices(after, self.taken.snapshot.last_transaction)

    def tables(self) -> dict[str, PinnedTable]:
        accounts = self.taken.snapshot.snapshot("accounts")
        written = {
            "transactions": self._append("transactions", self._transactions()),
            "entries": self._append("entries", self._entries(accounts)),
            "attributes": self._append("attributes", self._attributes()),
            "lot_changes": self._append("lot_changes", self._lot_changes()),
        }
        for name in SNAPSHOTS:
            frame = accounts if name == "accounts" else self.taken.snapshot.snapshot(name)
            if name == "closings" and self.taken.closing:
                frame = with_closing(frame, self.cut)
            written[name] = self._replace(name, frame)
        return {table.name: written[table.name] for table in TABLES}

    def _transactions(self) -> Iterator[pl.DataFrame]:
        for after, until in self.slices():
            frame = self.taken.snapshot.transactions(after, until)
            frame.select("id", *OF_TRANSACTION).write_ipc(self.aside / str(until), compression="lz4")
            yield frame

    def _entries(self, accounts: pl.DataFrame) -> Iterator[pl.DataFrame]:
        for after, until in self.slices():
            transactions = pl.read_ipc(self.aside / str(until))
            frame = self.taken.snapshot.entries(transactions, accounts, after, until)
            self.sums.append(sums_of(frame))
            yield frame

    def _attributes(self) -> Iterator[pl.DataFrame]:
        for after, until in self.slices():
            yield self.taken.snapshot.attributes(after, until)

    def _lot_changes(self) -> Iterator[pl.DataFrame]:
        for after, until in self.slices():
            yield self.taken.snapshot.lot_changes(after, until)

    def _append(self, name: str, frames: Iterator[pl.DataFrame]) -> PinnedTable:
        pinned = self._pinned(name)
        if pinned and next(self.slices(), None) is None:
            return pinned
        return self._write(name, delta.ahead(frames))

    def _replace(self, name: str, frame: pl.DataFrame) -> PinnedTable:
        pinned, content = self._pinned(name), content_of(frame)  # (DECISIONS D42)
        if pinned and pinned.content == content:
            return pinned
        return self._write(name, iter([frame])).model_copy(update={"content": content})

    def _write(self, name: str, frames: Iterator[pl.DataFrame]) -> PinnedTable:
        return delta.write(self.place, declared(name), frames, number=self.cut.number, pinned=self._pinned(name))

    def _pinned(self, name: str) -> PinnedTable | None:
        return self.previous.tables.get(name) if self.previous else None


def export(place: Place, taken: Taken, previous: Published | None, made_by: Maker, *, anew: bool = False) -> Manifest:
    """Write the tables of a cut and return its manifest, not yet published.

    With `anew`, or when an earlier release made the cut before, everything is written again and
    not only what is new: what a release adds to the lake is there for the past, too.
    """
    number = next_number(place, previous)
    base = None if anew else added_to(place, previous)
    cut = Cut(
        number=number,
        made_by=made_by,
        taken_at=taken.taken_at,
        last_transaction=taken.snapshot.last_transaction,
        last_change=taken.snapshot.last_change,
        closes=taken.closes,
        closed_until=taken.closed_until,
        time_zone=taken.time_zone,
    )
    with TemporaryDirectory(prefix="tiffin-cut-") as aside:
        run = _Export(place, taken, cut, base, Path(aside))
        tables = run.tables()
    return Manifest(
        cut=cut,
        book=taken.book,
        tables=tables,
        totals=totals_with(run.sums, base.totals if base else {}),
        database=None,
        previous=named(previous),
        ledger=taken.ledger,
    )


def added_to(place: Place, previous: Published | None) -> Manifest | None:
    """Return the cut that the next one adds to: none when an earlier release made the one before."""
    return previous.manifest if previous and not outgrown(Lake(place, previous.manifest)) else None


def outgrown(lake: Lake) -> bool:
    """Return whether tables or columns are declared that the cut does not have."""
    return any(lake.lacking(table.name) for table in TABLES)


def next_number(place: Place, previous: Published | None) -> int:
    """Return the number of the next cut: above every number that was ever used, published or not."""
    used = delta.highest_number(place, [table.name for table in TABLES])
    return 1 + max(used, previous.manifest.cut.number if previous else 0, *manifest.numbers(place))


def named(published: Published | None) -> Previous | None:
    """Return how the next manifest names this one."""
    return published and Previous(number=published.manifest.cut.number, sha256=published.sha256)


def content_of(frame: pl.DataFrame) -> str:
    """Return a hash of a table's rows, in whatever order they are."""
    # Not of the bytes in memory: what stands there in place of a null is another one on each reading.
    return manifest.digest(str(frame.schema).encode() + frame.hash_rows().sort().to_numpy().tobytes())


def sums_of(entries: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of entries by currency and kind of account."""
    return entries.group_by("currency", "account_kind").agg(
        pl.len().alias("entries"), pl.col("amount", "held").cast(pl.Decimal(38, 2)).sum()
    )


def totals_with(sums: list[pl.DataFrame], before: dict[str, Totals]) -> dict[str, Totals]:
    """Return control totals with some more sums of entries."""
    totals = dict(before)
    for frame in sums:
        for currency, kind, entries, amount, held in frame.iter_rows():
            was = totals.get(currency) or Totals(entries=0, held=Decimal(0), amounts={})
            amounts = was.amounts | {kind: was.amounts.get(kind, Decimal(0)) + amount}
            totals[currency] = Totals(entries=was.entries + entries, held=was.held + held, amounts=amounts)
    return {
        currency: totals[currency].model_copy(update={"amounts": dict(sorted(totals[currency].amounts.items()))})
        for currency in sorted(totals)
    }
