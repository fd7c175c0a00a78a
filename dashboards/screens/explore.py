"""Explore: an ad-hoc table over the entries. Currency is always a row: nothing is added up across currencies.

A question that came with an address waits until a person presses Run, or changes it (DECISIONS D57).
"""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from dashboards import cached_book, charts, display, links, saved, url_state
from dashboards.translations import language, sentence, tr
from ledger.errors import Failure
from ledger.values.dates import date_or_none
from reports.core.csv_text import frame_csv
from reports.core.forms import MEDIA_TYPES
from reports.core.leads import Row
from reports.core.report import Column
from reports.formats.pivot_workbook import pivot_workbook
from reports.metrics.metric import all_metrics
from reports.pivot import ADDS_UP, DIMENSIONS, MEASURES, MONEY, OF, TOTAL, Pivot, Question, pivot, source, values

FILTERS = ("brand", "kind", "service", "channel", "party_kind", "source_kind")
NOTHING = "nothing across"
WAITS, LINKED = "question that waits", "question of a link"
CHARTS = ("bars", "lines", "no chart")


def explore() -> None:
    """Draw the page."""
    head, place = st.columns([5, 1], vertical_alignment="bottom")
    head.title(sentence("Explore"))
    if not url_state.is_own():
        st.session_state[LINKED] = True  # even if this run is broken off before its question is known
    question = _question(cached_book.book().last_day)
    saved.draw(place, "explore", st.query_params.to_dict())
    if question is None:
        st.info(sentence("choose at least one dimension for the rows"))
        return
    if st.session_state.pop(LINKED, False):
        st.session_state[WAITS] = question
    if st.session_state.get(WAITS) == question:
        waiting = st.empty()
        with waiting.container():
            st.info(sentence("this question came with the address: look at it, then press Run"))
            if not st.button(sentence("Run"), type="primary", key="run question"):
                return
        waiting.empty()
    st.session_state.pop(WAITS, None)
    found = cached_book.cached(("pivot", repr(question)), lambda book: pivot(book, question))
    if not found.frame.height:
        st.info(sentence("nothing in this period"))
        return
    columns = _columns(found)
    _chart(found, columns[-1])
    leads_to = partial(_behind, found) if question.measure in MONEY else None
    display.table(found.frame, columns, key="pivot", leads_to=leads_to, rows=20)
    st.caption(tr("rows: {n}", n=display.count(found.frame.height)))
    st.markdown(f"**{sentence('total')}**")
    display.table(found.totals, columns, key="pivot-totals", leads_to=leads_to)
    _downloads(found, columns)


def _chart(found: Pivot, figure: Column) -> None:
    """Draw the table as a picture, of one currency: amounts of two have no common height."""
    question, currencies = found.question, found.totals["currency"].to_list()
    with st.container(horizontal=True):
        mark = url_state.one_of(st, "Chart", CHARTS, "chart", shown=tr)
        currency = (
            url_state.one_of(st, "Currency", currencies, "chart_currency") if len(currencies) > 1 else currencies[0]
        )
    if mark == CHARTS[-1]:
        return
    rows = found.frame.filter(pl.col("currency") == currency)
    unit = {"share": "", "count": ""}.get(figure.kind, currency)
    if question.measure in all_metrics() and all_metrics().named(question.measure).unit == "days":
        unit = tr("days")
    shape = charts.Shape(question.rows, question.across, mark, stacked=question.measure in ADDS_UP)
    st.altair_chart(charts.of_pivot(rows, shape, unit, share=figure.kind == "share"), width="stretch")
    if rows.height > charts.MOST_SERIES:
        st.caption(tr("drawn: the largest {n} of {all} rows", n=charts.MOST_SERIES, all=display.count(rows.height)))


def _downloads(found: Pivot, columns: list[Column]) -> None:
    def workbook() -> bytes:
        rows = cached_book.cached(("source", repr(found.question)), lambda book: source(book, found.question))
        return pivot_workbook(found, rows, columns, _word)

    left, right, _ = st.columns([1, 1, 6])
    left.download_button(
        "CSV", partial(frame_csv, found.frame), "explore.csv", "text/csv", on_click="ignore", key="pivot-csv"
    )
    right.download_button("XLSX", workbook, "explore.xlsx", MEDIA_TYPES["xlsx"], on_click="ignore", key="pivot-xlsx")


def _word(name: str) -> str:
    return sentence(_measure(name) if name in all_metrics() else tr(name))


def _question(last_day: date) -> Question | None:
    with st.container(border=True):
        top = st.columns([2, 2, 2, 1.5, 1.5])
        since, until = url_state.days(
            top[0], (min(max(cached_book.first_day(), _year_before(last_day)), last_day), last_day)
        )
        rows = url_state.several(top[1], "Rows", DIMENSIONS, "rows", default=("brand",), shown=tr)
        across = url_state.choice(top[2], "Across", (*DIMENSIONS, NOTHING), "across", default="month", shown=tr)
        measure = url_state.choice(
            top[3], "Measure", (*MEASURES, *all_metrics()), "measure", default="amount", shown=_measure
        )
        of = url_state.choice(top[4], "Of", OF, "of", default="revenue", shown=tr)
        with st.expander(sentence("Only")):
            places = st.columns(len(FILTERS))
            known = cached_book.cached(("values",), lambda book: values(book, FILTERS))
            only = {
                name: tuple(url_state.several(place, name, known[name], f"only_{name}"))
                for place, name in zip(places, FILTERS, strict=True)
            }
    if not rows or measure is None or of is None:
        return None
    narrowed = {name: chosen for name, chosen in only.items() if chosen}
    return Question(since, until, tuple(rows), None if across == NOTHING else across, of, measure, narrowed)


def _measure(name: str) -> str:
    """Return a measure in words; a metric by its own label."""
    return tr(name) if name in MEASURES else all_metrics().named(name).label(language())


def _behind(found: Pivot, row: Row, column: str) -> links.Target | None:
    """Return the address of a money cell; a total has no more than its currency."""
    names = [name for name in (*found.question.rows, "currency") if name in row]
    if column in names or row[column] is None:
        return None
    values = {f"{links.ROW}{name}": row[name] for name in names}
    query = {**st.query_params.to_dict(), **values}
    return links.Target(links.BEHIND, {"report": "explore", "column": column, **query})


def asked(given: Mapping[str, str]) -> Question:
    """Return the question that an address has. Raises Failure where it has none."""
    since, until = (date_or_none(given.get(name, "")) for name in ("from", "to"))
    if since is None or until is None:
        raise Failure("no figure is named in this address: click one on another page")
    across, only = given.get("across"), {name: given.get(f"only_{name}") for name in FILTERS}
    return Question(
        since,
        until,
        tuple(given.get("rows", "").split(",")),
        None if across == NOTHING else across,
        given.get("of", ""),
        given.get("measure", ""),
        {name: tuple(values.split(",")) for name, values in only.items() if values},
    )


def _year_before(day: date) -> date:
    """Return the first day of the twelve months that end with the day's month."""
    return date(day.year - (day.month < 12), day.month % 12 + 1, 1)


def _columns(found: Pivot) -> list[Column]:
    measure = found.question.measure
    kind: Any = "money" if measure in MONEY else "count"
    if measure not in MEASURES:
        kind = all_metrics().named(measure).kind
    named = [Column(name, "text", tr(name), tr(name)) for name in (*found.question.rows, "currency")]
    others = [name for name in found.frame.columns if name not in (TOTAL, *(column.name for column in named))]
    figures = [TOTAL, *others]  # first, where it is seen without scrolling
    return named + [Column(name, kind, _heading(name), _heading(name)) for name in figures]


def _heading(name: str) -> str:
    return tr("total") if name == TOTAL else name


if __name__ == "__main__":
    explore()
