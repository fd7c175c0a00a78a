"""Make a cut of the lake, from the lock to the pointer. Killed anywhere, the next call completes it.

A nightly cut for a day is made once: asked again, the one that was published comes back.
"""

from datetime import date

from reports.lake import dated, manifest
from reports.lake.cutting import Taken, alone, cut
from reports.lake.export import export
from reports.lake.manifest import Manifest, Published
from reports.lake.place import Place
from reports.lake.reading import Lake


def nightly_cut(url: str, lake: str, day: date) -> tuple[Lake, bool]:
    """Close the days up to this one and publish their cut; say whether it was made now.

    Raises Failure when the day has not ended, or another run is at work.
    """
    place = Place(lake)
    with alone(url) as connection:
        latest = manifest.current(place)
        if latest and (made := _closing(place, latest, day)):
            return Lake(place, made), False
        with cut(connection, url, closes=day) as taken:
            found = export(place, taken, latest, "nightly")
        named = found.model_copy(update={"database": dated.make(Lake(place, found))})
        return Lake(place, manifest.publish(place, named).manifest), True


def frequent_cut(url: str, lake: str) -> tuple[Lake, bool]:
    """Publish a cut that closes nothing; say whether there was anything new to cut.

    Raises Failure when another run is at work.
    """
    place = Place(lake)
    with alone(url) as connection:
        latest = manifest.current(place)
        with cut(connection, url) as taken:
            if latest and not _anything_new(latest.manifest, taken):
                return Lake(place, latest.manifest), False
            found = export(place, taken, latest, "frequent")
        return Lake(place, manifest.publish(place, found).manifest), True


def _closing(place: Place, latest: Published, day: date) -> Manifest | None:
    """Return the oldest nightly cut that closed this day or a later one, if one was published."""
    found = None
    for published in manifest.chain(place, latest):
        cut = published.manifest.cut
        if cut.closed_until is None or cut.closed_until < day:
            break
        if cut.made_by == "nightly":
            found = published.manifest
    return found


def _anything_new(latest: Manifest, taken: Taken) -> bool:
    was, now = latest.cut, taken.snapshot
    return (was.last_transaction, was.last_change, was.closed_until) != (
        now.last_transaction,
        now.last_change,
        taken.closed_until,
    )
