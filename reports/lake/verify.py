"""Verify the whole: the ledger by its rules and its seals, the lake against its files and against the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from ledger.errors import Failure
from reports.lake import manifest
from reports.lake.checks import CheckResult
from reports.lake.export import outgrown
from reports.lake.extract import Snapshot
from reports.lake.faults import UNREADABLE
from reports.lake.manifest import Manifest
from reports.lake.reader import Lake
from reports.lake.storage import Place
from reports.lake.verify_lake import verify_cut, verify_lake
from reports.lake.verify_ledger import verify_ledger
from reports.proof.seal import Sealed
from reports.proof.verified import BUDGET, keep_verified, load_verified
from reports.proof.verified import Verified as Read
from reports.proof.verify_seals import SealChecks


class CheckedSubject(NamedTuple):
    """A check and what it was about."""

    subject: Literal["ledger", "seals", "lake"]
    check: CheckResult


class Depth(NamedTuple):
    """How much of the sealed days is read: everything, or one month, or what is new and some entries beside it."""

    budget: int | None = BUDGET
    month: str | None = None


NEW = Depth()
NIGHT = Depth(budget=0)
"""What came since the last night, and the month whose turn it is."""

SMALL = BUDGET
"""Entries of a lake that is read whole each time, and a ledger whose rules are tried on everything."""

Copies = Mapping[str, Sequence[Sealed]]
"""Seals that were copied elsewhere, by the name of their file."""


def verify_unpublished(url: str, lake: Lake, *, closing: bool) -> Iterator[CheckedSubject]:
    """Check the ledger and a cut that was exported and not published; with `closing`, days are closed with it.

    Of a large book only what came since the last night is read, which was verified before it was published.
    """
    base = verified_before(lake)
    for check in verify_ledger(url, after=base.cut.last_transaction if base else None):
        yield CheckedSubject("ledger", check)
    yield from _verify_seals(url, lake.place, {}, NIGHT)
    for check in verify_cut(url, lake, closing=closing, base=base, old_files=base is None):
        yield CheckedSubject("lake", check)


def verify(url: str, lake: str, *, copies: Copies | None = None, depth: Depth = NEW) -> Iterator[CheckedSubject]:
    """Check the ledger and its seals, then the lake at its latest cut; before the first cut the ledger alone.

    Of a large book what came since the night before the latest is read, unless the depth is everything. What was read
    of the sealed days is noted in the lake, so that the next run reads on.
    """
    place = Place(lake)
    published = _published(place)
    base = verified_before(Lake(place, published)) if published and depth.budget is not None else None
    for check in verify_ledger(url, after=base.cut.last_transaction if base else None):
        yield CheckedSubject("ledger", check)
    yield from _verify_seals(url, place, copies or {}, depth)
    for check in verify_lake(url, lake, base=base):
        yield CheckedSubject("lake", check)


def verified_before(lake: Lake) -> Lake | None:
    """Return the last night before a cut: it was verified before it was published, and so were those before it.

    None where everything is to be read: in a small lake, and where rows were rewritten since, by a release that
    added to the lake, a rebuild, or a compaction.
    """
    if lake.manifest.tables["entries"].rows <= SMALL or lake.cut.made_by in ("rebuild", "compaction"):
        return None
    try:
        latest = manifest.current(lake.place)
        for published in manifest.chain(lake.place, latest) if latest else ():
            if published.manifest.cut.number >= lake.cut.number or published.manifest.cut.made_by == "frequent":
                continue
            night = Lake(lake.place, published.manifest)
            return night if night.cut.made_by == "nightly" and not outgrown(night) else None
    except (*UNREADABLE, Failure):
        return None
    return None


def _verify_seals(url: str, place: Place, copies: Copies, depth: Depth) -> Iterator[CheckedSubject]:
    published, read = _published(place), load_verified(place)
    if depth.budget is None and read.all_since is None:
        read.all_since = datetime.now(UTC)
    with Snapshot(url) as ledger:
        checks = SealChecks(url, ledger, dict(copies))
        yield CheckedSubject("seals", checks.guards())
        yield CheckedSubject("seals", checks.seals(place, published, read.number))
        yield CheckedSubject("seals", checks.states())
        for check in checks.read(read, depth.budget, depth.month, lambda: _keep(place, read, published)):
            yield CheckedSubject("seals", check)
    if depth.budget is None:
        read.all_since = None  # it came to its end
    _keep(place, read, published)


def _keep(place: Place, read: Read, published: Manifest | None) -> None:
    if published and (read.months or read.all_since):
        keep_verified(place, read)


def _published(place: Place) -> Manifest | None:
    """Return the manifest that readers see; None without one, or where it cannot be read (`verify_lake` reports it)."""
    try:
        latest = manifest.current(place)
    except (*UNREADABLE, Failure):
        return None
    return latest.manifest if latest else None
