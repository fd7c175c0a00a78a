"""A dunning round: who is overdue, whom to remind, the letters as they will be, and into the outbox."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import access, cached_book, display, links, url_state
from dashboards.refusals import on_screen
from dashboards.translations import as_markdown, language, sentence, tr
from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.leads import Row
from reports.core.report import Column
from reports.documents import reminders as letters
from reports.documents.design import templates_of
from reports.documents.reminders import Debtor

MOST = 500
SHOWN = 5
AGAIN = timedelta(days=7)
"""After so long a debtor is chosen again by itself."""
DEBTORS = (
    Column("client", "text", "Client", "Клиент"),
    Column("late", "money", "Overdue", "Просрочено"),
    Column("days_late", "number", "Days late", "Дней просрочки"),
    Column("email", "text", "E-mail", "Эл. почта"),
    Column("reminded", "date", "Reminded on", "Напомнили"),
    Column("account", "account", "Account", "Счёт"),
)


def reminders() -> None:
    """Draw the page."""
    access.require("post")
    head, choice = st.columns([4, 1], vertical_alignment="bottom")
    head.title(sentence("Reminders"))
    links.link(links.Target("screens/today.py", {}), f"← {sentence('Today')}")
    known = cached_book.currencies()
    currency = url_state.choice(choice, "Currency", known, "currency", default=known[0]) if known else None
    day = cached_book.today()
    found = cached_book.cached(("debtors", currency, day), lambda book: letters.debtors(book, day, currency))
    if not found:
        st.success(sentence("nobody is overdue"), icon=":material/check:")
        return
    outbox = Settings().home.resolve() / "outbox" / "reminders"
    last = letters.reminded(outbox)
    _list(found, last)
    chosen = _chosen([debtor for debtor in found if debtor.email][:MOST], last)
    _letters(chosen, day)
    _write(chosen, day)
    for line in st.session_state.pop("reminders written", ()):
        (st.success if line[0] else st.error)(as_markdown(line[1]))


def _list(found: list[Debtor], last: dict[int, date]) -> None:
    rows = [(d.client, d.late, d.days_late, d.email, last.get(d.account), d.account) for d in found]
    schema: dict[str, Any] = {"money": pl.Decimal(18, 2), "number": pl.Int64, "account": pl.Int64, "date": pl.Date}
    frame = pl.DataFrame(
        rows, schema={column.name: schema.get(column.kind, pl.String) for column in DEBTORS}, orient="row"
    )
    display.table(frame, DEBTORS, key="debtors", leads_to=_account, ranked_by="late", rows=10)
    without = sum(not debtor.email for debtor in found)
    if without:
        st.caption(tr("without an e-mail address, and so without a letter: {n}", n=display.count(without)))


def _account(row: Row, column: str) -> links.Target:
    return links.Target("screens/account.py", {"account": row["account"]})


def _chosen(able: list[Debtor], last: dict[int, date]) -> list[Debtor]:
    """Let debtors be chosen; at first all with an address who were not reminded within a week."""
    by_number = {debtor.account: debtor for debtor in able}

    def shown(number: int) -> str:
        debtor = by_number[number]
        return f"{debtor.client} · {display.money(debtor.late, debtor.currency)}"

    since = datetime.now(UTC).date() - AGAIN
    usual = [number for number in by_number if last.get(number, date.min) <= since]
    numbers = st.multiselect(
        sentence("whom to remind"), list(by_number), usual, format_func=shown, placeholder=tr("choose"), key="whom"
    )
    return [by_number[number] for number in numbers]


def _letters(chosen: list[Debtor], day: date) -> None:
    for debtor in chosen[:SHOWN]:
        subject, body = letters.reminder(debtor, day, code=language(), templates=templates_of(Settings()))
        with st.expander(as_markdown(f"{debtor.email} · {subject}")):
            st.text(body)
    if len(chosen) > SHOWN:
        st.caption(tr("the first {n} of {all}", n=SHOWN, all=display.count(len(chosen))))


def _write(chosen: list[Debtor], day: date) -> None:
    settings = Settings()
    if settings.sender is None:
        st.warning(sentence("letters need a sender: TIFFIN_SENDER is not set"), icon=":material/mail:")
        return
    label = sentence("write {n} letters", n=display.count(len(chosen)))
    if not st.button(label, type="primary", key="write reminders", disabled=not chosen):
        return
    access.require("post")
    outbox, done, wrong = settings.home.resolve() / "outbox" / "reminders", 0, []
    for debtor in chosen:
        try:
            done += letters.write_reminder(
                outbox,
                debtor,
                day,
                sender=settings.sender,
                by=access.person().login,
                code=language(),
                templates=templates_of(settings),
            )
        except Failure as failure:
            wrong.append((False, on_screen(failure)))
    st.session_state["reminders written"] = [(True, tr("letters written: {n}, into {outbox}", n=done, outbox=outbox))]
    st.session_state["reminders written"] += wrong
    st.session_state.pop("whom", None)
    st.rerun()


if __name__ == "__main__":
    reminders()
