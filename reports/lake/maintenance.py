"""Maintain a lake: join small files, remove old cuts, report its state.

Compaction writes a new cut of the same rows, so cuts made before go on reading their own
files. Vacuum keeps, of every table, what the kept cuts pin, and of its log what they need (DECISIONS D40).
"""

from dataclasses import dataclass
from datetime import datetime

from ledger.errors import Failure
from reports.lake import delta, manifest
from reports.lake.compare_cuts import unlike
from reports.lake.duckdb_file import FOLDER, outdated
from reports.lake.export import named, next_number
from reports.lake.manifest import PinnedTable, Published
from reports.lake.reader import Lake
from reports.lake.same_ledger import check_same_book, ledger_point
from reports.lake.schema import TABLES
from reports.lake.storage import Place
from reports.lake.take_cut import alone

KEPT_CUTS = 60
KEPT_NIGHTS = 35


@dataclass(frozen=True)
class Compacted:
    """How many files each table had and has; `cut` is the cut that now has fewer, None if none could be joined."""

    cut: int | None
    files: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Vacuumed:
    """The cuts that are kept, newest first, and what was removed."""

    kept: list[int]
    cuts: list[int]
    files: list[str]


@dataclass(frozen=True)
class Status:
    """The state of a lake: its latest cut, the cuts that are kept, rows, files and bytes."""

    cut: int
    made_by: str
    taken_at: datetime
    closed_until: str | None
    last_transaction: int
    kept: list[int]
    rows: dict[str, int]
    files: dict[str, int]
    size: int
    database: str | None


def compact(url: str, lake: str) -> Compacted:
    """Join the small files of the appended tables' months and publish that as a cut, once its rows were compared.

    Raises Failure when another run is in progress, or a row of the joined files is not that of the cut before.
    """
    place = Place(lake)
    with alone(url):
        latest = _latest(place)
        number = next_number(place, latest)
        tables = {name: _joined(place, name, pinned, number) for name, pinned in latest.manifest.tables.items()}
        files = {name: (len(pinned.files), len(tables[name].files)) for name, pinned in latest.manifest.tables.items()}
        if all(before == after for before, after in files.values()):
            return Compacted(None, files)
        cut = latest.manifest.cut.model_copy(update={"number": number, "made_by": "compaction", "closes": None})
        made = latest.manifest.model_copy(update={"cut": cut, "tables": tables, "previous": named(latest)})
        if problems := unlike(Lake(place, latest.manifest), Lake(place, made)):
            raise Failure(f"nothing was published, because the joined files differ: {problems[0]}")
        manifest.publish(place, made)
    return Compacted(number, files)


def carry_on(url: str, lake: str) -> int:
    """Publish the latest cut once more, as one of the ledger's incarnation now; return its number.

    For a ledger that was restored together with its lake, and so has all that the lake was made from. Raises Failure
    when it has not.
    """
    place = Place(lake)
    with alone(url) as connection:
        latest = _latest(place)
        check_same_book(connection, place, latest.manifest)
        last = latest.manifest.cut.last_transaction
        now = ledger_point(connection, last)
        then = latest.manifest.ledger
        if then and (then.key, then.fingerprint) != (now.key, now.fingerprint):
            raise Failure(f"transaction {last} of the ledger is {now.key}, that of the lake {then.key}")
        number = next_number(place, latest)
        cut = latest.manifest.cut.model_copy(update={"number": number, "made_by": "restore", "closes": None})
        manifest.publish(
            place, latest.manifest.model_copy(update={"cut": cut, "ledger": now, "previous": named(latest)})
        )
    return number


def _joined(place: Place, name: str, pinned: PinnedTable, number: int) -> PinnedTable:
    appended = any(table.name == name and table.appended for table in TABLES)
    if not appended or len(pinned.files) == len({path.rpartition("/")[0] for path in pinned.files}):
        return pinned  # one file per month already
    delta.put_back(place, name, pinned)
    table = delta.opened(place, name)
    if table is None:
        return pinned
    table.optimize.compact(writer_properties=delta.COMPRESSION, commit_properties=delta.committed_by(number))
    return delta.pin(place, name, known=pinned)


def vacuum(url: str, lake: str, *, keep: int = KEPT_CUTS, nights: int = KEPT_NIGHTS) -> Vacuumed:
    """Remove all but the latest cuts and the latest nightly ones, with the files that only the removed ones pin.

    Files that killed runs left behind go too, and the log of versions before. Raises Failure when another run is at
    work.
    """
    place = Place(lake)
    with alone(url):
        chain = list(manifest.chain(place, _latest(place)))
        nightly = [published for published in chain if published.manifest.cut.made_by == "nightly"]
        kept = [published for published in chain if published in chain[: max(keep, 1)] + nightly[:nights]]
        numbers = {published.manifest.cut.number for published in kept}
        gone = sorted(manifest.numbers(place) - numbers)
        # Manifests first: killed here, files are left that nothing names, and the next vacuum takes them.
        place.delete([manifest.name_of(number) for number in gone])
        databases = {published.manifest.database.name for published in kept if published.manifest.database}
        files = [name for name in place.names(FOLDER) if name not in databases]
        place.delete(files)
        for table in TABLES:
            files += _swept(place, table.name, kept)
    return Vacuumed(sorted(numbers, reverse=True), gone, sorted(files))


def forget(url: str, lake: str) -> None:
    """Remove everything but the latest cut, also the tables' logs, which hold the minimum and maximum of each column.

    Raises Failure when another run is in progress.
    """
    vacuum(url, lake, keep=1, nights=0)
    place = Place(lake)
    with alone(url):
        for name, pinned in _latest(place).manifest.tables.items():
            if table := delta.opened(place, name, pinned.version):
                table.create_checkpoint()
                delta.shorten(place, name, pinned.version)


def forget_files(lake: str, *, days: int, months: int) -> list[str]:
    """Remove the dated DuckDB files except those of the latest days, the last of each of the latest months, and the
    one that readers see; return which went. The cuts themselves stay.
    """
    place = Place(lake)
    current = _latest(place).manifest.database
    gone = [
        name for name in outdated(place.names(FOLDER), days=days, months=months) if name != (current and current.name)
    ]
    place.delete(gone)
    return gone


def _swept(place: Place, name: str, kept: list[Published]) -> list[str]:
    pinned = [published.manifest.tables[name] for published in kept if name in published.manifest.tables]
    if not pinned:
        return []
    delta.put_back(place, name, pinned[0])
    table = delta.opened(place, name)
    if table is None:
        return []
    versions = sorted({one.version for one in pinned})
    there = set(place.names(f"tables/{name}"))
    gone = table.vacuum(
        retention_hours=0,
        dry_run=False,
        enforce_retention_duration=False,
        full=True,
        keep_versions=versions,
    )
    # It also names what an earlier vacuum deleted.
    files = there.intersection(f"tables/{name}/{path}" for path in gone)
    return [*files, *delta.shorten(place, name, versions[0])]


def status(lake: str) -> Status:
    """Return the state of a lake. Raises Failure before the first cut."""
    place = Place(lake)
    latest = _latest(place)
    found = Lake(place, latest.manifest)
    tables = latest.manifest.tables
    database = latest.manifest.database
    size = sum(file.size for pinned in tables.values() for file in pinned.files.values())
    return Status(
        cut=found.cut.number,
        made_by=found.cut.made_by,
        taken_at=found.cut.taken_at,
        closed_until=found.cut.closed_until.isoformat() if found.cut.closed_until else None,
        last_transaction=found.cut.last_transaction,
        kept=[published.manifest.cut.number for published in manifest.chain(place, latest)],
        rows={name: pinned.rows for name, pinned in tables.items()},
        files={name: len(pinned.files) for name, pinned in tables.items()},
        size=size + (database.size if database else 0),
        database=place.address(database.name) if database else None,
    )


def _latest(place: Place) -> Published:
    latest = manifest.current(place)
    if latest is None:
        raise manifest.no_cut(place.url)
    return latest
