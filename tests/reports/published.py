"""A story written as a real lake: Delta tables, a manifest, the pointer."""

from datetime import UTC, datetime
from pathlib import Path

from reports.lake.manifest import Cut, Manifest, PinnedTable, publish
from reports.lake.place import Place
from tests.reports.told import Told


def published(story: Told, folder: Path) -> Path:
    """Write the story so far as a lake under the folder; return the lake's path."""
    lake = story.lake()
    place = Place(str(folder / "lake"))
    for name, frame in lake.frames.items():
        frame.write_delta(place.table(name))
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
    tables = {name: PinnedTable(version=0, rows=frame.height, files={}) for name, frame in lake.frames.items()}
    book = datetime(2016, 1, 1, tzinfo=UTC)
    publish(place, Manifest(cut=cut, book=book, tables=tables, totals={}, database=None, previous=None))
    return folder / "lake"
