"""The journal: the entries behind a figure, one row per entry. It is where every drill-down ends.

It is run like a report but is none of the standard ones: nobody wants a year of it every
night (DECISIONS D38). Signs are the ledger's: plus raises what the client has, so money in is minus in a
brand's cash. Control: a transaction sums to zero, so the rest of the same transactions
comes to the opposite.
"""

import narwhals as nw
from pydantic import Field

from reports.core.leads import to_transaction
from reports.core.parameters import Movements, OfAccount, OfBrand
from reports.core.report import Check, Column, Report
from reports.core.result import Result
from reports.core.tables import (
    APART,
    Frame,
    Tables,
    beside,
    brand_names,
    client_accounts,
    in_currency,
    money_or_bonus,
    of_points,
    with_channel,
    within,
    zero,
)
from reports.run import LakeBook

DATED = ("dated_by", "booked_until")
NARROWING = ("operation", "kind", "service", "channel", "brand", "account")


class Parameters(Movements, OfBrand, OfAccount):
    """A period, and what the entries are narrowed to; the account is the client's, whichever leg it is."""

    operation: str | None = Field(None, description="only transactions of this kind")
    kind: str | None = Field(None, description="only entries on accounts of this kind")
    service: str | None = Field(None, description="only lines of this service")
    channel: str | None = Field(None, description="only payments through this channel")


def _named(tables: Tables, p: Parameters) -> Frame:
    """Return the entries of the period with brand, channel and the client's account that each is about."""
    commands = tables.transactions.select("key", transaction_id="id", requested="account_id")
    own = nw.when(~nw.col("party_id").is_null()).then(nw.col("account_id"))
    faced = nw.when(nw.col("source_kind") != "cash").then(nw.col("source_id"))  # the other brand is no client
    return (
        in_currency(tables.entries, p.currency)
        .filter(within(p.first_day, p.last_day))
        .join(brand_names(tables), on="brand_id", how="left")
        .join(commands, on="transaction_id", how="left")
        .pipe(lambda entries: with_channel(tables, entries))
        .rename({"kind": "operation", "account_kind": "kind"})
        .with_columns(
            account=nw.coalesce(own, faced, "requested"),
            service=nw.col("service").fill_null(""),
        )
    )


def journal(tables: Tables, p: Parameters) -> Frame:
    """Return one row per entry, by transaction and leg."""
    clients = client_accounts(tables).select("account", "client")
    rows = _named(tables, p)
    for name in NARROWING:
        wanted = getattr(p, name)
        if wanted is not None:
            rows = rows.filter(nw.col(name) == wanted)
    return (
        rows.join(clients, on="account", how="left")
        .rename({"transaction_id": "transaction", "reference": "number"})
        .sort("transaction", "leg")
        .select(*(column.name for column in JOURNAL.columns))
    )


def rest_of_transactions(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the rows' sums, money and points apart, beside what the rest of the same transactions lacks of zero."""
    listed = rows.select("leg", transaction_id="transaction")
    amounts = rows.select("leg", "amount", transaction_id="transaction")
    whole = in_currency(tables.entries, p.currency).join(
        listed.select("transaction_id").unique(), on="transaction_id", how="inner"
    )
    whole = whole.with_columns(kind=money_or_bonus(of_points()))
    others = whole.join(listed, on=["transaction_id", "leg"], how="anti")
    own = whole.drop("amount").join(amounts, on=["transaction_id", "leg"], how="inner")
    return beside(others.select(*APART, amount=zero() - nw.col("amount")), own.select(*APART, "amount"), APART)


def entries_behind(book: LakeBook, parameters: Parameters, *, controlled: bool = True) -> Result:
    """Return the entries that the parameters select, as a result with its control, or without."""
    return book.run(JOURNAL, parameters, controlled=controlled)


JOURNAL = Report(
    name="journal",
    en="Entries",
    ru="Проводки",
    question="which entries make this figure",
    parameters=Parameters,
    columns=(
        Column("transaction", "number", "Transaction", "Операция"),
        Column("leg", "number", "Leg", "№"),
        Column("posted_at", "instant", "Time", "Время"),
        Column("business_date", "date", "Date", "Дата"),
        Column("key", "code", "Document", "Документ"),
        Column("operation", "word", "Kind", "Вид"),
        Column("kind", "account_kind", "On", "На счёте"),
        Column("brand", "code", "Brand", "Бренд"),
        Column("account", "account", "Account", "Счёт"),
        Column("client", "text", "Client", "Клиент"),
        Column("channel", "code", "Channel", "Канал"),
        Column("service", "code", "Service", "Услуга"),
        Column("number", "code", "Service no.", "№ услуги"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("gross", "money", "Gross", "Без скидок", total=True),
        Column("discount", "money", "Discount", "Скидки", total=True),
        Column("amount", "money", "Amount", "Сумма", total=True),
    ),
    key=("transaction", "leg"),
    frame=journal,
    checks=(
        Check(
            "zero_sum",
            "amount = − the rest of the same transactions",
            "сумма = − остальные проводки тех же операций",
            rest_of_transactions,
        ),
    ),
    leads_to=to_transaction(),
    first=("posted_at", "amount", "operation", "client"),
)
