"""Declined: the commands that were refused in a period, each with the sentence that the ledger gave."""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import asking, going, opened, screen
from dashboards.refusals import refusal
from dashboards.words import plain, say, sentence
from reports import behind
from reports.registry import Column

COLUMNS = (
    Column("transaction", "number", "Transaction", "Операция"),
    Column("posted_at", "instant", "Time", "Время"),
    Column("kind", "word", "Kind", "Вид"),
    Column("account_id", "account", "Account", "Счёт"),
    Column("client", "text", "Client", "Клиент"),
    Column("amount", "money", "Asked", "Запрошено"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("code", "code", "Code", "Код"),
    Column("sentence", "text", "What the ledger said", "Что ответила книга"),
    Column("key", "code", "Key", "Ключ"),
)


def declined() -> None:
    """Draw the page."""
    st.title(sentence("Declined"))
    book = opened.book()
    last = asking.asked_day("to") or book.last_day
    first = asking.asked_day("from") or last.replace(day=1)
    code, account = asking.asked("code"), asking.asked("of")
    told = {"From": first, "To": last, "Code": code, "Account": account}
    st.caption(" · ".join(f"{sentence(label)} **{plain(value)}**" for label, value in told.items() if value))
    number = book.account(account) if account else None
    found = opened.made(
        ("declined", first, last, code, number),
        lambda opened_book: behind.declined(opened_book, first, last, code=code, account=number),
    )
    if not found.height:
        st.info(sentence("nothing in this period"))
        return
    said = [refusal(code, facts) for code, facts in found.select("code", "facts").iter_rows()]
    found = found.with_columns(pl.Series("sentence", said, pl.String))
    screen.table(found, COLUMNS, key="declined", behind=_transaction, hide_empty=True, rows=20)
    st.caption(f"{say('rows: {n}', n=screen.count(found.height))} · {say('click a row to see what is behind it')}")


def _transaction(row: dict[str, Any]) -> going.Target:
    return going.Target("transaction.py", {"transaction": row["transaction"]})


if __name__ == "__main__":
    declined()
