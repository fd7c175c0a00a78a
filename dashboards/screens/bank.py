"""Bank: the finance team's way of putting bank statements in. What a file would do is seen first, then posted.

A file posted twice posts nothing twice: each entry has a key of its own (`ledger.bank`).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboards import cached_book, display, links, url_state
from dashboards.translations import as_markdown, sentence, tr
from ledger.bank.core.read_file import read
from ledger.bank.core.statement import Statement
from ledger.bank.postgres.import_statements import import_statements
from ledger.bank.postgres.plan_import import Imported, Row
from ledger.postgres.database import server_url
from ledger.postgres.post import Ledger
from ledger.settings import Settings
from reports.core.report import Column

TRANSLATED = (
    "posted", "would be posted", "there already", "not imported", "declined",
    "structured reference", "named in the text", "tax number",
    "no account is named, no tax number given", "money out", "not booked yet", "reported twice in this run",
    "reversal of a payment, taken back: reverse the payment at the desk",
    "reversal of money out, come back: reverse the payout at the desk",
)  # fmt: skip
"""Fixed texts of the import, each with its Russian; texts with names or figures in them stay as they are."""

MONEY = pl.Decimal(18, 2)
ENTRIES = (
    Column("booked_on", "date", "Date", "Дата"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("currency", "text", "Currency", "Валюта"),
    Column("who", "text", "From or to", "От кого, кому"),
    Column("result", "text", "Result", "Итог"),
    Column("account", "account", "Account", "Счёт"),
    Column("party", "text", "Client", "Клиент"),
    Column("why", "text", "Rule, or why", "Правило или причина"),
    Column("text", "text", "The bank's text", "Назначение платежа"),
    Column("statement", "text", "Statement", "Выписка"),
)
STATEMENTS = (
    Column("statement", "text", "Statement", "Выписка"),
    Column("brand", "text", "Brand", "Бренд"),
    Column("currency", "text", "Currency", "Валюта"),
    Column("money_in", "money", "Bank: in", "Банк: поступило"),
    Column("posted", "money", "To post, posted", "К проводке, проведено"),
    Column("there_already", "money", "There already", "Уже есть"),
    Column("not_imported", "money", "Not imported", "Не принято"),
    Column("declined", "money", "Declined", "Отказано"),
    Column("unallocated", "money", "Unallocated", "Не разнесено"),
    Column("money_out", "money", "Bank: out", "Банк: списано"),
)


def bank() -> None:
    """Draw the page."""
    st.title(sentence("Bank statements"))
    st.caption(
        tr("MT940, camt.053 or 1CClientBankExchange. Money in becomes payments, booked now with the bank's date; "
            "money out and reversals are only shown.")
    )  # fmt: skip
    by = url_state.who(st.container(width=320))
    if not by:
        st.info(sentence("write your name: every change says who made it"))
        return
    left, right = st.columns([3, 1], gap="medium")
    files = left.file_uploader(sentence("Statement files"), accept_multiple_files=True, key="statements")
    brand = right.selectbox(
        sentence("Brand"), cached_book.brands()["code"].to_list(), index=None, placeholder=tr("by the bank details")
    )
    if files:
        # As it was sent, to the byte: the encoding is recognized from the content.
        _offer([statement for file in files for statement in read(file.getvalue(), file.name)], brand, by)


def _offer(statements: Sequence[Statement], brand: str | None, by: str) -> None:
    """Show what the statements would do, and post them on request."""
    ledger = Ledger(server_url(Settings()))
    try:
        with st.spinner(sentence("matching entries to accounts …")):
            imported = import_statements(ledger, statements, brand=brand, by=by, dry_run=True)
        new = sum(row.result == "would be posted" for each in imported for row in each.rows)
        label = sentence("post payments: {n}", n=display.count(new))
        place = st.empty()
        posting = place.button(label, type="primary", key="post statements", disabled=not new)
        if posting:
            place.empty()  # nothing is left to press
            with st.spinner(sentence("posting …")):
                imported = import_statements(ledger, statements, brand=brand, by=by)
    finally:
        ledger.close()
    _show(imported, posting=posting)


def _show(imported: Sequence[Imported], *, posting: bool) -> None:
    for each in imported:
        if each.refused:
            st.error(as_markdown(each.refused), icon=":material/block:")
    rows = [row for each in imported for row in each.rows]
    if posting:
        done = sum(row.result == "posted" for row in rows)
        st.success(sentence("payments posted: {n}", n=display.count(done)), icon=":material/check:")
    if not rows:
        return
    unchecked = [each.statement.title for each in imported if each.rows and not each.statement.checked]
    if unchecked:
        st.warning(
            as_markdown(sentence("the statement has no balances to check against: {names}", names=", ".join(unchecked)))
        )
    display.table(pl.DataFrame([_total(each) for each in imported if each.rows], _schema(STATEMENTS)), STATEMENTS,
                 key="statement totals")  # fmt: skip
    st.markdown(f"**{sentence('lines of the bank')}**")
    shown = [_entry(each, row) for each in imported for row in each.rows]
    display.table(pl.DataFrame(shown, _schema(ENTRIES)), ENTRIES, key="statement entries", hide_empty=True)
    waiting = sum(row.unallocated for row in rows)
    if waiting:
        label = sentence("without an account, for the desk to allocate: {n}", n=display.count(waiting))
        links.link(links.Target("screens/desk.py", {"form": "allocate"}), f"{label} →")


def _entry(imported: Imported, row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "statement": imported.statement.name, "booked_on": entry.booked_on,
        "amount": _two(entry.amount), "currency": imported.statement.currency,
        "who": entry.name or entry.tax_id or entry.account, "result": tr(row.result), "account": row.account,
        "party": row.party or (tr("without an account") if row.unallocated else ""),
        "why": tr(row.rule or row.why), "text": " ".join(entry.text.split()),
    }  # fmt: skip


def _total(imported: Imported) -> dict[str, Any]:
    statement = imported.statement
    figures = {"money_in": statement.money_in, "money_out": statement.money_out, **imported.totals()}
    return {
        "statement": statement.name, "brand": imported.brand,
        "currency": statement.currency, **{name: _two(amount) for name, amount in figures.items()},
    }  # fmt: skip


def _two(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _schema(columns: Sequence[Column]) -> dict[str, Any]:
    kinds = {"money": MONEY, "date": pl.Date, "account": pl.Int64}
    return {column.name: kinds.get(column.kind, pl.String) for column in columns}


if __name__ == "__main__":
    bank()
