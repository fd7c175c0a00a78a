"""Dates and months as people write them: the one place that reads them, without a heavy import."""

from calendar import monthrange
from datetime import date

from ledger.errors import Failure


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
