"""The figures of a period beside those of the period before and of a year ago, and their course over twelve months.

They are those of the reports, added up by day in one pass over the entries, not a report for each period.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import narwhals as nw
import polars as pl

from reports.core.engines import collected
from reports.core.tables import in_currency, taken, until
from reports.run import LakeBook
from reports.standard import brand_revenue, receipts, turnover

Days = tuple[date, date]
FLOWS = ("received", "net", "refunds", "kept")
MONTHS = 12


@dataclass(frozen=True)
class Compared:
    """A figure of a period; what it came to in the period before and a year ago, None before the book began.

    `months` is its course: a value for each of the last twelve months, of a balance at the month's end.
    """

    now: Decimal
    before: Decimal | None
    year_ago: Decimal | None
    months: tuple[Decimal, ...] = ()


def share(now: Decimal, then: Decimal) -> Decimal | None:
    """Return the change as a percentage of what was, to a tenth; None where nothing was."""
    return None if not then else ((now - then) / abs(then) * 100).quantize(Decimal("0.1"))


def earlier(first: date, last: date) -> tuple[Days, Days]:
    """Return the period before and that of a year ago: of whole months as many months, else as many days."""
    return (_before(first, last), (_months_back(first, 12), year_ago(last)))


def _is_whole(first: date, last: date) -> bool:
    return first.day == 1 and last.day == monthrange(last.year, last.month)[1]


def _before(first: date, last: date) -> Days:
    end = first - timedelta(days=1)
    if not _is_whole(first, last):
        return end - (last - first), end
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return _months_back(first, count), end


def _months_back(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    year, month = place // 12, place % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def year_ago(last: date) -> date:
    """Return the day a year ago, of a month's last day the month's last day."""
    ago = _months_back(last, 12)
    whole = last.day == monthrange(last.year, last.month)[1]
    return ago.replace(day=monthrange(ago.year, ago.month)[1]) if whole else ago


def compared(book: LakeBook, currency: str, first: date, last: date) -> dict[str, Compared]:
    """Return closing (of client money), owed, received, net, refunds and kept of a currency, each compared."""
    before, ago = earlier(first, last)
    begins = min(ago[0], before[0], _months_back(last.replace(day=1), MONTHS - 1))
    days = _by_day(book, currency, begins, last)
    closing = _closings(book, currency, last)
    began = closing["day"].min()
    periods = [
        (first, last),
        *(days if isinstance(began, date) and days[0] >= began else None for days in (before, ago)),
    ]
    found = {"closing": [_at(closing, period) for period in periods]}
    found["owed"] = [None if period is None else _owed(book, currency, period[1]) for period in periods]
    for name in FLOWS:
        found[name] = [_sum(days, name, period) for period in periods]
    ends = [_months_back(last.replace(day=1), back) for back in reversed(range(MONTHS))]
    months = [(day, min(last, day.replace(day=monthrange(day.year, day.month)[1]))) for day in ends]
    months = [month for month in months if isinstance(began, date) and month[1] >= began]
    courses = {name: tuple(_sum(days, name, month) or Decimal(0) for month in months) for name in FLOWS}
    courses["closing"] = tuple(_at(closing, month) or Decimal(0) for month in months)
    return {
        name: Compared(now or Decimal(0), then, year_ago, courses.get(name, ()))
        for name, (now, then, year_ago) in found.items()
    }


def _sum(days: pl.DataFrame, name: str, period: Days | None) -> Decimal | None:
    if period is None:
        return None
    return Decimal(days.filter(pl.col("day").is_between(*period))[name].sum() or 0)


def _at(closing: pl.DataFrame, period: Days | None) -> Decimal | None:
    return None if period is None else Decimal(closing.filter(pl.col("day") <= period[1])["amount"].sum() or 0)


def _by_day(book: LakeBook, currency: str, first: date, last: date) -> pl.DataFrame:
    """Return day, received, net, refunds, kept."""
    of_sales = brand_revenue.Parameters.model_validate({"from": first, "to": last, "currency": currency, "by": "day"})
    of_money = receipts.Parameters.model_validate({"from": first, "to": last, "currency": currency, "by": "day"})
    tables = book.tables_for(of_sales)
    kept = nw.col("net") - nw.col("refunds") - nw.col("bonus")
    sales = collected(
        brand_revenue.sums(tables, of_sales).with_columns(kept=kept).select("day", "net", "refunds", "kept")
    )
    money = collected(receipts.receipts(tables, of_money).select("day", "received"))
    summed = pl.concat([sales, money], how="diagonal_relaxed").group_by("day").agg(pl.col(FLOWS).sum())
    return summed.sort("day")


def _closings(book: LakeBook, currency: str, last: date) -> pl.DataFrame:
    """Return day, amount: what each day changed of clients' money."""
    entries = in_currency(book.tables(last).entries, currency).filter(nw.col("account_kind") == "money", until(last))
    return collected(entries.group_by("business_date").agg(nw.col("amount").sum()).rename({"business_date": "day"}))


def _owed(book: LakeBook, currency: str, day: date) -> Decimal:
    """Return what clients owed at the end of a day."""
    of_day = turnover.Parameters.model_validate({"from": day, "to": day, "currency": currency})
    closings = turnover.movements(book.tables_for(of_day), of_day).filter(nw.col("kind") == "money")
    return Decimal(collected(closings.select(owed=taken(nw.col("closing") < 0, "closing").sum())).item() or 0)
