"""One account: who it is, how it stands, what was agreed, every movement of a period, its papers."""

from datetime import date, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from dashboards import cached_book, display, file_workers, links, url_state
from dashboards.downloads import downloads
from dashboards.forms import FORMS
from dashboards.translations import as_html, as_markdown, language, sentence, tr
from ledger.settings import Settings
from ledger.values.dates import month_days
from reports import lookups
from reports.core.leads import Row
from reports.core.report import Column
from reports.core.result import Result
from reports.documents.design import Kind, design_of
from reports.documents.papers import statement_pdf
from reports.documents.register import Register
from reports.documents.render import pdf
from reports.proof.proven_papers import prover_for
from reports.run import LakeBook

PAPERS: dict[Kind, str] = {"statement": "Statement (PDF)", "act": "Act (PDF)"}
TERMS = (
    Column("credit_limit", "money", "Limit", "Лимит"),
    Column("period_days", "number", "Period, days", "Срок, дней"),
    Column("valid_from", "date", "Valid from", "Действует с"),
    Column("valid_until", "date", "Valid until", "Действует по"),
    Column("recorded_at", "instant", "Recorded", "Записано"),
    Column("by", "text", "By", "Кто"),
    Column("note", "text", "Note", "Примечание"),
)
_ENDS = (
    Column("payer_id", "account", "Payer", "Плательщик"),
    Column("payer_name", "text", "Payer's name", "Имя плательщика"),
    Column("account_id", "account", "Pays for", "Платит за"),
    Column("account_name", "text", "Their name", "Чей счёт"),
)
LINKS = (
    *_ENDS,
    Column("draw", "word", "Drawn", "Порядок"),
    Column("priority", "number", "Priority", "Очередь"),
    Column("brands", "text", "Only brands", "Только бренды"),
    Column("share", "rate", "Share of a line", "Доля строки"),
    Column("hours", "text", "Hours", "Часы"),
    Column("services", "text", "Only services", "Только услуги"),
    Column("group_name", "text", "Group", "Группа"),
)
LIMITS = (
    *_ENDS,
    Column("group_name", "text", "Group", "Группа"),
    Column("period", "word", "Window", "Окно"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("count", "count", "Count", "Количество"),
)
BONUSES = (
    Column("account", "account", "Account", "Счёт"),
    Column("brand_name", "text", "Brand", "Бренд"),
    Column("balance", "money", "Balance", "Остаток"),
    Column("held", "money", "Held", "В резерве"),
    Column("status", "word", "Status", "Статус"),
)


def account() -> None:
    """Draw the page."""
    text = url_state.get("account") or ""
    if not text:
        links.go(links.Target("screens/accounts.py", {}))
    book = cached_book.book()
    found = cached_book.cached(("account", text), lambda opened_book: lookups.account(opened_book, text))
    facts = found.facts
    number = int(facts["account"])
    links.link(links.Target("screens/accounts.py", {}), f"← {tr('back to accounts')}")
    _head(facts)
    if facts["party"]:
        links.link(links.Target("screens/client.py", {"party": facts["party"]}), f"{tr('everything of the client')} →")
    since, until = url_state.days(st.container(width=270), _usual(book, facts))
    card = cached_book.report("account-card", account=number, **{"from": since, "to": until})
    moved = cached_book.report("turnover", account=number, **{"from": since, "to": until})
    _figures(facts, moved)
    _work(facts)
    history, terms, papers = st.tabs([sentence(tab) for tab in ("History", "Terms", "Papers")])
    with history:
        _history(card)
    with terms:
        _terms(found)
    with papers:
        _papers(book, facts, until)


def _head(facts: dict[str, Any]) -> None:
    st.title(as_markdown(facts["client"]))
    badge = {"open": "green", "frozen": "orange", "closed": "gray"}[facts["status"]]
    st.markdown(f"{sentence('Account')} **{facts['account']}** &nbsp; :{badge}-badge[{tr(facts['status'])}]")
    facts_shown = {
        "Reference": facts["reference"],
        "Client code": facts["party"],
        "Legal name": facts["legal_name"],
        "Tax number": facts["tax_id"],
        "Holder": facts["holder_name"],
        "Brand": facts["brand_name"],
        "Contract": " · ".join(str(part) for part in (facts["contract_number"], facts["contract_date"]) if part),
    }
    written = [f"{sentence(label)} <b>{as_html(value)}</b>" for label, value in facts_shown.items() if value]
    st.html(f"<div class='tiffin-facts'>{' &nbsp;·&nbsp; '.join(written)}</div>")


def _usual(book: LakeBook, facts: dict[str, Any]) -> tuple[date, date]:
    """Return the quarter up to the account's last movement, so that the page is seldom empty."""
    latest = facts["latest_posted_at"]
    last = min(book.last_day, latest.astimezone(ZoneInfo(book.cut.time_zone)).date()) if latest else book.last_day
    return (last.replace(day=1) - timedelta(days=45)).replace(day=1), book.last_day


def _figures(facts: dict[str, Any], moved: Result) -> None:
    row = moved.frame.row(0, named=True) if moved.frame.height else {}
    since, until = moved.parameters.days
    now = partial(links.at_the_cut, cached_book.book(), facts)
    tiles = [
        display.Tile("Balance", facts["balance"], tr("at the cut"), now("balance")),
        display.Tile("Held", facts["held"], tr("at the cut"), now("held")),
    ]
    moves = (("Opening", str(since)), ("Credits", ""), ("Debits", ""), ("Closing", str(until)))
    for label, note in moves:
        name = label.lower()
        tiles.append(display.Tile(label, row.get(name), note, links.cell(moved, row, name) if row else None))
    display.tiles(tiles, facts["currency"])


def _work(facts: dict[str, Any]) -> None:
    """Lead to the desk's forms about this account."""
    if facts["kind"] != "money":
        return
    with st.container(horizontal=True):
        for form in ("payout", "transfer", "limits"):
            target = links.Target("screens/desk.py", {"form": form, "account": facts["account"]})
            links.link(target, f"{sentence(FORMS[form][0])} →")


def _history(card: Result) -> None:
    display.control_status(card)
    without: tuple[str, ...] = ("business_date", "currency", "held")
    if not (card.frame["held_after"] != 0).any():
        without += ("held_after",)
    display.result_table(card, key="card", hide_empty=True, without=without)
    downloads(card, key="card")
    first, last = card.parameters.days
    days = {"of": url_state.get("account"), "from": first, "to": last}
    links.link(links.Target("screens/declined.py", days), f"{sentence('Declined commands')} →")


def _terms(found: lookups.AccountDetails) -> None:
    for title, frame, columns, key in (
        ("Credit terms", found.terms, TERMS, "terms"),
        ("Links", found.links, LINKS, "links"),
        ("Write-off limits", found.limits, LIMITS, "limits"),
        ("Bonus accounts", found.bonuses, BONUSES, "bonuses"),
    ):
        st.markdown(f"**{sentence(title)}**")
        if frame.height:
            other = _other_end(found.facts["account"]) if key != "terms" else None
            display.table(frame, columns, key=key, leads_to=other, hide_empty=True)
        else:
            st.caption(tr("none"))


def _other_end(number: int) -> links.LeadsTo:
    def target(row: Row, column: str) -> links.Target | None:
        if column in ("balance", "held"):
            return links.at_the_cut(cached_book.book(), row, column)
        ends = [row.get(name) for name in ("payer_id", "account_id", "account")]
        other = [end for end in ends if end and end != number]
        return links.Target("screens/account.py", {"account": other[0]}) if other else None

    return target


def _papers(book: LakeBook, facts: dict[str, Any], until: date) -> None:
    if not book.whole:
        st.caption(tr("papers show all that a client had of every brand: they are for those who may see them all"))
        return
    months = _months(book, facts["account"])
    if facts["kind"] != "money" or not months:
        st.caption(tr("none"))
        return
    place = months.index(f"{until:%Y-%m}") if f"{until:%Y-%m}" in months else 0
    left, middle, right = st.columns([1, 1, 3], vertical_alignment="bottom")
    month = left.selectbox(sentence("Month"), months, index=place)
    key = f"paper-{facts['account']}-{month}-{language()}"
    if middle.button(sentence("Prepare"), key="prepare", width="stretch"):
        settings = Settings()
        register = Register(settings.home / "papers")
        with (
            st.spinner(sentence("Statement (PDF)")),
            prover_for(settings, *month_days(month), lambda why: st.warning(as_markdown(why))) as prover,
        ):
            st.session_state[key] = {
                kind: statement_pdf(
                    book,
                    facts["account"],
                    month,
                    design_of(settings, kind, language()),
                    register,
                    prover,
                    draw=lambda *of: file_workers.drawn(pdf, *of),
                )
                for kind in PAPERS
            }
    made = st.session_state.get(key)
    if made:
        for column, (kind, label) in zip(right.columns(2), PAPERS.items(), strict=True):
            name = f"{kind}-{facts['account']}-{month}.pdf"
            column.download_button(
                sentence(label),
                made[kind],
                name,
                "application/pdf",
                key=f"{kind}-file",
                on_click="ignore",
                width="stretch",
            )


def _months(book: LakeBook, number: int) -> list[str]:
    moved = book.entries.filter(pl.col("account_id") == number).select(pl.col("month").unique().sort(descending=True))
    months: list[str] = moved.collect()["month"].to_list()
    return months


if __name__ == "__main__":
    account()
