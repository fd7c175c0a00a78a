"""What every format shows beside the rows: parameters, cut, row count, controls, open days; in words.

Amounts are never added up across currencies, nor money with points: `subtotals` has a
row for each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import polars as pl

from reports.core.forms import Language
from reports.core.report import Column, Figure
from reports.core.result import Control, Result
from reports.formats.code_names import WORDS, code_name, named_columns, words

NUMBERS: tuple[str, ...] = get_args(Figure)
_CAPTIONS = words("captions")


def word(text: str, language: Language) -> str:
    """Return a word of the page around the rows in that language."""
    return _CAPTIONS[language].get(text, text)


@dataclass(frozen=True)
class Fact:
    """A line of what a reader must know of a result."""

    label: str
    value: str


def facts(result: Result, language: Language) -> list[Fact]:
    """Return parameters, cut and row count, in words."""
    zone = ZoneInfo(result.cut.time_zone)
    closed = result.cut.closed_until
    values = {
        "report": f"{result.report.title(language)} ({result.report.name})",
        **{name.replace("_", " "): str(value) for name, value in parameters(result).items()},
        "time zone": result.cut.time_zone,
        "cut": str(result.cut.number),
        "taken at": f"{result.cut.taken_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "closed until": str(closed) if closed else word("nothing", language),
        "provisional figures": word("yes" if result.provisional else "no", language),
        "rows": str(result.frame.height),
    }
    return [Fact(word(label, language), value) for label, value in values.items()]


def abridged(result: Result, language: Language) -> tuple[Result, list[Fact]]:
    """Return the result without the columns that stand aside, and in words which were left out."""
    aside = [column for column in result.columns if column.aside]
    if not aside:
        return result, []
    names = ", ".join(column.label(language) for column in aside)
    shown = replace(result, frame=result.frame.drop(column.name for column in aside))
    return shown, [Fact(word("left out", language), names)]


def parameters(result: Result) -> dict[str, Any]:
    """Return the parameters as they were given: dates in ISO form, without those not used."""
    return result.parameters.model_dump(mode="json", by_alias=True, exclude_none=True)


def text(value: Any, column: Column, language: Language, time_zone: str, named: Mapping[str, Any] | None = None) -> str:
    """Return a cell as people read it; an hour that a clock change repeats carries its offset.

    `named` are the names that the pack gives to codes, by column.
    """
    if value is None:
        return ""
    if named and value in named.get(column.name, ()):
        return str(named[column.name][value][language])
    if isinstance(value, datetime):
        return _clock(value.astimezone(ZoneInfo(time_zone)))
    if column.kind == "share":
        return _grouped(Decimal(str(value)) * 100, language, places=1) + " %"
    if column.kind in ("money", "average"):
        return money(Decimal(str(value)), language)
    if column.kind == "count":
        return _grouped(Decimal(value), language, places=0)
    return code_name(str(value), language) if column.kind in WORDS else str(value)


def money(amount: Decimal, language: Language) -> str:
    """Return an amount with two decimals, grouped by thousands, with a true minus."""
    return _grouped(amount, language, places=2)


def _grouped(number: Decimal, language: Language, *, places: int) -> str:
    written = f"{number:,.{places}f}".replace("-", "−")
    return written.translate({ord(","): "\u00a0", ord("."): ","}) if language == "ru" else written


def _clock(local: datetime) -> str:
    repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.isoformat(" ", "seconds") if repeated else f"{local:%Y-%m-%d %H:%M:%S}"


def parting(columns: list[Column]) -> list[str]:
    """Return the columns by which sums are kept apart."""
    return [column.name for column in columns if column.kind in ("currency", "account_kind")]


def unit(control: Control, language: Language) -> str:
    """Return what a control's figures are in: the currency, and whether money or points where there are both."""
    return " ".join(filter(None, (control.currency, word(control.kind, language))))


def subtotals(result: Result) -> list[dict[str, Any]]:
    """Return sums of the columns that add up: one row per currency and kind of account, with these two named."""
    if result.totals is not None:
        return result.totals.rows(named=True)
    summed = [column.name for column in result.columns if column.total]
    groups = parting(result.columns)
    if not summed or not result.frame.height:
        return []
    if not groups:
        return result.frame.select(pl.col(summed).sum()).rows(named=True)
    return result.frame.group_by(groups).agg(pl.col(summed).sum()).sort(groups).rows(named=True)


def control_line(control: Control, language: Language) -> str:
    """Return a control total as one line: what it compares, the figures, whether it holds."""
    figures = (
        f"{word('expected', language)} {money(control.expected, language)}, "
        f"{word('actual', language)} {money(control.actual, language)}"
    )
    state = word("holds" if control.holds else "differs", language)
    gap = "" if control.holds else f" ({money(control.difference, language)})"
    return " ".join(filter(None, (f"{control.label(language)}:", figures, unit(control, language), f"– {state}{gap}")))


def shown_rows(result: Result, language: Language) -> Iterator[list[str]]:
    """Give the rows as text, cell by cell."""
    columns, zone, named = result.columns, result.cut.time_zone, named_columns()
    for row in result.frame.iter_rows():
        yield [text(cell, column, language, zone, named) for cell, column in zip(row, columns, strict=True)]


def shown_subtotals(result: Result, language: Language) -> Iterator[list[str]]:
    """Give the subtotals as text, in the columns they belong to; the first empty cell names them."""
    for sums in subtotals(result):
        cells = [text(sums.get(column.name), column, language, result.cut.time_zone) for column in result.columns]
        if cells and not cells[0]:
            cells[0] = word("total", language).capitalize()
        yield cells


def iso(value: Any, time_zone: str) -> Any:
    """Return a value for programs: instants with the offset of the book's zone, dates and amounts as text."""
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(time_zone)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value
