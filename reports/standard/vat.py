"""VAT: of what each brand sold at each rate, took back and gave for its points, and of what is left.

VAT is included in the amounts. Points of the line's own brand lower its price; those of another brand, and what another
brand financed, are somebody else's money and stay in the base (DECISIONS D97). Base = net − refunds − bonus + what
other brands financed. A line without a rate is without VAT. Controls: the VAT that is left is that of brand-revenue,
and that of papers.
"""

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_entries
from reports.core.orders import sold
from reports.core.parameters import Grain, Movements, OfBrand, of_piece
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    in_currency,
    monday,
    only,
    taken,
    within,
)
from reports.standard import brand_revenue

INCOME = "promotion_income"


class Parameters(Movements, OfBrand):
    """A period, cut into days, weeks (named by their Monday), months or not at all, and a brand."""

    by: Grain = Field("total", description="a row for each day, week or month, or one total")


WORDS = {
    **{name: brand_revenue.WORDS[name] for name in ("net", "vat", "refunds", "refunds_vat", "bonus_vat")},
    "bonus": "what points of the line's own brand paid, less what refunds gave back in them",
    "financed": "what other brands paid the seller for discounts, less what refunds took back",
}


def _lines(tables: Tables, p: Parameters) -> Frame:
    day, week = nw.col("business_date"), monday(nw.col("day_number"))
    both = nw.concat([brand_revenue.revenue(tables, p), _financed(tables, p)])
    return both.with_columns(day=day, week=week, vat=nw.col("vat").fill_null(0))


def _financed(tables: Tables, p: Parameters) -> Frame:
    """Return the entries by which other brands paid the sellers for discounts, as revenue entries are."""
    income = (nw.col("account_kind") == "adjustments", (nw.col("chart") == INCOME).fill_null(False))
    paid = in_currency(tables.entries, p.currency).filter(*income, within(p.first_day, p.last_day))
    points = tables.accounts.filter(nw.col("kind") == "bonus").select(source_id="id", points_of="brand_id")
    named = paid.join(points, on="source_id", how="left").join(brand_names(tables), on="brand_id", how="left")
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def added() -> dict[str, nw.Expr]:
    """Return what a revenue entry adds to each figure."""
    own, line = brand_revenue.own_points(), nw.col("account_kind") == "revenue"
    return {
        "net": only(line & sold()),
        "vat": only(line & sold(), "vat"),
        "refunds": taken(line & ~sold()),
        "refunds_vat": taken(line & ~sold(), "vat"),
        "bonus": only(own),
        "bonus_vat": only(own, "vat"),
        "financed": only(~line),
    }


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the revenue entries with what each adds to the figures."""
    return _lines(tables, of_piece(p, row)).with_columns(**added())


def vat(tables: Tables, p: Parameters) -> Frame:
    """Return one row per brand, currency, rate (null: without VAT) and piece of the period, sorted by these."""
    key = ("brand", "brand_name", *(() if p.by == "total" else (p.by,)), "currency", "vat_rate")
    return (
        _lines(tables, p)
        .group_by(*key)
        .agg(**{name: adds.sum() for name, adds in added().items()})
        .with_columns(
            base=nw.col("net") - nw.col("refunds") - nw.col("bonus") + nw.col("financed"),
            base_vat=nw.col("vat") - nw.col("refunds_vat") - nw.col("bonus_vat"),
        )
        .sort(*(name for name in key if name != "brand_name"), nulls_last=True)
        .select(*(column.name for column in REPORT.columns if column.name in key or column.kind == "money"))
    )


def as_revenue(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the VAT that is left beside VAT kept in brand-revenue."""
    sums = brand_revenue.sums(tables, brand_revenue.Parameters(**p.model_dump()))
    return beside(sums.select("currency", amount=brand_revenue.vat_kept()), rows.select("currency", amount="base_vat"))


def as_papers(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the VAT that is left beside that of papers."""
    query = brand_revenue.Parameters(**p.model_dump())
    return brand_revenue.vat_of_papers(tables, query, rows.with_columns(kept_vat=nw.col("base_vat")))


REPORT = Report(
    name="vat",
    en="VAT",
    ru="НДС",
    question="what VAT each brand owes, by rate, after refunds and its own points",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("day", "date", "Day", "День"),
        Column("week", "date", "Week from", "Неделя с"),
        Column("month", "month", "Month", "Месяц"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("vat_rate", "rate", "VAT rate", "Ставка НДС"),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("vat", "money", "VAT in net", "в т. ч. НДС", total=True),
        Column("refunds", "money", "Refunds", "Возвраты", total=True),
        Column("refunds_vat", "money", "VAT in refunds", "НДС в возвратах", total=True),
        Column("bonus", "money", "Own points", "Свои баллы", total=True),
        Column("bonus_vat", "money", "VAT in points", "НДС в баллах", total=True),
        Column("financed", "money", "Paid by other brands", "Оплачено другими брендами", total=True),
        Column("base", "money", "Base, VAT included", "База с НДС", total=True),
        Column("base_vat", "money", "VAT", "НДС к начислению", total=True),
    ),
    key=("brand", "day", "week", "month", "currency", "vat_rate"),
    frame=vat,
    checks=(
        Check("revenue", "VAT = brand-revenue", "НДС = выручка брендов", as_revenue),
        Check("papers", "VAT = VAT on papers", "НДС = НДС в документах", as_papers),
    ),
    leads_to=to_entries("revenue"),
    contributions=Contributions(
        Source(pieces, WORDS),
        made={
            "base": {"net": 1, "refunds": -1, "bonus": -1, "financed": 1},
            "base_vat": {"vat": 1, "refunds_vat": -1, "bonus_vat": -1},
        },
    ),
    picture=Picture(("base_vat",), ("day", "week", "month", "brand_name"), by="brand_name"),
)
