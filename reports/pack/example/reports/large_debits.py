"""Large debits: who spent much at once.

Control: as many debits of that size are on clients' accounts.
"""

import narwhals as nw
from pydantic import Field

from reports.core.leads import to_transaction
from reports.core.parameters import Period
from reports.core.report import Check, Column, Report
from reports.core.tables import Frame, Tables, beside, in_currency, of_clients, within, zero


class Parameters(Period):
    """A period and an amount."""

    at_least: int = Field(500, description="the smallest amount that counts")


def large_debits(tables: Tables, p: Parameters) -> Frame:
    """Return a row a debit, by number."""
    posted = (nw.col("status") == "posted") & (nw.col("kind") == "debit") & (nw.col("amount") >= p.at_least)
    found = in_currency(tables.transactions, p.currency).filter(within(p.first_day, p.last_day), posted)
    return found.select("currency", "amount", transaction="id").sort("transaction")


def as_entries(tables: Tables, p: Parameters, rows: Frame) -> Frame:
    """Set the amounts beside what the same debits took from clients' accounts."""
    debits = in_currency(tables.entries, p.currency).filter(
        within(p.first_day, p.last_day), of_clients(), nw.col("kind") == "debit"
    )
    taken = debits.group_by("transaction_id", "currency").agg(nw.col("amount").sum())
    large = taken.with_columns(amount=zero() - nw.col("amount")).filter(nw.col("amount") >= p.at_least)
    return beside(large, rows.select("currency", "amount"))


REPORT = Report(
    name="large-debits",
    en="Large debits",
    ru="Крупные списания",
    question="who spent much at once",
    parameters=Parameters,
    columns=(
        Column("transaction", "number", "Transaction", "Операция"),
        Column("currency", "currency", "Currency", "Валюта"),
        Column("amount", "money", "Amount", "Сумма", total=True),
    ),
    key=("transaction",),
    frame=large_debits,
    checks=(Check("entries", "amounts = entries", "суммы = проводки", as_entries),),
    leads_to=to_transaction(),
)
