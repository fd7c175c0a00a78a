"""Read a bank's file: its format and its encoding are told by its content, not by its name.

A file that cannot be read whole is refused whole, in one sentence that starts with its name (DECISIONS D25).
"""

import codecs
import re
from pathlib import Path

from ledger.bank.core import camt, mt940, one_c
from ledger.bank.core.statement import Statement
from ledger.errors import Failure

MOST_BYTES = 50_000_000
ENCODINGS = ("cp1251", "cp866", "cp1252", "cp850")
"""What banks write where no header says it, Russian and western; of equally good readings the first."""
FORMATS = "MT940, MT942, camt.052, camt.053, camt.054 or 1CClientBankExchange"

_MT940 = re.compile(rb"^:20:.*?^:25P?:", re.MULTILINE | re.DOTALL)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WORD = re.compile(r"[^\W\d_]+")
_SIGN_IN_A_WORD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f\w’](?=[A-Za-z])")
_TYPOGRAPHY = frozenset("«»„“”‘’–—…№§°€£\xa0\xad·•")
_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ")


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
        sentence = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise Failure(f"{name}: {' '.join(sentence.split())}") from None


def _statements(content: bytes) -> list[Statement]:
    if not content.strip():
        raise ValueError("is empty")
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    head = content.removeprefix(mark).replace(b"\0", b"").lstrip()
    if head.startswith(b"<"):
        found = camt.read(content)
    elif head.startswith(one_c.SIGN.encode()):
        found = one_c.read(decoded(content, mark) if mark else one_c.decoded(content))
    elif _MT940.search(head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
        found = mt940.read(decoded(content, mark))
    else:
        raise ValueError(f"is not a bank statement in {FORMATS}")
    if not found:
        raise ValueError("has no statement in it")
    return found


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
