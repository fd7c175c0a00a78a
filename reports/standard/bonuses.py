"""Bonuses: each brand's liability in points. A point is a unit of currency, and never money.

Redeemed is what points paid, less what refunds gave back. Points taken off without an
order have expired if that is the ledger's reason, and were taken back otherwise. The closing
is parted by age, too: set aside for pre-orders, or free and gone within a number of days, or never.
Owed is what could not be taken back of refunded orders by then: the next points pay it.
Controls: the closing is the bonus accounts' own balances, and the sum of its ages, which come
from the lots; redeemed is brand-revenue's.
"""

import narwhals as nw

from reports.core.aging import day_number
from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_entries
from reports.core.parameters import OfBrand, Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    days_since_epoch,
    in_currency,
    latest_entries,
    only,
    taken,
    until,
    within,
    zero,
)
from reports.standard import brand_revenue

ORDERS = ("debit", "capture", "refund")
FIGURES = ("opening", "accrued", "redeemed", "expired", "taken_back", "other", "closing")
KEY = ("brand", "brand_name", "currency")
AGES = {"gone_in_30": (None, 30), "gone_in_60": (31, 60), "gone_in_90": (61, 90), "gone_later": (91, None)}
"""Points by the days that they still have at the end of the period."""


class Parameters(Period, OfBrand):
    """A period and a brand."""


def _chosen(tables: Tables, p: Parameters, frame: Frame) -> Frame:
    named = (
        in_currency(frame, p.currency).filter(until(p.last_day)).join(brand_names(tables), on="brand_id", how="left")
    )
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def _points(tables: Tables, p: Parameters) -> Frame:
    return _chosen(tables, p, tables.entries.filter(nw.col("account_kind") == "bonus"))


def _in(low: int | None, high: int | None) -> nw.Expr:
    """Return whether a lot is gone within these days; one that never is has none."""
    days = nw.col("days")
    if low is None:
        return (days <= high).fill_null(False)
    return (days >= low if high is None else days.is_between(low, high)).fill_null(False)


def by_age(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return what was added to and taken from lots up to the end of the period, a column per age."""
    left = _chosen(tables, p, tables.lot_changes).with_columns(
        days=days_since_epoch("gone_on") - nw.lit(day_number(p.last_day))
    )
    ages = {name: only(_in(*days)) for name, days in AGES.items()}
    return left.with_columns(**ages, gone_never=only(nw.col("gone_on").is_null()))


def owed(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return what clients came to owe in points, and paid of it, up to the end of the period."""
    return _chosen(tables, p, tables.bonus_owed).with_columns(owed="amount")


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries of points with what each adds to the figures."""
    reasons = tables.transactions.select("reason", transaction_id="id")
    now, bonus = within(p.first_day, p.last_day), nw.col("kind") == "bonus"
    expired = nw.col("reason").fill_null("").str.starts_with("expir")
    down = now & bonus & (nw.col("amount") < 0)
    return (
        _points(tables, p)
        .join(reasons, on="transaction_id", how="left")
        .with_columns(
            opening=only(nw.col("business_date") < p.first_day),
            accrued=only(now & bonus & (nw.col("amount") > 0)),
            redeemed=taken(now & nw.col("kind").is_in(ORDERS)),
            expired=taken(down & expired),
            taken_back=taken(down & ~expired),
            other=only(now & ~nw.col("kind").is_in((*ORDERS, "bonus"))),
            closing=nw.col("amount"),
        )
    )


def bonuses(tables: Tables, p: Parameters) -> Frame:
    """Return one row per brand and currency of points: what moved them, and how old what is left is."""
    of, ages = ["brand", "currency"], (*AGES, "gone_never")
    left = by_age(tables, p, {}).group_by(*of).agg(*(nw.col(name).sum() for name in ages))
    owing = owed(tables, p, {}).group_by(*of).agg(nw.col("owed").sum())
    return (
        pieces(tables, p, {})
        .group_by(*KEY)
        .agg(*(nw.col(name).sum() for name in (*FIGURES, "held")))
        .join(left, on=of, how="left")
        .join(owing, on=of, how="left")
        .with_columns(*(nw.col(name).fill_null(zero()) for name in (*ages, "owed")))
        .sort("brand", "currency")
        .select(*KEY, *FIGURES, "held", *ages, "owed")
    )


WORDS = {
    "opening": "all entries of points before the first day",
    "accrued": "points given in the period",
    "redeemed": "what points paid in the period, less what refunds gave back in points",
    "expired": "points that ended in the period without an order",
    "taken_back": "points taken off in the period for another reason than their end",
    "other": "entries of points of the period that are no gift, order, refund or end: transfers, merges, reversals",
    "closing": "all entries of points up to the last day",
    "held": "points set aside up to the last day, less what was taken of them or given free",
}
WORDS_OF_AGES = {
    **{name: f"what is left of lots that have {low or 0} to {high} days" for name, (low, high) in AGES.items() if high},
    "gone_later": "what is left of lots that have more than 90 days",
    "gone_never": "what is left of lots without an end",
}


def as_accounts(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the closing beside what the ledger wrote at each bonus account's last entry."""
    kept = latest_entries(_points(tables, p)).with_columns(amount="balance_after")
    return beside(kept, rows.select("currency", amount="closing"))


def as_ages(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the closing beside what is set aside and what is left of the lots, age by age."""
    ages = [rows.select("currency", amount=name) for name in ("held", *AGES, "gone_never")]
    return beside(rows.select("currency", amount="closing"), nw.concat(ages))


def as_revenue(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what was redeemed beside what points paid by brand-revenue; of one brand, beside the lines they paid."""
    if p.brand is None:
        query = brand_revenue.Parameters(first_day=p.first_day, last_day=p.last_day, currency=p.currency, by="total")
        paid = brand_revenue.sums(tables, query).select("currency", amount="bonus")
    else:
        points = tables.accounts.filter(nw.col("kind") == "bonus").select("brand_id", source_id="id")
        lines = tables.entries.filter(nw.col("account_kind") == "revenue", within(p.first_day, p.last_day))
        by_issuer = lines.drop("brand_id").join(points, on="source_id", how="inner")
        paid = _chosen(tables, p, by_issuer).select("currency", "amount")
    return beside(paid, rows.select("currency", amount="redeemed"))


REPORT = Report(
    name="bonuses",
    en="Bonuses",
    ru="Бонусы",
    question="the bonus liability, in points",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("currency", "currency", "Points of", "Баллы в"),
        Column("opening", "money", "Opening", "На начало", total=True),
        Column("accrued", "money", "Accrued", "Начислено", total=True),
        Column("redeemed", "money", "Redeemed", "Потрачено", total=True),
        Column("expired", "money", "Expired", "Сгорело", total=True),
        Column("taken_back", "money", "Taken back", "Отозвано", total=True),
        Column("other", "money", "Other", "Прочее", total=True),
        Column("closing", "money", "Closing", "На конец", total=True),
        Column("held", "money", "Set aside", "Отложено", total=True),
        Column("gone_in_30", "money", "Gone in 30 days", "Сгорит за 30 дней", total=True),
        Column("gone_in_60", "money", "In 31–60 days", "За 31–60 дней", total=True),
        Column("gone_in_90", "money", "In 61–90 days", "За 61–90 дней", total=True),
        Column("gone_later", "money", "Later", "Позже", total=True),
        Column("gone_never", "money", "Never", "Никогда", total=True),
        Column("owed", "money", "Owed by clients", "Долг клиентов", total=True),
    ),
    key=("brand", "currency"),
    frame=bonuses,
    checks=(
        Check("bonus_balances", "closing = bonus accounts", "на конец = бонусные счета", as_accounts),
        Check("ages", "closing = ages", "на конец = по срокам", as_ages),
        Check("redeemed", "redeemed = brand-revenue", "потрачено = выручка брендов", as_revenue),
    ),
    leads_to=to_entries("bonus"),
    contributions=Contributions(
        Source(pieces, WORDS),
        Source(by_age, WORDS_OF_AGES, "lot_changes"),
        Source(owed, {"owed": "points that could not be taken back, less what was paid of them"}, "bonus_owed"),
    ),
    picture=Picture(("held", *AGES, "gone_never"), by="brand_name"),
)
