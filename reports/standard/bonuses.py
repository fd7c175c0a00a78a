"""Bonuses: each brand's liability in points. A point is a unit of currency, and never money.

Redeemed is what points paid, less what refunds gave back. Points taken off without an
order have expired if the ledger's reason says so, and were taken back otherwise.
Controls: the closing is the bonus accounts' own balances; redeemed is brand-revenue's.
"""

import narwhals as nw

from reports.parameters import OfBrand, Period
from reports.registry import Check, Column, Report
from reports.standard import brand_revenue
from reports.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    in_currency,
    latest_entries,
    only,
    taken,
    until,
    within,
)

ORDERS = ("debit", "capture", "refund")
FIGURES = ("opening", "accrued", "redeemed", "expired", "taken_back", "other", "closing")


class Parameters(Period, OfBrand):
    """A period and a brand."""


def _points(tables: Tables, p: Parameters) -> Frame:
    entries = in_currency(tables.entries, p.currency).filter(nw.col("account_kind") == "bonus", until(p.last_day))
    named = entries.join(brand_names(tables), on="brand_id", how="left")
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def bonuses(tables: Tables, p: Parameters) -> Frame:
    """Return a row a brand and currency of points."""
    reasons = tables.transactions.select("reason", transaction_id="id")
    key = ("brand", "brand_name", "currency")
    now, bonus = within(p.first_day, p.last_day), nw.col("kind") == "bonus"
    expired = nw.col("reason").fill_null("").str.starts_with("expir")
    down = now & bonus & (nw.col("amount") < 0)
    return (
        _points(tables, p)
        .join(reasons, on="transaction_id", how="left")
        .group_by(*key)
        .agg(
            opening=only(nw.col("business_date") < p.first_day).sum(),
            accrued=only(now & bonus & (nw.col("amount") > 0)).sum(),
            redeemed=taken(now & nw.col("kind").is_in(ORDERS)).sum(),
            expired=taken(down & expired).sum(),
            taken_back=taken(down & ~expired).sum(),
            other=only(now & ~nw.col("kind").is_in((*ORDERS, "bonus"))).sum(),
            closing=nw.col("amount").sum(),
        )
        .sort("brand", "currency")
        .select(*key, *FIGURES)
    )


def as_accounts(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the closing beside what the ledger wrote at each bonus account's last entry."""
    kept = latest_entries(_points(tables, p)).select("currency", amount="balance_after")
    return beside(kept, rows.select("currency", amount="closing"))


def as_revenue(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what was redeemed beside what brand-revenue says points paid."""
    asked = brand_revenue.Parameters(
        first_day=p.first_day, last_day=p.last_day, currency=p.currency, brand=p.brand, by="total"
    )
    paid = brand_revenue.brand_revenue(tables, asked).select("currency", amount="bonus")
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
    ),
    key=("brand", "currency"),
    frame=bonuses,
    checks=(
        Check("bonus_balances", "closing = bonus accounts", "на конец = бонусные счета", as_accounts),
        Check("redeemed", "redeemed = brand-revenue", "потрачено = выручка брендов", as_revenue),
    ),
)
