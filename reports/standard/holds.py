"""Holds: what money was reserved, taken, given back, and is reserved still. Points set aside are in `bonuses`.

A capture that closes its hold gives the rest back, so it is captured and released at
once. Controls: the closing is what the ledger wrote as held at each account's last entry.
"""

from datetime import date
from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core import aging
from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_transaction
from reports.core.parameters import OfAccount, Period
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    client_accounts,
    in_currency,
    latest_entries,
    of_clients,
    only,
    taken,
    until,
    within,
)

FIGURES = ("opening", "new", "captured", "released", "expired", "closing")
_OF_ACCOUNT = ("account", "reference", "client", "currency")
KEYS = {"account": _OF_ACCOUNT, "hold": (*_OF_ACCOUNT, "hold", "document", "held_on", "expires_at")}


class Parameters(Period, OfAccount):
    """A period, an account, and what to show a row for."""

    by: Literal["account", "hold"] = Field("account", description="a row for each of these")


def _entries(tables: Tables, p: Parameters) -> Frame:
    money = (nw.col("account_kind") == "money", until(p.last_day))
    entries = in_currency(tables.entries, p.currency).filter(of_clients(), *money)
    return entries if p.account is None else entries.filter(nw.col("account_id") == p.account)


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries of holds with what each adds to the six figures."""
    kind, now = nw.col("kind"), within(p.first_day, p.last_day)
    given_back = now & kind.is_in(("release", "capture"))
    return (
        _entries(tables, p)
        .filter(kind.is_in(("hold", "capture", "release", "expiry")))
        .with_columns(
            account="account_id",
            hold=nw.when(kind == "hold").then(nw.col("transaction_id")).otherwise(nw.col("refers_to")),
            freed=nw.col("amount") - nw.col("held"),
        )
        .with_columns(
            opening=only(nw.col("business_date") < p.first_day, "held"),
            new=only(now & (kind == "hold"), "held"),
            captured=taken(now & (kind == "capture")),
            released=only(given_back, "freed"),
            expired=taken(now & (kind == "expiry"), "held"),
            closing=nw.col("held"),
        )
    )


WORDS = {
    "opening": "what was set aside before the first day, less what was taken of it or given free",
    "new": "what holds of the period set aside",
    "captured": "what captures of the period took",
    "released": "what releases of the period gave free, and captures beyond what they took",
    "expired": "what holds that ended in the period gave free",
    "closing": "what was set aside up to the last day, less what was taken of it or given free",
}


def by_hold(tables: Tables, p: Parameters) -> Frame:
    """Return one row per hold and account with the six figures."""
    return pieces(tables, p, {}).group_by("account", "currency", "hold").agg(*(nw.col(name).sum() for name in FIGURES))


def expiring(tables: Tables, last_day: date) -> Frame:
    """Return the transactions with `expires_at` as pre-orders were amended up to a day."""
    marks = tables.transactions.filter(nw.col("kind") == "mark", until(last_day), ~nw.col("expires_at").is_null())
    last = marks.group_by("refers_to").agg(id=nw.col("id").max())
    amended = marks.join(last.select("id"), on="id", how="inner").select(id="refers_to", amended="expires_at")
    both = tables.transactions.join(amended, on="id", how="left")
    return both.with_columns(expires_at=nw.coalesce("amended", "expires_at")).drop("amended")


def holds(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account, or hold, that had anything reserved; age is the oldest open hold's, in days."""
    key = KEYS[p.by]
    some = nw.any_horizontal(*(nw.col(name) != 0 for name in FIGURES), ignore_nulls=True)
    placed = expiring(tables, p.last_day).select(
        "day_number", "expires_at", hold="id", document="key", held_on="business_date"
    )
    age = nw.when(nw.col("closing") > 0).then(nw.lit(aging.day_number(p.last_day)) - nw.col("day_number"))
    return (
        by_hold(tables, p)
        .filter(some)
        .join(placed, on="hold", how="left")
        .join(client_accounts(tables).select("account", "reference", "client"), on="account", how="left")
        .with_columns(age=age)
        .group_by(*key)
        .agg(*(nw.col(name).sum() for name in FIGURES), age=nw.col("age").max())
        .select(*key, *FIGURES, "age")
        .sort(*(["account", "hold"] if p.by == "hold" else ["account"]))
    )


def as_ledger(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the closing beside what the ledger wrote as held at each account's last entry."""
    held = latest_entries(_entries(tables, p)).with_columns(amount="held_after")
    return beside(held, rows.select("currency", amount="closing"))


def adds_up(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set opening and movements beside the closing."""
    gone = nw.col("captured") + nw.col("released") + nw.col("expired")
    moved = nw.col("opening") + nw.col("new") - gone
    return beside(rows.select("currency", amount=moved), rows.select("currency", amount="closing"))


REPORT = Report(
    name="holds",
    en="Holds",
    ru="Резервы",
    question="what is reserved",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("client", "text", "Client", "Клиент"),
        Column("hold", "number", "Hold", "Резерв"),
        Column("document", "code", "Document", "Документ"),
        Column("held_on", "date", "Since", "С"),
        Column("expires_at", "instant", "Expires", "Истекает"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("opening", "money", "Opening", "На начало", total=True),
        Column("new", "money", "New", "Новые", total=True),
        Column("captured", "money", "Captured", "Списано", total=True),
        Column("released", "money", "Released", "Снято", total=True),
        Column("expired", "money", "Expired", "Истекло", total=True),
        Column("closing", "money", "Closing", "На конец", total=True),
        Column("age", "number", "Age, days", "Возраст, дней"),
    ),
    key=("account", "hold"),
    frame=holds,
    checks=(
        Check("ledger_held", "closing = held by the ledger", "на конец = резерв книги", as_ledger),
        Check("adds_up", "opening + movements = closing", "на начало + движение = на конец", adds_up),
    ),
    leads_to=to_transaction("hold"),
    contributions=Contributions(Source(pieces, WORDS)),
)
