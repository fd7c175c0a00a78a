"""What changed between two editions of one notebook: each figure before and now."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Change:
    """A figure that is not what it was; a figure that was not there before was nothing."""

    figure: str
    before: str
    now: str
    difference: str


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """Return the figures that differ, in the order of the edition, those that are gone last."""
    found = []
    for figure in dict.fromkeys([*now, *before]):
        was, is_ = Decimal(before.get(figure, "0")), Decimal(now.get(figure, "0"))
        if was != is_:
            found.append(Change(figure, f"{was:,f}", f"{is_:,f}", f"{is_ - was:+,f}"))
    return found
