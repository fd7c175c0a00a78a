"""Dates, months and moments as people and programs write them: the one place that reads them."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime

from ledger.errors import Failure
from ledger.values.money import quoted


def read_date(text: str) -> date:
    """Return the date written as YYYY-MM-DD. Raises Failure for anything else."""
    found = date_or_none(text)
    if found is None:
        raise Failure(f"{text} is not a date: write YYYY-MM-DD")
    return found


def date_or_none(text: str) -> date | None:
    """Return the date written as YYYY-MM-DD, None for anything else (ISO 8601 knows more forms, such as weeks)."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text else None


def month_days(month: str) -> tuple[date, date]:
    """Return the first and the last day of a month written as YYYY-MM. Raises Failure for anything else."""
    first = date_or_none(f"{month}-01")
    if first is None:
        raise Failure(f"{month} is not a month: write YYYY-MM")
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def period(since: date, until: date) -> tuple[date, date]:
    """Return both days. Raises Failure when they are not in order."""
    if since > until:
        raise Failure(f"from {since} is after to {until}")
    return since, until


def instant_of(text: object) -> datetime:
    """Return the moment, in UTC, that a text in ISO 8601 with a time zone names.

    Raises ValueError for anything else, and outside the years 1900 to 9998: at the ends of the calendar there is no
    tomorrow, and no other time zone.
    """
    written = quoted(text)
    at: object = text
    if isinstance(text, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
    if not isinstance(at, datetime):
        raise ValueError(f"{written} is not a time in ISO 8601")
    if at.tzinfo is None:
        raise ValueError(f"{written} has no time zone")
    if not 1900 <= at.year <= 9998:
        raise ValueError(f"{written} is not between the years 1900 and 9998")
    return at.astimezone(UTC)
