"""What a metric is: a sum over a table of the lake, or one such sum divided by another.

A metric is a table of house.toml here, or of metrics.toml in a company's pack:

    [net]
    en = "Net revenue"
    ru = "Выручка со скидками"
    unit = "money"                  # money, count, share or days
    table = "entries"               # of the lake, or the name of an .sql file beside the TOML
    where = "account_kind = 'revenue' AND kind IN ('debit', 'capture')"
    expression = "sum(amount)"
    dimensions = ["brand", "service", "channel"]
    adds_up = "always"              # at_end: not over time, where the last day counts; never: counted anew

`at_end` is of all rows up to a day; with `per`, the expression is of each account, say, and these are added up. A ratio
has `numerator` and `denominator` instead, names of other metrics, and may be taken `times_days` of the period.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ledger.errors import Failure
from reports.core.forms import Language
from reports.core.report import Figure, near
from reports.lake.schema import TABLES

HOUSE = Path(__file__).with_name("house.toml")
TIME = ("day", "week", "month", "weekday")
NAMED = ("brand", "account", "client", "party", "party_kind")
"""Dimensions that a table gets from what its rows name, beside its own columns and time."""


class Metric(BaseModel):
    """One metric; `place` is the file and line that declare it, `sql` the query that stands for its table, if any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    place: str = Field(exclude=True)
    sql: str | None = Field(None, exclude=True)
    en: str
    ru: str
    unit: Literal["money", "count", "share", "days"]
    table: str = ""
    expression: str = ""
    where: str = "TRUE"
    per: tuple[str, ...] = ()
    adds_up: Literal["always", "at_end", "never"] = "always"
    dimensions: tuple[str, ...] = ()
    numerator: str = ""
    denominator: str = ""
    times_days: bool = False

    @property
    def is_ratio(self) -> bool:
        """Return whether it is one metric divided by another."""
        return bool(self.numerator)

    @property
    def kind(self) -> Figure:
        """Return what kind of column it makes."""
        if self.unit in ("count", "share"):
            return "share" if self.unit == "share" else "count"
        return "average" if self.is_ratio else "money"

    def label(self, language: Language) -> str:
        """Return the heading in that language."""
        return self.ru if language == "ru" else self.en

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.numerator or self.denominator:
            if not (self.numerator and self.denominator) or self.table or self.expression:
                raise ValueError("a ratio has numerator and denominator, and no table or expression")
        elif not (self.table and self.expression):
            raise ValueError("it has neither table and expression nor numerator and denominator")
        elif self.unit not in ("money", "count"):
            raise ValueError(f"{self.unit} is the unit of a ratio")
        if self.table and self.sql is None:
            columns = next((table.names for table in TABLES if table.name == self.table), None)
            if columns is None:
                raise ValueError(f"there is no table {self.table}{near(self.table, [one.name for one in TABLES])}")
            known = {*columns, *TIME, *NAMED}
            if lacking := [name for name in ("business_date", "currency", *self.dimensions) if name not in known]:
                raise ValueError(f"{self.table} has no {lacking[0]}")
        return self


@dataclass(frozen=True)
class Metrics(Mapping[str, Metric]):
    """The metrics of the house and of the pack by name; `problems` says what is wrong with those left out."""

    found: dict[str, Metric]
    problems: tuple[str, ...]

    def __getitem__(self, name: str) -> Metric:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def named(self, name: str) -> Metric:
        """Return the metric of that name. Raises Failure, with names like it, if there is none."""
        if name not in self.found:
            raise Failure(f"there is no metric {name}{near(name, list(self.found))}")
        return self.found[name]

    def sides(self, metric: Metric) -> tuple[Metric, ...]:
        """Return numerator and denominator of a ratio, else the metric itself."""
        return (self.found[metric.numerator], self.found[metric.denominator]) if metric.is_ratio else (metric,)

    def words(self, metric: Metric) -> str:
        """Return what a metric is: its expression and where it is taken, or what is divided by what."""
        if metric.is_ratio:
            return f"{metric.numerator} / {metric.denominator}" + (" × days of the period" if metric.times_days else "")
        each = f" of each {' and '.join(metric.per)}, added up," if metric.per else ""
        of = {"always": "", "at_end": ", of all up to the last day", "never": ", counted anew for each total"}
        where = "" if metric.where == "TRUE" else f" where {metric.where}"
        return f"{metric.expression}{each} over {metric.table}{where}{of[metric.adds_up]}"

    def dimensions(self, metric: Metric) -> tuple[str, ...]:
        """Return what a metric may be shown by, time apart: what both sides of a ratio have."""
        first, *others = self.sides(metric)
        return tuple(name for name in first.dimensions if all(name in other.dimensions for other in others))


def read(*files: Path) -> Metrics:
    """Return the metrics of files, the first of a name; what is wrong is a problem, and stops only its own metric."""
    found: dict[str, Metric] = {}
    problems: list[str] = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
            tables = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            problems.append(f"{path}: {error}")
            continue
        for name, given in tables.items():
            try:
                metric = _metric(path, text, name, given)
                if name in found:
                    raise ValueError(f"{metric.place}: there is a metric {name} already, of {found[name].place}")
                found[name] = metric
            except ValueError as error:
                problems.append(str(error))
    for metric in [*found.values()]:
        sides = [side for side in (metric.numerator, metric.denominator) if side]
        if odd := next((side for side in sides if side not in found or found[side].is_ratio), None):
            problems.append(f"{metric.place}: {metric.name} is a ratio of {odd}, which is no metric with an expression")
            del found[metric.name]
    return Metrics(found, tuple(problems))


def _metric(path: Path, text: str, name: str, given: object) -> Metric:
    line = next((n for n, one in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[\s*{re.escape(name)}\b", one)), 1)
    place = f"{path}, line {line}"
    if not isinstance(given, dict):
        raise ValueError(f"{place}: {name} is no metric: a metric begins with [{name}]")
    beside = path.with_name(f"{given.get('table')}.sql")
    try:
        own = beside.read_text(encoding="utf-8") if beside.is_file() else None
        return Metric.model_validate({**given, "name": name, "place": place, "sql": own})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        own_line = next((n for n, one in enumerate(text.splitlines()[line:], line + 1) if one.startswith(field)), line)
        what = first["msg"].removeprefix("Value error, ")
        raise ValueError(
            f"{path}, line {own_line if field in given else line}: metric {name}: "
            f"{f'{field}: ' if field else ''}{what[0].lower()}{what[1:]}"
        ) from None


def all_metrics() -> Metrics:
    """Return the metrics of the house and of the pack."""
    from reports.pack import current

    return current().metrics
