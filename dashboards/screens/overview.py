"""Overview: what clients have, what came in, what was written off, by brand and month; and whether to believe it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import cached_book, charts, display, links, url_state
from dashboards.translations import language, sentence, tr
from reports.compared import compared, needed_since
from reports.core.result import Control, Result
from reports.daily_figures import Days, days_of
from reports.formats import captions

MOST_MONTHS = 24
MOST_DAYS = 63
"""A shorter period is drawn by day."""
BRANDS = ("brand_name", "orders", "gross", "discount", "net", "refunds", "kept")
HOLDERS = ("brand_name", "kind", "accounts", "credits", "debits", "closing")


def overview() -> None:
    """Draw the page."""
    book = cached_book.book()
    head, choice = st.columns([3, 2], vertical_alignment="bottom")
    head.title(sentence("Overview"))
    with choice:
        currency, since, until = _chosen(book.last_day)
    days = _days(book.last_day, currency, since, until)
    piece: Literal["day", "month"] = "day" if (until - since).days < MOST_DAYS else "month"
    revenue, receipts = (days.of(found, since, until, piece) for found in (days.revenue, days.receipts))
    turnover = _turnover(currency, since, until)
    control = st.empty()
    places = _tiles(revenue, receipts, turnover, days.owed.until(until), currency, until)
    _charts(revenue, receipts, currency)
    _tables(revenue, turnover)
    if currency:
        for place, figure in zip(places, compared(days, since, until).values(), strict=True):
            display.beside(place, figure)
    with control.container():
        _believable(book.last_day, [revenue, receipts, turnover])


def _days(last_day: date, currency: str | None, since: date, until: date) -> Days:
    """Return the figures by day that a period needs: those of the usual one, or of whole years before."""
    usual = needed_since(_usual(last_day), last_day)
    begins = min(usual, needed_since(since, until)).replace(month=1, day=1)
    return cached_book.cached(("days", currency, begins), lambda book: days_of(book, currency, begins))


def _turnover(currency: str | None, since: date, until: date) -> Result:
    of = {"by": "brand", "currency": currency, "from": since, "to": until}
    return cached_book.cached(("turnover", *of.values()), lambda book: book.uncontrolled("turnover", **of))


def _chosen(last_day: date) -> tuple[str | None, date, date]:
    left, right = st.columns([1, 2])
    currencies = cached_book.currencies()
    currency = url_state.choice(left, "Currency", currencies, "currency", default=currencies[0]) if currencies else None
    since, until = url_state.days(right, (_usual(last_day), last_day))
    return currency, since, until


def _usual(last_day: date) -> date:
    months_back = 12 * last_day.year + last_day.month - MOST_MONTHS
    earliest = date(months_back // 12, months_back % 12 + 1, 1)
    return min(max(cached_book.first_day(), earliest), last_day)


def _sum(result: Result, column: str) -> Any:
    """Return a total of the result; the reports declare which of their columns may be added up."""
    return result.frame[column].sum() or Decimal(0)


def _tiles(
    revenue: Result, receipts: Result, turnover: Result, owed: Decimal, currency: str | None, until: date
) -> list[DeltaGenerator]:
    money = turnover.frame.filter(pl.col("kind") == "money")
    accounts, payments = (
        display.count(int(money["accounts"].sum())),
        display.count(int(receipts.frame["count"].sum() or 0)),
    )
    discounts = tr("discounts {amount}", amount=display.money(_sum(revenue, "discount")))
    balances = Decimal(money["closing"].sum() or 0)
    owing = links.owed(turnover.cut.number, until, currency, owed)
    tiles = [
        display.Tile("Balances of clients", balances, f"{accounts} {tr('accounts')}", _by_account(turnover, balances)),
        display.Tile("Clients owe", owed, tr("on {day}", day=until), owing),
        _tile("Receipts", receipts, "received", f"{payments} {tr('payments')}"),
        _tile("Write-offs, net", revenue, "net", discounts),
        _tile("Refunds", revenue, "refunds"),
        _tile("Kept", revenue, "kept"),
    ]
    return display.tiles(tiles, currency or "")


def _tile(label: str, result: Result, column: str, note: str = "") -> display.Tile:
    amount = _sum(result, column)
    return display.Tile(label, amount, note, links.figure(result, {}, column, amount))


def _by_account(turnover: Result, balances: Decimal) -> links.Target:
    """Return the address of the balances that the sum by brand is of, a row an account."""
    each = replace(turnover, parameters=turnover.parameters.model_copy(update={"by": "account"}))
    return links.figure(each, {"kind": "money"}, "closing", balances)


def _charts(revenue: Result, receipts: Result, currency: str | None) -> None:
    left, right = st.columns([1.25, 1])
    with left.container(border=True):
        note = "net of discounts, before refunds"
        _chart(revenue, "net", "Write-offs by brand", note, currency, legend=True)
    with right.container(border=True):
        note = "as they came in, before payouts"
        _chart(receipts, "received", "Receipts by brand", note, currency, legend=False)


def _chart(result: Result, value: str, title: str, note: str, currency: str | None, *, legend: bool) -> None:
    st.markdown(f"**{sentence(title)}**  \n:gray[{sentence(note)}]")
    if not result.frame.height:
        st.info(sentence("nothing in this period"))
        return
    piece = "day" if "day" in result.frame.columns else "month"
    by_brand = result.frame.group_by("brand", "brand_name", piece).agg(pl.col(value).sum()).sort(piece, "brand")
    chart = charts.stacked(by_brand, value, piece, currency or "", legend=legend)
    chosen = st.altair_chart(chart, on_select="rerun", key=f"chart-{value}-{language()}", width="stretch")
    points = chosen.selection.get(charts.PICK) or []
    if points and "brand" in points[0]:
        links.go(links.figure(result, {**points[0], "currency": currency}, value))


def _in_all(pieces: Result) -> Result:
    """Return brand revenue of the whole period: each of BRANDS is a sum of its days or months."""
    whole = pieces.frame.group_by("brand", "brand_name", "currency", maintain_order=True).agg(pl.col(BRANDS[1:]).sum())
    parameters = pieces.parameters.model_copy(update={"by": "total"})
    return replace(pieces, frame=whole.sort("brand", "currency"), parameters=parameters)


def _tables(revenue: Result, turnover: Result) -> None:
    total = _in_all(revenue)
    # One above the other: beside each other they would be cut off on a screen of 1,280.
    st.subheader(sentence("Brands"))
    shown = [column for column in total.columns if column.name in BRANDS]
    ranked = total.frame.sort("kept", descending=True, maintain_order=True)
    display.table(ranked, shown, key="brands", leads_to=partial(links.cell, total), ranked_by="kept")
    st.subheader(sentence("Balances by holder"))
    shown = [column for column in turnover.columns if column.name in HOLDERS]
    display.table(turnover.frame, shown, key="holders", leads_to=partial(links.cell, turnover))
    st.caption(tr("click a figure to see what it is made of"))


def _believable(last_day: date, shown: list[Result]) -> None:
    """Draw whether the controls of what is shown hold, and every check of the book for its last month.

    The checks are made beside the page, those of the book once a cut, and drawn when they are done.
    """
    if not cached_book.book().whole:
        st.caption(tr("of some brands only: control totals are found over all of them"))
        return
    ask = partial(_checks, last_day, shown)
    checks = ask()
    if checks is None:
        display.checking(ask)
        return
    book, controls = checks
    wrong = book.frame.filter(pl.col("state") == "differs")
    broken = wrong.height + sum(not control.holds for control in controls)
    checked = book.frame.height + len(controls)
    provisional = any(result.provisional for result in shown)
    state = (
        f"<span class='tiffin-bad'>✗ {tr('{n} of {all} controls DIFFER', n=broken, all=checked)}</span>"
        if broken
        else f"<span class='tiffin-good'>✓ {tr('controls hold: {n}', n=checked)}</span>"
    )
    closed = (
        f"<span class='tiffin-open'>● {tr('PROVISIONAL: not every day is closed')}</span>"
        if provisional
        else f"<span class='tiffin-good'>● {tr('every day of these figures is closed: they will not change')}</span>"
    )
    st.html(f"{state} &nbsp; {closed}")
    for control in controls:
        if not control.holds:
            st.error(captions.control_line(control, language()))
    if wrong.height:
        display.table(wrong, book.columns, key="wrong", leads_to=partial(links.cell, book))


def _checks(last_day: date, shown: list[Result]) -> tuple[Result, list[Control]] | None:
    """Return the checks of the book, and the controls of what is shown; None while they are being made."""
    book = cached_book.report_soon("control", **{"from": last_day.replace(day=1), "to": last_day})
    if book is None:
        return None
    key = ("controls", *(tuple(result.parameters.model_dump().items()) for result in shown))
    controls = cached_book.soon(key, lambda book: [control for one in shown for control in book.controls(one)])
    return None if controls is None else (book, controls)


if __name__ == "__main__":
    overview()
