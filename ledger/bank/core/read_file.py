"""Read a bank's file: its kind and its encoding are told by what is in it, not by its name.

A file that cannot be read whole is refused whole, in one sentence that starts with its name (DECISIONS D25).
"""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from ledger.bank.core import camt, mt940, one_c
from ledger.bank.core.statement import Statement
from ledger.errors import Failure

MOST_BYTES = 50_000_000
ENCODINGS = ["utf_8", "cp1251", "cp866", "cp1252"]
"""What banks write where no header says it, Russian and western."""

_MT940 = re.compile(rb"^:20:.*?^:25:", re.MULTILINE | re.DOTALL)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_file(path: Path) -> list[Statement]:
    """Return the statements of a file. Raises Failure if it cannot be read, or is not a statement."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Failure(f"{path.name}: is larger than {MOST_BYTES // 1_000_000} MB")
        return read(path.read_bytes(), path.name)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None


def read(content: bytes, name: str) -> list[Statement]:
    """Return the statements of a file's content, in its order. Raises Failure, as `read_file` does."""
    try:
        if len(content) > MOST_BYTES:
            raise ValueError(f"is larger than {MOST_BYTES // 1_000_000} MB")
        return _statements(content)
    except ValueError as error:
        # A sentence that quotes the file may have anything in it.
        said = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise Failure(f"{name}: {' '.join(said.split())}") from None


def _statements(content: bytes) -> list[Statement]:
    if not content.strip():
        raise ValueError("is empty")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    head = content.removeprefix(mark).replace(b"\0", b"").lstrip()
    if head.startswith(b"<"):
        found = camt.read(content)
    elif head.startswith(one_c.SIGN.encode()):
        found = one_c.read(_decoded(content, mark) if mark else one_c.decoded(content))
    elif _MT940.search(head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
        found = mt940.read(_decoded(content, mark))
    else:
        raise ValueError("is not a bank statement in MT940, camt.053 or 1CClientBankExchange")
    if not found:
        raise ValueError("has no statement in it")
    return found


def _decoded(content: bytes, mark: bytes) -> str:
    """Return the text. Raises ValueError (UnicodeDecodeError is one) when it is in no encoding that banks use."""
    try:
        return content.decode(_MARKS.get(mark, "utf-8"))
    except UnicodeDecodeError:
        best = None if mark else from_bytes(content, cp_isolation=ENCODINGS).best()
    if best is None:
        raise ValueError("is in no encoding that banks write: UTF-8, windows-1251, cp866, latin-1")
    return str(best)
