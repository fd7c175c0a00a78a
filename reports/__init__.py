"""The read side: the lake, the standard reports, and every shape in which they are handed out.

`reports.open()` is the door for notebooks and programs. Importing this package loads nothing else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.run import Book

__all__ = ["open"]


def open(lake: str | None = None, *, engine: str = "polars") -> "Book":  # noqa: A001  # read as reports.open()
    """Open the lake at that path or URL, by default the one of the settings, at its current cut.

    The engine is what reports run on: polars, or spark (which needs PySpark and Java); any other is a Failure.
    """
    from ledger.errors import Failure
    from ledger.settings import Settings
    from reports.lake.reading import open_lake
    from reports.run import Book

    if engine not in ("polars", "spark"):
        raise Failure(f"there is no engine {engine}: there are polars and spark")
    opened = open_lake(lake or Settings().lake_url)
    if engine == "spark":
        from reports.spark import SparkLake

        return Book(opened, SparkLake(opened).scan)
    return Book(opened)
