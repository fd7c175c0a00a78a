"""Turnover: what each account had at first, received, spent and has at last.

Controls: the closing total is the ledger's own running balance; all entries, the
brands' own too, sum to zero. Money and points are added up apart.
"""

from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Lead, Row, to_account, to_accounts_of
from reports.core.parameters import Movements, OfAccount, OfBrand, OfParty
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    APART,
    Frame,
    Tables,
    beside,
    client_accounts,
    counted,
    in_currency,
    ledgers_closing,
    money_or_bonus,
    of_clients,
    of_points,
    only,
    taken,
    until,
    within,
    zero,
)

FIGURES = ("opening", "credits", "debits", "closing")
KEYS = {
    "account": ("account", "reference", "party", "client", "kind", "currency"),
    "party": ("party", "client", "kind", "currency"),
    "kind": ("kind", "currency"),
    "brand": ("brand", "brand_name", "kind", "currency"),
}


class Parameters(Movements, OfAccount, OfParty, OfBrand):
    """A period, what to show a row for, and what to narrow it to."""

    by: Literal["account", "party", "kind", "brand"] = Field("account", description="a row for each of these")


def chosen(tables: Tables, p: Parameters) -> Frame:
    """Return the client accounts that the parameters narrow the report to."""
    accounts = in_currency(client_accounts(tables), p.currency)
    for column, value in (("account", p.account), ("party", p.party), ("brand", p.brand)):
        if value is not None:
            accounts = accounts.filter(nw.col(column) == value)
    return accounts


def movements(tables: Tables, p: Parameters) -> Frame:
    """Return opening, credits, debits, closing and moves (entries in the period) of every chosen account."""
    now = within(p.first_day, p.last_day)
    return (
        tables.entries.filter(of_clients(), until(p.last_day))
        .group_by("account_id")
        .agg(
            opening=only(nw.col("business_date") < p.first_day).sum(),
            credits=only(now & (nw.col("amount") > 0)).sum(),
            closing=nw.col("amount").sum(),
            moves=counted(now).sum(),
        )
        .with_columns(debits=nw.col("opening") + nw.col("credits") - nw.col("closing"))
        .rename({"account_id": "account"})
        .join(chosen(tables, p), on="account", how="inner")
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries of the chosen accounts with what each adds to the figures."""
    entries = tables.entries.filter(of_clients(), until(p.last_day))
    if row.get("account"):
        entries = entries.filter(nw.col("account_id") == row["account"])
    now = within(p.first_day, p.last_day)
    return (
        entries.select("transaction_id", "leg", "business_date", "amount", account="account_id")
        .join(chosen(tables, p), on="account", how="inner")
        .with_columns(
            opening=only(nw.col("business_date") < p.first_day),
            credits=only(now & (nw.col("amount") > 0)),
            debits=taken(now & (nw.col("amount") < 0)),
            closing=nw.col("amount"),
        )
    )


WORDS = {
    "opening": "all entries before the first day",
    "credits": "entries of the period that raised the balance",
    "debits": "entries of the period that lowered the balance",
    "closing": "all entries up to the last day",
}


def turnover(tables: Tables, p: Parameters) -> Frame:
    """Return a row for each account that moved or holds money, or summed by client, kind or brand."""
    key = KEYS[p.by]
    moved = movements(tables, p).filter((nw.col("moves") > 0) | (nw.col("opening") != 0))
    if p.by == "account":
        return moved.select(*key, *FIGURES).sort("account")
    summed = moved.group_by(*key).agg(*(nw.col(name).sum() for name in FIGURES), accounts=nw.len())
    return summed.select(*key, "accounts", *FIGURES).sort(
        *(name for name in key if name not in ("client", "brand_name"))
    )


def ledgers_balance(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the closing total beside the balances that the ledger wrote."""
    kept = ledgers_closing(tables, p.last_day, dated_by=p.dated_by).select(account="account_id", amount="closing")
    ledger = chosen(tables, p).join(kept, on="account", how="inner").select(*APART, "amount")
    return beside(ledger, rows.select(*APART, amount="closing"), APART)


def nothing_appears(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the sum of all entries beside zero: those of money, and those of points with what they paid for."""
    entries = in_currency(tables.entries, p.currency).filter(until(p.last_day))
    sums = entries.group_by("currency", "account_kind", "source_kind").agg(nw.col("amount").sum())
    apart = sums.with_columns(kind=money_or_bonus(of_points()))
    return beside(apart.select(*APART, amount=zero()), apart.select(*APART, "amount"), APART)


def client_or_accounts(row: Row) -> Lead:
    """Lead to the account or the client of the row; from a sum, to the accounts that it is made of."""
    return to_account()(row) or to_accounts_of(row)


REPORT = Report(
    name="turnover",
    en="Turnover",
    ru="Оборотно-сальдовая ведомость",
    question="who started, moved and ended with what",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("party", "code", "Client code", "Код клиента"),
        Column("client", "text", "Client", "Клиент"),
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("kind", "account_kind", "Kind", "Вид"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("accounts", "count", "Accounts", "Счетов", total=True),
        Column("opening", "money", "Opening", "Начальный остаток", total=True),
        Column("credits", "money", "Credits", "Поступило", total=True),
        Column("debits", "money", "Debits", "Списано", total=True),
        Column("closing", "money", "Closing", "Конечный остаток", total=True),
    ),
    key=("account", "party", "brand", "kind", "currency"),
    frame=turnover,
    checks=(
        Check(
            "ledger_balance",
            "closing = the ledger's balances",
            "конечный остаток = остатки книги",
            ledgers_balance,
        ),
        Check("zero_sum", "all entries sum to zero", "сумма всех проводок равна нулю", nothing_appears),
    ),
    leads_to=client_or_accounts,
    contributions=Contributions(Source(pieces, WORDS)),
    picture=Picture(("closing",), ("brand_name", "kind", "client", "reference")),
)
