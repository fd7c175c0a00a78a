"""Brand revenue: what each brand sold, gave away, took back and kept.

Gross less discount is net, of all lines sold before refunds. Bonus is what points paid, less what refunds gave back in
points; kept = net − refunds − bonus, the money kept. VAT is included in the amounts. Points of the line's own brand
lower its price, and so its VAT (`bonus_vat`); those of another brand are somebody else's money and stay in the base
(DECISIONS D97): VAT kept = VAT − VAT of refunds − VAT of bonus, which is what papers print. `apart` is what is no
order, less refunds: tips, fees, penalties; the average check is what is left of orders by the order.
Controls: net less refunds is what the revenue entries sum to, and what clients paid; VAT is that of papers.
"""

from datetime import date

import narwhals as nw
from pydantic import Field

from reports.core import orders
from reports.core.contributions import Contributions, Source
from reports.core.engines import by_months, months, settled
from reports.core.leads import Row, to_entries
from reports.core.orders import sold
from reports.core.parameters import Movements, OfBrand, Period, Rhythm, of_piece
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    APART,
    EVER,
    MONEY,
    Frame,
    Tables,
    beside,
    brand_names,
    days_since_epoch,
    in_currency,
    monday,
    of_clients,
    only,
    taken,
    within,
    zero,
)

SALES = ("debit", "capture")
PIECES = ("day", "week", "month", "hour", "weekday")
FIGURES = ("gross", "discount", "net", "vat", "refunds", "refunds_vat", "bonus", "bonus_vat", "apart")


class Parameters(Movements, OfBrand):
    """A period, cut into days, weeks (named by their Monday), months or not at all, and a brand.

    By hour or weekday (1 is Monday), all of an order counts when its first line happened.
    """

    by: Rhythm = Field("month", description="a row for each day, week, month, hour or weekday, or one total")


def entries_of(tables: Tables, p: Period) -> Frame:
    """Return the revenue entries of the period, narrowed by the parameters."""
    within_days = (nw.col("account_kind") == "revenue", within(p.first_day, p.last_day))
    entries = in_currency(tables.entries, p.currency).filter(*within_days)
    brand = getattr(p, "brand", None)
    chosen = brand_names(tables).filter(nw.col("brand") == brand)
    return entries if brand is None else entries.join(chosen, on="brand_id", how="semi")


def lines(tables: Tables, p: Period) -> Frame:
    """Return the revenue entries of the period with `points_of`: whose points paid them."""
    bonus = tables.accounts.filter(nw.col("kind") == "bonus").select(source_id="id", points_of="brand_id")
    return entries_of(tables, p).join(bonus, on="source_id", how="left")


def revenue(tables: Tables, p: Period) -> Frame:
    """Return the revenue entries of the period, narrowed by the parameters, with `brand`, `brand_name`."""
    return lines(tables, p).join(brand_names(tables), on="brand_id", how="left")


def own_points() -> nw.Expr:
    """Return whether points of the line's own brand paid a revenue entry with `points_of`: they lower its price."""
    return (nw.col("source_kind") == "bonus").fill_null(False) & (nw.col("points_of") == nw.col("brand_id"))


def added() -> dict[str, nw.Expr]:
    """Return what a revenue entry adds to each revenue figure; VAT is included in the amounts."""
    refund, taxed = ~sold(), ~nw.col("vat").is_null()
    return {
        "gross": only(sold(), "gross"),
        "discount": only(sold(), "discount"),
        "net": only(sold()),
        "vat": only(sold() & taxed, "vat"),
        "refunds": taken(refund),
        "refunds_vat": taken(refund & taxed, "vat"),
        "bonus": only(nw.col("source_kind") == "bonus"),
        "bonus_vat": only(own_points() & taxed, "vat"),
        "apart": only(~orders.of_an_order()),
    }


def figures() -> dict[str, nw.Expr]:
    """Return the sums over revenue entries that make revenue figures."""
    return {name: adds.sum() for name, adds in added().items()}


WORDS = {
    "gross": "price before discount of the lines sold",
    "discount": "discount on the lines sold",
    "net": "amount of the lines sold, after discount, before refunds",
    "vat": "VAT included in the lines sold",
    "refunds": "amount of the lines given back",
    "refunds_vat": "VAT included in the lines given back",
    "bonus": "what points paid of the lines, less what refunds gave back in points",
    "bonus_vat": "VAT included in what points of the line's own brand paid",
    "apart": "lines of no order (tips, fees, penalties), less their refunds",
}


def vat_kept() -> nw.Expr:
    """Return VAT of what was kept: of money, and of points of other brands."""
    return nw.col("vat") - nw.col("refunds_vat") - nw.col("bonus_vat")


def _key(p: Parameters) -> tuple[str, ...]:
    return ("brand", "brand_name", *(() if p.by == "total" else (p.by,)), "currency")


def _by_hour(p: Parameters) -> bool:
    return p.by in ("hour", "weekday")


def _with_hours(lines: Frame) -> Frame:
    """Return revenue entries with `hours`, the hour since 1970 in which their transaction happened."""
    on = lines.with_columns(on=nw.coalesce("occurred_on", "business_date"))
    return on.with_columns(hours=days_since_epoch("on") * 24 + nw.col("hour").cast(nw.Int64))


def _pieces(p: Parameters, frame: Frame) -> Frame:
    """Return rows with what they can be shown by."""
    if not _by_hour(p):
        return frame.with_columns(day=nw.col("business_date"), week=monday(nw.col("day_number")))
    days = nw.col("hours") // 24
    return frame.with_columns(hour=nw.col("hours") - days * 24, weekday=(days + 3) % 7 + 1)


def _begun(tables: Tables, p: Parameters, of: Frame) -> Frame:
    """Return order, hours: when the first line of each order in a frame, or of what is none, happened."""
    ever = orders.with_order(tables, entries_of(tables, _ever(p))).filter(sold())
    those = ever.join(of.select("order").unique(), on="order", how="semi")
    return _with_hours(those).group_by("order").agg(nw.col("hours").min())


def _ever(p: Parameters) -> Parameters:
    return p.model_copy(update={"first_day": EVER})


def _when_begun(tables: Tables, p: Parameters, sold_lines: Frame) -> Frame:
    """Return revenue entries with the `hours` of their orders: a debit is its own order's beginning."""
    rows = _with_hours(orders.with_order(tables, sold_lines))
    debits, others = rows.filter(nw.col("kind") == "debit"), rows.filter(nw.col("kind") != "debit").drop("hours")
    others = others.join(_begun(tables, p, others), on="order", how="left")
    return nw.concat([debits, others.select(*debits.collect_schema().names())])


def _lines_by_piece(tables: Tables, p: Parameters) -> Frame:
    sold_lines = revenue(tables, p)
    return _pieces(p, _when_begun(tables, p, sold_lines) if _by_hour(p) else sold_lines)


def sums(tables: Tables, p: Parameters) -> Frame:
    """Return the money of brand-revenue, one row per brand, currency and piece of the period; it counts no orders."""
    return _lines_by_piece(tables, p).group_by(*_key(p)).agg(**figures())


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the revenue entries with what each adds to the figures."""
    return _lines_by_piece(tables, of_piece(p, row)).with_columns(**added())


def counts(tables: Tables, p: Parameters) -> Frame:
    """Return brand, currency, piece of the period, orders: what brand-revenue counts, in rows that are to be added."""
    ever, own = entries_of(tables, _ever(p)), []
    if _by_hour(p):
        ever, own = _with_hours(ever), ["hours"]
    key, parts = ("brand_id", "currency"), months(tables.entries, p.first_day, p.last_day)
    moved = orders.followed(tables, ever, first_day=p.first_day, last_day=p.last_day)
    moved = settled(moved) if len(parts) > 1 else moved

    def counted_(rows: Frame) -> Frame:
        named = rows.join(brand_names(tables), on="brand_id", how="left")
        return _pieces(p, named).group_by(*_key(p)).agg(orders=nw.col("orders").sum())

    def stayed(since: date, until: date) -> Frame:
        return counted_(orders.stayed(ever, moved, *key, *own, first_day=since, last_day=until))

    return nw.concat([by_months(parts, stayed), counted_(_changed(tables, p, ever, moved))])


def _changed(tables: Tables, p: Parameters, ever: Frame, moved: Frame) -> Frame:
    changed = orders.changed(tables, ever, moved, "brand_id", "currency", first_day=p.first_day, last_day=p.last_day)
    return changed.join(_begun(tables, p, moved), on="order", how="left") if _by_hour(p) else changed


def begun(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the orders that began, 1 each, or ended, −1 each."""
    p = of_piece(p, row)
    key = ("brand_id", "currency", *(["hours"] if _by_hour(p) else []))
    ever = entries_of(tables, _ever(p))
    ever = _with_hours(ever) if _by_hour(p) else ever
    moved = orders.followed(tables, ever, first_day=p.first_day, last_day=p.last_day)
    both = [
        orders.stayed(ever, moved, *key, first_day=p.first_day, last_day=p.last_day),
        _changed(tables, p, ever, moved),
    ]
    days = nw.concat([side.select(*key, "order", "business_date", "day_number", "month", "orders") for side in both])
    named = _pieces(p, days.join(brand_names(tables), on="brand_id", how="left"))
    return orders.as_pieces(tables, named)


def brand_revenue(tables: Tables, p: Parameters) -> Frame:
    """Return one row per brand, currency and piece of the period, sorted by these."""
    key = _key(p)
    none = [zero().alias(name) for name in FIGURES]
    both = [
        sums(tables, p).with_columns(orders=nw.lit(0).cast(nw.Int64)),
        counts(tables, p).with_columns(nw.col("orders").cast(nw.Int64), *none),
    ]
    of_orders = nw.col("net") - nw.col("refunds") - nw.col("apart")
    average = of_orders.cast(nw.Float64) / nw.col("orders")
    return (
        nw.concat([side.select(*key, "orders", *(nw.col(name).cast(MONEY) for name in FIGURES)) for side in both])
        .group_by(*key)
        .agg(nw.col("orders", *FIGURES).sum())
        .with_columns(kept=nw.col("net") - nw.col("refunds") - nw.col("bonus"), kept_vat=vat_kept())
        .with_columns(average=nw.when(nw.col("orders") > 0).then(average))
        .sort(*(name for name in key if name != "brand_name"))
        .select(*key, *(column.name for column in REPORT.columns if column.name not in (*key, *PIECES)))
    )


def net_of_entries(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set net less refunds beside the sum of the revenue entries."""
    return beside(
        revenue(tables, p),
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


def vat_of_papers(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set VAT kept beside the VAT of the lines that clients' entries paid, as their papers print it.

    Points of other brands than the line's are on no paper of its client; their VAT is added.
    """

    def printed(since: date, until: date) -> Frame:
        lines_ = _printed(tables, p.model_copy(update={"first_day": since, "last_day": until}))
        return lines_.group_by("currency").agg(amount=nw.col("amount").sum())

    on_papers = by_months(months(tables.entries, p.first_day, p.last_day), printed)
    return beside(on_papers, rows.select("currency", amount="kept_vat"))


def _printed(tables: Tables, p: Parameters) -> Frame:
    taxed = lines(tables, p).filter(~nw.col("vat").is_null())
    paid = (
        in_currency(tables.entries, p.currency)
        .filter(within(p.first_day, p.last_day), nw.col("kind").is_in((*SALES, "refund")))
        .filter(of_clients() | (nw.col("account_kind") == "unallocated"), nw.col("account_kind") != "bonus")
        .with_columns(source_id=nw.when(of_clients()).then(nw.col("account_id")).otherwise(nw.col("source_id")))
        .select("transaction_id", "source_id")
        .unique()
    )
    others = taxed.filter(nw.col("source_kind") == "bonus", ~own_points())
    billed = taxed.join(paid, on=["transaction_id", "source_id"], how="semi")
    return nw.concat([each.select("currency", amount="vat") for each in (billed, others)])


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
        Column("weekday", "number", "Weekday", "День недели"),
        Column("hour", "number", "Hour", "Час"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("orders", "count", "Orders", "Заказов"),
        Column("gross", "money", "Gross", "Без скидок", total=True),
        Column("discount", "money", "Discount", "Скидки", total=True),
        Column("net", "money", "Net", "Со скидками", total=True),
        Column("vat", "money", "VAT in net", "в т. ч. НДС", total=True),
        Column("refunds", "money", "Refunds", "Возвраты", total=True),
        Column("refunds_vat", "money", "VAT in refunds", "НДС в возвратах", total=True),
        Column("bonus", "money", "Paid by points", "Оплачено баллами", total=True),
        Column("bonus_vat", "money", "VAT in points", "НДС в баллах", total=True),
        Column("kept", "money", "Kept", "Осталось деньгами", total=True),
        Column("kept_vat", "money", "VAT kept", "НДС к начислению", total=True),
        Column("apart", "money", "No orders", "Вне заказов", total=True),
        Column("average", "average", "Average check", "Средний чек"),
    ),
    key=("brand", *PIECES, "currency"),
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
        Check("vat", "VAT kept = VAT on papers", "НДС к начислению = НДС в документах", vat_of_papers),
    ),
    leads_to=to_entries("revenue"),
    contributions=Contributions(
        Source(pieces, WORDS),
        Source(begun, {"orders": "orders placed, less those of which nothing is kept any more"}, "transactions"),
        made={
            "of_orders": {"net": 1, "refunds": -1, "apart": -1},
            "kept": {"net": 1, "refunds": -1, "bonus": -1},
            "kept_vat": {"vat": 1, "refunds_vat": -1, "bonus_vat": -1},
        },
        ratios={"average": ("of_orders", "orders")},
    ),
    picture=Picture(("kept",), ("day", "week", "month", "weekday", "hour", "brand_name"), by="brand_name"),
)
