"""Where a click leads: from a row of any report to what is behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import streamlit as st

from reports.core.report import REPORTS
from reports.core.result import Result
from reports.documents.papers import month_days
from reports.journal import DATED

Row = Mapping[str, Any]
PARTS_OF_PERIODS = ("brand-revenue", "services", "receipts")


@dataclass(frozen=True)
class Target:
    """A page and what it is asked for."""

    page: str
    query: dict[str, Any]


def go(target: Target) -> None:
    """Leave for that page."""
    st.switch_page(target.page, query_params=_text(target.query))


def ask(query: dict[str, Any]) -> None:
    """Ask the page that is open about something else."""
    st.query_params.update(_text(query))


def link(target: Target, label: str) -> None:
    """Draw a link to that page."""
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


def behind(result: Result, row: Row) -> Target | None:
    """Return where a row of a report leads; None when nothing is behind it."""
    first, last = piece(row, *result.parameters.days)
    days = {"from": first, "to": last}
    by_value = getattr(result.parameters, "dated_by", "booking") == "value"
    dated = {name: getattr(result.parameters, name) for name in DATED} if by_value else {}
    name = result.report.name
    if name in PARTS_OF_PERIODS:
        kind = "cash" if name == "receipts" else "revenue"
        wanted = {part: row.get(part) for part in ("brand", "service", "channel", "currency")}
        return Target("screens/entries.py", {**days, **dated, "kind": kind, **wanted})
    if name == "declines":
        return Target("screens/declined.py", {**days, "code": row["code"], "of": row.get("account")})
    if name == "control":
        return Target("screens/standard.py", {**days, "report": row["source"]}) if row["source"] in REPORTS else None
    number = row.get("transaction") or row.get("hold")
    if number:
        return Target("screens/transaction.py", {"transaction": number})
    return _accounts_of(result, row, days)


def _accounts_of(result: Result, row: Row, days: dict[str, date]) -> Target | None:
    account = row.get("account") or row.get("subaccount") or row.get("payer")
    kind = row.get("kind")
    if result.report.name == "trial-balance" and kind not in ("money", "bonus"):
        wanted = {"kind": kind, "brand": row.get("brand"), "currency": row.get("currency")}
        return Target("screens/entries.py", {**days, **wanted})
    if account:
        return Target("screens/account.py", {"account": account, **days})
    if row.get("party"):
        return Target("screens/accounts.py", {"party": row["party"]})
    if result.report.name in ("turnover", "trial-balance"):
        narrowed = {"brand": row.get("brand"), "currency": row.get("currency")}
        return Target("screens/standard.py", {**days, "report": "turnover", "by": "account", **narrowed})
    if row.get("brand"):
        return Target("screens/entries.py", {**days, "brand": row["brand"], "currency": row.get("currency")})
    return None


def leads(result: Result) -> bool:
    """Say whether rows of the result lead anywhere."""
    return bool(result.frame.height) and any(behind(result, row) for row in result.frame.head(50).iter_rows(named=True))
