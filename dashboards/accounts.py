"""Accounts: find a client's account by name, reference or number, with its balance at the cut."""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import asking, going, opened, screen
from dashboards.words import plain, say, sentence
from reports import behind
from reports.registry import Column

MOST = 1000
COLUMNS = (
    Column("account", "account", "Account", "Счёт"),
    Column("client", "text", "Client", "Клиент"),
    Column("reference", "code", "Reference", "Код счёта"),
    Column("party_kind", "word", "Client is", "Вид клиента"),
    Column("kind", "word", "Kind", "Вид"),
    Column("holder_name", "text", "Holder", "Владелец договора"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("balance", "money", "Balance", "Остаток"),
    Column("held", "money", "Held", "В резерве"),
    Column("status", "word", "Status", "Статус"),
    Column("latest_posted_at", "instant", "Latest entry", "Последняя проводка"),
)
STATUSES = ("open", "frozen", "closed")


def accounts() -> None:
    """Draw the page."""
    st.title(sentence("Accounts"))
    search, status = st.columns([4, 1])
    text = asking.text(search, "Name, reference, account number or tax number", "q")
    chosen = asking.choice(status, "Status", STATUSES, "status", shown=say)
    party = asking.asked("party")
    found = opened.made(("accounts", text, party), lambda book: behind.accounts_like(book, text, party=party))
    found = found if chosen is None else found.filter(pl.col("status") == chosen)
    if party:
        st.caption(f"{sentence('Client code')}: **{plain(party)}**")
    _list(found)


def _list(found: pl.DataFrame) -> None:
    if not found.height:
        st.info(sentence("nothing was found"))
        return
    shown = found.head(MOST)
    screen.table(shown, COLUMNS, key="accounts", behind=_account, hide_empty=True, rows=18)
    told = say("rows: {n}", n=screen.count(found.height))
    if found.height > MOST:
        told = say(
            "the first {n} of {all}: search to narrow them", n=screen.count(MOST), all=screen.count(found.height)
        )
    st.caption(f"{told} · {say('click a row to see what is behind it')}")


def _account(row: dict[str, Any]) -> going.Target:
    return going.Target("account.py", {"account": row["account"]})


if __name__ == "__main__":
    accounts()
