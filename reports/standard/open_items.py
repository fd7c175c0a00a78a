"""Open items: which debits are unpaid, and since when they are late.

Control: the unpaid is the total of receivables-aging.
"""

import narwhals as nw

from reports.core import aging
from reports.core.contributions import Contributions, Source
from reports.core.leads import Row, to_transaction
from reports.core.parameters import AsOf, OfAccount, OfBrand, OfParty
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, of_row
from reports.standard import receivables_aging, turnover


class Parameters(AsOf, OfAccount, OfParty, OfBrand):
    """A day, and whose debits."""


def open_items(tables: Tables, p: Parameters) -> Frame:
    """Return one row per unpaid debit, by account, the oldest first."""
    query = turnover.Parameters(
        first_day=p.as_of, last_day=p.as_of, currency=p.currency, account=p.account, party=p.party, brand=p.brand
    )
    accounts = turnover.chosen(tables, query).drop("currency", "kind")
    documents = tables.transactions.select("key", transaction_id="id")
    return (
        aging.late(tables, p.as_of, p.currency)
        .rename({"account_id": "account", "due_day": "due"})
        .join(accounts, on="account", how="inner")
        .join(documents, on="transaction_id", how="left")
        .rename({"transaction_id": "transaction"})
        .with_columns(days_late=nw.when(nw.col("days_late") > 0).then(nw.col("days_late")))
        .sort("account", "transaction")
        .select(*(column.name for column in REPORT.columns))
    )


def pieces(tables: Tables, p: Parameters, row: Row) -> Frame:
    """Return the unpaid entries, each with what it was and what is unpaid of it."""
    tables = of_row(tables, row)
    items = aging.unpaid_items(tables, p.as_of, p.currency)
    return aging.with_leg(tables, items).with_columns(account="account_id", transaction="transaction_id")


WORDS = {
    "amount": "what the account was charged, less what was refunded or reversed",
    "unpaid": "what payments, which settle what is due first, have not reached of it",
}


def as_aged(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the unpaid of the accounts listed beside their totals in receivables-aging."""
    query = receivables_aging.Parameters(as_of=p.as_of, currency=p.currency, brand=p.brand)
    aged = receivables_aging.receivables_aging(tables, query)
    if p.account is not None:
        aged = aged.filter(nw.col("account") == p.account)
    if p.party is not None:
        aged = aged.filter(nw.col("party") == p.party)
    return beside(aged.select("currency", amount="total"), rows.select("currency", amount="unpaid"))


REPORT = Report(
    name="open-items",
    en="Open items",
    ru="Неоплаченные списания",
    question="which debits are unpaid",
    parameters=Parameters,
    columns=(
        Column("account", "account", "Account", "Счёт"),
        Column("reference", "code", "Reference", "Код счёта"),
        Column("client", "text", "Client", "Клиент"),
        Column("version", "number", "Entry", "№ записи"),
        Column("business_date", "date", "Date", "Дата"),
        Column("transaction", "number", "Transaction", "Операция"),
        Column("key", "code", "Document", "Документ"),
        Column("kind", "word", "Kind", "Вид"),
        Column("due", "date", "Due", "Срок оплаты"),
        Column("days_late", "number", "Days late", "Дней просрочки"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("amount", "money", "Amount", "Сумма", total=True),
        Column("unpaid", "money", "Unpaid", "Не оплачено", total=True),
    ),
    key=("account", "transaction"),
    frame=open_items,
    checks=(Check("aged", "unpaid = receivables-aging", "не оплачено = задолженность по срокам", as_aged),),
    leads_to=to_transaction(),
    contributions=Contributions(Source(pieces, WORDS)),
)
