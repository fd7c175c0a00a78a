"""Run reports on an opened lake: `LakeBook` is the door, `Result` what comes through it.

The past stays as it was: a report of closed days sees the terms that were known when
its last day was closed (DECISIONS D30). Days not closed yet make a result provisional.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, overload
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import ValidationError
from stdnum import luhn

from ledger.errors import Failure
from ledger.values.dates import read_date
from ledger.values.text import whole_number
from reports.core.engines import collected, on_engine_of
from reports.core.parameters import Parameters
from reports.core.readable import readable_texts
from reports.core.report import REPORTS, ROUNDED, STANDARD, Check, Column, Report, named, near
from reports.core.result import Control, CutFacts, Draw, Result, TableSource
from reports.core.tables import APART, Tables
from reports.explain import Address, Explanation, explain, moments, row_of
from reports.explain.difference import Difference, difference
from reports.explain.part_rows import PartRows, part_rows
from reports.lake.described import described_report, described_table
from reports.lake.restricted import BETWEEN
from reports.lake.schema import TABLE_NAMES, TABLES
from reports.metrics.answer import answered
from reports.metrics.metric import all_metrics
from reports.pack import current, where

POLARS: dict[str, pl.DataType] = {
    **dict.fromkeys(("account", "count", "number"), pl.Int64()),
    **dict.fromkeys(("account_kind", "code", "currency", "month", "text", "state", "word"), pl.String()),
    "money": pl.Decimal(18, 2),
    "rate": pl.Decimal(5, 2),
    **dict.fromkeys(("average", "share"), pl.Float64()),
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
}
DAYS = ("first_day", "last_day", "as_of", "booked_until")


class LakeBook:
    """An opened lake: its reports, its tables, and SQL.

    `scan` gives the same tables on another engine, on which the reports then run; `draw` shows results in a notebook.
    """

    def __init__(self, lake: TableSource, scan: Callable[[str], Any] | None = None, draw: Draw | None = None) -> None:
        self.lake = lake
        self.scan = scan
        self.draw = draw

    def __getattr__(self, name: str) -> pl.LazyFrame:
        if name not in TABLE_NAMES:
            raise AttributeError(f"the book has no table {name}{near(name, sorted(TABLE_NAMES))}")
        frame: pl.LazyFrame = self.lake.scan(name)
        return frame

    def __dir__(self) -> list[str]:
        """Return the names that completion offers: the tables too."""
        return [*super().__dir__(), *TABLE_NAMES]

    @property
    def reports(self) -> pl.DataFrame:
        """Return the standard reports: name, title, question."""
        rows = [(report.name, report.en, report.question) for report in REPORTS.values()]
        return pl.DataFrame(rows, schema=["name", "title", "question"], orient="row")

    def describe(self, name: str) -> pl.DataFrame:
        """Return what the columns of a table or a report are: column, type, meaning, example.

        Raises Failure where there is neither of that name.
        """
        if name in REPORTS:
            return described_report(REPORTS[name])
        table = next((table for table in TABLES if table.name == name), None)
        if table is None:
            raise Failure(f"there is no table or report {name}{near(name, [*sorted(TABLE_NAMES), *REPORTS])}")
        return described_table(table, self.lake.scan(name))

    @property
    def metrics(self) -> pl.DataFrame:
        """Return the metrics of the house and of the pack: name, title, unit, what they are shown by beside time, and
        what they are.
        """
        known = all_metrics()
        rows = [
            (one.name, one.en, one.unit, ", ".join(known.dimensions(one)), known.words(one)) for one in known.values()
        ]
        return pl.DataFrame(rows, schema=["name", "title", "unit", "dimensions", "meaning"], orient="row")

    def metric(
        self,
        *names: str,
        by: str | Sequence[str] = (),
        first_day: date | str | None = None,
        last_day: date | str | None = None,
        **only: str,
    ) -> Result:
        """Return metrics of a period by dimensions and currency, each a column; `brand="sushi"` narrows.

        The days are filled in as those of reports. `totals` of the result are counted separately, not added up. Raises
        Failure for what there is not.
        """
        until = self.last_day if last_day is None else _date(last_day)
        since = until.replace(day=1) if first_day is None else _date(first_day)
        if since > until:
            raise Failure(f"from {since} is after to {until}")
        keys = [by] if isinstance(by, str) else list(by)
        return answered(self, all_metrics(), names, [key for key in keys if key], (since, until), only)

    @property
    def cut(self) -> CutFacts:
        """Return the point up to which the lake is complete."""
        return self.lake.cut

    @property
    def whole(self) -> bool:
        """Return whether every brand may be seen."""
        return bool(getattr(self.lake, "whole", True))

    @cached_property
    def last_day(self) -> date:
        """Return the day that reports end on by default: the latest closed one, else the cut's."""
        cut = self.cut
        return cut.closed_until or cut.taken_at.astimezone(ZoneInfo(cut.time_zone)).date()

    def tables(self, last_day: date) -> Tables:
        """Return the tables as they were known when that day was closed."""
        known_at, rules = self._closing(last_day)
        return Tables(self.scan or self.lake.scan, known_at=known_at, rules=rules)

    def tables_for(self, parameters: Parameters) -> Tables:
        """Return the tables as a report of these parameters sees them: as known then, by its dates."""
        final = parameters.final_day
        known_at, rules = (None, None) if final is None else self._closing(final)
        dated_by = getattr(parameters, "dated_by", "booking")
        booked_until = getattr(parameters, "booked_until", None)
        scan = self.scan or self.lake.scan
        return Tables(scan, known_at=known_at, rules=rules, dated_by=dated_by, booked_until=booked_until)

    def closed_at(self, day: date) -> datetime | None:
        """Return when that day was closed; None while it is open."""
        return self._closing(day)[0]

    def _closing(self, day: date) -> tuple[datetime | None, int | None]:
        """Return when and by which rules that day was closed."""
        closings = self.lake.scan("closings").filter(pl.col("closed_until") >= day).sort("closed_until")
        found = closings.select("closed_at", "rules").head(1).collect().rows()
        return found[0] if found else (None, None)

    def report(self, name: str, **parameters: Any) -> Result:
        """Run a report; dates are inclusive. A Failure names what is wrong with the parameters."""
        return self.run(*self._report(name, parameters))

    def uncontrolled(self, name: str, **parameters: Any) -> Result:
        """Run a report as `report` does, but without its control totals, which `controls` finds."""
        return self.run(*self._report(name, parameters), controlled=False)

    def _report(self, name: str, parameters: Mapping[str, Any]) -> tuple[Report, Parameters]:
        report = named(name)
        if not self.whole and name in BETWEEN:
            raise Failure(f"{name} is about all brands together: it is for those who may see them all")
        return report, self._parameters(report, parameters)

    def run(self, report: Report, parameters: Parameters, *, controlled: bool = True) -> Result:
        """Run a report of parameters that are checked; of some brands only, there is nothing to control it by."""
        tables = self.tables_for(parameters)
        path = None if report.name in STANDARD else current().files.get(report.name)
        try:
            return run(report, tables, parameters, self.cut, self.draw, controlled=controlled and self.whole)
        except Exception as error:
            if path is None or isinstance(error, Failure):
                raise
            raise Failure(where(error, path)) from error

    def controls(self, result: Result) -> list[Control]:
        """Return the control totals of a result that was run without them; of some brands only, none."""
        tables = self.tables_for(result.parameters)
        rows = on_engine_of(tables.brands, result.frame)
        return _controls(result.report.checks if self.whole else (), tables, result.parameters, rows)

    @overload
    def explain(
        self, result: Result, row: int | Mapping[str, Any], column: str, *, page: int = 1, against: None = None
    ) -> Explanation: ...
    @overload
    def explain(
        self, result: Result, row: int | Mapping[str, Any], column: str, *, against: Mapping[str, Any]
    ) -> Difference: ...
    def explain(
        self,
        result: Result,
        row: int | Mapping[str, Any],
        column: str,
        *,
        page: int = 1,
        against: Mapping[str, Any] | None = None,
    ) -> Explanation | Difference:
        """Return the rows that make a figure of a result of this book; or what made its difference from another one.

        The row is given by its number, from 0, or by values of its columns. `against` changes what was asked for, of
        gross, net or kept of brand-revenue: `{"from": …, "to": …}` is another period, `{"brand": …}` another brand,
        `{"booked_until": …}` what was booked up to a day, `{"cut": …}` what an earlier cut of the lake held. The row is
        then a currency, a brand or all of them, and a day, week or month of it. Of an account or client in
        credit-exposure or receivables-aging it is `{"as_of": …}`, an earlier day, or `{"cut": …}`. Raises Failure
        where there is no such row, or nothing is known of the column.
        """
        if against is not None:
            return self._difference(result, row, column, against)
        return explain(self.tables_for(result.parameters), result, row_of(result, row), column, page=page)

    def _difference(
        self, result: Result, row: int | Mapping[str, Any], column: str, against: Mapping[str, Any]
    ) -> Difference:
        then, now = self._compared_with(against).tables_for, self.tables_for
        if result.report.name in moments.FIGURES:
            return moments.difference(result, row_of(result, row), column, against, then=then, now=now)
        given = row_of(result, row) if isinstance(row, int) else row
        return difference(result, given, column, against, then=then, now=now, given=self._parameters)

    def _compared_with(self, against: Mapping[str, Any]) -> "LakeBook":
        """Return the book at the cut that a figure is compared with."""
        if "cut" not in against:
            return self
        number = whole_number(str(against["cut"]))
        if number is None:
            raise Failure(f"cut {against['cut']}: expected the number of a cut")
        return LakeBook(self.lake.at(number))

    def part_rows(self, difference: Difference, part: str, *, page: int = 1) -> PartRows:
        """Return what is behind a part of a difference, by its name. Raises Failure where it has no such part."""
        then = self._compared_with(difference.against).tables_for
        return part_rows(difference, part, then=then, now=self.tables_for, given=self._parameters, page=page)

    def explain_at(self, address: Address, *, page: int = 1) -> Explanation:
        """Return the explanation of the figure at an address, such as a link has; as of this lake's cut.

        Raises Failure where there is no such figure.
        """
        return self.explain(self.report(address.report, **address.parameters), address.key, address.column, page=page)

    def sql(
        self,
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        frames: Mapping[str, Any] | None = None,
        *,
        seconds: float = 300,
        memory_mb: int = 4_096,
    ) -> pl.DataFrame:
        """Answer a DuckDB query over the lake's tables, read only, in a process of its own.

        `parameters` are the values of `?`, or of `$name` by name; `frames` are further tables by name, of Polars or
        pandas. Raises Failure when the query is wrong, takes longer, needs more memory, or has more than a million
        rows.
        """
        from reports.lake.sql import answer_sql

        given: dict[str, Any] = {"parameters": parameters, "frames": frames}
        most_mb = memory_mb // 4
        return answer_sql(self.lake, query, seconds=seconds, memory_mb=memory_mb, most_mb=most_mb, **given).frame

    def _parameters(self, report: Report, given: Mapping[str, Any]) -> Parameters:
        fields = report.parameters.model_fields
        names = {field.alias: name for name, field in fields.items() if field.alias}
        values = {names.get(name, name): value for name, value in given.items() if value is not None}
        if "account" in fields and "account" in values:
            values["account"] = self.account(values["account"])
        for name, table, column in (("brand", "brands", "code"), ("party", "parties", "reference")):
            if name in fields and name in values:
                self._known(table, column, values[name], what="client" if name == "party" else name)
        return built(report, self._dated(fields, values))

    def _dated(self, fields: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        for name in ("as_of", "last_day"):
            if name in fields:
                values.setdefault(name, self.last_day)
        if "first_day" in fields and "first_day" not in values:
            values["first_day"] = _date(values["last_day"]).replace(day=1)
        return values

    def account(self, given: int | str) -> int:
        """Return the number of the account given by number or reference; a Failure if there is none."""
        text = str(given).strip()
        accounts: pl.LazyFrame = self.lake.scan("accounts").filter(pl.col("party_id").is_not_null())
        by_reference = accounts.filter(pl.col("reference") == text).select("id").collect()
        if isinstance(given, str) and by_reference.height:
            return int(by_reference.item(0, 0))
        number = whole_number(text)
        if number is None:
            raise Failure(f"no account has the reference {text}")
        if not luhn.is_valid(text):
            raise Failure(f"{text} is not an account number: its check digit is wrong")
        if accounts.filter(pl.col("id") == number).select(pl.len()).collect().item() == 0:
            raise Failure(f"there is no account {text}")
        return number

    def _known(self, table: str, column: str, value: str, *, what: str) -> None:
        values = self.lake.scan(table).select(column).collect().to_series().to_list()
        if value not in values:
            raise Failure(f"there is no {what} {value}{near(value, values)}")


def _date(value: Any) -> date:
    return value if isinstance(value, date) else read_date(str(value))


def built(report: Report, values: Mapping[str, Any]) -> Parameters:
    """Return the report's parameters; a Failure names the first thing wrong with them."""
    fields = report.parameters.model_fields
    dates = {name: _date(value) for name, value in values.items() if name in DAYS}
    try:
        return report.parameters.model_validate({**values, **dates})
    except ValidationError as error:
        raise Failure(_sentence(report, error, [field.alias or name for name, field in fields.items()])) from None


def _sentence(report: Report, error: ValidationError, known: list[str]) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]).replace("_", "-") if first["loc"] else ""
    if first["type"] == "missing":
        return f"{report.name} needs --{name}"
    if first["type"] == "extra_forbidden":
        return f"{report.name} takes no parameter {name}: it takes {', '.join(known)}"
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"{name} {first['input']}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def run(
    report: Report,
    tables: Tables,
    parameters: Parameters,
    cut: CutFacts,
    draw: Draw | None = None,
    *,
    controlled: bool = True,
) -> Result:
    """Run the report's function and its control totals over the tables, on the engine that these have."""
    lazy = report.frame(tables, parameters)
    frame = conformed(report, collected(lazy))
    rows = on_engine_of(lazy, frame)
    controls = _controls(report.checks if controlled else (), tables, parameters, rows)
    return Result(report, parameters, cut, frame, controls, draw)


def conformed(report: Report, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the declared types, in the declared order; an undeclared column is a defect."""
    columns = [column for column in report.columns if column.name in frame.columns]
    undeclared = set(frame.columns) - {column.name for column in columns}
    if undeclared:
        raise TypeError(f"{report.name} gives undeclared columns: {', '.join(sorted(undeclared))}")
    frame = readable_texts(frame.select(_typed(column, frame.schema[column.name]) for column in columns))
    return frame.with_columns(pl.col(c.name).round(ROUNDED[c.kind]) for c in columns if c.kind in ROUNDED)


def _typed(column: Column, found: pl.DataType) -> pl.Expr:
    """Return the column in its declared type; a date may come as a day number, which every engine can add to."""
    if column.kind == "date" and found.is_integer():
        return pl.from_epoch(pl.col(column.name), time_unit="d")
    return pl.col(column.name).cast(POLARS[column.kind])


def _controls(checks: Sequence[Check], tables: Tables, parameters: Parameters, rows: Any) -> list[Control]:
    controls = []
    zero = {"currency": parameters.currency or "", "expected": Decimal(0), "actual": Decimal(0)}
    for check in checks:
        frame = collected(check.frame(tables, parameters, rows))
        for row in frame.sort([name for name in APART if name in frame.columns]).rows(named=True) or [zero]:
            sides = _decimal(row["expected"]), _decimal(row["actual"])
            of = check.name, check.en, check.ru, row["currency"] or ""
            controls.append(Control(*of, *sides, row.get("kind") or ""))
    return controls


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))
