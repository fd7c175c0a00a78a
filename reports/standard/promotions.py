"""Promotions: how often each was used, what it took off, and what came of the orders that used it.

Uses count on the day of the order, given back on the day of its cancel, when all its dishes are refunded, or, by time
alone, when a pre-order runs out; one delivered late all the same counts again on that day. Orders are as they were
placed. Control: what promotions took off is what the orders of the period were lowered by.
"""

import narwhals as nw

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_entries
from reports.core.parameters import Period
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, brand_names, counted, in_currency, only, within, zero

FIGURES = ("uses", "given_back", "clients", "discount", "discount_given_back", "net")


class Parameters(Period):
    """A period."""


def _uses(tables: Tables, p: Parameters) -> Frame:
    """Return the uses of promotions with what each adds to the figures."""
    used = within(p.first_day, p.last_day)
    back = nw.col("given_back_on").is_between(p.first_day, p.last_day).fill_null(False)
    return (
        in_currency(tables.promotion_uses, p.currency)
        .filter(used | back)
        .join(tables.orders.select("account_id", order_net="net", order_id="id"), on="order_id", how="left")
        .with_columns(
            amount=nw.col("discount"),
            uses=counted(used),
            given_back=counted(back),
            discount=only(used, "discount"),
            discount_given_back=only(back, "discount"),
            net=only(used, "order_net"),
        )
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the uses with what each adds to the figures; an order has the number of its transaction."""
    codes = tables.promotions.select("code", promotion_id="id")
    return _uses(tables, p).join(codes, on="promotion_id", how="left").with_columns(transaction_id="order_id")


WORDS = {
    "discount": "what the promotion took off the orders that used it",
    "discount_given_back": "what it had taken off orders that ended in the period",
    "net": "what the orders that used it came to, as placed",
}


def promotions(tables: Tables, p: Parameters) -> Frame:
    """Return one row per promotion and currency that was used, or given back, in the period."""
    of = ("promotion_id", "currency")
    uses, used = _uses(tables, p), nw.col("uses") > 0
    clients = uses.filter(used).select(*of, "party_id").unique().group_by(*of).agg(clients=nw.len())
    codes = tables.promotions.select("code", "kind", "brand_id", promotion_id="id")
    key = ("code", "kind", "brand", "currency")
    return (
        uses.group_by(*of)
        .agg(nw.col("uses", "given_back", *WORDS).sum())
        .join(clients, on=list(of), how="left")
        .with_columns(clients=nw.col("clients").fill_null(0).cast(nw.Int64))
        .join(codes.join(brand_names(tables), on="brand_id", how="left"), on="promotion_id", how="left")
        .sort("code", "currency")
        .select(*key, *FIGURES)
    )


def as_orders(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what the promotions took off beside the discounts of the orders placed in the period."""
    orders = in_currency(tables.orders, p.currency)
    late = orders.filter(nw.col("late_on").is_between(p.first_day, p.last_day).fill_null(False))
    taken_off = nw.col("discount") - nw.col("own_discount").fill_null(zero())  # the shop's own comes from no promotion
    in_time = orders.filter(within(p.first_day, p.last_day))
    placed = nw.concat([kept.select("currency", amount=taken_off) for kept in (in_time, late)])
    return beside(placed, rows.select("currency", amount="discount"))


REPORT = Report(
    name="promotions",
    en="Promotions",
    ru="Акции",
    question="what promotions cost and brought",
    parameters=Parameters,
    columns=(
        Column("code", "code", "Code", "Код"),
        Column("kind", "word", "Kind", "Вид"),
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("uses", "count", "Uses", "Применений"),
        Column("given_back", "count", "Given back", "Возвращено"),
        Column("clients", "count", "Clients", "Клиентов"),
        Column("discount", "money", "Discount", "Скидка", total=True),
        Column("discount_given_back", "money", "Discount given back", "Возвращённая скидка", total=True),
        Column("net", "money", "Net of orders", "Сумма заказов", total=True),
    ),
    key=("code", "currency"),
    frame=promotions,
    checks=(Check("orders", "discount = orders' discounts", "скидка = скидки заказов", as_orders),),
    leads_to=to_entries(),
    contributions=Contributions(Source(pieces, WORDS, "promotion_uses")),
    picture=Picture(("discount",), ("code",)),
)
