"""Make a cut of the lake, from the lock to the pointer. Killed anywhere, the next call completes it.

A nightly cut for a day is made once: run again, the one that was published comes back. It is verified before days are
closed with it, and they are closed before it is published (DECISIONS D96).
"""

from collections.abc import Callable, Iterator
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from reports.lake import duckdb_file, manifest
from reports.lake.compare_cuts import book_at, unlike
from reports.lake.export import added_to, export
from reports.lake.manifest import Manifest, Published
from reports.lake.reader import Lake
from reports.lake.same_ledger import check_same_book, check_same_ledger
from reports.lake.storage import Place
from reports.lake.take_cut import Taken, alone, begun, close, cut, keep_open, note_cut
from reports.lake.verify import verify_unpublished
from reports.lake.verify_new import new_problems
from reports.proof.guards import guards_in_force
from reports.proof.seal_file import add_seals, latest_seal, set_aside
from reports.proof.take_seal import make_seal, write_seal
from reports.proof.verified import BUDGET, keep_verified, read_through

Check = Callable[[str, Lake, bool], None]
"""Verifies a cut that is not published yet: the ledger's URL, the cut, whether days are closed with it.

Raises Failure when it must not be published.
"""


def verified(url: str, lake: Lake, closing: bool) -> None:
    """Raise Failure, naming the first problem, unless the ledger and the cut hold."""
    for subject, check in verify_unpublished(url, lake, closing=closing):
        if not check.holds:
            raise unpublished(f"{subject}, {check.name}: {check.problems[0]}")


def unpublished(problem: str) -> Failure:
    """Return what to raise when a cut must not be published."""
    return Failure(f"nothing was published and no day closed, because the cut does not hold: {problem}")


def nightly_cut(
    url: str, lake: str, day: date, *, check: Check = verified, key: Ed25519PrivateKey | None = None
) -> tuple[Lake, bool]:
    """Export the cut of a day, verify it, close and seal the days up to it and publish it.

    The second value is whether it was made now. With a `key` the seal is signed.

    Raises Failure when the day has not ended or is before the book, another run is in progress, the ledger is not the
    one that the lake was made from, or the cut does not hold.
    """
    place = Place(lake)
    with alone(url) as connection:
        begun(connection, day)
        latest = manifest.current(place)
        if latest and (made := _closing(place, latest, day)):
            add_seals(connection, place)  # a run that was killed last may not have
            return Lake(place, made), False
        if latest:
            check_same_ledger(connection, place, latest.manifest)
        try:
            with cut(connection, url, closes=day) as taken:
                found = export(place, taken, latest, "nightly")
                seal = make_seal(taken, guards_in_force(url).verdict, key)
            database = duckdb_file.make(Lake(place, found), _before(place, latest))
            named = found.model_copy(update={"database": database})
            check(url, Lake(place, named), taken.closing)
            with connection.transaction():
                close(connection, named.cut)
                write_seal(connection, seal)
        except BaseException:
            keep_open(connection)
            raise
        if seal and seal.sealed.seal.number == 1 and seal.sealed.seal.entries > BUDGET:
            # All of a large book was read for it just now: its turn to be read again comes with its month's.
            keep_verified(place, read_through(seal.sealed))
        return Lake(place, _published(connection, place, named)), True


def frequent_cut(url: str, lake: str) -> tuple[Lake, bool]:
    """Publish a cut that closes nothing, once what is new in it was verified; return whether there was anything new.

    Raises Failure when another run is in progress, the ledger is not the one that the lake was made from, or what
    is new does not hold.
    """
    place = Place(lake)
    with alone(url) as connection:
        latest = manifest.current(place)
        if latest:
            check_same_ledger(connection, place, latest.manifest)
        with cut(connection, url) as taken:
            before = added_to(place, latest)
            if before and not _anything_new(before, taken):
                note_cut(connection, taken.taken_at)  # what the lake has is all there is by now
                return Lake(place, before), False
            found = export(place, taken, latest, "frequent")
            _check_new(taken, Lake(place, found), before)
        return Lake(place, _published(connection, place, found)), True


def _check_new(taken: Taken, lake: Lake, before: Manifest | None) -> None:
    for problem in new_problems(taken.snapshot, lake, before):
        raise unpublished(problem)


def rebuild(url: str, lake: str) -> tuple[Lake, list[str]]:
    """Export the whole ledger again and publish it as a cut; return where the rows differ from the cut before.

    Cuts before it stay as they are. Works also when the pointer or a file is lost or damaged:
    then the difference is that the cut before cannot be read. Raises Failure when another
    run is in progress, the lake holds another book, or what was written is not what the ledger has.
    """
    place = Place(lake)
    with alone(url) as connection:
        try:
            latest = manifest.current(place)
        except Failure:
            latest = None
        if latest:
            check_same_book(connection, place, latest.manifest)
        with cut(connection, url) as taken:
            found = export(place, taken, latest, "rebuild", anew=True)
            _check_new(taken, Lake(place, found), None)
        named = found.model_copy(update={"database": duckdb_file.make(Lake(place, found))})
        set_aside(place, named.cut.number)
        made = Lake(place, _published(connection, place, named))
    return made, unlike(Lake(place, latest.manifest), made) if latest else []


def export_anew(url: str, lake: str) -> Lake:
    """Export the whole ledger again and publish it as a cut that needs no earlier file.

    For a ledger whose past was changed legitimately, when a person was erased. Raises Failure when another run is in
    progress.
    """
    place = Place(lake)
    with alone(url) as connection:
        latest = manifest.current(place)
        with cut(connection, url) as taken:
            found = export(place, taken, latest, "rebuild", anew=True)
            _check_new(taken, Lake(place, found), None)
        named = found.model_copy(update={"database": duckdb_file.make(Lake(place, found))})
        return Lake(place, _published(connection, place, named))


def _before(place: Place, latest: Published | None) -> Iterator[Manifest]:
    """Return the manifests that were published before a cut, latest first."""
    if latest:
        yield from (published.manifest for published in manifest.chain(place, latest))


def _published(connection: AnyConnection, place: Place, found: Manifest) -> Manifest:
    """Publish a manifest, with the seal of the days that are closed; seals that are new are added to their file."""
    published = manifest.publish(place, found.model_copy(update={"seal": latest_seal(connection, place)}))
    note_cut(connection, published.manifest.cut.taken_at)
    add_seals(connection, place)
    return published.manifest


def _closing(place: Place, latest: Published, day: date) -> Manifest | None:
    """Return the oldest nightly cut that closed this day or a later one, if one was published."""
    found = None
    for published in manifest.chain(place, latest):
        closed_until = published.manifest.cut.closed_until
        if closed_until is None or closed_until < day:
            return found
        if published.manifest.cut.made_by == "nightly":
            found = published.manifest
    # Closed before the oldest cut that is kept: that cut was published, and vacuumed since.
    return found or (latest.manifest if published.manifest.previous else None)


def _anything_new(latest: Manifest, taken: Taken) -> bool:
    now = taken.snapshot
    return book_at(latest.cut) != (now.last_transaction, now.last_change, taken.closed_until)
