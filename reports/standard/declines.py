"""Declines: what was blocked, and why.

Control: the count is the ledger's own count of declined transactions.
"""

from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Lead, Row
from reports.core.parameters import OfAccount, Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import MONEY, Frame, Tables, beside, client_accounts, in_currency, only, within, zero

KEYS = {
    "code": ("code", "currency"),
    "kind": ("code", "kind", "currency"),
    "account": ("code", "account", "reference", "client", "currency"),
}


class Parameters(Period, OfAccount):
    """A period, an account, and what to show a row for."""

    by: Literal["code", "kind", "account"] = Field("code", description="a row for each code, and each of these")


def declined(tables: Tables, p: Period) -> Frame:
    """Return the declined transactions of the period; without a known currency it is blank."""
    refused = tables.transactions.filter(nw.col("status") == "declined", within(p.first_day, p.last_day))
    named = refused.with_columns(currency=nw.col("currency").fill_null(""), account=nw.col("account_id"))
    account = getattr(p, "account", None)
    return in_currency(named if account is None else named.filter(nw.col("account") == account), p.currency)


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the declined transactions with what each requested."""
    points = nw.col("kind") == "bonus"  # the one command that asks for points
    refused = declined(tables, p).with_columns(amount=nw.col("amount").fill_null(zero()), transaction_id=nw.col("id"))
    return refused.with_columns(asked=only(~points), points=only(points))


WORDS = {
    "asked": "what declined commands requested, in money",
    "points": "what declined commands requested, in points",
}


def declines(tables: Tables, p: Parameters) -> Frame:
    """Return one row per code and currency (and kind of command, or account)."""
    key = KEYS[p.by]
    names = client_accounts(tables).select("account", "reference", "client")
    return (
        pieces(tables, p, {})
        .join(names, on="account", how="left")
        .group_by(*key)
        .agg(
            count=nw.len(),
            accounts=nw.col("account").n_unique(),
            asked=nw.col("asked").sum(),
            points=nw.col("points").sum(),
            first=nw.col("posted_at").min(),
            last=nw.col("posted_at").max(),
        )
        .select(*key, "count", "accounts", "asked", "points", "first", "last")
        .sort(*(name for name in key if name not in ("reference", "client")))
    )


def as_ledger(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the counts beside the number of transactions that have a code and no entry."""
    coded = tables.transactions.filter(~nw.col("code").is_null(), within(p.first_day, p.last_day))
    if p.account is not None:
        coded = coded.filter(nw.col("account_id") == p.account)
    posted = tables.entries.select(id="transaction_id").unique()
    refused = coded.with_columns(currency=nw.col("currency").fill_null("")).join(posted, on="id", how="anti")
    return beside(
        in_currency(refused, p.currency).select("currency", amount=nw.lit(1).cast(MONEY)),
        rows.select("currency", amount=nw.col("count").cast(MONEY)),
    )


REPORT = Report(
    name="declines",
    en="Declines",
    ru="Отказы",
    question="what was blocked and why",
    parameters=Parameters,
    columns=(
        Column("code", "code", "Code", "Код"),
        Column("kind", "word", "Kind", "Вид"),
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("client", "text", "Client", "Клиент"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("count", "count", "Count", "Количество", total=True),
        Column("accounts", "count", "Accounts", "Счетов"),
        Column("asked", "money", "Amount requested", "Запрошено", total=True),
        Column("points", "money", "Points requested", "Запрошено баллов", total=True),
        Column("first", "instant", "First", "Первый"),
        Column("last", "instant", "Last", "Последний"),
    ),
    key=("code", "kind", "account", "currency"),
    frame=declines,
    checks=(Check("ledger_declines", "count = the ledger's declines", "количество = отказы книги", as_ledger),),
    leads_to=lambda row: Lead("declined", {"code": row["code"], "of": row.get("account")}),
    contributions=Contributions(Source(pieces, WORDS, "transactions")),
    picture=Picture(("count",), ("code",), by="kind"),
)
