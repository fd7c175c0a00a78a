"""Cash by channel: what each brand took in by card, courier or terminal and has not yet moved on, and since when.

What leaves a channel settles what came first. What is in the channel `bank` has arrived, and is
to be compared with the bank. Money that was booked before entries named their channel stands
apart, as it was never moved on: it lowers nothing of what came later (DECISIONS D91). Controls: the channels
come to the cash entries, none is below zero, save money of no channel; and what statements brought has arrived in
`bank`, each entry that was imported before the day.
"""

import narwhals as nw

from reports.core.aging import day_number
from reports.core.contributions import Contributions, Source
from reports.core.engines import settled
from reports.core.leads import Row, to_entries
from reports.core.parameters import AsOf, OfBrand
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    in_currency,
    only,
    taken,
    until,
    with_channel,
    zero,
)

BANK = "bank"
OF = ("brand", "channel", "currency")


class Parameters(AsOf, OfBrand):
    """A day, and a brand."""


def _entries(tables: Tables, p: Parameters) -> Frame:
    cash = in_currency(tables.entries, p.currency).filter(nw.col("account_kind") == "cash", until(p.as_of))
    named = cash.join(brand_names(tables).select("brand_id", "brand"), on="brand_id", how="left")
    return named if p.brand is None else named.filter(nw.col("brand") == p.brand)


def _days(tables: Tables, p: Parameters) -> Frame:
    """Return what came and went by channel and day; `before`: booked when entries did not name their channel yet."""
    days = _dated(tables, p).group_by(*OF, "before", "business_date", "day_number")
    return days.agg(nw.col("came", "went").sum())


def _dated(tables: Tables, p: Parameters) -> Frame:
    came, went = taken(nw.col("amount") < 0), only(nw.col("amount") > 0)
    entries = _entries(tables, p).with_columns(before=nw.col("channel").is_null(), came=came, went=went)
    return with_channel(tables, entries)


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries of the row's channel that are still there: those of its day, or what has no date of its own.

    Of a day, what leaves settles what came first.
    """
    of = [nw.col(name) == row[name] for name in OF]
    entries = _dated(tables, p).filter(*of)
    there = nw.col("came") - nw.col("went")
    if row["state"] == "in_transit":
        gone = entries.filter(~nw.col("before")).group_by(*OF).agg(gone=nw.col("went").sum())
        left = nw.col("reached") - nw.col("gone")
        return (
            entries.filter(~nw.col("before"), nw.col("came") > 0)
            .with_columns(
                reached=nw.col("came").cum_sum().over(*OF, order_by=("business_date", "transaction_id", "leg"))
            )
            .join(gone, on=list(OF), how="inner")
            .with_columns(still=nw.when(left < nw.col("came")).then(left).otherwise(nw.col("came")))
            .filter(nw.col("still") > 0, nw.col("business_date") == row["since"])
            .drop("amount")
            .with_columns(amount="still")
        )
    # What was moved on beyond what came later dates from before.
    beyond = entries.filter(~nw.col("before")).group_by(*OF).agg(later=there.sum())
    counts = nw.col("before") | (nw.col("later") < 0).fill_null(False)
    counts = counts | nw.lit(row["channel"] == BANK)
    return entries.join(beyond, on=list(OF), how="left").with_columns(
        amount=only(counts, "came") - only(counts, "went")
    )


WORDS = {"amount": "money that came into the channel, less what was moved on, which settles what came first"}


def _rest(days: Frame) -> Frame:
    """Return one row per channel that has arrived, dates from before, or is below zero: all without an own date."""
    there, before = nw.col("came") - nw.col("went"), nw.col("before")
    sums = days.group_by(*OF).agg(
        earlier=nw.when(before).then(there).otherwise(zero()).sum(),
        later=nw.when(before).then(zero()).otherwise(there).sum(),
    )
    # What was moved on beyond what came later dates from before.
    beyond = nw.when(nw.col("later") < 0).then(nw.col("later")).otherwise(zero())
    at_bank = nw.col("channel") == BANK
    amount = nw.when(at_bank).then(nw.col("earlier") + nw.col("later")).otherwise(nw.col("earlier") + beyond)
    # What only the time before took below zero dates from before: nobody could post a move then.
    below = (nw.col("amount") < 0) & (nw.col("later") < 0)
    state = nw.when(below).then(nw.lit("below_zero")).otherwise(nw.lit("before"))
    return (
        sums.with_columns(amount=amount)
        .with_columns(state=nw.when(at_bank & (nw.col("amount") >= 0)).then(nw.lit("arrived")).otherwise(state))
        .with_columns(since=nw.lit(None).cast(nw.Date), days=nw.lit(None).cast(nw.Int64))
    )


def _in_transit(days: Frame, p: Parameters) -> Frame:
    """Return one row per channel and day of which something was not moved on."""
    later = days.filter(~nw.col("before"), nw.col("channel") != BANK)
    gone = later.group_by(*OF).agg(gone=nw.col("went").sum())
    left = nw.col("reached") - nw.col("gone")
    return (
        later.with_columns(reached=nw.col("came").cum_sum().over(*OF, order_by="business_date"))
        .join(gone, on=list(OF), how="inner")
        .with_columns(amount=nw.when(left < nw.col("came")).then(left).otherwise(nw.col("came")))
        .filter(nw.col("amount") > 0)
        .with_columns(
            state=nw.lit("in_transit"),
            since=nw.col("business_date"),
            days=nw.lit(day_number(p.as_of)) - nw.col("day_number"),
        )
    )


def cash_by_channel(tables: Tables, p: Parameters) -> Frame:
    """Return what is in each channel: in transit a row for each day that it came, the oldest first."""
    days = settled(_days(tables, p))
    names = [column.name for column in REPORT.columns]
    rows = nw.concat([_in_transit(days, p).select(*names), _rest(days).select(*names)])
    order = nw.col("days").fill_null(1_000_000)  # what has no date stands first
    return (
        rows.filter(nw.col("amount") != 0)
        .with_columns(order=order)
        .sort("brand", "currency", "channel", "order", descending=[False, False, False, True])
        .select(*names)
    )


def as_cash(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the channels beside the cash entries."""
    return beside(_entries(tables, p).with_columns(amount=zero() - nw.col("amount")), rows.select("currency", "amount"))


def none_below_zero(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set what channels are below zero beside zero."""
    below = (nw.col("state") == "below_zero") & (nw.col("channel") != "")
    return beside(rows.select("currency", amount=zero()), rows.select("currency", amount=only(below)))


def as_statements(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the money in of bank statements beside what was posted for it into the channel `bank`.

    What was imported today may still be on its way into the ledger.
    """
    day, posted = nw.col("business_date"), (nw.col("business_date") <= p.as_of).fill_null(False)
    reported = in_currency(tables.bank_entries, p.currency).filter(
        nw.col("amount") > 0, ~nw.col("reversal"), posted | (nw.col("imported_on") < p.as_of).fill_null(False)
    )
    codes = brand_names(tables).select("brand_id", "brand")
    reported = reported.join(codes, on="brand_id", how="left")
    reported = reported if p.brand is None else reported.filter(nw.col("brand") == p.brand)
    known = reported.filter(day <= p.as_of).select("transaction_id", "brand_id")
    arrived = with_channel(tables, _entries(tables, p)).filter(nw.col("channel") == BANK)
    arrived = arrived.join(known, on=["transaction_id", "brand_id"], how="semi")
    return beside(reported.select("currency", "amount"), arrived.with_columns(amount=zero() - nw.col("amount")))


REPORT = Report(
    name="cash-by-channel",
    en="Cash by channel",
    ru="Деньги по каналам",
    question="which money is on its way to the bank, and since when",
    parameters=Parameters,
    columns=(
        Column("brand", "code", "Brand", "Бренд"),
        Column("channel", "code", "Channel", "Канал"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("state", "word", "State", "Состояние"),
        Column("since", "date", "Since", "С"),
        Column("days", "count", "Days", "Дней"),
        Column("amount", "money", "Amount", "Сумма", total=True),
    ),
    key=("brand", "channel", "currency", "state", "since"),
    frame=cash_by_channel,
    checks=(
        Check("cash", "channels = cash entries", "каналы = проводки денег", as_cash),
        Check("statements", "bank statements = posted", "выписки = проведено", as_statements),
        Check("below_zero", "no channel is below zero", "ни один канал не ниже нуля", none_below_zero),
    ),
    leads_to=to_entries("cash"),
    contributions=Contributions(Source(pieces, WORDS)),
    picture=Picture(("amount",), ("channel",), by="state"),
)
