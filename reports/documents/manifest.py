"""The manifest of a folder of papers: one line per paper, as it was written last.

A line is added only after its file is whole and in place; the half of a line that a killed
run may leave at the end is dropped. So what the manifest lists is there (DECISIONS D51).
"""

import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from ledger.values.text import escaped_json

NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Noted:
    """A paper as it was written: its file, what made it (`fingerprint`), and its bytes."""

    number: str
    account: int
    file: str
    fingerprint: str
    sha256: str
    size: int


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that its name only ever shows it whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class PapersManifest:
    """What a folder holds, by paper number."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / NAME
        self._papers = {noted.number: noted for noted in noted_in(self.folder)}
        # Rewritten at the start of each run: no torn line, no line twice.
        write_whole(self.path, b"".join(_line(noted) for noted in self._papers.values()))

    def has(self, number: str, fingerprint: str) -> bool:
        """Return whether the paper is there, made of the same, and its bytes are the ones written."""
        noted = self._papers.get(number)
        return noted is not None and noted.fingerprint == fingerprint and self._is_there(noted)

    def holds(self, number: str, digest: str) -> bool:
        """Return whether the paper is there with the bytes of this SHA-256."""
        noted = self._papers.get(number)
        return noted is not None and noted.sha256 == digest and self._is_there(noted)

    def _is_there(self, noted: Noted) -> bool:
        file = self.folder / noted.file
        return file.is_file() and sha256(file.read_bytes()).hexdigest() == noted.sha256

    def note(self, noted: Noted) -> None:
        """Add a paper that has been written."""
        self._papers[noted.number] = noted
        with self.path.open("ab") as file:
            file.write(_line(noted))


def _line(noted: Noted) -> bytes:
    return escaped_json(json.dumps(asdict(noted), ensure_ascii=False)).encode() + b"\n"


def noted_in(folder: Path) -> list[Noted]:
    """Return the papers that a folder's manifest notes, in the order in which they were written."""
    path = folder / NAME
    if not path.exists():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(Noted(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # the half line of a run that was killed
    return found
