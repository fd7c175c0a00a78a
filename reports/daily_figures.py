"""A currency's figures by day, found once: those of any period are added up from them, as the reports would give them.

What is booked on a day does not depend on the period that it is requested for, nor on what was known when its last day
was closed: brand-revenue and receipts look at neither holders nor terms, and orders count by day (DECISIONS D210).
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Literal
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from reports.core.engines import collected
from reports.core.result import Result
from reports.core.tables import in_currency
from reports.run import LakeBook, conformed

FLOWS = ("received", "net", "refunds", "kept")


class Course:
    """What came to pass day by day, to be summed over any days."""

    def __init__(self, days: pl.DataFrame, column: str) -> None:
        days = days.sort("day")
        self._days: list[date] = days["day"].to_list()
        self._until: list[Decimal] = [Decimal(0), *accumulate(days[column].to_list())]

    def until(self, day: date) -> Decimal:
        """Return the sum of all days up to one."""
        return self._until[bisect_right(self._days, day)]

    def within(self, first: date, last: date) -> Decimal:
        """Return the sum of a period."""
        return self.until(last) - self.until(first - timedelta(days=1))


@dataclass(frozen=True)
class Days:
    """Figures by day, from `since` to the cut.

    `revenue` and `receipts` are the reports by day, not controlled; `flows` has the course of FLOWS, summed over
    brands. `closing` and `owed` are what clients have and owe, as changes from nothing: up to a day, what they had at
    its end; the day before `since` stands for all up to it. `began` is the first day of clients' money.
    """

    since: date
    began: date | None
    revenue: Result
    receipts: Result
    flows: dict[str, Course]
    closing: Course
    owed: Course

    def of(self, found: Result, first: date, last: date, by: Literal["day", "month"]) -> Result:
        """Return `revenue` or `receipts` of a period by day or month, without averages and controls."""
        assert first >= self.since
        days = found.frame.filter(pl.col("day").is_between(first, last)).with_columns(month=_month("day"))
        key = [name for name in found.report.key if name in (by, "brand", "channel", "currency")]
        added = [column.name for column in found.columns if column.kind in ("money", "count")]
        summed = days.group_by(*key, "brand_name").agg(pl.col(added).sum()).sort(key)
        parameters = found.parameters.model_copy(update={"first_day": first, "last_day": last, "by": by})
        return replace(found, frame=conformed(found.report, summed), parameters=parameters)


def _month(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m")


def _course(found: Result, column: str) -> Course:
    return Course(found.frame.group_by("day").agg(pl.col(column).sum()), column)


def days_of(book: LakeBook, currency: str | None, since: date) -> Days:
    """Return a currency's figures by day, from a day to the cut."""
    cut = book.cut
    last = max(since, cut.taken_at.astimezone(ZoneInfo(cut.time_zone)).date())
    of = {"from": since, "to": last, "currency": currency, "by": "day"}
    revenue, receipts = book.uncontrolled("brand-revenue", **of), book.uncontrolled("receipts", **of)
    # Receipts have a net of their own.
    flows = {name: _course(receipts if name == "received" else revenue, name) for name in FLOWS}
    began, balances = _balances(book, currency, since - timedelta(days=1), last)
    return Days(since, began, revenue, receipts, flows, Course(balances, "closing"), Course(balances, "owed"))


def _balances(book: LakeBook, currency: str | None, opening: date, last: date) -> tuple[date | None, pl.DataFrame]:
    """Return the first day of clients' money, and by day what changed of it and of what they owe."""
    day = nw.col("business_date")
    entries = in_currency(book.tables(last).entries, currency).filter(nw.col("account_kind") == "money")
    by_account = entries.with_columns(day=nw.when(day < opening).then(nw.lit(opening)).otherwise(day))
    moved = collected(by_account.group_by("account_id", "day").agg(nw.col("amount").sum(), began=day.min()))
    balance = pl.col("amount").cum_sum().over("account_id")
    owed = (
        moved.sort("account_id", "day")
        .with_columns(owed=pl.when(balance < 0).then(-balance).otherwise(0))
        .with_columns(owed=pl.col("owed") - pl.col("owed").shift(1, fill_value=0).over("account_id"))
    )
    began = moved["began"].min()
    changes = owed.group_by("day").agg(pl.col("owed").sum(), closing=pl.col("amount").sum())
    return began if isinstance(began, date) else None, changes
