"""What a backup is, on disk.

A folder of backups has one folder for each, named by the moment it was begun, and the WAL that was received since:

    2026-11-29T190500Z/  backup.json  database/  lake/  home/
    wal/

`backup.json` is written last: a folder without it is what a killed run left, and is no backup.
"""

import re
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ledger.errors import Failure
from reports.lake.manifest import File, LedgerPoint

MANIFEST = "backup.json"
WAL = "wal"
DATABASE, LAKE, HOME = "database", "lake", "home"

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")


class Backup(BaseModel):
    """The manifest of a backup: which ledger it is, and each file beside the database's own, by name.

    `ledger` is as of `last_transaction`, the latest when the backup was begun; what came later is in it, too, or in the
    WAL. `tables` is the newest migration, `cut` that of the lake, None without one.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    taken_at: datetime
    tables: str
    postgresql: int
    book: datetime
    ledger: LedgerPoint
    last_transaction: int
    cut: int | None
    database_size: int
    files: dict[str, File]

    @property
    def size(self) -> int:
        """Return how many bytes the backup has."""
        return self.database_size + sum(file.size for file in self.files.values())


def backups(folder: Path) -> list[str]:
    """Return the names of the complete backups in a folder, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and (path / MANIFEST).exists())


def unfinished(folder: Path) -> list[Path]:
    """Return what killed runs left."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and not (path / MANIFEST).exists()]


def load(folder: Path, name: str | None = None) -> Backup:
    """Return a backup's manifest; the latest by default. Raises Failure when there is none or it cannot be read."""
    known = backups(folder)
    if not known:
        raise Failure(f"there is no backup in {folder}: tiffin backup makes one")
    if name is not None and name not in known:
        raise Failure(f"there is no backup {name} in {folder}, only {', '.join(known)}")
    path = folder / (name or known[-1]) / MANIFEST
    try:
        return Backup.model_validate_json(path.read_bytes())
    except ValidationError:
        raise Failure(f"{path} is not the manifest of a backup") from None


def file_of(path: Path) -> File:
    """Return a file's size and hash."""
    with path.open("rb") as file:
        return File(size=path.stat().st_size, sha256=file_digest(file, "sha256").hexdigest())
