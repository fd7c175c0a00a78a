"""Receipts: money in, and out again, by day, brand and channel.

A reversal is in the channel of what it reverses; that of a payout lowers what was paid out.
By value date a payment counts on the bank's date, where one was given. What was moved
between channels and brands stands apart. Controls: net and moved are what the cash entries
come to, and net is what clients and the unallocated payments received.
"""

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_entries
from reports.core.parameters import Grain, Movements, OfBrand, of_piece
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    counted,
    in_currency,
    monday,
    only,
    taken,
    with_channel,
    with_root,
    within,
    zero,
)

FIGURES = ("count", "received", "paid_out", "reversed", "net", "unallocated", "moved")


class Parameters(Movements, OfBrand):
    """A period, cut into days, weeks, months or not at all; and a brand."""

    by: Grain = Field("day", description="a row for each day, week or month, or one total")


def _entries(tables: Tables, p: Parameters) -> Frame:
    return in_currency(tables.entries, p.currency).filter(within(p.first_day, p.last_day))


def _of_brand(tables: Tables, p: Parameters, kinds: tuple[str, ...]) -> Frame:
    named = _entries(tables, p).filter(nw.col("account_kind").is_in(kinds))
    named = named.join(brand_names(tables), on="brand_id", how="left")
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def _by_piece(tables: Tables, p: Parameters) -> Frame:
    day = nw.col("business_date")
    return (
        _of_brand(tables, p, ("cash", "unallocated"))
        .pipe(lambda entries: with_channel(tables, with_root(tables, entries)))
        .with_columns(day=day, week=monday(nw.col("day_number")), month=day.dt.to_string("%Y-%m"))
    )


def added() -> dict[str, nw.Expr]:
    """Return what an entry on a brand's cash or unallocated account adds to each figure."""
    kind, root, cash = nw.col("kind"), nw.col("root"), nw.col("account_kind") == "cash"
    return {
        "received": taken(cash & (kind == "payment")),
        "paid_out": only(cash & (root == "payout")),
        "reversed": only(cash & (kind != "payment") & ~root.is_in(("payout", "move"))),
        "unallocated": only(~cash),
        "moved": taken(cash & (root == "move")),
    }


WORDS = {
    "received": "payments, as they came into the brand's cash",
    "paid_out": "payouts, less those that were reversed",
    "reversed": "payments that were reversed or came back",
    "unallocated": "payments whose payer was unknown, less what was given to accounts later",
    "moved": "money moved here from other channels and brands, less what was moved away",
}


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries with what each adds to the figures."""
    return _by_piece(tables, of_piece(p, row)).with_columns(**added())


def receipts(tables: Tables, p: Parameters) -> Frame:
    """Return one row per day (or week, month), brand, channel and currency.

    Count is the number of payments; unallocated is what was booked as such, less what was given to accounts.
    """
    piece = [] if p.by == "total" else [p.by]
    key = [*piece, "brand", "brand_name", "channel", "currency"]
    payments = counted((nw.col("account_kind") == "cash") & (nw.col("kind") == "payment")).sum()
    return (
        _by_piece(tables, p)
        .group_by(*key)
        .agg(count=payments, **{name: adds.sum() for name, adds in added().items()})
        .with_columns(net=nw.col("received") - nw.col("paid_out") - nw.col("reversed"))
        .sort(*piece, "brand", "channel", "currency")
        .select(*key, *FIGURES)
    )


def as_cash(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set net and what was moved beside what the cash entries come to."""
    cash = _of_brand(tables, p, ("cash",)).with_columns(amount=zero() - nw.col("amount"))
    return beside(cash, rows.select("currency", amount=nw.col("net") + nw.col("moved")))


def as_clients(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set net less the unallocated, of all brands, beside what came to clients' accounts in the same transactions.

    A refund that nobody got is none of clients' money in: it stands on both sides.
    """
    refund = nw.col("kind") == "refund"
    sided = _entries(tables, p).filter(nw.col("account_kind").is_in(("cash", "unallocated")))
    nobodys = sided.filter(refund).select("currency", amount=zero() - nw.col("amount"))
    clients = (
        _entries(tables, p)
        .filter(~nw.col("party_id").is_null(), ~refund)
        .join(sided.select("transaction_id").unique(), on="transaction_id", how="inner")
    )
    everyone = rows if p.brand is None else receipts(tables, p.model_copy(update={"brand": None}))
    return beside(
        nw.concat([clients.select("currency", "amount"), nobodys]),
        everyone.select("currency", amount=nw.col("net") - nw.col("unallocated")),
    )


REPORT = Report(
    name="receipts",
    en="Receipts",
    ru="Поступления",
    question="money in by day, brand, channel",
    parameters=Parameters,
    columns=(
        Column("day", "date", "Day", "День"),
        Column("week", "date", "Week from", "Неделя с"),
        Column("month", "month", "Month", "Месяц"),
        Column("brand", "code", "Brand code", "Код бренда"),
        Column("brand_name", "text", "Brand", "Бренд"),
        Column("channel", "code", "Channel", "Канал"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("count", "count", "Payments", "Платежей", total=True),
        Column("received", "money", "Received", "Поступило", total=True),
        Column("paid_out", "money", "Paid out", "Выплачено", total=True),
        Column("reversed", "money", "Reversed", "Сторно", total=True),
        Column("net", "money", "Net", "Итого", total=True),
        Column("unallocated", "money", "of it unallocated", "в т. ч. не разнесено", total=True),
        Column("moved", "money", "Moved here", "Перемещено сюда", total=True),
    ),
    key=("day", "week", "month", "brand", "channel", "currency"),
    frame=receipts,
    checks=(
        Check("cash", "net + moved = cash entries", "итого + перемещено = проводки денег", as_cash),
        Check("clients", "net − unallocated = clients' accounts", "итого − не разнесено = счета клиентов", as_clients),
    ),
    leads_to=to_entries("cash"),
    contributions=Contributions(Source(pieces, WORDS), made={"net": {"received": 1, "paid_out": -1, "reversed": -1}}),
    picture=Picture(("net",), ("day", "week", "month", "brand_name"), by="brand_name"),
)
