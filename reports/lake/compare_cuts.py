"""Compare the rows of two cuts of a lake."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from ledger.errors import first_line
from reports.lake.faults import UNREADABLE
from reports.lake.manifest import Cut
from reports.lake.reader import Lake
from reports.lake.schema import TABLES, Table
from reports.lake.verify_lake import differences


def unlike(before: Lake, after: Lake) -> list[str]:
    """Return a sentence for each row up to the earlier cut that two cuts do not share.

    Snapshot tables are compared when nothing was recorded or closed between the cuts, and a table that
    has grown by a release since the earlier cut not at all.
    """
    same = book_at(before.cut) == book_at(after.cut)
    return [sentence for table in TABLES if table.appended or same for sentence in _unlike(before, after, table)]


def _unlike(before: Lake, after: Lake, table: Table) -> Iterator[str]:
    within = pl.col(table.key[0]) <= before.cut.last_transaction if table.appended else pl.lit(True)
    try:
        if before.lacking(table.name):
            return
        months = sorted({*_months(before, table), *_months(after, table)}) if table.appended else []
        for part in [pl.col("month") == month for month in months] or [within]:
            old, new = (
                lake.scan(table.name).filter(part, within).sort(table.key).collect() for lake in (before, after)
            )
            yield from differences(table, new, old)
    except UNREADABLE as error:
        yield f"{table.name} of cut {before.cut.number} cannot be read: {first_line(error)}"


def _months(lake: Lake, table: Table) -> list[str]:
    return lake.scan(table.name).select(pl.col("month").unique()).collect()["month"].to_list()


def book_at(cut: Cut) -> tuple[int, int, date | None]:
    """Return what moves with everything that is recorded."""
    return cut.last_transaction, cut.last_change, cut.closed_until
