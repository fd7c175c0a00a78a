"""Account card: every movement of one account, with the balance after it.

Controls: the movements, and the last balance, are those of turnover; the running
balance is the ledger's own.
"""

import narwhals as nw
from pydantic import Field

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_transaction
from reports.core.parameters import Movements
from reports.core.pictures import Picture
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    Frame,
    Tables,
    beside,
    brand_names,
    ledgers_closing,
    moving,
    only,
    taken,
    until,
    within,
)
from reports.standard import turnover

_ORDER = ("business_date", "version")
BOOKING = ("key", "channel", "reason", "by", "note", "value_date", "refers_to")


class Parameters(Movements):
    """One account and a period."""

    account: int = Field(description="account: number or reference")


def _listed(column: str) -> nw.Expr:
    """Return the first of the values, and how many others there are."""
    more = (nw.col(f"{column}_count") - 1).cast(nw.String)
    several = nw.concat_str(nw.col(column), nw.lit(" +"), more)
    return nw.when(nw.col(f"{column}_count") > 1).then(several).otherwise(nw.col(column)).alias(column)


def _lines(tables: Tables, p: Parameters) -> Frame:
    """Return brands, services and their numbers, one row per transaction: of what this account paid for."""
    listed = ("brand", "service", "number")
    moved = tables.entries.filter(nw.col("account_id") == p.account, within(p.first_day, p.last_day))
    return (
        tables.entries.filter(within(p.first_day, p.last_day), nw.col("version").is_null())
        .join(moved.select("transaction_id"), on="transaction_id", how="semi")
        .filter(nw.col("source_id").is_null() | (nw.col("source_id") == p.account))
        .rename({"reference": "number"})
        .join(brand_names(tables), on="brand_id", how="left")
        .group_by("transaction_id")
        .agg(
            *(nw.col(name).min() for name in listed),
            *(nw.col(name).n_unique().alias(f"{name}_count") for name in listed),
        )
        .select("transaction_id", *(_listed(name) for name in listed))
    )


def account_card(tables: Tables, p: Parameters) -> Frame:
    """Return one row per entry of the account, in order; balance and held are after the entry."""
    bookings = tables.transactions.select(*BOOKING, transaction="id")
    return (
        tables.entries.filter(nw.col("account_id") == p.account, until(p.last_day), moving())
        .with_columns(balance=nw.col("amount").cum_sum().over("account_id", order_by=_ORDER))
        .filter(nw.col("business_date") >= p.first_day)
        .drop("value_date", "refers_to", "reference", "service", "channel")
        .join(_lines(tables, p), on="transaction_id", how="left")
        .rename({"transaction_id": "transaction", "account_id": "account", "subaccount_id": "paid_for"})
        .join(bookings, on="transaction", how="left")
        .with_columns(
            credit=only(nw.col("amount") > 0),
            debit=taken(nw.col("amount") < 0),
        )
        .sort(*_ORDER)
        .select(*(column.name for column in REPORT.columns))
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the account's entries up to the row's own, with what each adds to the row's figures."""
    day, version = nw.col("business_date"), nw.col("version")
    own, booked = version == row["version"], version <= row["version"]
    # By another date than booking, what the ledger wrote as held comes from other entries than the balance.
    before = (day < row["business_date"]) | ((day == row["business_date"]) & booked)
    return (
        tables.entries.filter(nw.col("account_id") == p.account, before | booked)
        .with_columns(
            credit=only(own & (nw.col("amount") > 0)),
            debit=taken(own & (nw.col("amount") < 0)),
            balance=only(before),
            held=only(own, "held"),
            until_now=only(booked, "held"),
        )
        .select("transaction_id", "leg", "credit", "debit", "balance", "held", held_after="until_now")
    )


WORDS = {
    "credit": "what the entry raised the balance by",
    "debit": "what the entry lowered the balance by",
    "balance": "all entries of the account up to this one",
    "held": "what the entry changed of what is set aside",
    "held_after": "what entries of the account up to this one set aside, less what they gave free",
}


def _of_turnover(tables: Tables, p: Parameters) -> Frame:
    return turnover.movements(
        tables, turnover.Parameters(first_day=p.first_day, last_day=p.last_day, account=p.account)
    )


def moved_as_turnover(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the card's movements beside those of turnover."""
    expected = _of_turnover(tables, p).select("currency", amount=nw.col("credits") - nw.col("debits"))
    return beside(expected, rows.select("currency", amount=nw.col("credit") - nw.col("debit")))


def ends_as_turnover(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the card's last balance beside turnover's closing; without rows there is none."""
    expected = _of_turnover(tables, p).filter(nw.col("moves") > 0).select("currency", amount="closing")
    # Of one day the last version; of the days the last one.
    day = rows.group_by("currency").agg(business_date=nw.col("business_date").max())
    on_it = rows.join(day, on=["currency", "business_date"])
    last = on_it.group_by("currency").agg(version=nw.col("version").max())
    return beside(expected, on_it.join(last, on=["currency", "version"]).select("currency", amount="balance"))


def runs_as_ledger(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the sum of the running balances beside that of the balances which the ledger wrote, in order of booking."""
    if p.dated_by != "booking":
        kept = ledgers_closing(tables, p.last_day, dated_by=p.dated_by).filter(nw.col("account_id") == p.account)
        closing = _of_turnover(tables, p).select("closing", account_id="account", currency="currency")
        both = kept.rename({"closing": "amount"}).join(closing, on="account_id", how="inner")
        return beside(both.select("currency", "amount"), both.select("currency", amount="closing"))
    ledger = tables.entries.filter(nw.col("account_id") == p.account, within(p.first_day, p.last_day), moving())
    return beside(ledger.select("currency", amount="balance_after"), rows.select("currency", amount="balance"))


REPORT = Report(
    name="account-card",
    en="Account card",
    ru="Карточка счёта",
    question="what made this balance",
    parameters=Parameters,
    columns=(
        Column("version", "number", "No.", "№"),
        Column("posted_at", "instant", "Time", "Время"),
        Column("business_date", "date", "Date", "Дата", aside=True),
        Column("transaction", "number", "Transaction", "Операция"),
        Column("key", "code", "Document", "Документ"),
        Column("kind", "word", "Kind", "Вид"),
        Column("brand", "code", "Brand", "Бренд"),
        Column("service", "code", "Services", "Услуги"),
        Column("number", "code", "Service no.", "№ услуги"),
        Column("paid_for", "account", "Paid for", "За счёт-получатель"),
        Column("refers_to", "number", "Refers to", "К операции", aside=True),
        Column("value_date", "date", "Value date", "Дата банка", aside=True),
        Column("channel", "code", "Channel", "Канал", aside=True),
        Column("reason", "text", "Reason", "Причина", aside=True),
        Column("by", "text", "By", "Кто", aside=True),
        Column("note", "text", "Note", "Примечание", aside=True),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("credit", "money", "Credit", "Приход", total=True),
        Column("debit", "money", "Debit", "Расход", total=True),
        Column("balance", "money", "Balance", "Остаток"),
        Column("held", "money", "Held (change)", "Резерв (изменение)", total=True, aside=True),
        Column("held_after", "money", "Held", "В резерве"),
    ),
    key=("version",),
    frame=account_card,
    checks=(
        Check("turnover_moved", "movements = turnover", "обороты = оборотная ведомость", moved_as_turnover),
        Check(
            "turnover_closing",
            "last balance = turnover",
            "последний остаток = оборотная ведомость",
            ends_as_turnover,
        ),
        Check(
            "ledger_balance",
            "running balance = the ledger's",
            "остатки строк = остатки книги",
            runs_as_ledger,
        ),
    ),
    leads_to=to_transaction(),
    contributions=Contributions(Source(pieces, WORDS)),
    first=("posted_at", "credit", "debit", "balance", "kind", "version"),
    picture=Picture(("balance",), ("posted_at",), mark="line"),
)
