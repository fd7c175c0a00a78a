"""Corrections: who corrected what: refunds, reversals, payouts, adjustments.

Controls: every refund and reversal finds what it is about; the count is the ledger's.
"""

import narwhals as nw

from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_transaction
from reports.core.parameters import Movements, OfAccount
from reports.core.report import Check, Column, Report
from reports.core.tables import (
    MONEY,
    Frame,
    Tables,
    beside,
    client_accounts,
    counted,
    in_currency,
    only,
    within,
    zero,
)

KINDS = ("refund", "reverse", "payout", "adjustment")


class Parameters(Movements, OfAccount):
    """A period and an account."""


def _corrections(tables: Tables, p: Parameters) -> Frame:
    posted = tables.transactions.filter(
        nw.col("status") == "posted", nw.col("kind").is_in(KINDS), within(p.first_day, p.last_day)
    )
    return posted if p.account is None else posted.filter(nw.col("account_id") == p.account)


def _of_clients(tables: Tables, p: Parameters) -> Frame:
    return tables.entries.filter(
        within(p.first_day, p.last_day), ~nw.col("party_id").is_null(), nw.col("kind").is_in(KINDS)
    )


def added() -> dict[str, nw.Expr]:
    """Return what an entry on a client's account adds to each figure."""
    kind = nw.col("account_kind")
    return {"change": only(kind == "money"), "points": only(kind == "bonus")}


def _moves(tables: Tables, p: Parameters) -> Frame:
    """Return what each transaction did to clients' money accounts taken together, and to points, by currency."""
    sums = {name: adds.sum() for name, adds in added().items()}
    return _of_clients(tables, p).group_by("transaction_id", "currency").agg(**sums)


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the entries on clients' accounts with what each adds to the figures."""
    return _of_clients(tables, p).with_columns(**added(), transaction="transaction_id")


WORDS = {
    "change": "entries of the transaction on clients' money accounts",
    "points": "entries of the transaction on accounts of points",
}


def _codes(tables: Tables, p: Parameters) -> Frame:
    """Return transaction and its code in the company's own chart, of those that have one."""
    coded = tables.entries.filter(within(p.first_day, p.last_day), ~nw.col("chart").is_null())
    return coded.rename({"transaction_id": "transaction"}).group_by("transaction").agg(chart=nw.col("chart").min())


def corrections(tables: Tables, p: Parameters) -> Frame:
    """Return one row per correction and currency, in order; change and points are what clients gained or lost."""
    about = _corrections(tables, p).select("refers_to")
    corrected = tables.transactions.select(
        refers_to="id", of_document="key", of_kind="kind", of_date="business_date", of_account="account_id"
    ).join(about, on="refers_to", how="semi")  # a third of the time: few are corrected
    names = client_accounts(tables).select("account", "reference", "client")
    return (
        _corrections(tables, p)
        .rename({"id": "transaction", "currency": "own"})
        .join(_moves(tables, p).rename({"transaction_id": "transaction"}), on="transaction", how="left")
        .join(_codes(tables, p), on="transaction", how="left")
        .join(corrected, on="refers_to", how="left")
        .with_columns(
            *(nw.col(name).fill_null(zero()) for name in ("change", "points")),
            account=nw.coalesce("account_id", "of_account"),
            chart=nw.col("chart").fill_null(""),
            currency=nw.coalesce("currency", "own"),  # a payment of nobody's moved no client
        )
        .join(names, on="account", how="left")
        .pipe(in_currency, p.currency)
        .sort("transaction", "currency")
        .select(*(column.name for column in REPORT.columns))
    )


def paired(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the number of refunds and reversals beside the number of those whose cause is found."""
    about = rows.filter(nw.col("kind").is_in(("refund", "reverse")))
    found = counted(~nw.col("of_document").is_null()).cast(MONEY)
    return beside(about.select("currency", amount=nw.lit(1).cast(MONEY)), about.select("currency", amount=found))


def as_ledger(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the count beside the number of corrections that have entries."""
    entries = in_currency(tables.entries, p.currency).filter(
        within(p.first_day, p.last_day), nw.col("kind").is_in(KINDS)
    )
    if p.account is not None:
        chosen = _corrections(tables, p).select(transaction_id="id")
        entries = entries.join(chosen, on="transaction_id", how="inner")
    posted = entries.select("transaction_id", "currency").unique()
    one = nw.lit(1).cast(MONEY)
    return beside(posted.select("currency", amount=one), rows.select("currency", amount=one))


REPORT = Report(
    name="corrections",
    en="Corrections",
    ru="Исправления",
    question="who corrected what: refunds, reversals, payouts, adjustments",
    parameters=Parameters,
    columns=(
        Column("transaction", "number", "Transaction", "Операция"),
        Column("posted_at", "instant", "Time", "Время"),
        Column("business_date", "date", "Date", "Дата", aside=True),
        Column("key", "code", "Document", "Документ"),
        Column("kind", "word", "Kind", "Вид"),
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта", aside=True),
        Column("client", "text", "Client", "Клиент"),
        Column("by", "text", "By", "Кто"),
        Column("reason", "text", "Reason", "Причина"),
        Column("chart", "code", "Code", "Статья"),
        Column("note", "text", "Note", "Примечание"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("change", "money", "Change", "Изменение", total=True),
        Column("points", "money", "Change of points", "Изменение баллов", total=True),
        Column("refers_to", "number", "Of transaction", "К операции"),
        Column("of_document", "code", "Of document", "К документу"),
        Column("of_kind", "word", "Of kind", "Исправлено"),
        Column("of_date", "date", "Of date", "От даты"),
    ),
    key=("transaction", "currency"),
    frame=corrections,
    checks=(
        Check("paired", "refunds and reversals are paired", "возвраты и сторно имеют основание", paired),
        Check("ledger_count", "count = the ledger's corrections", "количество = исправления книги", as_ledger),
    ),
    leads_to=to_transaction(),
    contributions=Contributions(Source(pieces, WORDS)),
)
