"""Read a bank's file: its format and its encoding are recognized by its content, not by its name.

A file that cannot be read whole is refused whole, in one sentence that starts with its name (DECISIONS D25).
"""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.bank.core import camt, csv_file, mt940, ofx, one_c
from ledger.bank.core.statement import Statement
from ledger.errors import Failure

MOST_BYTES = 50_000_000
ENCODINGS = ("cp1251", "cp866", "cp1252", "cp850")
"""Encodings that banks use where no header names one, Russian and western; of equally good readings the first."""
FORMATS = "MT940, MT942, camt.052, camt.053, camt.054, OFX or 1CClientBankExchange"
MOST_MEMBERS = 1000
Layouts = tuple[str, csv_file.Layout]
"""An account at a bank, and how its CSV files are read."""

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")
_MT940 = re.compile(rb"^:20:.*?^:25P?:", re.MULTILINE | re.DOTALL)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WORD = re.compile(r"[^\W\d_]+")
_SIGN_IN_A_WORD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f\w’](?=[A-Za-z])")
_TYPOGRAPHY = frozenset("«»„“”‘’–—…№§°€£\xa0\xad·•")
_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ")


def read_file(path: Path, csv_of: Layouts | None = None) -> list[Statement]:
    """Return the statements of a file, zipped or not; `csv_of` is whose CSV it may be.

    Raises Failure if it cannot be read, or is not a statement.
    """
    return read(_content(path), path.name, csv_of)


def headers_of(path: Path) -> list[str]:
    """Return the headers that a CSV file seems to have. Raises Failure if it cannot be read."""
    return csv_headers(_content(path), path.name)


def csv_headers(content: bytes, name: str) -> list[str]:
    """Return the headers of a file's content, none where it is in another format. Raises Failure, as `headers_of`."""
    with _refusing(name):
        binary = content.startswith(_ARCHIVES) or (b"\0" in content and not _mark(content))
        if binary or not content.strip() or _format(content):
            return []
        found = csv_file.headers(decoded(content, _mark(content)))
    return found if len(found) > 1 else []


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)  # a pipe or a device does not report its size
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None


def read(content: bytes, name: str, csv_of: Layouts | None = None) -> list[Statement]:
    """Return the statements of a file's content, in its order. Raises Failure, as `read_file` does."""
    with _refusing(name):
        if len(content) > MOST_BYTES:
            raise ValueError(f"is larger than {MOST_BYTES // 1_000_000} MB")
        if content.startswith(_ARCHIVES):
            return [each for inner, data in _unzipped(content) for each in read(data, f"{name}/{inner}", csv_of)]
        return _statements(content, csv_of)


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Refuse a file, in one sentence that starts with its name."""
    try:
        yield
    except ArithmeticError:
        raise Failure(f"{name}: has an amount that is too large") from None
    except ValueError as error:
        # A sentence that quotes the file may have anything in it.
        sentence = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise Failure(f"{name}: {' '.join(sentence.split())}") from None


def _unzipped(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive, by name. Raises ValueError for what is too large, locked or broken."""
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and "__MACOSX" not in each.filename]
            if not members:
                raise ValueError("is an archive without a file in it")
            if len(members) > MOST_MEMBERS:
                raise ValueError(f"is an archive of more than {MOST_MEMBERS} files")
            for member in sorted(members, key=lambda each: each.filename):
                with archive.open(member) as file:
                    data = file.read(left + 1)  # its content may be larger than its header states
                left -= len(data)
                if left < 0:
                    raise ValueError(f"is an archive of more than {MOST_BYTES // 1_000_000} MB")
                if data.startswith(_ARCHIVES):
                    raise ValueError(f"is an archive with an archive in it: {member.filename}")
                yield member.filename, data
    except RuntimeError:
        raise ValueError("is an archive that is locked with a password") from None
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, OSError) as error:
        raise ValueError(f"is an archive that cannot be read: {error}") from None


def _statements(content: bytes, csv_of: Layouts | None) -> list[Statement]:
    if not content.strip():
        raise ValueError("is empty")
    mark, format_ = _mark(content), _format(content)
    if format_ == "OFX":
        found = ofx.read(content)
    elif format_ == "camt":
        found = camt.read(content)
    elif format_ == "1C":
        found = one_c.read(decoded(content, mark) if mark else one_c.decoded(content))
    elif format_ == "MT940":
        found = mt940.read(decoded(content, mark))
    elif csv_of is not None:
        found = csv_file.read(decoded(content, mark), *csv_of)
    else:
        raise ValueError(f"is not a bank statement in {FORMATS}; for CSV name the account it belongs to")
    if not found:
        raise ValueError("has no statement in it")
    return found


def _format(content: bytes) -> str:
    """Return the format that a content begins with; blank for none of those that say what they are."""
    head = content.removeprefix(_mark(content)).replace(b"\0", b"").lstrip()
    if ofx.SIGN.match(head):
        return "OFX"
    if head.startswith(b"<"):
        return "camt"
    if head.startswith(one_c.SIGN.encode()):
        return "1C"
    return "MT940" if _MT940.search(head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")) else ""


def _mark(content: bytes) -> bytes:
    """Return the mark of an encoding with which a file begins; blank without one."""
    return next((mark for mark in _MARKS if content.startswith(mark)), b"")


def decoded(content: bytes, mark: bytes) -> str:
    """Return the text: UTF-8, or else the encoding in which it reads least oddly.

    Raises ValueError (UnicodeDecodeError is one) where a mark promises an encoding that it is not.
    """
    try:
        return content.decode(_MARKS.get(mark, "utf-8"))
    except UnicodeDecodeError:
        if mark:
            raise
    readings = []
    for encoding in ENCODINGS:
        try:
            readings.append(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    return min(readings, key=_oddness)


def _oddness(text: str) -> int:
    """Return how little a reading looks like words of people: scripts mixed in a word, signs amid letters."""
    strange = [letter for letter in text if ord(letter) > 127]
    if not strange:
        return 0
    odd = sum(not letter.isalpha() and letter not in _TYPOGRAPHY for letter in strange)
    odd += len(_SIGN_IN_A_WORD.findall(text))
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in word)
        if cyrillic:
            odd += (cyrillic < len(word)) * 2 + sum(letter not in _RUSSIAN for letter in word.lower()) // 2
        else:
            # Three letters in a row that all carry marks are another script, misread.
            odd += 2 * bool(re.search(r"[\xaa-\xff]{3}", word))
    return odd
