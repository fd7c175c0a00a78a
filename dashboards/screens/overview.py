"""Overview: what clients have, what came in, what was written off, by brand and month; and whether to believe it."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboards import cached_book, charts, display, links, url_state
from dashboards.translations import language, sentence, tr
from reports.core.result import Result
from reports.formats import captions

MOST_MONTHS = 24
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
    by_month = cached_book.report("brand-revenue", by="month", currency=currency, **days)
    receipts = cached_book.report("receipts", by="month", currency=currency, **days)
    turnover = cached_book.report("turnover", by="brand", currency=currency, **days)
    control = st.empty()
    _tiles(by_month, receipts, turnover, currency, until)
    _charts(by_month, receipts, currency)
    _tables(turnover, currency, days)
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


def _tiles(revenue: Result, receipts: Result, turnover: Result, currency: str | None, until: date) -> None:
    money = turnover.frame.filter(pl.col("kind") == "money")
    aging = cached_book.report("receivables-aging", as_of=until, currency=currency)
    accounts, payments = (
        display.count(int(money["accounts"].sum())),
        display.count(int(receipts.frame["count"].sum() or 0)),
    )
    discounts = tr("discounts {amount}", amount=display.money(_sum(revenue, "discount")))
    tiles = [
        ("Balances of clients", money["closing"].sum() or Decimal(0), f"{accounts} {tr('accounts')}"),
        ("Clients owe", _sum(aging, "total"), tr("on {day}", day=until)),
        ("Receipts", _sum(receipts, "received"), f"{payments} {tr('payments')}"),
        ("Write-offs, net", _sum(revenue, "net"), discounts),
        ("Refunds", _sum(revenue, "refunds"), ""),
        ("Kept", _sum(revenue, "kept"), ""),
    ]
    display.tiles(tiles, currency or "")


def _charts(revenue: Result, receipts: Result, currency: str | None) -> None:
    left, right = st.columns([1.25, 1])
    with left.container(border=True):
        note = "net of discounts, before refunds"
        _chart(revenue, "net", "Write-offs by brand and month", note, currency, legend=True)
    with right.container(border=True):
        note = "payments as they came in, before payouts; colours as on the left"
        _chart(receipts, "received", "Receipts by brand and month", note, currency, legend=False)


def _chart(result: Result, value: str, title: str, note: str, currency: str | None, *, legend: bool) -> None:
    st.markdown(f"**{sentence(title)}**  \n:gray[{sentence(note)}]")
    if not result.frame.height:
        st.info(sentence("nothing in this period"))
        return
    by_brand = result.frame.group_by("brand", "brand_name", "month").agg(pl.col(value).sum()).sort("month", "brand")
    chart = charts.by_month(by_brand, value, currency or "", legend=legend)
    chosen = st.altair_chart(chart, on_select="rerun", key=f"chart-{value}-{language()}", width="stretch")
    points = chosen.selection.get(charts.PICK) or []
    if points and "brand" in points[0]:
        target = links.target_of(result, {**points[0], "currency": currency})
        if target is not None:
            links.go(target)


def _tables(turnover: Result, currency: str | None, days: dict[str, date]) -> None:
    total = cached_book.report("brand-revenue", by="total", currency=currency, **days)
    left, right = st.columns([1.2, 1])
    with left:
        st.subheader(sentence("Brands"))
        shown = [column for column in total.columns if column.name in BRANDS]
        display.table(total.frame, shown, key="brands", leads_to=lambda row: links.target_of(total, row))
    with right:
        st.subheader(sentence("Balances by holder"))
        shown = [column for column in turnover.columns if column.name in HOLDERS]
        display.table(turnover.frame, shown, key="holders", leads_to=lambda row: links.target_of(turnover, row))
    st.caption(tr("click a row to see what is behind it"))


def _believable(last_day: date, shown: list[Result]) -> None:
    """Return whether the controls of what is shown hold, and every check of the book for its last month.

    The checks of the book take seconds once a cut, so they are made when all else is on the screen.
    """
    if not cached_book.book().whole:
        st.caption(tr("of some brands only: control totals are found over all of them"))
        return
    with st.spinner(tr("checking the book …")):
        book = cached_book.report("control", **{"from": last_day.replace(day=1), "to": last_day})
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
        display.table(wrong, book.columns, key="wrong", leads_to=lambda row: links.target_of(book, row))


if __name__ == "__main__":
    overview()
