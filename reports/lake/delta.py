"""Write the lake's Delta tables: each table once a cut, in one commit.

A commit that no published manifest pins never happened: before the next write the table
is put back to its pinned version. The cut's number is the commit's application transaction;
a number is never used again, not even that of a cut that was never published (DECISIONS D39).
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from reports.lake.manifest import File, PinnedTable
from reports.lake.reader import polars_schema
from reports.lake.schema import Table
from reports.lake.storage import Place

APP = "tiffin"
COMPRESSION = WriterProperties(compression="ZSTD", max_row_group_size=2**17)
"""Row groups are small: whoever writes or streams a table keeps some of each month in memory."""
PROPERTIES = {
    # Retained cuts are old versions: only `shorten` knows how much of the log they need.
    "delta.logRetentionDuration": "interval 36500 days",
    # A table is opened by its last checkpoint and each commit since: by default up to 100 of them (DECISIONS D41).
    "delta.checkpointInterval": "10",
}


def opened(place: Place, name: str, version: int | None = None) -> DeltaTable | None:
    """Return a table at a version or its latest; None when it was never written."""
    address = place.table(name)
    if not DeltaTable.is_deltatable(address, storage_options=place.options):
        return None
    return DeltaTable(address, version=version, storage_options=place.options)


def highest_number(place: Place, names: Iterable[str]) -> int:
    """Return the highest number of a cut that wrote to one of the tables, 0 if none did."""
    tables = (opened(place, name) for name in names)
    return max((table.transaction_version(APP) or 0 for table in tables if table), default=0)


def write(
    place: Place, table: Table, frames: Iterator[pl.DataFrame], *, number: int, pinned: PinnedTable | None
) -> PinnedTable:
    """Write frames to a table in one commit: added to the pinned version, or in place of it."""
    put_back(place, table.name, pinned)
    add = table.appended and pinned is not None
    write_deltalake(
        place.table(table.name),
        _stream(table, frames),
        mode="append" if add else "overwrite",
        schema_mode="merge" if add else "overwrite",
        partition_by=["month"] if table.appended else None,
        writer_properties=COMPRESSION,
        configuration=PROPERTIES,
        commit_properties=committed_by(number),
        storage_options=place.options,
    )
    return pin(place, table.name, known=pinned)


def committed_by(number: int) -> CommitProperties:
    """Return the mark that a cut leaves on its commits."""
    return CommitProperties(app_transactions=[Transaction(APP, number)])


def put_back(place: Place, name: str, pinned: PinnedTable | None) -> None:
    """Undo what was committed to a table after its pinned version."""
    if pinned is None:
        return
    table = opened(place, name)
    if table is not None and table.version() != pinned.version:
        table.restore(pinned.version)


def shorten(place: Place, name: str, oldest: int) -> list[str]:
    """Delete the part of a table's log that no version from `oldest` on needs; return the names of its files.

    A version is read from the latest checkpoint at or before it, and the commits between (the Delta protocol).
    """
    versions = {
        path: int(number)
        for path in place.names(f"tables/{name}/_delta_log")
        if (number := PurePosixPath(path).name.partition(".")[0]).isdigit()
    }
    start = max((at for path, at in versions.items() if ".checkpoint." in path and at <= oldest), default=0)
    gone = [path for path, version in versions.items() if version < start]
    place.delete(gone)
    return gone


def pin(place: Place, name: str, known: PinnedTable | None) -> PinnedTable:
    """Return the latest version of a table with the hash of each file; files already known are not read."""
    table = opened(place, name)
    if table is None:
        raise FileNotFoundError(place.table(name))
    added = pl.DataFrame(table.get_add_actions(flatten=True))
    files: dict[str, File] = {}
    for path, size in added.select("path", "size_bytes").iter_rows():
        old = known.files.get(path) if known else None
        files[path] = old or File(size=size, sha256=place.digest(f"tables/{name}/{path}"))
    return PinnedTable(version=table.version(), rows=int(added["num_records"].sum()), files=files)


def ahead(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Return the frames, each next one being fetched while the one before is written."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, frames, None)
        while (frame := coming.result()) is not None:
            coming = pool.submit(next, frames, None)
            yield frame


def _stream(table: Table, frames: Iterator[pl.DataFrame]) -> pa.RecordBatchReader:
    schema = pl.DataFrame(schema=polars_schema(table)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    batches = (
        batch
        for frame in frames
        for batch in frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, batches)
