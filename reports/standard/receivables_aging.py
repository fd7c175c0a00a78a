"""Receivables ageing: who owes, how late, at the end of a day; and who has paid ahead.

Controls: total less advance is turnover's closing with its sign turned; the total is
what the accounts' own balances below zero come to.
"""

from typing import Literal

import narwhals as nw
import polars as pl
from pydantic import Field

from reports.core import aging
from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_account
from reports.core.parameters import AsOf, OfBrand
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, of_clients, of_row, only, taken, until, zero
from reports.standard import turnover

BANDS = {
    "not_due": (None, 0),
    "late_1_30": (1, 30),
    "late_31_60": (31, 60),
    "late_61_90": (61, 90),
    "late_91_120": (91, 120),
    "late_over_120": (121, None),
}
PAST_DUE = pl.col("total") - pl.col("not_due")
"""What of a row is past its due date, for who has the report's frame; what has no due date is not due."""
KEYS = {"account": ("account", "reference", "party", "client", "currency"), "party": ("party", "client", "currency")}


class Parameters(AsOf, OfBrand):
    """A day, whose accounts (by holder), and what to show a row for."""

    by: Literal["account", "party"] = Field("account", description="a row for each of these")


def _closing(tables: Tables, p: Parameters) -> Frame:
    """Return turnover's closing of money accounts."""
    query = turnover.Parameters(first_day=p.as_of, last_day=p.as_of, currency=p.currency, brand=p.brand)
    return turnover.movements(tables, query).filter(nw.col("kind") == "money")


def _within(low: int | None, high: int | None) -> nw.Expr:
    late = nw.col("days_late")
    if low is None:
        return late <= high
    return late >= low if high is None else late.is_between(low, high)


def _days(low: int | None, high: int | None) -> str:
    return f"more than {(low or 1) - 1}" if high is None else f"{low} to {high}"


def receivables_aging(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account (or client) and currency that owes or has paid ahead."""
    key = KEYS[p.by]
    bands = {name: only(_within(*band), "unpaid").sum() for name, band in BANDS.items()}
    aged = (
        aging.late(tables, p.as_of, p.currency)
        .group_by("account_id")
        .agg(**bands, total=nw.col("unpaid").sum(), days_late=nw.col("days_late").max())
        .rename({"account_id": "account"})
    )
    figures = (*BANDS, "total", "advance")
    rows = (
        _closing(tables, p)
        .filter(nw.col("closing") != 0)
        .with_columns(advance=only(nw.col("closing") > 0, "closing"))
        .join(aged, on="account", how="left")
        .with_columns(*(nw.col(name).fill_null(zero()) for name in figures))
        .group_by(*key)
        .agg(*(nw.col(name).sum() for name in figures), days_late=nw.col("days_late").max())
    )
    late = nw.when(nw.col("days_late") > 0).then(nw.col("days_late"))
    return rows.with_columns(days_late=late).select(*key, *figures, "days_late").sort(key[0], "currency")


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the unpaid items by how late they are."""
    tables = of_row(tables, row)
    bands = {name: only(_within(*band), "unpaid") for name, band in BANDS.items()}
    items = aging.with_leg(tables, aging.late(tables, p.as_of, p.currency)).rename({"account_id": "account"})
    return _of_closing(tables, p, items.with_columns(**bands, total=nw.col("unpaid")))


def ahead(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return all entries of who has paid ahead."""
    tables = of_row(tables, row)
    entries = tables.entries.filter(of_clients(), until(p.as_of)).rename({"account_id": "account"})
    return _of_closing(tables, p, entries.with_columns(advance="amount")).filter(nw.col("closing") > 0)


def _of_closing(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    accounts = _closing(tables, p).select("account", "party", "currency", "closing")
    return rows.drop("currency").join(accounts, on="account", how="inner")


WORDS = {
    "not_due": "what is unpaid of debits and is not due yet",
    **{name: f"what is unpaid of debits and {_days(*band)} days late" for name, band in BANDS.items() if band[0]},
    "total": "what is unpaid of debits",
}


def as_turnover(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set total less advance beside turnover's closing, its sign turned."""
    closing = _closing(tables, p).select("currency", amount=zero() - nw.col("closing"))
    return beside(closing, rows.select("currency", amount=nw.col("total") - nw.col("advance")))


def debts(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the total beside the closings below zero."""
    owed = _closing(tables, p).select("currency", amount=taken(nw.col("closing") < 0, "closing"))
    return beside(owed, rows.select("currency", amount="total"))


REPORT = Report(
    name="receivables-aging",
    en="Receivables ageing",
    ru="Дебиторская задолженность по срокам",
    question="who owes, how late, as of any date",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("party", "code", "Client code", "Код клиента"),
        Column("client", "text", "Client", "Клиент"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("not_due", "money", "Not due", "Срок не наступил", total=True),
        Column("late_1_30", "money", "1–30 days", "1–30 дней", total=True),
        Column("late_31_60", "money", "31–60 days", "31–60 дней", total=True),
        Column("late_61_90", "money", "61–90 days", "61–90 дней", total=True),
        Column("late_91_120", "money", "91–120 days", "91–120 дней", total=True),
        Column("late_over_120", "money", "Over 120 days", "Свыше 120 дней", total=True),
        Column("total", "money", "Total owed", "Всего долг", total=True),
        Column("advance", "money", "Paid ahead", "Аванс", total=True),
        Column("days_late", "number", "Days late", "Дней просрочки"),
    ),
    key=("account", "party", "currency"),
    frame=receivables_aging,
    checks=(
        Check("turnover", "owed − paid ahead = −turnover", "долг − аванс = −оборотная ведомость", as_turnover),
        Check("debts", "owed = balances below zero", "долг = остатки ниже нуля", debts),
    ),
    leads_to=to_account(),
    contributions=Contributions(
        Source(pieces, WORDS), Source(ahead, {"advance": "all entries of an account whose balance is above zero"})
    ),
    picture=Picture(tuple(BANDS)),
)
