"""Where a lake lies: a folder, or a prefix in an object store (s3://, gs://, az://).

Objects are written whole or not at all; credentials of an object store come from the
environment, as its own tools read them (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, …).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from ledger.errors import Failure, first_line

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 2**20
_CLOUD_SETTINGS = ("AWS_", "GOOGLE_", "AZURE_")


@dataclass(frozen=True)
class Place:
    """One lake's address. Names of objects are relative to it, with `/` between folders."""

    url: str

    @cached_property
    def folder(self) -> Path | None:
        """Return the folder of a lake on the local disk, else None. Raises Failure for one of %?[]\\ in its name."""
        parts = urlsplit(self.url)
        if parts.scheme != "file" and "://" in self.url:
            return None
        folder = Path(unquote(parts.path)) if parts.scheme == "file" else Path(self.url).resolve()
        # delta-rs and DuckDB would look for their files under other names, or panic.
        for sign in "%?[]\\":
            if sign in str(folder):
                raise Failure(
                    f"the lake cannot be in {folder}, because its name contains {sign}: choose another folder"
                )
        return folder

    @cached_property
    def options(self) -> dict[str, str] | None:
        """Return the object store's options from the environment; None on a local disk."""
        if self.folder:
            return None
        return {name.lower(): value for name, value in os.environ.items() if name.startswith(_CLOUD_SETTINGS)}

    @cached_property
    def _store(self) -> ObjectStore:
        if self.folder:
            return LocalStore(self.folder, mkdir=True)
        try:
            store: ObjectStore = from_url(self.url)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise Failure(f"the lake's address {self.url} cannot be used: {first_line(error)}") from error
        return store

    def table(self, name: str) -> str:
        """Return the address of a Delta table, as libraries that read and write one take it."""
        return self.address(f"tables/{name}")

    def address(self, name: str) -> str:
        """Return the full path or URL of an object."""
        return str(self.folder / name) if self.folder else f"{self.url.rstrip('/')}/{name}"

    def exists(self) -> bool:
        """Return whether anything was ever published here; makes no folder."""
        return self.folder.exists() if self.folder else True

    def read(self, name: str) -> bytes | None:
        """Return an object's bytes, None when there is no such object."""
        if not self.exists():
            return None
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None

    def digest(self, name: str) -> str:
        """Return an object's SHA-256. Raises FileNotFoundError."""
        total = sha256()
        for chunk in self._chunks(name):
            total.update(chunk)
        return total.hexdigest()

    def fetch(self, name: str, path: Path) -> str:
        """Copy an object to a path on the disk and return its SHA-256. Raises FileNotFoundError."""
        total = sha256()
        with path.open("wb") as file:
            for chunk in self._chunks(name):
                total.update(chunk)
                file.write(chunk)
        return total.hexdigest()

    def _chunks(self, name: str) -> "Iterator[Buffer]":
        if self.folder is None:
            yield from obstore.get(self._store, name).stream()
            return
        with (self.folder / name).open("rb") as file:  # several times faster than as an object
            while chunk := file.read(_CHUNK):
                yield chunk

    def write(self, name: str, content: bytes | Path) -> None:
        """Write an object whole, over what was there."""
        obstore.put(self._store, name, content)

    def names(self, prefix: str) -> list[str]:
        """Return the names of the objects under a folder, sorted."""
        if not self.exists():
            return []
        return sorted(item["path"] for batch in obstore.list(self._store, prefix) for item in batch)

    def delete(self, names: list[str]) -> None:
        """Delete objects; those that are not there are passed over."""
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
