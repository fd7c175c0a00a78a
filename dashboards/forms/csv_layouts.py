"""What the columns of a bank's CSV are: chosen on the page of bank statements, with a preview, kept for an account."""

from collections.abc import Sequence

import polars as pl
import streamlit as st
from psycopg import Connection

from dashboards import display
from dashboards.translations import as_markdown, sentence, tr
from ledger.bank.core.csv_file import COLUMNS, DECIMALS, Layout
from ledger.bank.core.read_file import read
from ledger.bank.core.statement import Statement, current, fault, normal
from ledger.bank.postgres.bank_records import save_layout
from ledger.errors import Failure
from reports.core.report import Column

TRANSLATED = (
    "booking date",
    "amount, money out negative",
    "money in",
    "money out",
    "value date",
    "the other side's name",
    "its account",
    "its bank",
    "its tax number",
    "purpose",
    "the bank's own reference",
    "the payer's reference",
    "balance after the entry",
    "currency",
)
"""What a column may be, each with its Russian."""

PREVIEW = 10
ENTRIES = (
    Column("booked_on", "date", "Date", "Дата"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("name", "text", "From or to", "От кого, кому"),
    Column("account", "text", "Payer's account", "Счёт плательщика"),
    Column("text", "text", "The bank's text", "Назначение платежа"),
)


def csv_layout(
    connection: Connection[object],
    content: bytes,
    name: str,
    headers: Sequence[str],
    kept: tuple[str, Layout] | None,
    by: str,
) -> None:
    """Let the columns of a file be chosen, beginning with a kept layout; show how it is read, keep that on request."""
    account, layout = kept or ("", None)
    with st.expander(sentence("columns of {file}", file=name), expanded=kept is None):
        of, currency, form, point = st.columns([3, 1, 2, 1], gap="medium")
        account = of.text_input(sentence("Account at the bank"), account, key="csv account")
        code = currency.text_input(sentence("Currency"), layout.currency if layout else "", key="csv currency")
        options = layout.options if layout else {}
        date_format = form.text_input(
            sentence("Form of days"), options.get("date_format", ""), key="csv days", placeholder="%d/%m/%Y"
        )
        decimal = point.selectbox(
            sentence("Decimal sign"),
            DECIMALS,
            DECIMALS.index(options["decimal"]) if "decimal" in options else None,
            placeholder=tr("as shown"),
            key="csv decimal",
        )
        columns = _columns(headers, layout)
        statement = None
        try:
            given = {"date_format": date_format.strip(), "decimal": decimal}
            layout = Layout(current(code), columns, {key: value for key, value in given.items() if value})
            (statement,) = read(content, name, (account, layout))
            problem = fault(statement) or (
                "" if normal(account) else tr("say whose file it is: the account at the bank")
            )
        except (ValueError, Failure) as error:
            problem = str(error)
        if problem:
            st.warning(as_markdown(problem))
        if statement is not None:
            _preview(statement)
        pressed = st.button(sentence("keep for this account"), key="keep layout", disabled=bool(problem))
        if pressed and layout is not None:
            with connection.transaction():
                save_layout(connection, account, layout, by)
            st.rerun()


def _columns(headers: Sequence[str], layout: Layout | None) -> dict[str, str]:
    """Return which header was chosen for what."""
    chosen, places = {}, st.columns(4, gap="medium")
    names = [header for header in dict.fromkeys(headers) if header]
    for number, (what, meaning) in enumerate(COLUMNS.items()):
        kept = layout.columns.get(what) if layout else None
        header = places[number % len(places)].selectbox(
            sentence(meaning),
            names,
            names.index(kept) if kept in names else None,
            placeholder="…",
            key=f"column {what}",
        )
        if header:
            chosen[what] = header
    return chosen


def _preview(statement: Statement) -> None:
    rows = [{column.name: getattr(entry, column.name) for column in ENTRIES} for entry in statement.entries[:PREVIEW]]
    kinds = {"money": pl.Decimal(18, 2), "date": pl.Date()}
    frame = pl.DataFrame(rows, {column.name: kinds.get(column.kind, pl.String()) for column in ENTRIES})
    display.table(frame, ENTRIES, key="csv preview", hide_empty=True)
    checked = tr("balances agree") if statement.checked else tr("no balances to check against")
    st.caption(f"{sentence('entries: {n}', n=display.count(len(statement.entries)))}; {checked}")
