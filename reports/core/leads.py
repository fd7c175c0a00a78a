"""Where a row of a report leads: a page, and what that page should show.

A report declares it in its own file, as `leads_to`: a function of the row (DECISIONS D68). Whoever
follows the lead passes the row's days on to the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]
Page = Literal["account", "accounts", "transaction", "entries", "declined", "report"]


@dataclass(frozen=True)
class Lead:
    """A page, and the values that it is narrowed to; a value of None does not narrow."""

    page: Page
    query: dict[str, Any]


LeadsTo = Callable[[Row], Lead | None]


def nowhere(row: Row) -> Lead | None:
    """Return no lead: there is no list behind the row."""
    return None


def to_entries(kind: str | None = None) -> LeadsTo:
    """Lead to the entries on accounts of a kind, of the row's brand, service, channel and currency."""

    def lead(row: Row) -> Lead | None:
        narrowed = _some(row, "brand", "service", "channel", "currency")
        return Lead("entries", {"kind": kind, **narrowed}) if narrowed["brand"] else None

    return lead


def to_transaction(column: str = "transaction") -> LeadsTo:
    """Lead to the transaction whose number the column has."""
    return lambda row: Lead("transaction", {"transaction": row[column]}) if row.get(column) else None


def to_account(*columns: str) -> LeadsTo:
    """Lead to the account in the first of the columns that has one, by default `account`; else to the row's client."""

    def lead(row: Row) -> Lead | None:
        number = next((row[column] for column in columns or ("account",) if row.get(column)), None)
        if number:
            return Lead("account", {"account": number})
        return Lead("accounts", {"party": row["party"]}) if row.get("party") else None

    return lead


def to_accounts_of(row: Row) -> Lead:
    """Lead to the turnover of the accounts that a sum is made of."""
    return Lead("report", {"report": "turnover", "by": "account", **_some(row, "brand", "currency")})


def _some(row: Row, *names: str) -> dict[str, Any]:
    return {name: row.get(name) for name in names}
