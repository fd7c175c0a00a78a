"""Accounts: find a client's account by name, reference or number, with its balance at the cut."""

import polars as pl
import streamlit as st

from dashboards import cached_book, display, links, url_state
from dashboards.translations import as_markdown, sentence, tr
from reports import lookups
from reports.core.leads import Row
from reports.core.report import Column

MOST = 1000
COLUMNS = (
    Column("client", "text", "Client", "Клиент"),
    Column("balance", "money", "Balance", "Остаток"),
    Column("status", "word", "Status", "Статус"),
    Column("account", "account", "Account", "Счёт"),
    Column("reference", "code", "Reference", "Код счёта"),
    Column("party_kind", "word", "Client is", "Вид клиента"),
    Column("kind", "word", "Kind", "Вид"),
    Column("holder_name", "text", "Holder", "Владелец договора"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("held", "money", "Held", "В резерве"),
    Column("latest_posted_at", "instant", "Latest entry", "Последняя проводка"),
)
STATUSES = ("open", "frozen", "closed")


def accounts() -> None:
    """Draw the page."""
    st.title(sentence("Accounts"))
    search, status = st.columns([4, 1])
    text = url_state.text(search, "Name, number, reference, tax number, phone, e-mail, contract", "q")
    chosen = url_state.choice(status, "Status", STATUSES, "status", shown=tr)
    party = url_state.get("party")
    found = cached_book.cached(("accounts", text, party), lambda book: lookups.accounts_like(book, text, party=party))
    found = found if chosen is None else found.filter(pl.col("status") == chosen)
    if party:
        st.caption(f"{sentence('Client code')}: **{as_markdown(party)}**")
    _list(found)


def _list(found: pl.DataFrame) -> None:
    if not found.height:
        st.info(sentence("nothing was found"))
        return
    shown = found.head(MOST)
    display.table(shown, COLUMNS, key="accounts", leads_to=_account, hide_empty=True, rows=18)
    summary = tr("rows: {n}", n=display.count(found.height))
    if found.height > MOST:
        summary = tr(
            "the first {n} of {all}: search to narrow them", n=display.count(MOST), all=display.count(found.height)
        )
    st.caption(f"{summary} · {tr('click a client for everything of it, another cell for the account')}")


def _account(row: Row, column: str) -> links.Target:
    if column == "client" and row["party"]:
        return links.Target("screens/client.py", {"party": row["party"]})
    figure = links.at_the_cut(cached_book.book(), row, column) if column in ("balance", "held") else None
    return figure or links.Target("screens/account.py", {"account": row["account"]})


if __name__ == "__main__":
    accounts()
