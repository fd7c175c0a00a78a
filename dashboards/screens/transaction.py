"""One transaction: the request, the answer, every entry and service line, what came of it later."""

import json
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, cached_book, display, links, url_state
from dashboards.forms import subjects, undo
from dashboards.refusals import refusal
from dashboards.translations import as_html, as_markdown, sentence, tr
from ledger.errors import Failure
from ledger.postgres import desk_queries, drafts
from ledger.values.money import decimal
from reports import lookups
from reports.core.leads import Row
from reports.core.report import Column

LEGS = (
    Column("leg", "number", "Leg", "№"),
    Column("account", "account", "Account", "Счёт"),
    Column("account_kind", "word", "On", "На счёте"),
    Column("owner", "text", "Owner", "Чей"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("held", "money", "Held (change)", "Резерв (изменение)"),
    Column("balance_after", "money", "Balance after", "Остаток после"),
    Column("held_after", "money", "Held after", "Резерв после"),
    Column("paid_for", "account", "Paid for", "За счёт-получатель"),
    Column("channel", "code", "Channel", "Канал"),
    Column("chart", "code", "Code of the chart", "Статья"),
    Column("due_on", "date", "Due", "Срок оплаты"),
)
LINES = (
    Column("line", "number", "Line", "Строка"),
    Column("brand", "code", "Brand", "Бренд"),
    Column("service", "code", "Service", "Услуга"),
    Column("reference", "code", "Service no.", "№ услуги"),
    Column("gross", "money", "Gross", "Без скидки"),
    Column("discount", "money", "Discount", "Скидка"),
    Column("amount", "money", "Net", "Со скидкой"),
    Column("vat_rate", "rate", "VAT rate", "Ставка НДС"),
    Column("vat", "money", "VAT", "НДС"),
    Column("source", "account", "Paid by", "Оплачено со счёта"),
    Column("payer", "text", "Payer", "Плательщик"),
    Column("source_kind", "word", "Paid with", "Чем"),
    Column("attributes", "text", "Attributes", "Признаки"),
)
LATER = (
    Column("transaction", "number", "Transaction", "Операция"),
    Column("posted_at", "instant", "Time", "Время"),
    Column("kind", "word", "Kind", "Вид"),
    Column("key", "code", "Key", "Ключ"),
    Column("status", "word", "Status", "Статус"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("currency", "currency", "Currency", "Валюта"),
)


LATEST = (LATER[0], Column("client", "text", "Client", "Клиент"), *LATER[5:], LATER[2], LATER[1], *LATER[3:5])


def transaction() -> None:
    """Draw the page."""
    text = url_state.text(st, "Number or key", "transaction", width=320)
    if not text:
        st.title(sentence("Transactions"))
        st.caption(sentence("find a transaction by its number or by the caller's key; the last ones:"))
        last = cached_book.cached(("latest",), lookups.latest)
        display.table(last, LATEST, key="latest", leads_to=_transaction, hide_empty=True, rows=20)
        return
    try:
        found = cached_book.cached(("transaction", text), lambda book: lookups.transaction(book, text))
    except Failure:
        if not _beside_the_cut(text):
            raise
        return
    _head(found)
    if found.legs.height:
        st.subheader(sentence("Entries"))
        display.table(found.legs, LEGS, key="legs", leads_to=_account, hide_empty=True)
        if cached_book.book().whole:
            _balanced(found.legs)
    else:
        st.caption(tr("a declined command moves nothing"))
    if found.lines.height:
        st.subheader(sentence("Service lines"))
        display.table(found.lines, LINES, key="lines", hide_empty=True)
    if found.later.height:
        st.subheader(sentence("Later transactions about it"))
        display.table(found.later, LATER, key="later", leads_to=_transaction)


def _beside_the_cut(text: str) -> bool:
    """Show what was posted since the cut, as the ledger has it; return whether there is such a transaction."""
    if not cached_book.book().whole:
        return False
    try:
        with access.reading() as connection:
            found = desk_queries.earlier(connection, text)
    except Failure:
        return False
    facts, zone = found.facts, cached_book.book().cut.time_zone
    st.title(f"{sentence(facts['kind'])} {facts['id']}")
    badge = "green" if facts["status"] == "posted" else "red"
    amount = display.money(decimal(facts["amount"] or 0), facts["currency"])
    st.markdown(f":{badge}-badge[{tr(facts['status'])}] &nbsp; **{amount}** {tr('requested')}")
    st.info(sentence("it is in no cut yet: this is the ledger as it is now"), icon=":material/schedule:")
    links.link(links.Target("screens/close.py", {}), f"{sentence('Cut now')} →")
    at = display.local(facts["posted_at"], zone, "%Y-%m-%d %H:%M:%S")
    st.caption(f"{sentence('Key')} **{as_markdown(facts['key'])}** · {sentence('Booked')} **{at}**")
    if found.moves:
        subjects.moves(found)
    if found.lines:
        subjects.lines(found)
    _undo({"status": facts["status"], "kind": facts["kind"], "id": facts["id"]})
    return True


def _head(found: lookups.TransactionDetails) -> None:
    facts = found.facts
    st.title(f"{sentence(facts['kind'])} {facts['id']}")
    zone = cached_book.book().cut.time_zone
    badge = "green" if facts["status"] == "posted" else "red"
    amount = display.money(facts["amount"], facts["currency"]) if facts["amount"] is not None else ""
    st.markdown(f":{badge}-badge[{tr(facts['status'])}] &nbsp; **{amount}** {tr('requested') if amount else ''}")
    if facts["code"]:
        st.error(as_markdown(refusal(facts["code"], facts["facts"])), icon=":material/block:")
    facts_shown = {
        "Key": facts["key"],
        "Booked": display.local(facts["posted_at"], zone, "%Y-%m-%d %H:%M:%S"),
        "Occurred": display.local(facts["occurred_at"], zone, "%Y-%m-%d %H:%M:%S") if facts["occurred_at"] else None,
        "Business date": facts["business_date"],
        "Value date": facts["value_date"],
        "Recorded": display.local(facts["recorded_at"], zone, "%Y-%m-%d %H:%M:%S"),
        "Expires": display.local(facts["expires_at"], zone) if facts["expires_at"] else None,
        "Channel": facts["channel"],
        "Reason": facts["reason"],
        "By": facts["by"],
        "Note": facts["note"],
    }
    written = [f"{sentence(label)} <b>{as_html(value)}</b>" for label, value in facts_shown.items() if value]
    st.html(f"<div class='tiffin-facts'>{' &nbsp;·&nbsp; '.join(written)}</div>")
    _second_person(facts["key"])
    _references(facts)
    _undo(facts)


def _second_person(key: str) -> None:
    """Show who asked for what the desk posted, and who agreed, where that needed another person."""
    if not key.startswith("desk-") or not cached_book.book().whole:
        return
    with access.reading() as connection:
        request = drafts.approval_request(connection, key)
    if request is not None and request.decided_by is not None:
        note = tr("asked for by {who}, agreed to by {other}", who=request.who, other=request.decided_by)
        st.caption(as_markdown(sentence(note)))


def _undo(facts: dict[str, Any]) -> None:
    """Lead to the form that undoes this transaction; the ledger decides there whether it still can be."""
    form = undo.way(facts["kind"])
    if facts["status"] == "posted" and form is not None:
        query = {"form": form, "transaction": facts["id"]}
        links.link(links.Target("screens/desk.py", query), f"{sentence(undo.TITLES[form])} →")


def _references(facts: dict[str, Any]) -> None:
    if facts["account_id"]:
        target = links.Target("screens/account.py", {"account": facts["account_id"]})
        links.link(target, f"{sentence('Requested by account')} {facts['account_id']} →")
    if facts["refers_to"]:
        target = links.Target("screens/transaction.py", {"transaction": facts["refers_to"]})
        links.link(target, f"{sentence('Refers to')} {facts['refers_to']} →")


def _balanced(legs: pl.DataFrame) -> None:
    sums = legs.group_by("currency").agg(pl.col("amount").sum()).sort("currency")
    if (sums["amount"] == 0).all():
        st.html(f"<span class='tiffin-good'>✓ {tr('the entries sum to zero')}</span>")
    else:
        st.error(f"{tr('the entries do NOT sum to zero')}: {json.dumps(sums.rows(), default=str)}")


def _account(row: Row, column: str) -> links.Target | None:
    client = row["balance_after"] is not None
    if client and column in ("balance_after", "held_after"):
        return links.after(cached_book.book(), row["account"], row["version"], row["business_date"], column)
    return links.Target("screens/account.py", {"account": row["account"]}) if client else None


def _transaction(row: Row, column: str) -> links.Target:
    return links.Target("screens/transaction.py", {"transaction": row["transaction"]})


if __name__ == "__main__":
    transaction()
