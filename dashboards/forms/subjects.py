"""What a form is about, looked up in the ledger as it is now: an account and its own money, an earlier transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboards import cached_book, display, links, url_state
from dashboards.forms.posting import connected
from dashboards.refusals import translated
from dashboards.translations import as_markdown, sentence, tr
from ledger.cli.shared import account_argument
from ledger.errors import Failure
from ledger.postgres import desk_queries
from ledger.postgres.balances import balance
from ledger.values.money import decimal
from reports.core.report import Column

Row = Mapping[str, Any]
MOST_VISIBLE = 10
BADGES = {"open": "green", "frozen": "orange", "closed": "gray"}
_WHO = (
    Column("account", "account", "Account", "Счёт"),
    Column("reference", "code", "Reference", "Код счёта"),
    Column("client", "text", "Client", "Клиент"),
    Column("amount", "money", "Amount", "Сумма"),
)
_LINES = (
    Column("line", "number", "Line", "Строка"),
    Column("brand", "code", "Brand", "Бренд"),
    Column("service", "code", "Service", "Услуга"),
    Column("reference", "code", "Service no.", "№ услуги"),
    Column("source", "account", "Paid by", "Оплачено со счёта"),
    Column("client", "text", "Payer", "Плательщик"),
    Column("source_kind", "word", "Paid with", "Чем"),
    Column("amount", "money", "Net", "Со скидкой"),
    Column("refunded", "money", "Refunded", "Возвращено"),
    Column("left", "money", "Left to refund", "Можно вернуть"),
)


def account(label: str = "Account number or reference", name: str = "account") -> Row | None:
    """Draw the field that names an account, and whose it is; return it, None while the field names none."""
    text = url_state.text(st, label, name, width=320)
    if not text:
        links.link(links.Target("screens/accounts.py", {}), f"{sentence('find it by name, telephone or contract')} →")
        return None
    try:
        with connected() as connection:
            found = desk_queries.account(connection, account_argument(text))
    except Failure as failure:
        st.error(as_markdown(translated(str(failure))), icon=":material/error:")
        return None
    reference = f" · {as_markdown(found['reference'])}" if found["reference"] else ""
    st.markdown(
        f"**{as_markdown(found['client'])}** · {tr('account')} **{found['number']}**{reference} "
        f":{BADGES[found['status']]}-badge[{tr(found['status'])}]"
    )
    return found


def balances(found: Row) -> None:
    """Show what an account has at this moment, what is set aside of it, and what it can give."""
    with connected() as connection:
        now = balance(connection, found["number"])
    figures = {
        "Balance": now.balance,
        "Held": now.held,
        "Own money": max(0, now.balance - now.held),
        "credit limit": now.credit_limit,
        "available": now.available,
    }
    shown = [display.Tile(label, decimal(amount), tr("now")) for label, amount in figures.items() if amount is not None]
    display.tiles(shown, now.currency)
    if now.overdue:
        st.error(f"{sentence('overdue')}: {now.unpaid_since}")


def transaction(label: str = "Transaction: number or key", name: str = "transaction") -> desk_queries.Earlier | None:
    """Draw the field that names a transaction, and what it was; return it, None while the field names none."""
    text = url_state.text(st, label, name, width=320)
    if not text:
        return None
    try:
        with connected() as connection:
            found = desk_queries.earlier(connection, text)
    except Failure as failure:
        st.error(as_markdown(translated(str(failure))), icon=":material/error:")
        return None
    facts, zone = found.facts, cached_book.book().cut.time_zone
    amount = display.money(decimal(facts["amount"] or 0), facts["currency"])
    badge = "green" if facts["status"] == "posted" else "red"
    st.markdown(
        f"**{sentence(facts['kind'])} {facts['id']}** · {display.local(facts['posted_at'], zone)} · **{amount}** · "
        f"{as_markdown(facts['client'] or '')} :{badge}-badge[{tr(facts['status'])}]  \n"
        f":gray[{as_markdown(facts['key'])}]"
    )
    return found


def moves(found: desk_queries.Earlier) -> None:
    """Show what a transaction did to clients' accounts."""
    rows(found.moves, _WHO, key="moves")


def lines(found: desk_queries.Earlier) -> None:
    """Show a transaction's service lines, and what is left to refund of each."""
    rows(found.lines, _LINES, key="lines")
    left = display.money(decimal(found.left), found.facts["currency"])
    st.markdown(f"{sentence('left to refund')}: **{left}**")


def rows(found: Sequence[Row], columns: Sequence[Column], *, key: str, leads: tuple[str, ...] = ()) -> None:
    """Draw rows of the ledger, amounts in minor units, as the rows of reports are drawn.

    A click on a row fills the same form from it: `leads` names the values that it takes, as name=column.
    """
    money = [column.name for column in columns if column.kind == "money"]
    names = list(dict.fromkeys([*(column.name for column in columns), *(lead.split("=")[1] for lead in leads)]))
    schema = {name: pl.Decimal(18, 2) if name in money else None for name in names}
    rows = [
        [decimal(row[name]) if name in money and row[name] is not None else row[name] for name in names]
        for row in found
    ]
    frame = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)

    def query_of(row: Row) -> dict[str, Any]:
        return {name: row[column] for name, column in (lead.split("=") for lead in leads)}

    display.table(frame, columns, key=key, query_of=query_of if leads else None, hide_empty=True, rows=MOST_VISIBLE)
