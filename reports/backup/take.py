"""Take a backup, and check one: server, lake and home, in this order backwards.

The lake is copied before the server, while no run writes it: so whatever of the WAL is restored, the ledger has all
that the lake was made from.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ledger.errors import Failure, reason
from ledger.postgres import base_backup
from ledger.postgres.database import check_book, connect, newest_revision
from ledger.settings import Settings
from reports.backup.archive import DATABASE, HOME, LAKE, MANIFEST, WAL, Backup, backups, file_of, load, unfinished
from reports.documents.manifest import write_whole
from reports.lake import manifest
from reports.lake.manifest import POINTER, Published
from reports.lake.same_ledger import ledger_point
from reports.lake.storage import Place
from reports.lake.take_cut import alone
from reports.proof.seal import FILE as SEALS
from reports.proof.verified import FILE as VERIFIED

_NOT_KEPT = ("postgres", "postgres.new", "postgres.lock", "postgres.socket", "guards", "preview")
"""What of a home is not copied: the server has a copy of its own, the rest is made again."""


def take(settings: Settings, url: str, folder: Path) -> Backup:
    """Back everything up into a new folder within `folder`, check it, and return its manifest.

    Raises Failure when the server may not be copied, a file of the lake is damaged, or the copy does not hold.
    """
    now = datetime.now(UTC)
    made = folder / f"{now:%Y-%m-%dT%H%M%SZ}"
    try:
        made.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise Failure(f"cannot create the backup {made}: {reason(error)}") from None
    try:
        backup = _taken(settings, url, made, now)
        os.sync()
        write_whole(made / MANIFEST, backup.model_dump_json(indent=1).encode())
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise Failure(f"cannot write the backup {made}: {reason(error)}") from None
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return backup


def check(folder: Path, name: str | None = None) -> Backup:
    """Read a backup again, every file of it. Raises Failure for the first that is not as it was written."""
    backup = load(folder, name)
    made = folder / backup.name
    for file, noted in backup.files.items():
        try:
            same = file_of(made / file) == noted
        except FileNotFoundError:
            raise Failure(f"{made / file} is missing") from None
        if not same:
            raise Failure(f"{made / file} is not as it was written")
    base_backup.check_copy(backup.postgresql, made / DATABASE)
    return backup


def delete_old(folder: Path, keep: int) -> list[str]:
    """Remove all but the latest backups, what killed runs left, and the WAL older than the oldest that is kept."""
    known = backups(folder)
    gone = known[:-keep]
    for path in (*unfinished(folder), *(folder / name for name in gone)):
        (path / MANIFEST).unlink(missing_ok=True)  # first: half removed, it is no backup
        shutil.rmtree(path)
    oldest = load(folder, known[len(gone)])
    base_backup.drop_wal_before(folder / WAL, oldest.postgresql, folder / oldest.name / DATABASE)
    return gone


def _taken(settings: Settings, url: str, made: Path, now: datetime) -> Backup:
    place = Place(settings.lake_url)
    with alone(url):
        latest = manifest.current(place)
        if latest:
            _copy_lake(place, latest, made / LAKE)
    with connect(url) as connection:
        check_book(connection)
        major = base_backup.major_version(connection)
        row = connection.execute(
            "SELECT initialised_at, (SELECT coalesce(max(id), 0) FROM transaction) FROM book"
        ).fetchone()
        assert row is not None
        point = ledger_point(connection, row[1])
    _copy_home(settings, made.parent, made / HOME)
    base_backup.copy_server(url, major, made / DATABASE)
    noted = [*_files(made / LAKE), *_files(made / HOME), made / DATABASE / "backup_manifest"]
    return Backup(
        name=made.name,
        taken_at=now,
        tables=newest_revision(),
        postgresql=major,
        book=row[0],
        ledger=point,
        last_transaction=row[1],
        cut=latest.manifest.cut.number if latest else None,
        database_size=sum(path.stat().st_size for path in _files(made / DATABASE)),
        files={str(path.relative_to(made)): file_of(path) for path in noted},
    )


def _copy_lake(place: Place, latest: Published, into: Path) -> None:
    """Copy the latest cut: what it pins, the logs of its tables, and the seals."""
    cut = latest.manifest
    pinned = {f"tables/{name}/{path}": file for name, table in cut.tables.items() for path, file in table.files.items()}
    logs = [log for name in cut.tables for log in place.names(f"tables/{name}/_delta_log")]
    database = [cut.database.name] if cut.database else []
    for name in (*pinned, *logs, *database, manifest.name_of(cut.cut.number), POINTER, SEALS, VERIFIED):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            place.fetch(name, into / name)
        except FileNotFoundError:
            (into / name).unlink(missing_ok=True)
            if name not in (SEALS, VERIFIED):
                raise Failure(f"{place.address(name)} is missing: run tiffin lake rebuild") from None
    due = {name: file.sha256 for name, file in pinned.items()}
    due |= {cut.database.name: cut.database.sha256} if cut.database else {}
    for name, sha256 in due.items():
        if file_of(into / name).sha256 != sha256:
            raise Failure(f"{place.address(name)} is not as it was written: run tiffin lake rebuild")


def _copy_home(settings: Settings, archive: Path, into: Path) -> None:
    home = settings.home.expanduser().resolve()
    left_out = {home / name for name in _NOT_KEPT} | {archive.resolve(), Place(settings.lake_url).folder}
    found = [path for path in _files(home, left_out) if not path.name.startswith((".", "dashboard-"))]
    # The register first: the bytes of each paper in it were there before its row.
    for path in sorted(found, key=lambda path: (path.suffix != ".sqlite", path)):
        if path.name.endswith((".sqlite-wal", ".sqlite-shm", ".sqlite-journal")):
            continue
        copy = into / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".sqlite":
            with closing(sqlite3.connect(path)) as base, closing(sqlite3.connect(copy)) as other:
                base.backup(other)
        else:
            shutil.copyfile(path, copy)


def _files(folder: Path, left_out: set[Path | None] | frozenset[Path] = frozenset()) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path in left_out:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path, left_out)
        elif path.is_file():
            yield path
