"""What a report is, and the lists of them: `STANDARD`, found in reports/standard, and `REPORTS`, with the pack's.

A report's function gets lazy frames and gives a lazy frame; it never collects. The
frame may leave out declared columns (its parameters decide which), never add any.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import narwhals as nw

from ledger.errors import Failure
from reports.core.contributions import Contributions
from reports.core.forms import Language
from reports.core.leads import LeadsTo, nowhere
from reports.core.parameters import Parameters
from reports.core.pictures import Picture
from reports.core.tables import Tables

Figure = Literal["account", "average", "count", "money", "number", "rate", "share"]
Kind = Figure | Literal["account_kind", "code", "currency", "date", "instant", "month", "state", "text", "word"]
Frame = nw.LazyFrame[Any]
ROUNDED: dict[Kind, int] = {"average": 2, "share": 4}  # of every engine alike (DECISIONS D33)


@dataclass(frozen=True)
class Column:
    """A column of a report: what kind of figure it is and how readers call it.

    `account` and `number` are whole numbers that name things and are never added up,
    `word` is a code of the ledger's own, which readers see in their language; `code` is its caller's.
    `state` is JSON of how something stood: readers see what changed between two, in words.
    `share` is a part of 1, `average` money rounded to the kopeck, `month` YYYY-MM.
    `total`: a sum by currency makes sense; a column of `account_kind` parts the
    sums by kind of account too, so that points are never added to money. A column `aside` stands last on the screen,
    and is left out of a PDF, which would be too narrow for it and names it; all other files have it.
    """

    name: str
    kind: Kind
    en: str
    ru: str
    total: bool = False
    aside: bool = False

    def label(self, language: Language) -> str:
        """Return the heading in that language."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True)
class Check:
    """A control total: a figure of the report beside the same figure found another way.

    `frame(tables, parameters, rows)` gives `currency`, `expected`, `actual`, a row a
    currency (text "" where the figure is a count); with `kind`, money or bonus, where
    points are among the figures, a row for each. `rows` is the report's own frame.
    No rows at all means zero on both sides.
    """

    name: str
    en: str
    ru: str
    frame: Callable[[Tables, Any, Frame], Frame]

    def label(self, language: Language) -> str:
        """Return the sentence in that language."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True)
class Report:
    """One standard report: a question, its parameters, columns, function and control totals.

    `leads_to` says where a click on a row leads, `contributions` which entries make its figures, `picture` how it is
    drawn. `first` names columns that stand first on a screen, where others are so wide that amounts would be out of
    sight.
    """

    name: str
    en: str
    ru: str
    question: str
    parameters: type[Parameters]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    frame: Callable[[Tables, Any], Frame]
    checks: tuple[Check, ...]
    leads_to: LeadsTo = nowhere
    first: tuple[str, ...] = ()
    contributions: Contributions | None = None
    picture: Picture | None = None

    def title(self, language: Language) -> str:
        """Return the title in that language."""
        return self.ru if language == "ru" else self.en


class _Reports(Mapping[str, Report]):
    """The reports by name; the modules are imported when the list is first looked at."""

    def __init__(self, *, with_pack: bool) -> None:
        self._with_pack = with_pack

    @property
    def _all(self) -> Mapping[str, Report]:
        if not self._with_pack:
            return self._found
        from reports.pack import current

        return {**self._found, **current().reports}

    @cached_property
    def _found(self) -> dict[str, Report]:
        import reports.standard as package

        modules = (
            importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)
        )
        reports = [module.REPORT for module in modules if hasattr(module, "REPORT")]
        return {report.name: report for report in sorted(reports, key=lambda report: report.name)}

    def __getitem__(self, name: str) -> Report:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


STANDARD: Mapping[str, Report] = _Reports(with_pack=False)
"""The reports of the house, which the control report, a night's checks and papers go by."""
REPORTS: Mapping[str, Report] = _Reports(with_pack=True)
"""These, and those of the company's pack."""


def named(name: str) -> Report:
    """Return the report of that name; a Failure that suggests near names if there is none."""
    if name in REPORTS:
        return REPORTS[name]
    raise Failure(f"there is no report {name}{near(name, list(REPORTS))}")


def alike(name: str, names: list[str]) -> str:
    """Return the end of a sentence that suggests names like this one, in whichever case; blank if there are none."""
    folded = {one.casefold(): one for one in names}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
    return f": did you mean {' or '.join(folded[one] for one in found)}?" if found else ""


def near(name: str, names: list[str]) -> str:
    """Return the end of a sentence that suggests names like this one, or the first few there are."""
    if found := alike(name, names):
        return found
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f": there are {listed}" if names else ": there are none"
