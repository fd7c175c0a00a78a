"""Texts of a frame as they may be shown: what was stored before the rule on characters has U+FFFD in their places."""

import polars as pl

from ledger.values.text import UNFIT

_UNFIT = f"[{UNFIT}]"


def readable_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every text readable (ledger.values.text)."""
    return frame.with_columns(pl.col(pl.String).str.replace_all(_UNFIT, "\N{REPLACEMENT CHARACTER}"))
