"""Erase a person: from the ledger, then from the lake; and find what else names the person.

The ledger's function erases rows; here the lake is exported again, because earlier cuts name the person forever.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # has no types

from ledger.postgres.database import connect
from ledger.postgres.erasing import DataSubject, erase_person, find_person
from ledger.settings import Settings
from reports.backup.archive import backups
from reports.documents.manifest import noted_in
from reports.documents.register import Register
from reports.lake import manifest
from reports.lake.duckdb_file import FOLDER
from reports.lake.maintenance import forget
from reports.lake.publish_cut import export_anew
from reports.lake.storage import Place


@dataclass
class Erased:
    """What was erased, and what names the person still: papers, dated files (editions, too), kept cuts, backups.

    `removed` says that the first three were removed. `now` is False when the ledger had nothing left to erase.
    """

    party: str
    now: bool
    cut: int | None
    papers: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)
    removed: bool = False


def erase(
    settings: Settings, url: str, reference: str, *, reason: str, by: str | None, remove: bool, folder: Path | None
) -> Erased:
    """Erase a person, and with `remove` all that names the person but backups, of which `folder` has some.

    Raises Failure, with nothing done, when the person may not be erased. Stopped half-way, it is run again.
    """
    with connect(url) as connection:
        person = find_person(connection, reference)
    place = Place(settings.lake_url)
    now = erase_person(url, person, reason=reason, by=by, retention=settings.retention)
    with connect(url) as connection:
        erased_at = find_person(connection, reference).erased_at or datetime.now(UTC)
    if manifest.current(place) and (now or _older_cut(place, erased_at)):
        export_anew(url, settings.lake_url)
    latest = manifest.current(place)
    register, home = Register(settings.home / "papers"), settings.home.expanduser().resolve()
    papers = [row for number in person.accounts for row in register.rows(account=number) if register.is_there(row)]
    files = [*_statements(home, person), *_letters(home, person)]
    files += [*_reports(home, person, erased_at), *_editions(home, person, erased_at)]
    done = Erased(
        reference,
        now,
        latest.manifest.cut.number if latest else None,
        papers=[row.number for row in papers],
        files=[str(path) for path in files],
        backups=[name for name in backups(folder) if _moment(name) < erased_at] if folder else [],
    )
    if latest:
        done.cuts = sorted(manifest.numbers(place) - {latest.manifest.cut.number})
        current = latest.manifest.database and latest.manifest.database.name
        done.files += [place.address(name) for name in place.names(FOLDER) if name != current]
    if remove:
        register.erase([*papers])
        for path in files:
            path.unlink(missing_ok=True)
        if latest:
            forget(url, settings.lake_url)
        done.removed = True
    return done


def _older_cut(place: Place, moment: datetime) -> bool:
    latest = manifest.current(place)
    return latest is not None and latest.manifest.cut.taken_at < moment


def _moment(name: str) -> datetime:
    return datetime.strptime(name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)


def _statements(home: Path, person: DataSubject) -> list[Path]:
    """Return the papers of a person in the folders of months."""
    return [
        path
        for folder in sorted((home / "statements").glob("*"))
        for noted in noted_in(folder)
        if noted.account in person.accounts and (path := folder / noted.file).exists()
    ]


def _letters(home: Path, person: DataSubject) -> list[Path]:
    """Return the letters to a person in the home's outbox; their names have the account."""
    found = sorted((home / "outbox").rglob("*.eml"))
    return [path for path in found if {*path.stem.split("-")} & {*map(str, person.accounts)}]


def _reports(home: Path, person: DataSubject, before: datetime) -> list[Path]:
    """Return the files of nightly reports that were written before a moment and name a person.

    Each report is there as CSV too, and what that does not name the others do not.
    """
    found: list[Path] = []
    for path in sorted((home / "reports").rglob("*.csv")):
        if path.stat().st_mtime < before.timestamp() and _names(path.read_text("utf-8", "replace"), person):
            found += sorted(path.parent.glob(f"{path.stem}.*"))
    return found


def _editions(home: Path, person: DataSubject, before: datetime) -> list[Path]:
    """Return the files of editions of notebooks that were made before a moment and name a person, all of each."""
    found: list[Path] = []
    for folder in sorted((home / "editions").glob("*/*")):
        files = sorted(folder.iterdir())
        made_before = any(path.stat().st_mtime < before.timestamp() for path in files)
        if made_before and any(_names(_text_of(path), person) for path in files):
            found += files
    return found


def _text_of(path: Path) -> str:
    if path.suffix != ".pdf":
        return unescape(path.read_text("utf-8", "replace"))
    with PdfDocument(path) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


def _names(text: str, person: DataSubject) -> bool:
    words = (*map(str, person.accounts), person.reference, *person.names)
    return any(word in text for word in words if len(word) > 3)
