"""The manifest of a cut: which version of every table belongs together, and what is in it.

A manifest is never changed once written; each names the hash of the one before, so the
history of a lake can be proven. `current.json` points to the latest and is written last:
what it does not reach was never published.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from ledger.errors import Failure
from reports.lake.storage import Place

POINTER = "current.json"

Maker = Literal["nightly", "frequent", "compaction", "rebuild", "restore"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Cut(_Fact):
    """A point up to which the export is complete. `closes` is the day a nightly cut was made for."""

    number: int
    made_by: Maker
    taken_at: datetime
    last_transaction: int
    last_change: int
    closes: date | None
    closed_until: date | None
    time_zone: str


class LedgerPoint(_Fact):
    """Which ledger a cut was made from: the incarnation of the book, and its last transaction as it was then.

    `fingerprint` is hexadecimal. Key and fingerprint are None in a book without transactions.
    """

    incarnation: str
    key: str | None
    fingerprint: str | None


class SealedBy(_Fact):
    """The seal of the days that are closed."""

    number: int
    day: date
    hash: str


class File(_Fact):
    """One file as it was written: its size in bytes and its hash."""

    size: int
    sha256: str


class PinnedTable(_Fact):
    """A table at one version of its Delta log; `files` are named relative to the table.

    `content` is a hash of a snapshot table's rows, by which an unchanged one is not written again.
    """

    version: int
    rows: int
    files: dict[str, File]
    content: str | None = None


class Totals(_Fact):
    """Control totals of one currency. `amounts` has a sum of entries for each kind of account."""

    entries: int
    held: Decimal
    amounts: dict[str, Decimal]


class DatedDatabase(_Fact):
    """The DuckDB file of a nightly cut, named relative to the lake."""

    name: str
    size: int
    sha256: str


class Previous(_Fact):
    """The manifest before this one."""

    number: int
    sha256: str


class Manifest(_Fact):
    """Everything that one cut pins. `book` is when the book was initialised, `ledger` which ledger it was then.

    `ledger` is None in manifests of earlier releases, `seal` as long as no day was sealed.
    """

    cut: Cut
    book: datetime
    tables: dict[str, PinnedTable]
    totals: dict[str, Totals]
    database: DatedDatabase | None
    previous: Previous | None
    ledger: LedgerPoint | None = None
    seal: SealedBy | None = None


class _Pointer(_Fact):
    number: int
    manifest: str
    sha256: str
    database: str | None


class Published(NamedTuple):
    """A manifest as it was published, with the hash of its bytes."""

    manifest: Manifest
    sha256: str


def no_cut(lake: str) -> Failure:
    """Return what to raise before the first cut of a lake, given its address."""
    return Failure(
        f"no cut yet in the lake {lake}: run tiffin nightly --date YYYY-MM-DD, or set TIFFIN_LAKE to the lake you mean"
    )


def name_of(number: int) -> str:
    """Return the object name of a cut's manifest."""
    return f"manifests/{number:09d}.json"


def digest(content: bytes) -> str:
    """Return the SHA-256 of bytes as manifests note it."""
    return sha256(content).hexdigest()


def publish(place: Place, manifest: Manifest) -> Published:
    """Write a manifest and, last, the pointer to it."""
    content = manifest.model_dump_json(indent=1).encode()
    name = name_of(manifest.cut.number)
    place.write(name, content)
    database = manifest.database.name if manifest.database else None
    pointer = _Pointer(number=manifest.cut.number, manifest=name, sha256=digest(content), database=database)
    place.write(POINTER, pointer.model_dump_json(indent=1).encode())
    return Published(manifest, digest(content))


def current(place: Place) -> Published | None:
    """Return the latest published manifest, None before the first cut.

    Raises Failure when the pointer or its manifest cannot be read, or their hashes differ.
    """
    content = place.read(POINTER)
    if content is None:
        return None
    try:
        pointer = _Pointer.model_validate_json(content)
    except ValidationError as error:
        raise Failure(f"{place.address(POINTER)} is not a pointer to a cut") from error
    published = load(place, pointer.number)
    if published.sha256 != pointer.sha256:
        raise Failure(f"{place.address(pointer.manifest)} has changed since it was published")
    return published


def load(place: Place, number: int) -> Published:
    """Return the manifest of a cut.

    Raises Failure when it is not there or cannot be read.
    """
    content = place.read(name_of(number))
    if content is None:
        raise Failure(f"there is no cut {number} in {place.url}")
    try:
        return Published(Manifest.model_validate_json(content), digest(content))
    except ValidationError as error:
        raise Failure(f"{place.address(name_of(number))} is not a manifest") from error


def chain(place: Place, latest: Published) -> Iterator[Published]:
    """Return the published manifests from the latest back to the oldest that is kept.

    Raises Failure where a manifest is not the one that the next names.
    """
    yield latest
    kept = numbers(place)
    previous = latest.manifest.previous
    while previous:
        named = previous.number in kept
        # A vacuum leaves gaps, and below a gap no manifest that was never published.
        number = previous.number if named else max((n for n in kept if n < previous.number), default=None)
        if number is None:
            return
        older = load(place, number)
        if named and older.sha256 != previous.sha256:
            raise Failure(f"{place.address(name_of(number))} has changed since it was published")
        yield older
        previous = older.manifest.previous


def numbers(place: Place) -> set[int]:
    """Return the numbers of all cuts with a manifest, also those that were never published."""
    return {int(PurePosixPath(name).stem) for name in place.names("manifests")}
