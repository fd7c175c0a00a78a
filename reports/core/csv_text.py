"""CSV that a spreadsheet opens without running anything in it, for every CSV that is handed out."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import polars as pl

from ledger.values.text import readable

Decimals = Literal["point", "comma"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\ufeff")
"""What makes a spreadsheet run a cell (OWASP, CSV injection), and the full-width signs that Excel takes for them."""


def guarded(text: str) -> str:
    """Return the text as a cell that no spreadsheet takes for a formula, of characters that every one can read."""
    return f"'{readable(text)}" if text.startswith(_FORMULA) else readable(text)


def csv_bytes(rows: Iterable[Sequence[Any]], decimals: Decimals = "point") -> bytes:
    """Return rows as CSV in UTF-8; comma means semicolons and a byte order mark, for a Russian Excel.

    Cells are written as they are: texts of others go through `guarded` first.
    """
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=";" if decimals == "comma" else ",").writerows(rows)
    return buffer.getvalue().encode("utf-8-sig" if decimals == "comma" else "utf-8")


def frame_csv(frame: pl.DataFrame) -> bytes:
    """Return any frame as CSV: its texts and its headings, which may be names of others, are guarded."""
    rows = ([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in frame.rows())
    return csv_bytes([[guarded(name) for name in frame.columns], *rows])
