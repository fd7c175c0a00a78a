"""Overview: what clients have, what came in, what was written off, by brand and month; and whether to believe it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import cached_book, charts, display, links, url_state
from dashboards.translations import language, sentence, tr
from reports.compared import compared
from reports.core.result import Result
from reports.formats import captions

MOST_MONTHS = 24
MOST_DAYS = 63
"""A shorter period is drawn by day."""
FIGURES = ("closing", "owed", "received", "net", "refunds", "kept")
"""What the tiles are called in reports.compared, in their order."""
BRANDS = ("brand_name", "orders", "gross", "discount", "net", "refunds", "kept")
HOLDERS = ("brand_name", "kind", "accounts", "credits", "debits", "closing")


def overview() -> None:
    """Draw the page."""
    book = cached_book.book()
    head, choice = st.columns([3, 2], vertical_alignment="bottom")
    head.title(sentence("Overview"))
    with choice:
        currency, since, until = _chosen(book.last_day)
    days = {"from": since, "to": until}
    piece = "day" if (until - since).days < MOST_DAYS else "month"
    by_month = cached_book.report("brand-revenue", by=piece, currency=currency, **days)
    receipts = cached_book.report("receipts", by=piece, currency=currency, **days)
    turnover = cached_book.report("turnover", by="brand", currency=currency, **days)
    control = st.empty()
    places = _tiles(by_month, receipts, turnover, currency, until)
    _charts(by_month, receipts, currency)
    _tables(by_month, turnover)
    if currency:
        _compared(places, currency, since, until)
    with control.container():
        _believable(book.last_day, [by_month, receipts, turnover])


def _chosen(last_day: date) -> tuple[str | None, date, date]:
    left, right = st.columns([1, 2])
    currencies = cached_book.currencies()
    currency = url_state.choice(left, "Currency", currencies, "currency", default=currencies[0]) if currencies else None
    months_back = 12 * last_day.year + last_day.month - MOST_MONTHS
    earliest = date(months_back // 12, months_back % 12 + 1, 1)
    since, until = url_state.days(right, (min(max(cached_book.first_day(), earliest), last_day), last_day))
    return currency, since, until


def _sum(result: Result, column: str) -> Any:
    """Return a total of the result; the reports declare which of their columns may be added up."""
    return result.frame[column].sum() or Decimal(0)


def _compared(places: list[DeltaGenerator], currency: str, since: date, until: date) -> None:
    """Set the tiles beside the period before and a year ago, when all else is on the screen."""
    found = cached_book.cached(
        ("compared", currency, since, until), lambda book: compared(book, currency, since, until)
    )
    for place, name in zip(places, FIGURES, strict=True):
        display.beside(place, found[name])


def _tiles(
    revenue: Result, receipts: Result, turnover: Result, currency: str | None, until: date
) -> list[DeltaGenerator]:
    money = turnover.frame.filter(pl.col("kind") == "money")
    aging = cached_book.report("receivables-aging", as_of=until, currency=currency)
    accounts, payments = (
        display.count(int(money["accounts"].sum())),
        display.count(int(receipts.frame["count"].sum() or 0)),
    )
    discounts = tr("discounts {amount}", amount=display.money(_sum(revenue, "discount")))
    balances = Decimal(money["closing"].sum() or 0)
    tiles = [
        display.Tile("Balances of clients", balances, f"{accounts} {tr('accounts')}", _by_account(turnover, balances)),
        _tile("Clients owe", aging, "total", tr("on {day}", day=until)),
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

    The checks of the book take seconds once a cut: they are made beside the page, and drawn when they are done.
    """
    if not cached_book.book().whole:
        st.caption(tr("of some brands only: control totals are found over all of them"))
        return
    days = {"from": last_day.replace(day=1), "to": last_day}
    book = cached_book.report_soon("control", **days)
    if book is None:
        display.checking("control", days)
        return
    wrong = book.frame.filter(pl.col("state") == "differs")
    broken = wrong.height + sum(not control.holds for result in shown for control in result.controls)
    checked = book.frame.height + sum(len(result.controls) for result in shown)
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
    for result in shown:
        for control in result.controls:
            if not control.holds:
                st.error(captions.control_line(control, language()))
    if wrong.height:
        display.table(wrong, book.columns, key="wrong", leads_to=partial(links.cell, book))


if __name__ == "__main__":
    overview()
