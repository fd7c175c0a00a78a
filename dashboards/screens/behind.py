"""Behind a figure: the entries that make it, or the rows that a sum is of, with their own sum and the difference."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial

import polars as pl
import streamlit as st

from dashboards import cached_book, comparison, display, links, url_state
from dashboards.screens.explore import asked
from dashboards.translations import as_markdown, language, sentence, tr
from ledger.errors import Failure
from reports.core.leads import Row
from reports.core.report import Column, named
from reports.core.result import Result
from reports.explain import SIZE, Explanation
from reports.formats import captions
from reports.pivot import explain_cell, pivot

ENTRIES = (
    Column("table", "word", "Rows of", "Строки таблицы"),
    Column("id", "number", "No.", "№ строки"),
    Column("transaction", "number", "Transaction", "Операция"),
    Column("leg", "number", "Leg", "№"),
    Column("business_date", "date", "Date", "Дата"),
    Column("kind", "word", "Kind", "Вид"),
    Column("account", "account", "Account", "Счёт"),
    Column("currency", "currency", "Currency", "Валюта"),
    Column("amount", "money", "Amount", "Сумма"),
    Column("held", "money", "Set aside", "В резерве"),
    Column("adds", "money", "Adds to the figure", "Входит в показатель"),
)
PLACE = "place of the row"
OWN = ("report", "column", "cut", "figure")
"""What an address names beside the row and the parameters."""


def behind() -> None:
    """Draw the page: its address names report, parameters, row and column; fewer values of the row mean a sum."""
    name, column = url_state.get("report"), url_state.get("column")
    if name is None or column is None:
        raise Failure("no figure is named in this address: click one on another page")
    if name == "explore":
        _cell(column)
        return
    result = cached_book.report(named(name).name, **_given())
    if column not in result.frame.columns:
        raise Failure(f"{name} has no column {column} here")
    row = _row()
    rows = _rows(result, row)
    st.title(title(result, column))
    st.caption(where(result, row))
    back = {"report": name, **_given()}
    links.link(links.Target("screens/standard.py", back), f"← {result.report.title(language())}")
    if comparison.is_compared(result, row, column, of_one=rows.height == 1):
        comparison.choose(result, row, column)
    if rows.height == 1:
        _entries(result, rows.row(0, named=True), column)
    else:
        _sum(result, rows, column)


def _row() -> dict[str, str]:
    """Return what the address says of the row."""
    given = st.query_params.to_dict()
    return {name.removeprefix(links.ROW): value for name, value in given.items() if name.startswith(links.ROW)}


def _given() -> dict[str, str]:
    """Return the parameters that the address gives, of the report or of a question of Explore."""
    given = st.query_params.to_dict()
    return {name: value for name, value in given.items() if name not in OWN and not name.startswith(links.ROW)}


def _rows(result: Result, values: Mapping[str, str]) -> pl.DataFrame:
    """Return the rows that have these values, a blank being none, with their places among all."""
    unknown = next((name for name in values if name not in result.frame.columns), None)
    if unknown is not None:
        raise Failure(f"{result.report.name} has no column {unknown} here")
    matches = [pl.col(name).cast(pl.String).fill_null("") == value for name, value in values.items()]
    return result.frame.with_row_index(PLACE).filter(*matches)


def title(result: Result, column: str) -> str:
    label = next(each.label(language()) for each in result.columns if each.name == column)
    return as_markdown(f"{label} · {result.report.title(language())}")


def where(result: Result, row: Mapping[str, str]) -> str:
    """Return in words which figure it is."""
    labels = {column.name: column for column in result.columns}
    zone = result.cut.time_zone
    shown = {labels[name]: captions.text(value, labels[name], language(), zone) for name, value in row.items()}
    parts = [f"{label.label(language())} **{as_markdown(value or '–')}**" for label, value in shown.items()]
    return " · ".join([*parts, display.facts(result)])


def _entries(result: Result, row: Row, column: str) -> None:
    """Draw the entries that make a figure, and the figures that it is made of."""
    page, number = page_number(), int(row[PLACE])
    key = ("explain", result.report.name, repr(result.parameters), number, column, page)
    found = cached_book.cached(key, lambda book: book.explain(result, number, column, page=page))
    _beside(_clicked(found.figure or Decimal(0)), found.sum, str(row.get("currency") or ""))
    st.caption(as_markdown(sentence(found.words)))
    if found.parts:
        _parts(result, row, found)
    if found.ratio is None:
        listed(found.entries, found.count)
        return
    for place, side in enumerate(found.ratio):
        st.subheader(as_markdown(f"{sentence(side.words)}: {display.money(side.sum)}"))
        listed(side.entries, side.count, key=f"behind entries {place}")


def _cell(column: str) -> None:
    """Draw the entries that make a cell of Explore."""
    row, page = _row(), page_number()
    question = asked(_given())
    st.title(sentence("What it is made of"))
    written = [f"{tr(name)} **{as_markdown(value)}**" for name, value in {**row, tr("column"): column}.items()]
    st.caption(" · ".join(written))
    links.link(links.Target("screens/explore.py", _given()), f"← {sentence('Explore')}")
    made = cached_book.cached(("pivot", repr(question)), lambda book: pivot(book, question))
    key = ("explain", repr(question), repr(row), column, page)
    found = cached_book.cached(key, lambda book: explain_cell(made, book, row, column, page=page))
    _beside(found.figure or Decimal(0), found.sum, row.get("currency", ""))
    listed(found.entries, found.count)


def page_number() -> int:
    return int(st.session_state.get(_paging(), 1))


def _paging() -> str:
    return f"page of {st.query_params.to_dict()}"


def listed(entries: pl.DataFrame, count: int, *, key: str = "behind entries") -> None:
    """Draw a page of so many rows; a row that is of no transaction leads nowhere."""
    if not count:
        st.info(sentence("no entry adds anything to it"))
        return
    display.table(entries, ENTRIES, key=key, leads_to=_transaction, hide_empty=True, rows=20)
    st.caption(f"{tr('entries: {n}', n=display.count(count))} · {tr('click a row to see what is behind it')}")
    if count > SIZE:
        st.pagination(-(-count // SIZE), key=f"{_paging()}{key.removeprefix('behind entries')}")


def _parts(result: Result, row: Row, found: Explanation) -> None:
    """Draw the figures of the same row that this one is added up from, each leading to what it is made of."""
    labels = {column.name: column.label(language()) for column in result.columns}
    with st.container(horizontal=True):
        for sign, name, figure in found.parts:
            target = links.cell(result, row, name)
            if target is not None:
                links.link(target, f"{'+' if sign > 0 else '−'} {labels[name]} {display.money(figure)}")


def _sum(result: Result, rows: pl.DataFrame, column: str) -> None:
    """Draw the rows that a sum is of, the largest first; each figure leads on."""
    rows = rows.filter(pl.col(column) != 0).sort(pl.col(column).abs(), descending=True, maintain_order=True)
    total = Decimal(rows[column].sum() or 0)
    currencies = rows["currency"].unique().to_list() if "currency" in rows.columns else []
    if len(currencies) > 1:
        raise Failure("amounts of different currencies have no sum")
    _beside(_clicked(total), total, "".join(currencies))
    if not rows.height:
        st.info(sentence("nothing in this period"))
        return
    shown = [each for each in result.columns if each.kind != "money" or each.name == column]
    shown.sort(key=lambda each: each.name != column)
    display.table(rows, shown, key="behind rows", leads_to=partial(links.cell, result), hide_empty=True, rows=20)
    shown_rows = tr("rows: {n}", n=display.count(rows.height))
    st.caption(f"{shown_rows} · {tr('click a figure to see what it is made of')}")


def _clicked(now: Decimal) -> Decimal:
    """Return the figure that the address was read beside; without one, what it is now."""
    try:
        return Decimal(url_state.get("figure") or now)
    except InvalidOperation:
        return now


def _beside(figure: Decimal, total: Decimal, currency: str) -> None:
    difference = figure - total
    tiles = [
        display.Tile("The figure", figure),
        display.Tile("Sum of the rows below", total),
        display.Tile("Difference", difference),
    ]
    display.tiles(tiles, currency)
    if difference:
        st.error(sentence("the rows do not come to the figure"), icon=":material/error:")


def _transaction(row: Row, column: str) -> links.Target | None:
    if row["transaction"] is None:
        return None
    return links.Target("screens/transaction.py", {"transaction": row["transaction"]})


if __name__ == "__main__":
    behind()
