"""The parameters that reports share. Dates that people give are inclusive.

A date that is not given is filled in before the model is built: the last day is the
latest closed day (or the cut's, if nothing is closed), the first day begins its month.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.values.dates import month_days


class Parameters(BaseModel):
    """What every report takes: an optional currency."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    currency: str | None = Field(None, pattern="^[A-Z]{3}$", description="only this currency")

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and the last day that the report speaks of."""
        raise NotImplementedError

    @property
    def final_day(self) -> date | None:
        """Return the day with whose closing the figures are final; None while they never are."""
        return self.days[1]


class Period(Parameters):
    """A period of whole business dates, both included."""

    first_day: date = Field(alias="from", description="first day, included")
    last_day: date = Field(alias="to", description="last day, included")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day > self.last_day:
            raise ValueError(f"from {self.first_day} is after to {self.last_day}")
        return self

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return self.first_day, self.last_day


P = TypeVar("P", bound=Period)


def of_piece(p: P, row: Mapping[str, Any]) -> P:
    """Return the parameters narrowed to the day, week or month of a row."""
    first, last = p.days
    if row.get("day"):
        first = last = row["day"]
    elif row.get("week"):
        first, last = max(first, row["week"]), min(last, row["week"] + timedelta(days=6))
    elif row.get("month"):
        since, until = month_days(row["month"])
        first, last = max(first, since), min(last, until)
    return p.model_copy(update={"first_day": first, "last_day": last})


class Movements(Period):
    """A period of movements, dated by booking, by value (then a payment counts on the bank's date, if it has one), or
    by when they happened.

    A closed month goes on changing by the last two, because they may become known late; booked until a closed day it
    does not.
    """

    dated_by: Literal["booking", "value", "occurred"] = Field("booking", description="which date counts")
    booked_until: date | None = Field(None, description="only what was booked up to this day, included")

    @property
    def final_day(self) -> date | None:
        """Return the day with whose closing the figures are final; by other dates there is none unless it is given."""
        if self.dated_by != "booking":
            return self.booked_until
        return min(self.last_day, self.booked_until or self.last_day)


class AsOf(Parameters):
    """The end of a business date."""

    as_of: date = Field(description="at the end of this day")

    @property
    def days(self) -> tuple[date, date]:
        """Return the day twice."""
        return self.as_of, self.as_of


class OfAccount(Parameters):
    """Narrowed to one account."""

    account: int | None = Field(None, description="only this account: number or reference")


class OfParty(Parameters):
    """Narrowed to one client."""

    party: str | None = Field(None, description="only this client: its reference")


class OfBrand(Parameters):
    """Narrowed to one brand."""

    brand: str | None = Field(None, description="only this brand: its code")


Grain = Literal["day", "week", "month", "total"]
Rhythm = Literal["day", "week", "month", "total", "hour", "weekday"]
