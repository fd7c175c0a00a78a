"""One client with everything: accounts, whom it pays for or who pays for it, credit and debts, orders, points, papers,
every change in words. What is empty says what to do."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, cached_book, display, links, url_state
from dashboards.refusals import on_screen
from dashboards.translations import as_html, as_markdown, language, sentence, tr
from ledger.errors import Failure
from ledger.postgres import notes
from ledger.postgres.notes import Note
from ledger.settings import Settings
from ledger.values.field_types import TEXT_LENGTH
from reports import lookups
from reports.core.leads import Row
from reports.core.report import Column
from reports.core.result import Result
from reports.documents.register import Issued, Register
from reports.formats.change_words import subject_words
from reports.lookups import ClientDetails
from reports.standard.receivables_aging import PAST_DUE

ACCOUNTS = (
    Column("account", "account", "Account", "Счёт"),
    Column("balance", "money", "Balance", "Остаток"),
    Column("status", "word", "Status", "Статус"),
    Column("held", "money", "Held", "В резерве"),
    Column("reference", "code", "Reference", "Код счёта"),
    Column("kind", "word", "Kind", "Вид"),
    Column("holder_name", "text", "Holder", "Владелец договора"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("contract_number", "code", "Contract", "Договор"),
    Column("contract_date", "date", "Date of the contract", "Дата договора"),
)
LIMITS = (
    Column("client", "text", "Name", "Имя"),
    Column("left", "money", "Left", "Осталось"),
    Column("limit", "money", "Limit", "Лимит"),
    Column("period", "word", "Limit by", "Лимит за"),
    Column("used", "money", "Used", "Использовано"),
    Column("limit_count", "count", "Limit, times", "Лимит, раз"),
    Column("drawn", "money", "Drawn this month", "Списано за месяц"),
    Column("group", "text", "Group", "Группа"),
    Column("subaccount", "account", "Subaccount", "Субсчёт"),
    Column("declines", "count", "Declines by limit", "Отказов по лимиту"),
)
PAYERS = (
    Column("payer_name", "text", "Payer's name", "Имя плательщика"),
    Column("draw", "word", "Drawn", "Порядок"),
    Column("payer_id", "account", "Payer", "Плательщик"),
    Column("account_id", "account", "Pays for", "Платит за"),
    Column("priority", "number", "Priority", "Очередь"),
    Column("brands", "text", "Only brands", "Только бренды"),
    Column("group_name", "text", "Group", "Группа"),
)
ORDERS = (
    Column("placed_at", "instant", "Time", "Время"),
    Column("net", "money", "Net", "Со скидкой"),
    Column("status", "word", "Status", "Статус"),
    Column("reference", "code", "Reference", "Номер"),
    Column("gross", "money", "Gross", "Без скидки"),
    Column("discount", "money", "Discount", "Скидка"),
    Column("transaction", "number", "Transaction", "Операция"),
)
POINTS = (
    Column("brand_name", "text", "Brand", "Бренд"),
    Column("points_left", "money", "Points left", "Осталось баллов"),
    Column("gone_on", "date", "Expire at the start of", "Сгорят в начале дня"),
    Column("amount", "money", "Points given", "Начислено"),
    Column("transaction", "number", "Transaction", "Операция"),
)
CHANGES = (
    Column("recorded_at", "instant", "Time", "Время"),
    Column("before", "state", "Before", "Было"),
    Column("after", "state", "What changed", "Что изменилось"),
    Column("by", "text", "By", "Кто"),
    Column("kind", "word", "Kind", "Вид"),
    Column("subject", "text", "Of", "У кого"),
    Column("note", "text", "Note", "Примечание"),
)
CREDIT = "state available limit used held share valid_until days_left account".split()
AGES = "account total not_due late_1_30 late_31_60 late_61_90 late_91_120 late_over_120 advance days_late".split()
ITEMS = "due unpaid days_late business_date kind amount key account".split()
MOST_PAPERS = 12
PARTY = {
    "Client code": "reference",
    "Legal name": "legal_name",
    "Tax number": "tax_id",
    "Tax registration code (KPP)": "kpp",
    "Telephone": "phone",
    "E-mail": "email",
    "Address": "address",
}


def client() -> None:
    """Draw the page."""
    reference = url_state.get("party")
    if not reference:
        links.go(links.Target("screens/accounts.py", {}))
    book = cached_book.book()
    found = cached_book.cached(("client", reference), lambda opened: lookups.client(opened, str(reference)))
    if not found.accounts.height and not book.whole:
        raise Failure(f"cut {book.cut.number} has no client with the code {reference}")
    links.link(links.Target("screens/accounts.py", {}), f"← {tr('back to accounts')}")
    _head(found)
    day = cached_book.today()
    numbers = found.accounts.filter(pl.col("kind") == "money")["account"].to_list()
    aging = _of(cached_book.report("receivables-aging", as_of=day), numbers)
    credit = _of(cached_book.report("credit-exposure", as_of=day), numbers)
    spent = [
        cached_book.report("subaccounts", account=number, **{"from": day.replace(day=1), "to": day})
        for number in numbers
    ]
    _tiles(found, aging, credit)
    linked = sum(one.frame.height for one in spent) + found.payers.height
    noted = _notes_on(found.facts["id"])
    titles = {
        "Accounts": found.accounts.height,
        "employees and payers": linked,
        "credit and debts": aging[1].filter(pl.col("total") != 0).height,
        "Orders": found.orders_in_all,
        "Points": found.points.height,
        "Papers": None,
        "changes": found.changes.height,
        "notes": len(noted or ()),
    }
    labels = [sentence(title) + (f" ({display.count(n)})" if n else "") for title, n in titles.items()]
    accounts, people, debts, orders, points, papers, changes, written = st.tabs(labels)
    with accounts:
        _accounts(found)
    with people:
        _people(found, spent)
    with debts:
        _debts(found, aging, credit, day)
    with orders:
        _orders(found)
    with points:
        _points(found)
    with papers:
        _papers(numbers)
    with changes:
        _changes(found)
    with written:
        _notes(found.facts["id"], noted)


Part = tuple[Result, pl.DataFrame]
"""A report over all clients, and the rows of it that are this one's."""


def _of(result: Result, numbers: Sequence[int]) -> Part:
    return result, result.frame.filter(pl.col("account").is_in(numbers))


def _head(found: ClientDetails) -> None:
    facts = found.facts
    st.title(as_markdown(facts["name"]))
    badge = {"open": "green", "frozen": "orange", "closed": "gray"}[facts["status"]]
    st.markdown(f"{sentence(facts['kind'])} &nbsp; :{badge}-badge[{tr(facts['status'])}]")
    written = [f"{sentence(label)} <b>{as_html(facts[name])}</b>" for label, name in PARTY.items() if facts[name]]
    st.html(f"<div class='tiffin-facts'>{' &nbsp;·&nbsp; '.join(written)}</div>")
    with st.container(horizontal=True):
        _form("client", "Change", client=facts["reference"])
        for each in found.accounts.filter(pl.col("kind") == "money").head(1).iter_rows(named=True):
            _form("payment", "Payment", account=each["account"])
            _form("credit", "Credit", account=each["account"])
            _form("limits", "Subaccounts and limits", account=each["account"])


def _form(form: str, label: str, **query: Any) -> None:
    """Lead to a form of the desk."""
    links.link(links.Target("screens/desk.py", {"form": form, **query}), f"{sentence(label)} →")


def _tiles(found: ClientDetails, aging: Part, credit: Part) -> None:
    """Draw what the client has, owes and may still spend, by currency."""
    book = cached_book.book()
    money = found.accounts.filter(pl.col("kind") == "money")
    for currency in money["currency"].unique(maintain_order=True).to_list():
        own = money.filter(pl.col("currency") == currency)
        owed = aging[1].filter(pl.col("currency") == currency)
        terms = credit[1].filter(pl.col("currency") == currency)
        balance = links.at_the_cut(book, own.row(0, named=True), "balance") if own.height == 1 else None
        late = owed.select(PAST_DUE.sum()).item()
        tiles = [
            display.Tile("Balance", _sum(own, "balance"), tr("at the cut"), balance),
            display.Tile("owes", _sum(owed, "total"), "", _only(aging, owed, "total")),
            display.Tile("overdue", Decimal(late or 0)),
        ]
        if terms.height:
            tiles.append(display.Tile("credit limit", _sum(terms, "limit"), "", _only(credit, terms, "limit")))
            tiles.append(display.Tile("available", _sum(terms, "available"), "", _only(credit, terms, "available")))
        display.tiles(tiles, currency, key="tiles" if currency == money["currency"][0] else f"tiles {currency}")


def _sum(frame: pl.DataFrame, column: str) -> Decimal:
    return Decimal(frame[column].sum() or 0)


def _only(part: Part, rows: pl.DataFrame, column: str) -> links.Target | None:
    """Return where a figure leads that is of one row; of several it stands in the table below."""
    return links.cell(part[0], rows.row(0, named=True), column) if rows.height == 1 else None


def _rows(frame: pl.DataFrame, columns: Sequence[Column], key: str, leads_to: links.LeadsTo | None) -> None:
    display.table(frame, columns, key=f"client {key}", leads_to=leads_to, hide_empty=True)


def _shown(result: Result, names: Sequence[str]) -> list[Column]:
    known = {column.name: column for column in result.columns}
    return [known[name] for name in names]


def _accounts(found: ClientDetails) -> None:
    if not found.accounts.height:
        st.info(sentence("no account yet: open one on the client's form"))
        _form("client", "Client", client=found.facts["reference"])
        return
    _rows(found.accounts, ACCOUNTS, "accounts", _account)


def _account(row: Row, column: str) -> links.Target | None:
    figure = links.at_the_cut(cached_book.book(), row, column) if column in ("balance", "held") else None
    return figure or links.Target("screens/account.py", {"account": row["account"]})


def _people(found: ClientDetails, spent: Sequence[Result]) -> None:
    """Draw whom the client pays for with what is left of each limit, and who pays for it."""
    for number, result in enumerate(spent):
        if result.frame.height:
            st.markdown(f"**{sentence('whom it pays for, and what is left of each limit')}**")
            _rows(result.frame, LIMITS, f"limits {number}", partial(links.cell, result))
    if found.payers.height:
        st.markdown(f"**{sentence('who pays for it')}**")
        _rows(found.payers, PAYERS, "payers", lambda row, _: _to("account", row["payer_id"]))
    if not found.payers.height and not any(result.frame.height for result in spent):
        st.info(sentence("it pays for nobody, and nobody pays for it: paste a list of employees, or link one account"))
        _form("many", "Employees", kind="employee")


def _to(page: str, number: int) -> links.Target:
    return links.Target(f"screens/{page}.py", {page: number})


def _debts(found: ClientDetails, aging: Part, credit: Part, day: date) -> None:
    if credit[1].height:
        st.markdown(f"**{sentence('Credit')}**")
        _rows(credit[1], _shown(credit[0], CREDIT), "credit", partial(links.cell, credit[0]))
    else:
        st.info(sentence("no credit was agreed yet"))
        for each in found.accounts.filter(pl.col("kind") == "money").head(1).iter_rows(named=True):
            _form("credit", "Credit", account=each["account"])
    owing = aging[1].filter((pl.col("total") != 0) | (pl.col("advance") != 0))
    if owing.height:
        st.markdown(f"**{sentence('by age')}**")
        _rows(owing, _shown(aging[0], AGES), "ages", partial(links.cell, aging[0]))
    items = cached_book.report("open-items", party=found.facts["reference"], as_of=day)
    if items.frame.height:
        st.markdown(f"**{sentence('what is unpaid')}**")
        _rows(items.frame, _shown(items, ITEMS), "items", partial(links.cell, items))
    else:
        st.caption(tr("nothing is unpaid"))


def _orders(found: ClientDetails) -> None:
    if not found.orders.height:
        st.info(sentence("no order yet: they come from the order system"))
        return
    _rows(found.orders, ORDERS, "orders", lambda row, _: _to("transaction", row["transaction"]))
    if found.orders_in_all > found.orders.height:
        st.caption(tr("the first {n} of {all}", n=found.orders.height, all=display.count(found.orders_in_all)))


def _points(found: ClientDetails) -> None:
    if not found.points.height:
        st.info(sentence("no points: a bonus programme gives them, or the desk"))
        for each in found.accounts.filter(pl.col("kind") == "money").head(1).iter_rows(named=True):
            _form("bonus", "Points", account=each["account"])
        return
    _rows(found.points, POINTS, "points", lambda row, _: _to("transaction", row["transaction"]))


def _papers(numbers: Sequence[int]) -> None:
    if not cached_book.book().whole:
        st.caption(tr("papers show all that a client had of every brand: they are for those who may see them all"))
        return
    register = Register(Settings().home / "papers")
    issued = sorted((one for number in numbers for one in register.rows(account=number)), key=lambda one: one.until)
    if not issued:
        st.info(sentence("no paper was issued yet: make one under Papers of the account"))
        for number in numbers[:1]:
            links.link(_to("account", number), f"{sentence('Account')} {number} →")
    for one in reversed(issued[-MOST_PAPERS:]):
        _paper(register, one)


def _paper(register: Register, one: Issued) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        sent = register.sendings(one)
        where = tr("sent to {address}", address=as_markdown(sent[-1].address)) if sent else tr("not sent")
        amount = display.money(Decimal(one.amount), one.currency)
        st.markdown(f"**{as_markdown(one.number)}** · {one.since} – {one.until} · {amount} · {where}")
        if register.is_there(one):
            st.download_button(
                "PDF",
                partial(register.content, one),
                f"{one.number}.pdf",
                "application/pdf",
                key=f"paper {one.number} {one.language}",
                on_click="ignore",
            )


def _changes(found: ClientDetails) -> None:
    named = pl.struct("kind", "subject").map_elements(
        lambda row: subject_words(row["kind"], row["subject"], language()), return_dtype=pl.String
    )
    _rows(found.changes.with_columns(subject=named), CHANGES, "changes", None)


def _notes_on(party: int) -> list[Note] | None:
    """Return what people noted about the client; None where they may not be read: by brands, or in a lake alone."""
    if not cached_book.book().whole:
        return None
    try:
        with access.reading() as connection:
            return notes.of_client(connection, party)
    except Failure:
        return None


def _notes(party: int, known: list[Note] | None) -> None:
    """Draw the notes, the latest first, and for those who post a field for another one."""
    if known is None:
        st.caption(tr("notes are in the ledger, for those who may see every brand"))
        return
    if access.person().may("post"):
        with st.form("note", clear_on_submit=True, border=False):
            st.text_area(sentence("Note"), key="new note", max_chars=TEXT_LENGTH, height=90)
            st.form_submit_button(sentence("Add the note"), on_click=_add_note, args=(party,))
    if problem := st.session_state.pop("note problem", None):
        st.error(as_markdown(problem))
    if not known:
        st.info(sentence("no note yet: what was agreed by phone, whom to ask, what to mind"))
    zone = cached_book.book().cut.time_zone
    for note in known:
        text = as_html(note.text).replace("\n", "<br>")
        head = f"{as_html(note.who)} · {display.local(note.written_at, zone)}"
        st.html(f"<div class='tiffin-facts'><b>{head}</b><br>{text}</div>")


def _add_note(party: int) -> None:
    access.require("post")
    try:
        with access.writing() as connection:
            notes.add(connection, party, access.person().login, st.session_state["new note"])
    except Failure as failure:
        st.session_state["note problem"] = on_screen(failure)


if __name__ == "__main__":
    client()
