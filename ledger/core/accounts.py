"""Accounts and brands, and on what terms: credit, who pays for whom, how much may be drawn in which window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

EVER = date.min
"""First day of the window that never ends."""

PERIODS = ("order", "day", "week", "month", "total")


class Account(NamedTuple):
    """What never changes of an account, and its party's name."""

    id: int
    kind: str
    currency: str
    name: str
    reference: str | None = None
    party: int | None = None
    brand: int | None = None
    money_account: int | None = None

    @property
    def subject(self) -> str:
        """Return how facts call the account; a sentence adds the client's name (DECISIONS D85)."""
        return f"account {self.id}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return the account's part of a decline's facts."""
        return {"account": self.id, "subject": self.subject}


class Brand(NamedTuple):
    """A brand and whether it takes new business."""

    id: int
    code: str
    open: bool = True


class Terms(NamedTuple):
    """Terms of credit, both days included."""

    limit: int
    period_days: int | None
    valid_from: date
    valid_until: date | None = None


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(NamedTuple):
    """When a payer pays: on weekdays (0 is Monday), between times of day, past midnight where the second is earlier."""

    days: frozenset[int]
    since: time
    until: time

    @classmethod
    def stored(cls, when: Mapping[str, Any]) -> "Hours":
        """Return hours from their JSON: what is left out is every day, or all of it."""
        days = frozenset(DAYS.index(day) for day in when.get("days") or DAYS)
        return cls(days, *(time.fromisoformat(when.get(end) or "00:00") for end in ("from", "to")))

    def include(self, at: datetime) -> bool:
        """Return whether a moment, in the book's zone, is within; what is past midnight belongs to the day before."""
        now, today, past_midnight = at.time(), at.weekday() in self.days, self.until <= self.since
        if today and now >= self.since and (past_midnight or now < self.until):
            return True
        return past_midnight and now < self.until and (at.weekday() - 1) % 7 in self.days


class Link(NamedTuple):
    """A payer that pays for a subaccount: of each line, after points, at most a share, in hundredths of a percent.

    `brands` are ids; None is all brands, services, hours. `group` is what the payer's budgets call the subaccount.
    """

    payer: int
    draw: str
    priority: int = 1
    brands: frozenset[int] | None = None
    share: int | None = None
    when: Hours | None = None
    services: frozenset[str] | None = None
    group: str | None = None

    @classmethod
    def stored(cls, columns: Iterable[Any]) -> "Link":
        """Return a link from the columns that it is stored in, in the order of the fields."""
        payer, draw, priority, brands, share, when, services, group = columns
        only = None if brands is None else frozenset(brands)
        hours = None if when is None else Hours.stored(when)
        return cls(payer, draw, priority, only, share, hours, None if services is None else frozenset(services), group)


class Limit(NamedTuple):
    """A write-off limit of a payer: an amount, a number of times, for a subaccount or a group of them.

    The payer's own account means all that is drawn from it.
    """

    account: int | str
    period: str
    amount: int | None
    times: int | None


@dataclass(slots=True)
class Usage:
    """What was drawn in one window."""

    amount: int = 0
    count: int = 0


def window(period: str, day: date) -> date:
    """Return the first day of the window of a period that holds `day`; weeks begin on Monday."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return EVER
