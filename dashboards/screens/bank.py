"""Bank: the finance team's way of putting bank statements in. What a file would do is seen first, then posted.

A file posted twice posts nothing twice: each entry has a key of its own (`ledger.bank`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, cached_book, display, links
from dashboards.forms.csv_layouts import csv_layout
from dashboards.forms.depositors import depositors
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, sentence, tr
from ledger.bank.core.read_file import csv_headers, read
from ledger.bank.core.statement import Statement
from ledger.bank.postgres.bank_records import layouts, learn, list_payers, revoke_payer
from ledger.bank.postgres.bank_report import bank_days
from ledger.bank.postgres.import_statements import import_statements
from ledger.bank.postgres.plan_import import Imported, Row
from ledger.bank.postgres.undo_returned import undo_returned
from ledger.postgres.database import server_url
from ledger.postgres.post import Ledger
from ledger.settings import Settings
from reports.core.report import Column

TRANSLATED = (
    "posted",
    "would be posted",
    "there already",
    "not imported",
    "declined",
    "structured reference",
    "named in the text",
    "known payer",
    "tax number",
    "known depositor",
    "no account is named, no tax number given",
    "money out",
    "not booked yet",
    "reported twice in this run",
    "reversal of a payment, taken back: reverse the payment at the desk",
    "reversal of money out, come back: reverse the payout at the desk",
)
"""Fixed texts of the import, each with its Russian; texts with names or figures in them stay as they are."""

SHOWN = 5
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
    Column("suggested", "text", "By name perhaps", "По имени, возможно"),
    Column("text", "text", "The bank's text", "Назначение платежа"),
    Column("statement", "text", "Statement", "Выписка"),
)
DAYS = (
    Column("bank_account", "text", "Account at the bank", "Счёт в банке"),
    Column("brand", "text", "Brand", "Бренд"),
    Column("currency", "text", "Currency", "Валюта"),
    Column("day", "date", "Day", "День"),
    Column("opening", "money", "Opening", "На начало"),
    Column("money_in", "money", "Bank: in", "Банк: поступило"),
    Column("money_out", "money", "Bank: out", "Банк: списано"),
    Column("closing", "money", "Closing", "На конец"),
    Column("reported", "money", "The bank's closing", "На конец по банку"),
    Column("matched", "money", "Matched", "Разнесено"),
    Column("waiting", "money", "Waiting", "Ждёт разнесения"),
    Column("returned", "money", "Returned", "Возвращено"),
    Column("taken_back", "money", "Taken back", "Отозвано"),
    Column("difference", "money", "Difference", "Разница"),
    Column("gap", "money", "Gap in balances", "Разрыв остатков"),
)
PAYERS = (
    Column("payer", "text", "Payer's account", "Счёт плательщика"),
    Column("name", "text", "Payer", "Плательщик"),
    Column("account", "account", "Account", "Счёт"),
    Column("party", "text", "Client", "Клиент"),
    Column("learned_from", "number", "Allocation", "Распределение"),
    Column("learned_by", "text", "Allocated by", "Кто распределил"),
    Column("revoked_by", "text", "Revoked by", "Отменил"),
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
        tr(
            "MT940, MT942, camt.052, camt.053, camt.054, OFX, 1CClientBankExchange, CSV, also zipped. Money in becomes "
            "payments, booked now with the bank's date; money out and what came back are only shown."
        )
    )
    by = access.person().login
    left, right = st.columns([3, 1], gap="medium")
    files = left.file_uploader(sentence("Statement files"), accept_multiple_files=True, key="statements")
    brand = right.selectbox(
        sentence("Brand"), cached_book.brands()["code"].to_list(), index=None, placeholder=tr("by the bank details")
    )
    with _ledger() as ledger:
        with ledger.connection().transaction():
            known = layouts(ledger.connection())
        # As it was sent, to the byte: the encoding is recognized from the content.
        sent = [(file.getvalue(), file.name) for file in files]
        tables = [(*file, headers) for file in sent if (headers := csv_headers(*file))]
        csv_of = None
        if known:
            alone = 0 if tables and len(known) == 1 else None
            csv_of = right.selectbox(sentence("CSV files are of"), list(known), index=alone, placeholder=tr("no CSV"))
        layout = (csv_of, known[csv_of]) if csv_of else None
        if tables:
            csv_layout(ledger.connection(), *tables[0], layout, by)
        unread = set() if layout else {name for _, name, _ in tables}
        readable = [file for file in sent if file[1] not in unread]
        if readable:
            _offer(ledger, [each for file in readable for each in read(*file, layout)], brand, by)
        _beside(ledger)
        _payers(ledger, by)
        depositors(ledger.connection(), by)


@contextmanager
def _ledger() -> Iterator[Ledger]:
    access.require("post")
    ledger = Ledger(server_url(Settings()))
    try:
        yield ledger
    finally:
        ledger.close()


def _offer(ledger: Ledger, statements: Sequence[Statement], brand: str | None, by: str) -> None:
    """Show what the statements would do, and post them on request."""
    with st.spinner(sentence("matching entries to accounts …")):
        imported = import_statements(ledger, statements, brand=brand, by=by, dry_run=True)
    rows = [row for each in imported for row in each.rows]
    new = sum(row.result == "would be posted" for row in rows)
    place = st.empty()
    label = sentence("post payments: {n}", n=display.count(new))
    posting = place.button(label, type="primary", key="post statements", disabled=not new)
    if posting:
        place.empty()  # nothing is left to press
        with st.spinner(sentence("posting …")):
            imported = import_statements(ledger, statements, brand=brand, by=by)
    back = [row for row in rows if row.undoes is not None]
    if back:
        label = sentence("undo what came back: {names}", names=", ".join(str(row.undoes) for row in back))
        if st.button(label, key="undo returned"):
            # What came back is recorded, too, so that it is known when it is reported again.
            imported = import_statements(ledger, statements, brand=brand, by=by) if not new else imported
            imported = undo_returned(ledger, imported, by=by)
    _show(imported, posting=posting)


def _beside(ledger: Ledger) -> None:
    """Show the bank beside the ledger."""
    with ledger.connection().transaction():
        days = bank_days(ledger.connection())
    if not days:
        return
    st.markdown(f"**{sentence('the bank beside the ledger')}**")
    wrong = [day for day in days if day.difference or day.gap]
    if wrong:
        names = ", ".join(f"{day.bank_account} {day.day}" for day in wrong[:SHOWN])
        st.error(as_markdown(sentence("the bank and the ledger differ: {names}", names=names)))
    rows = [{column.name: getattr(day, column.name) for column in DAYS} for day in days]
    display.table(pl.DataFrame(rows, _schema(DAYS)), DAYS, key="bank days", hide_empty=True)


def _payers(ledger: Ledger, by: str) -> None:
    """Show the learned payers, and revoke one on request."""
    connection = ledger.connection()
    with connection.transaction():
        learn(connection)
        payers = list_payers(connection)
    if not payers:
        return
    st.markdown(f"**{sentence('payers learned from allocations')}**")
    rows = [{column.name: getattr(payer, column.name) for column in PAYERS} for payer in payers]
    display.table(pl.DataFrame(rows, _schema(PAYERS)), PAYERS, key="learned payers", hide_empty=True)
    known = {f"{each.payer} → {each.account} {each.party}": each for each in payers if each.revoked_at is None}
    left, right = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
    chosen = left.selectbox(sentence("payer to forget"), list(known), index=None, placeholder="…")
    if right.button(sentence("revoke"), key="revoke payer", disabled=chosen is None) and chosen is not None:
        with connection.transaction():
            revoke_payer(connection, known[chosen].payer, known[chosen].account, by)
        st.rerun()


def _show(imported: Sequence[Imported], *, posting: bool) -> None:
    for each in imported:
        if each.refused:
            st.error(as_markdown(on_screen(each.refused)), icon=":material/block:")
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
    totals = [_total(each) for each in imported if each.rows]
    display.table(pl.DataFrame(totals, _schema(STATEMENTS)), STATEMENTS, key="statement totals")
    st.markdown(f"**{sentence('lines of the bank')}**")
    shown = [_entry(each, row) for each in imported for row in each.rows]
    display.table(pl.DataFrame(shown, _schema(ENTRIES)), ENTRIES, key="statement entries", hide_empty=True)
    for foreign in (foreign for each in imported for foreign in each.statement.foreign):
        st.caption(as_markdown(foreign))
    waiting = sum(row.unallocated for row in rows)
    if waiting:
        label = sentence("without an account, for the desk to allocate: {n}", n=display.count(waiting))
        links.link(links.Target("screens/desk.py", {"form": "allocate"}), f"{label} →")


def _entry(imported: Imported, row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "statement": imported.statement.name,
        "booked_on": entry.booked_on,
        "amount": _two(entry.amount),
        "currency": imported.statement.currency,
        "who": entry.name or entry.tax_id or entry.account,
        "result": tr(row.result),
        "account": row.account,
        "party": row.party or _whose(row),
        "why": tr(row.rule or row.why),
        "suggested": ", ".join(f"{client.account} {client.party}, {n} %" for client, n in row.suggested),
        "text": " ".join(entry.text.split()),
    }


def _whose(row: Row) -> str:
    if row.depositor is not None:
        return tr("our own, from {channel}", channel=row.depositor.channel)
    return tr("without an account") if row.unallocated else ""


def _total(imported: Imported) -> dict[str, Any]:
    statement = imported.statement
    figures = {"money_in": statement.money_in, "money_out": statement.money_out, **imported.totals()}
    of = {"statement": statement.name, "brand": imported.brand, "currency": statement.currency}
    return {**of, **{name: _two(amount) for name, amount in figures.items()}}


def _two(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _schema(columns: Sequence[Column]) -> dict[str, Any]:
    kinds = {"money": MONEY, "date": pl.Date, "account": pl.Int64, "number": pl.Int64}
    return {column.name: kinds.get(column.kind, pl.String) for column in columns}


if __name__ == "__main__":
    bank()
