"""Advances: what clients have paid ahead, in money and in points, and how old it is.

What is spent comes from the oldest: so the money of an account above zero lies on its last credits, and is as old as
these. Points are as old as their lots; those set aside for pre-orders are in none and stand apart. A row's bands, with
them, sum to its total.
Controls: the totals are turnover's closings above zero.
"""

from typing import Literal

import narwhals as nw
from pydantic import Field

from reports.core.aging import day_number
from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_account
from reports.core.parameters import AsOf, OfBrand
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    APART,
    MONEY,
    Frame,
    Tables,
    as_merged,
    beside,
    client_accounts,
    in_currency,
    of_row,
    only,
    until,
    zero,
)
from reports.standard import turnover

BANDS = {
    "age_0_30": (0, 30),
    "age_31_60": (31, 60),
    "age_61_90": (61, 90),
    "age_91_365": (91, 365),
    "age_over_365": (366, None),
}
KEYS = {
    "account": ("account", "reference", "party", "client", "kind", "currency"),
    "party": ("party", "client", "kind", "currency"),
}


class Parameters(AsOf, OfBrand):
    """A day, whose accounts (by holder; points by their brand), and what to show a row for."""

    by: Literal["account", "party"] = Field("account", description="a row for each of these")


def _ahead(tables: Tables, p: Parameters) -> Frame:
    """Return turnover's closings above zero, of money and of points."""
    query = turnover.Parameters(first_day=p.as_of, last_day=p.as_of, currency=p.currency, brand=p.brand)
    return turnover.movements(tables, query).filter(nw.col("closing") > 0)


def _money(tables: Tables, p: Parameters, ahead: Frame) -> Frame:
    """Return the last credits of each account, as far as they are still there, as `amount`."""
    closings = ahead.filter(nw.col("kind") == "money").select("closing", account_id="account")
    credits_ = in_currency(tables.entries, p.currency).filter(
        until(p.as_of), nw.col("amount") > 0, nw.col("account_kind") == "money"
    )
    reached = nw.col("amount").cum_sum().over("account_id", order_by=("back_day", "back"))
    left = nw.col("closing") - (nw.col("reached") - nw.col("amount"))
    return (
        as_merged(tables, credits_, p.as_of)
        .join(closings, on="account_id", how="inner")
        .with_columns(back_day=0 - nw.col("day_number"), back=0 - nw.col("transaction_id"))
        .with_columns(reached=reached)
        .with_columns(amount=nw.when(left < nw.col("amount")).then(left).otherwise(nw.col("amount")))
        .filter(nw.col("amount") > 0)
        .select("transaction_id", "leg", "day_number", nw.col("amount").cast(MONEY), account="account_id")
    )


def _points(tables: Tables, p: Parameters, ahead: Frame) -> Frame:
    """Return what is left of each lot as `amount`, by the day on which it was given and its transaction."""
    of = ahead.filter(nw.col("kind") == "bonus").select(account_id="account")
    changes = in_currency(tables.lot_changes, p.currency).filter(until(p.as_of)).join(of, on="account_id", how="semi")
    left = changes.group_by("account_id", "lot_id").agg(amount=nw.col("amount").sum())
    given = tables.transactions.select("day_number", lot_id="id")
    named = left.join(given, on="lot_id", how="inner")
    return named.select("day_number", "amount", transaction_id="lot_id", account="account_id")


def _held(tables: Tables, p: Parameters, ahead: Frame) -> Frame:
    """Return the entries that set points aside."""
    of = ahead.filter(nw.col("kind") == "bonus").select(account_id="account")
    entries = in_currency(tables.entries, p.currency).filter(until(p.as_of)).join(of, on="account_id", how="semi")
    return entries.select("transaction_id", "leg", "held", account="account_id")


def _by_age(tables: Tables, p: Parameters, side: Frame) -> Frame:
    age = nw.lit(day_number(p.as_of)) - nw.col("day_number")
    bands = {name: only(age.is_between(low, 10**7 if high is None else high)) for name, (low, high) in BANDS.items()}
    clients = client_accounts(tables).select(*KEYS["account"])
    return side.with_columns(**bands, account_id="account").join(clients, on="account", how="inner")


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the credits that are still there, and the entries that set points aside."""
    tables = of_row(tables, row)
    ahead = _ahead(tables, p)
    names = ("transaction_id", "leg", "account", "day_number", "amount", "held")
    credits_ = _money(tables, p, ahead).with_columns(held=zero())
    held = _held(tables, p, ahead).with_columns(amount=zero(), day_number=nw.lit(None).cast(nw.Int64))
    return _by_age(tables, p, nw.concat([side.select(*names) for side in (credits_, held)]))


def lots(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return what is left of the lots of points; a lot has the number of its transaction."""
    # Lots may have been given to an account that was merged into the row's.
    return _by_age(tables, p, _points(tables, p, _ahead(of_row(tables, row), p)))


WORDS = {
    **{
        name: f"credits, and lots of points, {low} to {high} days old, as far as not spent"
        for name, (low, high) in BANDS.items()
        if high
    },
    "age_over_365": "credits, and lots of points, over a year old, as far as not spent",
    "held": "points set aside, less what was taken of them or given free",
}


def advances(tables: Tables, p: Parameters) -> Frame:
    """Return one row per account (or client), kind and currency that has something ahead."""
    key, figures = KEYS[p.by], (*BANDS, "held")
    sides = pieces(tables, p, {}), lots(tables, p, {}).with_columns(held=zero())
    return (
        nw.concat([side.select(*key, *(nw.col(name).cast(MONEY) for name in figures)) for side in sides])
        .group_by(*key)
        .agg(*(nw.col(name).sum() for name in figures))
        .with_columns(total=nw.sum_horizontal(*figures))
        .filter(nw.col("total") != zero())
        .sort(key[0], "kind", "currency")
        .select(*key, *figures, "total")
    )


def as_turnover(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the totals beside turnover's closings above zero."""
    closings = _ahead(tables, p).select("currency", "kind", amount="closing")
    return beside(closings, rows.select("currency", "kind", amount="total"), APART)


REPORT = Report(
    name="advances",
    en="Advances by age",
    ru="Авансы по срокам",
    question="what clients have paid ahead, in money and points, and for how long",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("party", "code", "Client code", "Код клиента"),
        Column("client", "text", "Client", "Клиент"),
        Column("kind", "account_kind", "Kind", "Вид"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("age_0_30", "money", "Up to 30 days", "До 30 дней", total=True),
        Column("age_31_60", "money", "31–60 days", "31–60 дней", total=True),
        Column("age_61_90", "money", "61–90 days", "61–90 дней", total=True),
        Column("age_91_365", "money", "91–365 days", "91–365 дней", total=True),
        Column("age_over_365", "money", "Over a year", "Больше года", total=True),
        Column("held", "money", "Points set aside", "Баллы в резерве", total=True),
        Column("total", "money", "Total", "Всего", total=True),
    ),
    key=("account", "party", "kind", "currency"),
    frame=advances,
    checks=(Check("turnover", "advances = turnover above zero", "авансы = остатки выше нуля", as_turnover),),
    leads_to=to_account(),
    contributions=Contributions(
        Source(pieces, WORDS),
        Source(lots, {name: WORDS[name] for name in BANDS}, "transactions"),
        made={"total": dict.fromkeys((*BANDS, "held"), 1)},
    ),
    picture=Picture((*BANDS, "held")),
)
