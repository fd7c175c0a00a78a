"""What comes of a report: its frame, its control totals, and the cut of the lake that it was made from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from ledger.errors import Failure
from reports.core.forms import Language
from reports.core.numbers import numbers
from reports.core.parameters import Parameters
from reports.core.pictures import drawn
from reports.core.report import Column, Report


class TooLarge(Failure):
    """A result that a form of file cannot hold; other forms can."""


class CutFacts(Protocol):
    """The point up to which the lake is complete."""

    @property
    def number(self) -> int: ...
    @property
    def taken_at(self) -> datetime: ...
    @property
    def last_transaction(self) -> int: ...
    @property
    def closed_until(self) -> date | None: ...
    @property
    def time_zone(self) -> str: ...


class TableSource(Protocol):
    """What reports need of a lake: its cut, and its tables as lazy frames."""

    @property
    def cut(self) -> CutFacts: ...
    def scan(self, name: str) -> Any: ...
    def at(self, cut: int) -> "TableSource": ...


@dataclass(frozen=True)
class Control:
    """A control total of a result: one figure found in two ways; `kind` is money or bonus where there are both."""

    name: str
    en: str
    ru: str
    currency: str
    expected: Decimal
    actual: Decimal
    kind: str = ""

    @property
    def difference(self) -> Decimal:
        """Return how far the report's figure is from the expected one."""
        return self.actual - self.expected

    @property
    def holds(self) -> bool:
        """Return whether both figures are the same."""
        return self.difference == 0

    def label(self, language: Language) -> str:
        """Return the sentence in that language."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True)
class Result:
    """A report that ran: its frame, and all that a reader needs to trust it.

    `totals` are the totals by currency where they are no sums of the rows, such as those of ratios.
    """

    report: Report
    parameters: Parameters
    cut: CutFacts
    frame: pl.DataFrame
    controls: list[Control]
    draw: "Draw | None" = field(default=None, repr=False, compare=False)
    totals: pl.DataFrame | None = None

    @property
    def columns(self) -> list[Column]:
        """Return the columns that the frame has, in its order."""
        return [column for column in self.report.columns if column.name in self.frame.columns]

    @property
    def numbers(self) -> pl.DataFrame:
        """Return the frame with money as Float64: for ratios, `describe()`, Altair and other pictures."""
        return numbers(self.frame)

    def chart(self, language: Language = "en") -> Any:
        """Return the result as an Altair chart, a picture per currency. Raises Failure for a report without one."""
        if self.report.picture is None:
            raise Failure(f"there is no picture of {self.report.name}: it is a list")
        return drawn(self.report.picture, self.frame, self.columns, language)

    def to_pandas(self) -> Any:
        """Return the frame as a pandas DataFrame whose money is float64, as pandas expects of figures."""
        return self.numbers.to_pandas()

    @property
    def provisional(self) -> bool:
        """Return whether figures may still change: a day of the report is open, or they go by value date."""
        closed, final = self.cut.closed_until, self.parameters.final_day
        return closed is None or final is None or final > closed

    @property
    def holds(self) -> bool:
        """Return whether every control holds."""
        return all(control.holds for control in self.controls)

    def _repr_html_(self) -> str | None:
        """Draw the result in a notebook, as the book that ran it draws results."""
        return self.draw(self) if self.draw else None


Draw = Callable[[Result], str]
"""Draws a result as HTML."""
