"""Which characters a text may have, defined once: for all input and every output.

Allowed is what XML 1.0 can carry (production [2], Char), and so any paper, sheet or page, less the controls that a
terminal obeys (DEL, C1 with its CSI) and the code points that Unicode keeps for no character. What was stored
before this rule is shown with U+FFFD in their places.
"""

import re

UNFIT = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\ufdd0-\ufdef\ufffe\uffff" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)
)
"""The characters that no text may have beside surrogates, as the inside of a regular expression's brackets."""

_UNFIT = re.compile(f"[{UNFIT}\\ud800-\\udfff]")
_ESCAPED = re.compile(f"[{UNFIT}\\ud800-\\udfff\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")
"""What JSON escapes: these, what cuts a line in two, and what turns the order of letters round."""


def wrong_character(text: str) -> str | None:
    """Return what is wrong with the first character that no text may have; None where every character is fit."""
    if text.isascii() and text.isprintable():  # most are, and the search takes five times as long
        return None
    found = _UNFIT.search(text)
    if found is None:
        return None
    if ord(found[0]) < 0xA0:
        return "has control characters"
    if "\ud800" <= found[0] <= "\udfff":
        return "has an unpaired surrogate"
    return f"has U+{ord(found[0]):04X}, which is no character"


def readable(text: str) -> str:
    """Return the text as papers, pages and sheets show it: U+FFFD for each character that no text may have."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def printable(text: str) -> str:
    """Return the text as one line for a terminal or a log: U+FFFD for what moves a cursor or turns letters round."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def escaped_json(text: str) -> str:
    """Return JSON, written without ASCII escapes, that is one line for every reader and moves nothing on a screen."""
    if text.isascii() and "\x7f" not in text:  # JSON itself escapes the other controls
        return text
    return _ESCAPED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def whole_number(text: str) -> int | None:
    """Return the number that ASCII digits write, if it fits 64 bits; None for anything else, such as ² or ٣."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
