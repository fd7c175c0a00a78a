"""The read side: the lake, the standard reports, and every shape in which they are handed out.

`reports.open()` is the door for notebooks and programs. Importing this package loads nothing else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from reports.core.numbers import AnyFrame
    from reports.core.result import Result
    from reports.run import LakeBook

__all__ = ["numbers", "open"]


def open(  # noqa: A001  # read as reports.open()
    lake: "str | PathLike[str] | None" = None, *, cut: int | None = None, engine: str = "polars"
) -> "LakeBook":
    """Open the lake at that path or URL, by default the one of the settings, at its current cut, or an earlier one.

    The engine is what reports run on: polars, or spark (which needs PySpark and Java). Raises Failure where there is
    no lake, no such cut, or no such engine.
    """
    from os import fspath

    from ledger.errors import Failure
    from ledger.settings import Settings
    from reports.lake.reader import open_lake
    from reports.run import LakeBook

    if engine not in ("polars", "spark"):
        raise Failure(f"there is no engine {engine}: choose polars or spark")
    opened = open_lake(fspath(lake or Settings().lake_url), cut=cut)
    if engine == "spark":
        from reports.lake.spark import SparkLake

        return LakeBook(opened, SparkLake(opened).scan, draw=_draw)
    return LakeBook(opened, draw=_draw)


def numbers(frame: "AnyFrame") -> "AnyFrame":
    """Return any Polars frame of the book with money as Float64: for ratios, `describe()` and pictures."""
    from reports.core.numbers import numbers

    return numbers(frame)


def _draw(result: "Result") -> str:
    """Return a result as HTML, in the language of the settings."""
    from ledger.settings import Settings
    from reports.formats.html import fragment

    return fragment(result, Settings().language)
