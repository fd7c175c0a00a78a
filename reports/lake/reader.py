"""Open a lake at a cut and read its tables, each at the version that the cut's manifest pins.

A table or column that a later release added is not in older cuts, and reading it is refused:
nothing in its place would pass for figures (DECISIONS D43). A column that is not declared any more is not shown.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import polars as pl
from deltalake import DeltaTable

from ledger.errors import Failure
from reports.lake import manifest as manifests
from reports.lake.manifest import Cut, Manifest, PinnedTable
from reports.lake.schema import TABLES, Table, Type
from reports.lake.storage import Place

SMALL = 1 << 20
"""Bytes of Parquet up to which a table is kept in memory: a report has a plan for each of its figures, and each would
open the files, and the table's log, again (DECISIONS D205)."""

POLARS_TYPES: dict[Type, pl.DataType] = {
    "int": pl.Int64(),
    "text": pl.String(),
    "money": pl.Decimal(18, 2),
    "rate": pl.Decimal(5, 2),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "json": pl.String(),
}


@cache
def declared(name: str) -> Table:
    """Return the declaration of a table.

    Raises Failure when there is no such table.
    """
    for table in TABLES:
        if table.name == name:
            return table
    raise Failure(f"the lake has no table {name}: choose from {', '.join(table.name for table in TABLES)}")


def polars_schema(table: Table) -> pl.Schema:
    """Return the declared columns as a Polars schema."""
    return pl.Schema({column.name: POLARS_TYPES[column.type] for column in table.columns})


def conform(frame: pl.LazyFrame, table: Table, found: pl.Schema | None = None) -> pl.LazyFrame:
    """Return the declared columns in their order and types; `found` is the frame's schema, where it is known."""
    found = found or frame.collect_schema()
    return frame.select(
        pl.col(name) if found[name] == type_ else pl.col(name).cast(type_)
        for name, type_ in polars_schema(table).items()
    )


@dataclass(frozen=True)
class Lake:
    """A lake at one cut: every table as it stood then, so tables always agree with each other."""

    place: Place
    manifest: Manifest
    _found: dict[str, tuple[pl.LazyFrame, pl.Schema]] = field(default_factory=dict, repr=False, compare=False)
    _frames: dict[str, pl.LazyFrame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def cut(self) -> Cut:
        """Return the cut that is read."""
        return self.manifest.cut

    def at(self, cut: int) -> "Lake":
        """Return the lake at an earlier cut. Raises Failure where it is not kept."""
        return open_lake(self.place.url, cut=cut)

    def earlier_cuts(self, most: int) -> list[Cut]:
        """Return the cuts before this one that are kept, the latest first."""
        published = manifests.load(self.place, self.cut.number)
        return [one.manifest.cut for one in islice(manifests.chain(self.place, published), 1, most + 1)]

    @property
    def duckdb_path(self) -> Path | None:
        """Return the cut's dated DuckDB file on the local disk, None when there is none: frequent cuts make no such
        file, that of an older night may be gone, and in an object store it is elsewhere (see `duckdb_file`).
        """
        if self.manifest.database is None or self.place.folder is None:
            return None
        path = self.place.folder / self.manifest.database.name
        return path if path.exists() else None

    @contextmanager
    def duckdb_file(self) -> Iterator[Path]:
        """Lend the cut's dated DuckDB file; from an object store it is fetched for as long as it is lent.

        Raises FileNotFoundError when the cut has none, or none any more.
        """
        if self.duckdb_path:
            yield self.duckdb_path
            return
        if self.manifest.database is None or self.place.folder:
            raise FileNotFoundError(f"cut {self.cut.number} has no DuckDB file")
        with tempfile.TemporaryDirectory(prefix="tiffin-") as folder:
            path = Path(folder) / "ledger.duckdb"
            self.place.fetch(self.manifest.database.name, path)
            yield path

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table as a lazy frame, in its declared columns and types; a small one is read here, once.

        Raises Failure as `pinned` does, and what Polars raises where the files of a small table cannot be read.
        """
        if name not in self._frames:
            size = sum(file.size for file in self.pinned(name).files.values())
            frame, found = self._scan(name)
            frame = conform(frame, declared(name), found)
            self._frames[name] = frame.collect().lazy() if size <= SMALL else frame
        return self._frames[name]

    def pinned(self, name: str) -> PinnedTable:
        """Return how the cut pins a table.

        Raises Failure when an earlier release made the cut, without the table or one of its columns.
        """
        if lacking := self.lacking(name):
            raise Failure(
                f"cut {self.cut.number} of the lake was made by an earlier release and has no {', '.join(lacking)}: "
                "run tiffin lake rebuild, or wait for the next cut"
            )
        return self.manifest.tables[name]

    def lacking(self, name: str) -> list[str]:
        """Return what of a table, as it is declared now, is not in the cut: the table itself, or columns."""
        table = declared(name)
        if name not in self.manifest.tables:
            return [name]
        _, found = self._scan(name)
        return [f"{name}.{column}" for column in table.names if column not in found]

    def _scan(self, name: str) -> tuple[pl.LazyFrame, pl.Schema]:
        if name not in self._found:
            version, address = self.manifest.tables[name].version, self.place.table(name)
            frame = pl.scan_delta(address, version=version, storage_options=self.place.options)
            found = frame.collect_schema()
            if self.place.folder and quote(address) != address:
                frame = _scan_files(Path(address), DeltaTable(address, version=version), found)
            self._found[name] = frame, found
        return self._found[name]


def _scan_files(folder: Path, table: DeltaTable, schema: pl.Schema) -> pl.LazyFrame:
    """Return a local table whose folder has a space or a letter that addresses escape.

    The files are named to Polars: of itself it looks for them under their escaped names (as of 2.0).
    """
    parted = table.metadata().partition_columns
    kept = {name: type_ for name, type_ in schema.items() if name not in parted}
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    found = [pl.LazyFrame(schema=schema)]
    for values, part in files.group_by([f"partition.{name}" for name in parted] or pl.lit(0), maintain_order=True):
        paths = [folder / path for path in part["path"]]
        frame = pl.scan_parquet(paths, schema=kept, missing_columns="insert", extra_columns="ignore", glob=False)
        of_part = [pl.lit(value).cast(schema[name]).alias(name) for name, value in zip(parted, values, strict=False)]
        found.append(frame.with_columns(of_part).select(schema.names()))
    return pl.concat(found)


def open_lake(url: str, *, cut: int | None = None) -> Lake:
    """Open a lake at its latest cut, or at an earlier one that is still kept.

    Raises Failure before the first cut, and when there is no such cut.
    """
    place = Place(url)
    published = manifests.current(place)
    if published is None:
        raise manifests.no_cut(url)
    if cut is None or cut == published.manifest.cut.number:
        return Lake(place, published.manifest)
    for older in manifests.chain(place, published):
        if older.manifest.cut.number == cut:
            return Lake(place, older.manifest)
    raise Failure(f"there is no cut {cut} in {url}")
