"""A currency's figures by day, found once: those of any period are added up from them, as the reports would give them.

What is booked on a day does not depend on the period that it is requested for, nor on what was known when its last day
was closed: brand-revenue and receipts look at neither holders nor terms, and orders count by day (DECISIONS D210).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from reports.core.engines import collected
from reports.core.result import Result
from reports.core.tables import in_currency
from reports.run import LakeBook, conformed

FLOWS = ("received", "net", "refunds", "kept")


@dataclass(frozen=True)
class Days:
    """Figures by day, from `since` to the cut.

    `revenue` and `receipts` are the reports by day, not controlled; `flows` are their sums: day and FLOWS. `balances`
    says what each day, and the one before `since` for all days up to it, changed: day, closing, owed. `began` is the
    first day with an entry of clients' money.
    """

    since: date
    began: date | None
    revenue: Result
    receipts: Result
    flows: pl.DataFrame
    balances: pl.DataFrame

    def flow(self, name: str, first: date, last: date) -> Decimal:
        """Return what came to pass of one of FLOWS in a period."""
        return Decimal(self.flows.filter(pl.col("day").is_between(first, last))[name].sum() or 0)

    def closing(self, day: date) -> Decimal:
        """Return what clients had at the end of a day."""
        return self._at(day, "closing")

    def owed(self, day: date) -> Decimal:
        """Return what clients owed at the end of a day: the balances below zero."""
        return self._at(day, "owed")

    def _at(self, day: date, column: str) -> Decimal:
        return Decimal(self.balances.filter(pl.col("day") <= day)[column].sum() or 0)

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


def days_of(book: LakeBook, currency: str | None, since: date) -> Days:
    """Return a currency's figures by day, from a day to the cut."""
    cut = book.cut
    last = max(since, cut.taken_at.astimezone(ZoneInfo(cut.time_zone)).date())
    of = {"from": since, "to": last, "currency": currency, "by": "day"}
    revenue, receipts = book.uncontrolled("brand-revenue", **of), book.uncontrolled("receipts", **of)
    flows = [
        result.frame.group_by("day").agg(pl.col(names).sum())
        for result, names in ((receipts, FLOWS[:1]), (revenue, FLOWS[1:]))  # receipts have a net of their own
    ]
    began, balances = _balances(book, currency, since - timedelta(days=1), last)
    added = pl.concat(flows, how="diagonal").group_by("day").agg(pl.col(FLOWS).sum())
    return Days(since, began, revenue, receipts, added, balances)


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
