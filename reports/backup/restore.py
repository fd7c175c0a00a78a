"""Make a book of a backup and the WAL received since. It is a new incarnation: what the lost server had beyond it is
refused wherever it turns up (cursors of events, cuts of a lake)."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ledger.errors import Failure
from ledger.postgres import base_backup, embedded_server
from ledger.postgres.database import connect, migrate, newest_revision
from ledger.postgres.feed import begin_incarnation
from ledger.settings import Settings
from reports.backup.archive import DATABASE, HOME, LAKE, WAL, Backup
from reports.backup.take import check
from reports.lake.maintenance import carry_on
from reports.lake.manifest import POINTER
from reports.lake.storage import Place


@dataclass(frozen=True)
class Restored:
    """What was restored. `last_transaction` and its `key` are the ledger's last, None of a server not started here.

    `lake` says what became of the lake: "restored", "kept" (it was there) or "none".
    """

    backup: str
    segments: int
    database: str
    lake: str
    kept_files: int
    last_transaction: int | None = None
    key: str | None = None
    posted_at: datetime | None = None
    incarnation: str | None = None


def restore(
    settings: Settings,
    folder: Path,
    *,
    name: str | None = None,
    until: datetime | None = None,
    data: Path | None = None,
) -> Restored:
    """Restore a backup (the latest by default) with the WAL received since, up to a moment if given.

    The server is made under the home; with `data` only its data folder is, for a server that others start. Lake and
    files that are there already are left as they are. Raises Failure, with nothing done, when the backup does not hold
    or something is in the way.
    """
    if settings.database_url and data is None:
        raise Failure(
            "TIFFIN_DATABASE_URL names a server that tiffin does not run: give --data, the data folder to make for it"
        )
    if data is not None and data.exists():
        raise Failure(f"{data} already exists: name a folder that does not")
    backup = check(folder, name)
    if backup.tables > newest_revision():
        raise Failure(
            f"backup {backup.name} was made by a newer Tiffin (version {backup.tables}, this one knows "
            f"{newest_revision()}): upgrade Tiffin"
        )
    if until is not None and until <= backup.taken_at:
        raise Failure(f"backup {backup.name} was taken later than {until:%Y-%m-%d %H:%M:%S %Z}: name an older --backup")
    segments = 0

    def fill(made: Path) -> None:
        nonlocal segments
        shutil.copytree(folder / backup.name / DATABASE, made)
        segments = base_backup.add_wal(folder / WAL, made)
        base_backup.recover_to(made, until)

    if data is not None:
        fill(data)
        lake, kept = _files(settings, folder / backup.name, backup)
        return Restored(backup.name, segments, str(data), lake, kept)
    url = embedded_server.start_restored(settings.home, fill)
    lake, kept = _files(settings, folder / backup.name, backup)
    migrate(url)
    with connect(url) as connection:
        incarnation = begin_incarnation(connection)
        last = connection.execute("SELECT id, key, posted_at FROM transaction ORDER BY id DESC LIMIT 1").fetchone()
    number, key, posted_at = last or (0, None, None)
    if lake == "restored":
        carry_on(url, settings.lake_url)
    return Restored(backup.name, segments, f"{settings.home}/postgres", lake, kept, number, key, posted_at, incarnation)


def _files(settings: Settings, made: Path, backup: Backup) -> tuple[str, int]:
    """Put lake and home back where they are missing; say what became of the lake, how many files were left alone."""
    place, home = Place(settings.lake_url), settings.home.expanduser().resolve()
    there = place.read(POINTER) is not None
    kept = 0
    # The pointer last, as when a cut is published.
    for name in sorted(backup.files, key=lambda name: name == f"{LAKE}/{POINTER}"):
        part, _, path = name.partition("/")
        if part == LAKE and not there:
            place.write(path, made / name)
        elif part == HOME and (home / path).exists():
            kept += 1
        elif part == HOME:
            (home / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(made / name, home / path)
    return "none" if backup.cut is None else "kept" if there else "restored", kept
