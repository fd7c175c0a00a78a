"""Accounts and brands, and on what terms: credit, who pays for whom, how much may be drawn in which window."""

from dataclasses import dataclass
from datetime import date, timedelta
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
        """Return what facts of a decline say of the account."""
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


class Link(NamedTuple):
    """A payer that pays for a subaccount; `brands` are ids, None for all."""

    payer: int
    draw: str
    priority: int = 1
    brands: frozenset[int] | None = None


class Limit(NamedTuple):
    """A write-off limit of a payer: an amount, a number of times; its own account means all that is drawn from it."""

    account: int
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
