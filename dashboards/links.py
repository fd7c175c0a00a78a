"""Where a click leads: from a row of any report to what is behind it."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards import access
from ledger.values.dates import month_days
from reports.core.leads import Page, Row
from reports.core.result import Result
from reports.journal import DATED

FILES: dict[Page, str] = {
    "account": "screens/account.py",
    "accounts": "screens/accounts.py",
    "transaction": "screens/transaction.py",
    "entries": "screens/entries.py",
    "declined": "screens/declined.py",
    "report": "screens/standard.py",
}
PERIODS = ("account", "entries", "declined", "report")


@dataclass(frozen=True)
class Target:
    """A page and the query in its URL."""

    page: str
    query: dict[str, Any]


def go(target: Target) -> None:
    """Leave for that page."""
    st.switch_page(target.page, query_params=_text(target.query))


def set_query(query: dict[str, Any]) -> None:
    """Change the query of the page that is open."""
    st.query_params.update(_text(query))


def link(target: Target, label: str) -> None:
    """Draw a link to that page, for those who may open it."""
    if not access.person().may(access.NEEDS.get(Path(target.page).stem, "figures")):
        return
    st.page_link(target.page, label=label, query_params=_text(target.query))


def _text(query: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}


def piece(row: Row, first: date, last: date) -> tuple[date, date]:
    """Return the days that a row of a report speaks of, within those of the report."""
    if row.get("day"):
        return row["day"], row["day"]
    if row.get("week"):
        since, until = row["week"], row["week"] + timedelta(days=6)
    elif row.get("month"):
        since, until = month_days(row["month"])
    else:
        return first, last
    return max(since, first), min(until, last)


def target_of(result: Result, row: Row) -> Target | None:
    """Return where a row of a report leads, with the row's days; None when nothing is behind it."""
    lead = result.report.leads_to(row)
    if lead is None:
        return None
    first, last = piece(row, *result.parameters.days)
    query = {"from": first, "to": last} if lead.page in PERIODS else {}
    if lead.page == "entries" and getattr(result.parameters, "dated_by", "booking") != "booking":
        query |= {name: getattr(result.parameters, name) for name in DATED}
    return Target(FILES[lead.page], {**query, **lead.query})


def leads(result: Result) -> bool:
    """Return whether rows of the result lead anywhere."""
    return any(target_of(result, row) for row in result.frame.head(50).iter_rows(named=True))
