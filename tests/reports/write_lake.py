"""A story written as a real lake: Delta tables, a manifest, the pointer."""

from datetime import UTC, datetime
from pathlib import Path

from reports.lake.manifest import Cut, File, Manifest, PinnedTable, digest, publish
from reports.lake.schema import TABLES
from reports.lake.storage import Place
from tests.reports.story_rows import StoryRows


def write_lake(story: StoryRows, folder: Path) -> Path:
    """Write the story so far as a lake under the folder; return the lake's path."""
    lake = story.lake()
    place = Place(str(folder / "lake"))
    tables = {}
    for table in TABLES:
        frame = lake.frames[table.name]
        partitions = {"partition_by": ["month"]} if table.appended else {}
        frame.write_delta(place.table(table.name), delta_write_options=partitions)
        tables[table.name] = PinnedTable(version=0, rows=frame.height, files=_files(Path(place.table(table.name))))
    cut = Cut(
        number=1,
        made_by="nightly",
        taken_at=lake.cut.taken_at,
        last_transaction=lake.frames["transactions"].height,
        last_change=lake.frames["changes"].height,
        closes=lake.cut.closed_until,
        closed_until=lake.cut.closed_until,
        time_zone=lake.cut.time_zone,
    )
    book = datetime(2016, 1, 1, tzinfo=UTC)
    publish(place, Manifest(cut=cut, book=book, tables=tables, totals={}, database=None, previous=None))
    return folder / "lake"


def _files(table: Path) -> dict[str, File]:
    files = {str(path.relative_to(table)): path.read_bytes() for path in sorted(table.rglob("*.parquet"))}
    return {name: File(size=len(content), sha256=digest(content)) for name, content in files.items()}
