"""How results look on a screen: tables by kind of column, controls in green or red, freshness, downloads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import cached_book, links
from dashboards.sparkline import sparkline
from dashboards.translations import as_html, as_markdown, language, sentence, tr
from reports.compared import Compared, share
from reports.core.readable import readable_texts
from reports.core.report import Column
from reports.core.result import Control, CutFacts, Result
from reports.formats import captions, code_names
from reports.formats.change_words import change_words

ROW_PIXELS, MOST_VISIBLE = 30, 18
MEASURED_ROWS, LETTER_PIXELS, WIDEST_PIXELS = 9, 8, 320
MOST_ROWS = 5_000
"""How many rows of a result are drawn: more would take the browser seconds, and nobody reads them; files have all."""
STYLED_CELLS = 60_000
"""Russian figures are written by the server, cell by cell; in larger tables the browser writes them, with commas."""

_STYLE = Path(__file__).with_name("style.css")


def apply_style() -> None:
    """Put the page's style in: width, quiet labels, figures of one width; colours are the theme's."""
    st.html(_STYLE)


def money(amount: Decimal | None, currency: str | None = None) -> str:
    """Return an amount as people read it, with its currency."""
    if amount is None:
        return "–"
    written = captions.money(amount, language())
    return f"{written}\u00a0{currency}" if currency else written


def read(plain: str | None) -> Decimal | None:
    """Return an amount that the ledger wrote; None where it wrote none."""
    return None if plain is None else Decimal(plain)


@dataclass(frozen=True)
class Tile:
    """A figure with its label and a note; a click on it leads to the rows that it is made of."""

    label: str
    amount: Decimal | None
    note: str = ""
    target: links.Target | None = None


def tiles(figures: Sequence[Tile], currency: str, *, key: str = "tiles") -> list[DeltaGenerator]:
    """Draw figures side by side; return a place under each, for what it is beside."""
    places = []
    with st.container(key=key):
        for number, tile in enumerate(figures):
            with st.container(key=f"{key} {number}{' minus' if (tile.amount or 0) < 0 else ''}", gap=None):
                st.html(f"<p>{as_html(sentence(tile.label))}</p>")
                if tile.target is None or tile.amount is None:
                    st.html(f"<p class='figure'>{money(tile.amount)}</p>")
                else:
                    links.link(tile.target, money(tile.amount))
                st.html(f"<p>{as_html(' · '.join(filter(None, (currency, tile.note))))}</p>")
                places.append(st.empty())
    return places


def beside(place: DeltaGenerator, figure: Compared) -> None:
    """Draw a figure's change since the period before and since a year ago, in money and per cent, and its course."""
    changes = [(tr("to the period before"), figure.before), (tr("to a year ago"), figure.year_ago)]
    lines = [
        f"<p class='then'>{label} <b>{_change(figure.now, then)}</b></p>" for label, then in changes if then is not None
    ]
    drawn = "".join(lines) + sparkline(figure.months)
    if drawn:
        place.html(drawn)


def _change(now: Decimal, then: Decimal) -> str:
    change, part = now - then, share(now, then)
    sign = "+" if change > 0 else ""
    return f"{sign}{money(change)}" + ("" if part is None else f" ({sign}{captions.money(part, language())[:-1]} %)")


def count(number: int) -> str:
    """Return a count grouped by thousands."""
    written = f"{number:,}"
    return written.replace(",", "\u00a0") if language() == "ru" else written


def local(at: datetime | None, zone: str, pattern: str = "%Y-%m-%d %H:%M") -> str:
    """Return an instant in the book's time zone."""
    return f"{at.astimezone(ZoneInfo(zone)):{pattern}}" if at else "–"


def freshness(cut: CutFacts) -> None:
    """Show which point the figures are complete up to, in the side bar of every page."""
    closed = cut.closed_until
    until = f"{tr('days closed until')} <b>{closed}</b>" if closed else f"<b>{tr('no day is closed')}</b>"
    st.html(
        f"<div class='tiffin-facts'>{sentence('cut')} <b>{cut.number}</b><br>"
        f"{tr('taken')} <b>{local(cut.taken_at, cut.time_zone)}</b><br>{until}<br>"
        f"{tr('time zone')} <b>{cut.time_zone}</b></div>"
    )


def control_status(result: Result) -> None:
    """Return whether the result's days are closed and its controls hold; what differs is red."""
    broken = [control for control in result.controls if not control.holds]
    if result.provisional:
        st.html(f"<span class='tiffin-open'>● {tr('PROVISIONAL: not every day is closed')}</span>")
    if not cached_book.book().whole:
        st.caption(tr("of some brands only: control totals are found over all of them"))
        return
    if broken:
        st.error(tr("{n} of {all} controls DIFFER", n=len(broken), all=len(result.controls)), icon=":material/error:")
        for control in broken:
            st.error(captions.control_line(control, language()))
        return
    with st.expander(f":green[✓ {tr('controls hold: {n}', n=len(result.controls))}]"):
        st.html("<br>".join(_control(control) for control in result.controls))


def _control(control: Control) -> str:
    return f"<span class='tiffin-facts'>{captions.control_line(control, language())}</span>"


@st.fragment(run_every=1.0)
def checking(ask: Callable[[], object | None], *, silent: bool = False) -> None:
    """Draw, unless the page does, that checks are being made beside it; and the page anew when they are done."""
    if ask() is not None:
        st.rerun()
    if not silent:
        st.html(f"<span class='tiffin-open'>● {tr('checking the book …')}</span>")


def facts(result: Result) -> str:
    """Return parameters, cut and row count in one line."""
    parts = captions.facts(result, language())[1:]
    return " · ".join(f"{fact.label} **{as_markdown(fact.value)}**" for fact in parts)


_FIGURES = "money average count share account number rate".split()


def column_settings(columns: Sequence[Column], *, styled: bool = False) -> dict[str, Any]:
    """Return Streamlit's column settings by the kind of each column."""
    return {column.name: _column_setting(column, column.label(language()), styled=styled) for column in columns}


RIGHT = "\u061c\u2066{}\u2069"
"""Makes a table draw a head on the right, above its figures: it does so where a head begins with a sign of a script
that is written from the right. This one nobody sees, and the head itself stands isolated from it."""


def _column_setting(column: Column, label: str, *, styled: bool) -> Any:
    label = RIGHT.format(label) if column.kind in _FIGURES else label
    match column.kind:
        case "money" | "average":
            return st.column_config.NumberColumn(label, format=None if styled else "%,.2f", alignment="right")
        case "count":
            return st.column_config.NumberColumn(label, format=None if styled else "%,d", alignment="right")
        case "share":
            return st.column_config.NumberColumn(label, format="percent", alignment="right")
        case "account" | "number":
            return st.column_config.NumberColumn(label, format="%d", alignment="right")
        case "rate":
            return st.column_config.NumberColumn(label, format="%.2f", alignment="right")
        case "date":
            return st.column_config.DateColumn(label, format="YYYY-MM-DD")
        case "instant":
            return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm")
        case _:
            return st.column_config.TextColumn(label)


def table(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    *,
    key: str,
    leads_to: links.LeadsTo | None = None,
    query_of: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    hide_empty: bool = False,
    rows: int = MOST_VISIBLE,
    ranked_by: str | None = None,
) -> None:
    """Draw rows; columns without a value may be left out, and are named.

    `leads_to` is where a click on a cell leads, `query_of` what it writes into the URL of the same page. The column
    that rows are `ranked_by` has a bar beside each figure.
    """
    columns = [column for column in columns if column.name in frame.columns]
    frame, columns = _with_changes(frame, columns)
    may_go = [column for column in columns if frame.height and (hide_empty or column.aside)]
    empty = [column for column in may_go if _blank(frame[column.name], zeros=column.aside)]
    columns = [column for column in columns if column not in empty]
    frame = readable_texts(frame)
    shown = _local_times(_with_code_names(frame.select(column.name for column in columns), columns))
    styled = language() == "ru" and frame.height * len(columns) <= STYLED_CELLS
    settings = column_settings(columns, styled=styled)
    for column in columns:
        if (width := _hidden_width(shown[column.name], column)) is not None:
            settings[column.name]["width"] = width
    if ranked_by in shown.columns and shown.height > 1:
        shown, settings[BAR] = _with_bar(shown, str(ranked_by))
    options: dict[str, Any] = {
        "column_config": settings,
        "hide_index": True,
        "height": "content" if frame.height <= rows else (rows + 1) * ROW_PIXELS + 8,
        "row_height": ROW_PIXELS,
        "placeholder": "",
    }
    if leads_to is not None:
        options |= {"on_select": "rerun", "selection_mode": "single-cell", "key": key}
    if query_of is not None:
        options |= {"on_select": partial(_set_query, key, frame, query_of), "selection_mode": "single-cell", "key": key}
    state = st.dataframe(
        _styled(shown, columns) if styled else shown.to_pandas(use_pyarrow_extension_array=True), **options
    )
    if empty:
        names = ", ".join(column.label(language()) for column in empty)
        st.caption(tr("columns without a value here: {names}", names=names))
    if leads_to is not None and state.selection.cells:
        row, column = state.selection.cells[0]
        target = leads_to(frame.row(row, named=True), str(ranked_by) if column == BAR else column)
        if target is not None:
            links.go(target)


def _hidden_width(values: pl.Series, column: Column) -> int | None:
    """Return how wide a column is, in pixels, where its longest value is in a row that the browser does not measure.

    It measures the first nine rows and the last one; a figure that is longer would lose its sign or its first digits.
    """
    money = column.kind in _WRITTEN
    if values.len() <= MEASURED_ROWS + 1 or not (money or values.dtype == pl.String):
        return None
    texts = ["" if value is None else f"{value:.2f}" if money else value for value in values.to_list()]
    # Grouped by thousands: a sign in three more, two decimals and their separator.
    lengths = [len(text) + (max(len(text) - 4, 0) // 3 if money else 0) for text in texts]
    longest = max(lengths)
    measured = [*lengths[:MEASURED_ROWS], lengths[-1]]
    head = len(column.label(language()))
    return min(max(longest, head) * LETTER_PIXELS + 20, WIDEST_PIXELS) if longest > max(measured) else None


BAR = "bar"
"""The column of bars, beside the one that they are of."""


def _with_bar(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, Any]:
    """Return the frame with a column of bars beside a column of figures, and how it is drawn."""
    sizes = frame[name].cast(pl.Float64).fill_null(0).clip(lower_bound=0)
    at = frame.columns.index(name) + 1
    longest = float(sizes.max() or 0) or 1.0  # type: ignore[arg-type]
    setting = st.column_config.ProgressColumn("", format=" ", min_value=0, max_value=longest, width=64)
    return frame.select(*frame.columns[:at], sizes.alias(BAR), *frame.columns[at:]), setting


def _set_query(key: str, frame: pl.DataFrame, query_of: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    cells = st.session_state[key].selection.cells
    if cells:
        links.set_query(query_of(frame.row(cells[0][0], named=True)))


def _blank(values: pl.Series, *, zeros: bool) -> bool:
    if zeros and values.dtype.is_decimal():
        return bool((values.fill_null(0) == 0).all())
    return values.null_count() == values.len() or (
        values.dtype == pl.String and bool((values.fill_null("") == "").all())
    )


def _with_code_names(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    coded = [column.name for column in columns if column.kind in code_names.WORDS]
    names = {
        code: code_names.code_name(code, language()) for name in coded for code in frame[name].drop_nulls().unique()
    }
    if names:
        frame = frame.with_columns(pl.col(coded).replace(names))
    own = {column.name: code_names.named_columns().get(column.name) for column in columns}
    renamed = {name: {code: words[language()] for code, words in of.items()} for name, of in own.items() if of}
    return frame.with_columns(pl.col(name).replace(of) for name, of in renamed.items())


def _with_changes(frame: pl.DataFrame, columns: list[Column]) -> tuple[pl.DataFrame, list[Column]]:
    """Return what changed in words, in place of the two states before and after that files have."""
    states = [column.name for column in columns if column.kind == "state"]
    if len(states) != 2:
        return frame, columns
    before, after = states
    brands = dict(cached_book.brands().select("id", "code").iter_rows())
    changes = [change_words(was, now, language(), brands) for was, now in frame.select(states).iter_rows()]
    words = pl.Series(after, changes, dtype=pl.String)
    return frame.with_columns(words), [column for column in columns if column.name != before]


def _local_times(frame: pl.DataFrame) -> pl.DataFrame:
    zone = cached_book.book().cut.time_zone
    instants = [name for name, type_ in frame.schema.items() if isinstance(type_, pl.Datetime) and type_.time_zone]
    return frame.with_columns(pl.col(instants).dt.convert_time_zone(zone).dt.replace_time_zone(None))


def _styled(frame: pl.DataFrame, columns: Sequence[Column]) -> Any:
    written = {column.name: _WRITTEN[column.kind] for column in columns if column.kind in _WRITTEN}
    return frame.to_pandas(use_pyarrow_extension_array=True).style.format(written, na_rep="")


def _russian(value: Any) -> str:
    return captions.money(Decimal(str(value)), "ru")


_WRITTEN: dict[str, Callable[[Any], str]] = {"money": _russian, "average": _russian, "count": count}


def result_table(
    result: Result,
    *,
    key: str,
    hide_empty: bool = False,
    without: Sequence[str] = (),
    rows: int = MOST_VISIBLE,
) -> None:
    """Draw a result's rows, what to do with them, and sums by currency.

    What matters stands first, what is aside last; files have every column, in the report's own order.
    """
    if not result.frame.height:
        st.info(sentence("nothing in this period"))
        return
    leads_to = partial(links.cell, result) if links.leads(result) else None
    columns = [column for column in result.columns if column.name not in without]
    place = {name: number for number, name in enumerate(result.report.first)}
    columns.sort(key=lambda column: (place.get(column.name, len(place)), column.aside))
    table(result.frame.head(MOST_ROWS), columns, key=key, leads_to=leads_to, hide_empty=hide_empty, rows=rows)
    parts = tr("rows: {n}", n=count(result.frame.height))
    if result.frame.height > MOST_ROWS:
        parts = tr("the first {n} of {all}, files have them all", n=count(MOST_ROWS), all=count(result.frame.height))
    st.caption(f"{parts} · {tr('click a row to see what is behind it')}" if leads_to else parts)
    totals(result)


def picture(result: Result) -> None:
    """Draw a result as files do, where it has a picture, with text and lines as the theme has them."""
    if result.report.picture and result.frame.height > 1:  # one bar alone compares nothing
        st.altair_chart(result.chart(language()), key=f"picture of {result.report.name}")


def totals(result: Result) -> None:
    """Draw the sums of the columns that add up, a row a currency."""
    sums = captions.subtotals(result)
    if not sums:
        return
    columns = [column for column in result.columns if column.name in sums[0]]
    exact = {column.name: pl.Decimal(38, 2) for column in columns if column.kind == "money"}
    st.markdown(f"**{sentence('total')}**")
    table(pl.DataFrame(sums, schema_overrides=exact), columns, key="totals", leads_to=partial(links.sum_of, result))
