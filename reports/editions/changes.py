"""What changed between two editions of one notebook: each figure before and now, and what made revenue differ."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.errors import Failure
from reports.core.result import Result
from reports.explain.difference import Difference, is_compared
from reports.run import LakeBook


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


def reasons(book: LakeBook, results: Sequence[Result], days: tuple[date, date], cut: int) -> Iterator[Difference]:
    """Give what made money kept differ from an earlier edition's, by currency: of its days, as its cut had them.

    Of a cut that is no longer kept, it is as these days are known now.
    """
    of_revenue = next((one for one in results if is_compared(one.report.name, "kept")), None)
    if of_revenue is None or of_revenue.parameters.days == days:
        return
    against: dict[str, object] = dict(zip(("from", "to"), days, strict=True))
    with suppress(Failure):
        if cut < book.cut.number and book.lake.at(cut):
            against["cut"] = cut
    for currency in of_revenue.frame["currency"].unique().sort():
        yield book.explain(of_revenue, {"currency": currency}, "kept", against=against)
