"""Declined: the commands that were refused in a period, each with the sentence that the ledger gave."""

import polars as pl
import streamlit as st

from dashboards import cached_book, display, links, url_state
from dashboards.refusals import refusal
from dashboards.translations import as_markdown, sentence, tr
from reports import lookups
from reports.core.leads import Row
from reports.core.report import Column

COLUMNS = (
    Column("transaction", "number", "Transaction", "Операция"),
    Column("posted_at", "instant", "Time", "Время"),
    Column("kind", "word", "Kind", "Вид"),
    Column("account_id", "account", "Account", "Счёт"),
    Column("client", "text", "Client", "Клиент"),
    Column("amount", "money", "Requested", "Запрошено"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("code", "code", "Code", "Код"),
    Column("sentence", "text", "The ledger's answer", "Что ответила книга"),
    Column("key", "code", "Key", "Ключ"),
)


def declined() -> None:
    """Draw the page."""
    st.title(sentence("Declined"))
    book = cached_book.book()
    last = url_state.get_date("to") or book.last_day
    first = url_state.get_date("from") or last.replace(day=1)
    code, account = url_state.get("code"), url_state.get("of")
    filters = {"From": first, "To": last, "Code": code, "Account": account}
    st.caption(" · ".join(f"{sentence(label)} **{as_markdown(value)}**" for label, value in filters.items() if value))
    number = book.account(account) if account else None
    found = cached_book.cached(
        ("declined", first, last, code, number),
        lambda opened_book: lookups.declined(opened_book, first, last, code=code, account=number),
    )
    if not found.height:
        st.info(sentence("nothing in this period"))
        return
    sentences = [refusal(code, facts) for code, facts in found.select("code", "facts").iter_rows()]
    found = found.with_columns(pl.Series("sentence", sentences, pl.String))
    display.table(found, COLUMNS, key="declined", leads_to=_transaction, hide_empty=True, rows=20)
    st.caption(f"{tr('rows: {n}', n=display.count(found.height))} · {tr('click a row to see what is behind it')}")


def _transaction(row: Row, column: str) -> links.Target:
    return links.Target("screens/transaction.py", {"transaction": row["transaction"]})


if __name__ == "__main__":
    declined()
