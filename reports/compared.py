"""The figures of a period beside those of the period before and of a year ago, and their course over twelve months.

They are those of the reports, added up from their days, not a report for each period.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from reports.daily_figures import FLOWS, Days

Period = tuple[date, date]
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


def earlier(first: date, last: date) -> tuple[Period, Period]:
    """Return the period before and that of a year ago: of whole months as many months, else as many days."""
    return (_before(first, last), (_months_back(first, 12), year_ago(last)))


def _is_whole(first: date, last: date) -> bool:
    return first.day == 1 and last.day == monthrange(last.year, last.month)[1]


def _before(first: date, last: date) -> Period:
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


def needed_since(first: date, last: date) -> date:
    """Return the first day that a comparison of this period looks at."""
    before, ago = earlier(first, last)
    return min(before[0], ago[0], _months_back(last.replace(day=1), MONTHS - 1))


def compared(days: Days, first: date, last: date) -> dict[str, Compared]:
    """Return closing (of client money), owed, received, net, refunds and kept, each compared, in this order.

    `days` are those of a currency, from `needed_since` of the period at the latest.
    """

    def known(period: Period) -> bool:
        return days.began is not None and period[0] >= days.began

    ends = [_months_back(last.replace(day=1), back) for back in reversed(range(MONTHS))]
    months = [(day, min(last, day.replace(day=monthrange(day.year, day.month)[1]))) for day in ends]
    months = [month for month in months if days.began is not None and month[1] >= days.began]

    def of(figure: Callable[[date, date], Decimal]) -> Compared:
        before, ago = (figure(*period) if known(period) else None for period in earlier(first, last))
        return Compared(figure(first, last), before, ago, tuple(figure(*month) for month in months))

    return {
        "closing": of(lambda _, day: days.closing.until(day)),
        "owed": of(lambda _, day: days.owed.until(day)),
        **{name: of(days.flows[name].within) for name in FLOWS},
    }
