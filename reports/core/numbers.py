"""Money as floating-point numbers, for what needs more digits than money has: ratios, statistics, pictures."""

from typing import TypeVar

import polars as pl

AnyFrame = TypeVar("AnyFrame", pl.DataFrame, pl.LazyFrame)


def numbers(frame: AnyFrame) -> AnyFrame:
    """Return the frame with every decimal column as Float64.

    A quotient of two decimals keeps two places in Polars; of floats it keeps them all. Sums are exact only before.
    """
    decimals = [name for name, type_ in frame.lazy().collect_schema().items() if isinstance(type_, pl.Decimal)]
    return frame.with_columns(pl.col(decimals).cast(pl.Float64))
