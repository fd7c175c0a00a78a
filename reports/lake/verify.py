"""Verify the whole: the ledger by its rules, the lake against its files and against the ledger."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from reports.lake.checks import CheckResult
from reports.lake.reader import Lake
from reports.lake.verify_lake import verify_cut, verify_lake
from reports.lake.verify_ledger import verify_ledger


class Verified(NamedTuple):
    """A check and what it was about."""

    subject: Literal["ledger", "lake"]
    check: CheckResult


def verify_unpublished(url: str, lake: Lake, *, closing: bool) -> Iterator[Verified]:
    """Check the ledger and a cut that was exported and not published; with `closing`, days are closed with it."""
    for check in verify_ledger(url):
        yield Verified("ledger", check)
    for check in verify_cut(url, lake, closing=closing):
        yield Verified("lake", check)


def verify(url: str, lake: str) -> Iterator[Verified]:
    """Check the ledger, then the lake at its latest cut; before the first cut the ledger alone."""
    for check in verify_ledger(url):
        yield Verified("ledger", check)
    for check in verify_lake(url, lake):
        yield Verified("lake", check)
