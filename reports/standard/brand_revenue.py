"""Brand revenue: what each brand sold, gave away, took back and kept.

Gross less discount is net, of all lines sold before refunds. Bonus is what points paid,
less what refunds gave back in points; kept = net − refunds − bonus, the money kept.
Controls: net less refunds is what the revenue entries sum to, and what clients paid.
"""

import narwhals as nw
from pydantic import Field

from reports.core.leads import to_entries
from reports.core.parameters import Grain, Movements, OfBrand, Period
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    APART,
    MONEY,
    Frame,
    Tables,
    beside,
    brand_names,
    counted,
    in_currency,
    monday,
    of_clients,
    only,
    taken,
    within,
    zero,
)

SALES = ("debit", "capture")
FIGURES = ("gross", "discount", "net", "vat", "refunds", "refunds_vat", "bonus")


class Parameters(Movements, OfBrand):
    """A period, cut into days, weeks (named by their Monday), months or not at all, and a brand."""

    by: Grain = Field("month", description="a row for each day, week or month, or one total")


def lines(tables: Tables, p: Period) -> Frame:
    """Return the revenue entries of the period, narrowed as the parameters say."""
    entries = in_currency(tables.entries, p.currency).filter(
        nw.col("account_kind") == "revenue", within(p.first_day, p.last_day)
    )
    brand = getattr(p, "brand", None)
    chosen = brand_names(tables).filter(nw.col("brand") == brand)
    return entries if brand is None else entries.join(chosen, on="brand_id", how="semi")


def revenue(tables: Tables, p: Period) -> Frame:
    """Return the revenue entries of the period, narrowed as the parameters say, with `brand`, `brand_name`."""
    return lines(tables, p).join(brand_names(tables), on="brand_id", how="left")


def sold() -> nw.Expr:
    """Return whether a revenue entry is a sale."""
    return nw.col("kind").is_in(SALES)


def figures() -> dict[str, nw.Expr]:
    """Return the sums over revenue entries that make revenue figures; VAT is included in the amounts."""
    refund = ~sold()
    return {
        "gross": only(sold(), "gross").sum(),
        "discount": only(sold(), "discount").sum(),
        "net": only(sold()).sum(),
        "vat": only(sold() & ~nw.col("vat").is_null(), "vat").sum(),
        "refunds": taken(refund).sum(),
        "refunds_vat": taken(refund & ~nw.col("vat").is_null(), "vat").sum(),
        "bonus": only(nw.col("source_kind") == "bonus").sum(),
    }


def order() -> nw.Expr:
    """Return what counts as one order: the debit, or the hold that was captured; null on refunds."""
    whole = nw.when(nw.col("kind") == "capture").then(nw.col("refers_to")).otherwise(nw.col("transaction_id"))
    return nw.when(sold()).then(whole)


def _key(p: Parameters) -> tuple[str, ...]:
    return ("brand", "brand_name", *(() if p.by == "total" else (p.by,)), "currency")


def _lines(tables: Tables, p: Parameters) -> Frame:
    """Return the revenue entries with what they can be shown by."""
    day, week = nw.col("business_date"), monday(nw.col("day_number"))
    return revenue(tables, p).with_columns(order=order(), day=day, week=week)


def sums(tables: Tables, p: Parameters) -> Frame:
    """Return the money of brand-revenue, a row a brand, currency and piece of the period; orders are not counted."""
    return _lines(tables, p).group_by(*_key(p)).agg(**figures())


def brand_revenue(tables: Tables, p: Parameters) -> Frame:
    """Return a row a brand, currency and piece of the period, sorted by these."""
    key = _key(p)
    return (
        _lines(tables, p)
        .group_by(*key)
        .agg(**figures(), distinct=nw.col("order").n_unique(), blank=counted(~sold()).max())
        .with_columns(
            orders=nw.col("distinct").cast(nw.Int64) - nw.col("blank"),  # on refunds the order is null
            kept=nw.col("net") - nw.col("refunds") - nw.col("bonus"),
        )
        .with_columns(average=nw.when(nw.col("orders") > 0).then(nw.col("net").cast(nw.Float64) / nw.col("orders")))
        .sort(*(name for name in key if name != "brand_name"))
        .select(*key, "orders", *FIGURES, "kept", "average")
    )


def net_of_entries(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set net less refunds beside the sum of the revenue entries."""
    return beside(
        revenue(tables, p).select("currency", "amount"),
        rows.select("currency", amount=nw.col("net") - nw.col("refunds")),
    )


def gross_less_discount(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set net beside gross less discount."""
    return beside(
        rows.select("currency", amount=nw.col("gross") - nw.col("discount")),
        rows.select("currency", amount="net"),
    )


def paid_by_clients(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what brands kept, and what was paid by points, beside what left clients' accounts of either kind.

    A refund of what a closed account paid may have come back to nobody yet.
    """
    nobodys = nw.col("account_kind") == "unallocated"
    paid = (
        in_currency(tables.entries, p.currency)
        .filter(within(p.first_day, p.last_day), nw.col("kind").is_in((*SALES, "refund")), of_clients() | nobodys)
        .with_columns(account_kind=nw.when(nobodys).then(nw.lit("money")).otherwise(nw.col("account_kind")))
    )
    everyone = p.model_copy(update={"brand": None, "by": "total"})
    sold_by_all = rows if p.brand is None else sums(tables, everyone)
    money = nw.col("net") - nw.col("refunds") - nw.col("bonus")
    received = [
        sold_by_all.select("currency", kind=nw.lit(kind), amount=amount.cast(MONEY))
        for kind, amount in (("money", money), ("bonus", nw.col("bonus")))
    ]
    return beside(
        paid.select("currency", kind="account_kind", amount=zero() - nw.col("amount")), nw.concat(received), APART
    )


REPORT = Report(
    name="brand-revenue",
    en="Brand revenue",
    ru="Выручка брендов",
    question="what each brand sold, by day, week or month",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("day", "date", "Day", "День"),
        Column("week", "date", "Week from", "Неделя с"),
        Column("month", "month", "Month", "Месяц"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("orders", "count", "Orders", "Заказов"),
        Column("gross", "money", "Gross", "Без скидок", total=True),
        Column("discount", "money", "Discount", "Скидки", total=True),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("vat", "money", "VAT in net", "в т. ч. НДС", total=True),
        Column("refunds", "money", "Refunds", "Возвраты", total=True),
        Column("refunds_vat", "money", "VAT in refunds", "НДС в возвратах", total=True),
        Column("bonus", "money", "Paid by points", "Оплачено баллами", total=True),
        Column("kept", "money", "Kept", "Осталось деньгами", total=True),
        Column("average", "average", "Average check", "Средний чек"),
    ),
    key=("brand", "day", "week", "month", "currency"),
    frame=brand_revenue,
    checks=(
        Check(
            "revenue_entries",
            "net − refunds = revenue entries",
            "нетто − возвраты = проводки выручки",
            net_of_entries,
        ),
        Check("net", "gross − discount = net", "без скидок − скидки = со скидками", gross_less_discount),
        Check(
            "clients_paid",
            "kept, and paid by points = paid by clients",
            "осталось деньгами и оплачено баллами = списано с клиентов",
            paid_by_clients,
        ),
    ),
    leads_to=to_entries("revenue"),
)
