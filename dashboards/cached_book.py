"""The book that the screens show, opened once a cut, and the results already made from it.

A new cut is seen within seconds; what was made from the cut before is let go.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any, TypeVar

import polars as pl
import streamlit as st

from dashboards import access
from ledger.settings import Settings
from reports.core.result import Result
from reports.lake.manifest import Cut
from reports.lake.reader import open_lake
from reports.lake.restricted import seen_by
from reports.run import LakeBook

SECONDS = 5
KEPT = 128
MOST_CUTS = 30
"""How many earlier cuts a figure can be compared with by a choice; by its address, with any."""
PATIENCE_SECONDS = 0.2
"""For how long a page waits for what is run beside it."""
FORGOTTEN_SECONDS = 5
"""A page that still waits asks again every second."""
_beside = ThreadPoolExecutor(1, "beside")
DEMO = "(derived for the demo)"
T = TypeVar("T")


class _Forgotten(Exception):
    """Nobody waits for it any more."""


@dataclass
class _Beside:
    """What is made beside a page, and until when somebody waits for it, as of time.monotonic()."""

    at: float = 0
    made: Future[Any] | None = None


_made: dict[tuple[Any, ...], _Beside] = {}
_making = Lock()


def book() -> LakeBook:
    """Return the book at the lake's current cut, as whoever is at the screen may see it: some of its brands, or all.

    Everything that a page shows is read from it. Raises Failure before the first cut.
    """
    url = Settings().lake_url
    return _book(url, _current(url), access.person().brands)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _current(url: str) -> int:
    return open_lake(url).cut.number


@st.cache_resource(max_entries=8, show_spinner=False)
def _book(url: str, number: int, brands: tuple[str, ...] | None) -> LakeBook:
    return LakeBook(seen_by(open_lake(url, cut=number), brands))


def report(name: str, **parameters: Any) -> Result:
    """Run a standard report over the current cut, or return what it gave before."""
    given = tuple(sorted((key, value) for key, value in parameters.items() if value is not None))
    return cached(("report", name, *given), lambda opened: opened.report(name, **dict(given)))


def report_soon(name: str, **parameters: Any) -> Result | None:
    """Return a report; None while it is being run beside the page, as of `soon`."""
    given = tuple(sorted(parameters.items()))
    return soon(("report", name, *given), lambda opened: opened.report(name, **parameters))


def soon(key: tuple[Any, ...], make: Callable[[LakeBook], T]) -> T | None:
    """Return what `cached` would; None while it is being made beside the page, which may ask again.

    For checks that take longer than a page: whoever waits for them sees the figures meanwhile. What nobody
    requested lately is not begun: they went on to other figures.
    """
    url, opened, brands = Settings().lake_url, book(), access.person().brands
    name = (url, opened.cut.number, brands, key)

    def run() -> T:
        if time.monotonic() > found.at + FORGOTTEN_SECONDS:
            raise _Forgotten
        kept: T = _cached(url, opened.cut.number, brands, key, opened, make)
        return kept

    with _making:  # of this cut alone: what was made from the one before is let go
        for old in [each for each in _made if each[:2] != name[:2]] + list(_made)[:-KEPT]:
            _made.pop(old, None)
        found = _made.setdefault(name, _Beside())
        found.at = time.monotonic() + PATIENCE_SECONDS
        if found.made is None or (found.made.done() and found.made.exception()):
            found.made = _beside.submit(run)
        made: Future[T] = found.made
    try:
        return made.result(PATIENCE_SECONDS)
    except (TimeoutError, _Forgotten):
        return None


def cached(key: tuple[Any, ...], make: Callable[[LakeBook], T]) -> T:
    """Return what `make` gives for the current cut; the key names it and everything it depends on."""
    opened = book()
    kept: T = _cached(Settings().lake_url, opened.cut.number, access.person().brands, key, opened, make)
    return kept


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _cached(
    url: str,
    number: int,
    brands: tuple[str, ...] | None,
    key: tuple[Any, ...],
    _opened: LakeBook,
    _make: Callable[[LakeBook], Any],
) -> Any:
    return _make(_opened)


def first_day() -> date:
    """Return the day of the first transaction; without any, the last day that reports speak of."""

    def find(opened: LakeBook) -> date:
        found: date | None = opened.transactions.select(pl.col("business_date").min()).collect().item()
        return found or opened.last_day

    return cached(("first day",), find)


def today() -> date:
    """Return the last day that the cut knows anything of: that of its last transaction, or the last closed one."""

    def find(opened: LakeBook) -> date:
        found: date | None = opened.transactions.select(pl.col("business_date").max()).collect().item()
        return max(found or opened.last_day, opened.last_day)

    return cached(("today",), find)


def earlier_cuts() -> list[Cut]:
    """Return the last cuts before the current one, the latest first."""
    url, number = Settings().lake_url, book().cut.number
    return cached(("earlier cuts",), lambda _: open_lake(url, cut=number).earlier_cuts(MOST_CUTS))


def brands() -> pl.DataFrame:
    """Return the brands: number, code, name, legal name, colour."""
    return cached(
        ("brands",),
        lambda opened: opened.brands.select("id", "code", "name", "legal_name", "colour").sort("code").collect(),
    )


def of_demo() -> bool:
    """Return whether this is the demo's book, much of which is derived: its brands' legal names carry a mark."""
    return bool(brands()["legal_name"].str.contains(DEMO, literal=True).any())


def currencies() -> list[str]:
    """Return the currencies of clients' accounts, the one with the most accounts first."""

    def find(opened: LakeBook) -> list[str]:
        clients = opened.accounts.filter(pl.col("party_id").is_not_null())
        counted = clients.group_by("currency").len().sort("len", "currency", descending=[True, False])
        return counted.collect()["currency"].to_list()

    return cached(("currencies",), find)
