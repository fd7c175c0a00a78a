"""Where a click leads: from a money cell to the rows that it is made of, from any other to what is behind its row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards import access
from ledger.values.dates import month_days
from reports.core.leads import Page, Row
from reports.core.result import Result
from reports.core.tables import EVER
from reports.explain import Address, parameters_of
from reports.explain.address import key_of
from reports.formats import captions
from reports.journal import DATED
from reports.run import LakeBook

FILES: dict[Page, str] = {
    "account": "screens/account.py",
    "accounts": "screens/accounts.py",
    "transaction": "screens/transaction.py",
    "entries": "screens/entries.py",
    "declined": "screens/declined.py",
    "report": "screens/standard.py",
}
PERIODS = ("account", "entries", "declined", "report")


BEHIND, DIFFERENCE = "screens/behind.py", "screens/difference.py"
ROW = "row."
"""What stands before a column of the row in the address of a figure."""


@dataclass(frozen=True)
class Target:
    """A page and the query in its URL."""

    page: str
    query: dict[str, Any]


LeadsTo = Callable[[Row, str], Target | None]
"""Where a click on a cell leads: the row, and the column."""


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


def figure(result: Result, row: Mapping[str, Any], column: str, amount: Decimal | None = None) -> Target:
    """Return the address of a figure; of some values of its row's key only, of a sum over all rows that have them.

    `amount` is what was read there, where it is a sum.
    """
    address = Address(result.report.name, parameters_of(result), result.cut.number, dict(row), column)
    return Target(BEHIND, address.query | ({} if amount is None else {"figure": amount}))


def is_explained(result: Result, column: str) -> bool:
    """Return whether the report knows what makes its figures of this column."""
    known = result.report.contributions
    return known is not None and column in known.names


def cell(result: Result, row: Row, column: str) -> Target | None:
    """Return where a cell leads: a figure to the entries that make it, anything else to what is behind its row."""
    if is_explained(result, column):
        return None if row[column] is None else figure(result, key_of(result, row), column)
    return target_of(result, row)


def sum_of(result: Result, row: Row, column: str) -> Target | None:
    """Return where a sum by currency leads: to the rows that it is of."""
    apart = {name: row[name] for name in captions.parting(result.columns)}
    return figure(result, apart, column, row[column]) if is_explained(result, column) else None


def owed(cut: int, day: date, currency: str | None, amount: Decimal) -> Target:
    """Return the address of what clients owed at the end of a day: the unpaid items that receivables-aging has."""
    address = Address("receivables-aging", {"as_of": day, "currency": currency}, cut, {}, "total")
    return Target(BEHIND, address.query | {"figure": amount})


def at_the_cut(book: LakeBook, account: Row, column: str) -> Target | None:
    """Return the address of what an account has, or holds, at the cut; of an account that never moved there is none."""
    day = book.cut.taken_at.astimezone(ZoneInfo(book.cut.time_zone)).date()
    if column == "held":
        return after(book, account["account"], account["version"], day, column) if account["version"] else None
    given = {"from": day, "to": day, "account": account["account"]}
    address = Address("turnover", given, book.cut.number, {"account": account["account"]}, "closing")
    return Target(BEHIND, address.query | {"figure": account["balance"]})


def after(book: LakeBook, account: int, version: int, day: date, column: str) -> Target:
    """Return the address of what an account had, or held, after its entry of that version, which is of that day."""
    held = column.startswith("held")
    given = {"from": EVER if held else day, "to": day, "account": account}
    of = "held_after" if held else "balance"
    return Target(BEHIND, Address("account-card", given, book.cut.number, {"version": version}, of).query)


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
    return result.report.contributions is not None or any(
        target_of(result, row) for row in result.frame.head(50).iter_rows(named=True)
    )
