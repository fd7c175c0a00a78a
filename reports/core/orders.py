"""Orders: how many were placed, less those of which nothing was kept.

The lines of an order are those of its services, or of none; tips, fees, penalties and any other service are apart, and
make no order (DECISIONS D150). Each brand has its own part of an order. It counts +1 on the day of its first line, and
−1 on the day when nothing of it is kept any more: closed months stay as they were, and months add up to their quarter.
"""

from datetime import date
from typing import Any

import narwhals as nw

from reports.core.engines import collected, settled, values
from reports.core.tables import MONEY, Frame, Tables, counted, days_since_epoch, only

SERVICES = ("order", "preorder", "dish", "delivery", "packaging", "")


def sold() -> nw.Expr:
    """Return whether a revenue entry is a sale; else it is a refund."""
    return nw.col("kind").is_in(("debit", "capture"))


def of_an_order() -> nw.Expr:
    """Return whether a revenue entry belongs to an order."""
    return nw.col("service").fill_null("").is_in(SERVICES)


def with_order(tables: Tables, lines: Frame) -> Frame:
    """Return revenue entries with `order`: the debit or the hold that it began with; that of refunds, too."""
    # A debit that refers to something goes beyond it (weighed goods): it belongs to the same order.
    charges = tables.transactions.filter(nw.col("kind").is_in(("capture", "debit")), ~nw.col("refers_to").is_null())
    captures = charges.select(of="refers_to", refers_to="id")
    debits = lines.filter(nw.col("kind") == "debit").with_columns(order=nw.coalesce("refers_to", "transaction_id"))
    others = lines.filter(nw.col("kind") != "debit").join(captures, on="refers_to", how="left")
    return nw.concat([debits, others.with_columns(order=nw.coalesce("of", "refers_to")).drop("of")])


def ended(tables: Tables) -> Frame:
    """Return order, void_on: when orders ended. Where they cost nothing, no refund shows it."""
    begun = nw.when(nw.col("late_on").is_null()).then(nw.col("id")).otherwise(nw.col("charged_by"))
    return tables.orders.filter(~nw.col("void_on").is_null()).select("void_on", order=begun)


PLACED = "id kind status refers_to account_id amount business_date month".split()
LINES = """
    transaction_id kind refers_to business_date month account_kind brand_id currency amount service
""".split()


def only_of(tables: Tables, placed: Frame, until_month: str) -> Tables:
    """Return the tables with the lines of some orders only, up to a month; `placed` is what the orders began with.

    They are read once, without what counting orders does not look at: a column of scattered rows is read as a whole.
    """
    transactions, entries = (nw.from_native(tables.scan(name)) for name in ("transactions", "entries"))
    placed = settled(placed)
    if collected(placed).is_empty():
        return tables.narrowed("transactions", lambda all_: all_.head(0)).narrowed("entries", lambda all_: all_.head(0))
    ids = values(placed)
    own = settled(transactions.filter(_is_among(ids, "id", "refers_to")).select(*PLACED))
    charges = values(own.filter(nw.col("kind").is_in(("capture", "debit"))).select("id"))
    lines = entries.filter(nw.col("month") <= until_month, nw.col("account_kind") == "revenue")
    of_them = lines.filter(_is_among(charges, "transaction_id", "refers_to") | _is_among(ids, "refers_to"))
    read = settled(of_them.select(*LINES))
    return tables.narrowed("transactions", lambda all_: own).narrowed("entries", lambda all_: read)


def _is_among(ids: Any, *columns: str) -> nw.Expr:
    return nw.any_horizontal(*(nw.col(name).is_in(ids) for name in columns), ignore_nulls=True)


def order_days(tables: Tables, lines: Frame, *by: str, first_day: date, last_day: date) -> Frame:
    """Return *by, order, business_date, day_number, month, orders: +1 for a day on which one began, −1 if it ended.

    `lines` are revenue entries from the first of all up to the last day. What began and ended on one day has no row.
    """
    moved = followed(tables, lines, first_day=first_day, last_day=last_day)
    both = [
        stayed(lines, moved, *by, first_day=first_day, last_day=last_day),
        changed(tables, lines, moved, *by, first_day=first_day, last_day=last_day),
    ]
    return nw.concat(both)


def followed(tables: Tables, lines: Frame, *, first_day: date, last_day: date) -> Frame:
    """Return order: those that may end, or begin again, in the period. Most orders stay as debited."""
    now = nw.col("business_date") >= first_day
    void = ended(tables).filter(nw.col("void_on").is_between(first_day, last_day))
    others = with_order(tables, lines.filter(of_an_order(), now, nw.col("kind") != "debit"))
    return nw.concat([others.select("order"), void.select("order")]).unique()


def stayed(lines: Frame, moved: Frame, *by: str, first_day: date, last_day: date) -> Frame:
    """Return the rows of `order_days` of orders that are not followed: each began in the period with its debit.

    `by` may be columns of its transaction, too.
    """
    key = (*by, "order", "business_date")
    # A debit that refers to something belongs to the order that it goes beyond, and begins none.
    begins = (nw.col("kind") == "debit") & nw.col("refers_to").is_null()
    begun = (
        lines.filter(of_an_order(), begins, nw.col("business_date").is_between(first_day, last_day))
        .with_columns(order="transaction_id")
        .join(moved, on="order", how="anti")
    )
    return _dated(begun.select(*key).unique().with_columns(orders=nw.lit(1)).select(*key, "orders"))


def changed(tables: Tables, lines: Frame, moved: Frame, *by: str, first_day: date, last_day: date) -> Frame:
    """Return the rows of `order_days` of orders that are followed, from the first of all on."""
    key = (*by, "order")
    void = ended(tables).filter(nw.col("void_on") <= last_day)
    of_moved = with_order(tables, lines.filter(of_an_order())).join(moved, on="order", how="semi")
    rows = _followed(of_moved.select(*key, "kind", "business_date", "amount"), void, key)
    return _dated(rows.filter(nw.col("business_date") >= first_day).select(*key, "business_date", "orders"))


def _dated(rows: Frame) -> Frame:
    return rows.with_columns(
        day_number=days_since_epoch("business_date"), month=nw.col("business_date").dt.to_string("%Y-%m")
    )


def _followed(lines: Frame, void: Frame, key: tuple[str, ...]) -> Frame:
    """Return *key, business_date, orders: +1 where an order stands at a day's end and did not before, −1 if no more."""
    none, day = nw.lit(0).cast(MONEY), "business_date"
    sums = ("amount", "worth", "begun", "void")
    moved = lines.group_by(*key, day).agg(
        amount=nw.col("amount").sum(), worth=only(sold()).sum(), begun=counted(sold()).sum()
    )
    ended = lines.join(void, on="order", how="inner").select(*key, business_date="void_on").unique()
    ended = ended.with_columns(amount=none, worth=none, begun=nw.lit(0), void=nw.lit(1))
    days = [side.select(*key, day, *sums) for side in (moved.with_columns(void=nw.lit(0)), ended)]
    so_far = {name: nw.col(name).cum_sum().over(*key, order_by=day) for name in sums}
    costs_nothing = (nw.col("worth") == none) & (nw.col("void") == 0)
    stands = counted((nw.col("begun") > 0) & ((nw.col("amount") > none) | costs_nothing))
    return (
        nw.concat(days)
        .group_by(*key, day)
        .agg(nw.col(*sums).sum())
        .with_columns(**so_far)
        .with_columns(stands=stands)
        .with_columns(before=nw.col("stands").shift(1).over(*key, order_by=day).fill_null(0))
        .with_columns(orders=nw.col("stands") - nw.col("before"))
        .filter(nw.col("orders") != 0)
    )


def as_pieces(tables: Tables, rows: Frame) -> Frame:
    """Return rows of orders as what is behind a figure: each by the transaction that it began with."""
    facts = tables.transactions.select("kind", "account_id", "amount", order="id")
    return rows.join(facts, on="order", how="left").with_columns(transaction_id="order")
