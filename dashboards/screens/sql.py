"""SQL: DuckDB over the pinned tables, read only. Bounded, and the limits are shown (DECISIONS D44)."""

from functools import partial

import polars as pl
import streamlit as st

from dashboards import cached_book, display, saved, url_state
from dashboards.translations import sentence, tr
from reports.core.csv_text import frame_csv
from reports.core.report import Column, Kind
from reports.lake.schema import TABLES
from reports.lake.sql import MEMORY_MB, SECONDS, answer_sql

MOST = 1000
MOST_MB = 8
EXAMPLE = """SELECT b.name AS brand, e.month, e.currency, count(*) AS lines, sum(e.amount) AS net
FROM entries e JOIN brands b ON b.id = e.brand_id
WHERE e.account_kind = 'revenue'
GROUP BY ALL
ORDER BY e.month, net DESC"""


def sql() -> None:
    """Draw the page. A query in the URL is shown; it runs when a person presses Run query (DECISIONS D57)."""
    head, before, place = st.columns([4, 1, 1], vertical_alignment="bottom")
    head.title("SQL")
    left, right = st.columns([3, 1.3], gap="medium")
    with right:
        _schema()
    with left:
        linked = url_state.get("q")
        with st.form("sql", border=False):
            query = st.text_area(sentence("Query"), linked or EXAMPLE, height=190, key="query")
            note = "read only; at most {n} rows are shown, {s} seconds and {mb} MB of memory a query"
            st.caption(tr(note, n=display.count(MOST), s=f"{SECONDS:g}", mb=display.count(MEMORY_MB)))
            pressed = st.form_submit_button(sentence("Run query"), type="primary")
        if pressed:
            st.session_state["query run"] = query
            url_state.remember("q", query)
            saved.note(query)
        saved.draw_history(before)
        saved.draw(place, "sql", {"q": query})
        if st.session_state.get("query run") == query:
            _answer(query)
        elif linked == query:
            st.info(sentence("this query came with the address: read it, then press Run query"))


def _answer(query: str) -> None:
    key = ("sql", query)
    answer = cached_book.cached(key, lambda book: answer_sql(book.lake, query, most_rows=MOST, most_mb=MOST_MB))
    columns = [Column(name, _kind(type_), name, name) for name, type_ in answer.frame.schema.items()]
    if columns:
        display.table(answer.frame, columns, key="answer", rows=18)
    if answer.more:
        st.warning(tr("there are more rows than the {n} shown: narrow the query", n=display.count(MOST)))
    else:
        st.caption(tr("rows: {n}, all of them", n=display.count(answer.frame.height)))
    st.download_button(
        "CSV", partial(frame_csv, answer.frame), "answer.csv", "text/csv", on_click="ignore", key="sql-csv"
    )


def _kind(type_: pl.DataType) -> Kind:
    if isinstance(type_, pl.Decimal):
        return "money" if type_.scale else "number"
    if type_.is_integer():
        return "number"
    if isinstance(type_, pl.Date):
        return "date"
    return "instant" if isinstance(type_, pl.Datetime) else "text"


def _schema() -> None:
    """Draw the tables; those with the wanted text in a name are open, with these columns."""
    wanted = st.text_input(sentence("Tables"), key="schema", placeholder=tr("find a table or a column")).strip().lower()
    with st.container(height=500, border=False):
        for table in TABLES:
            found = [column for column in table.columns if wanted in column.name]
            if not found and wanted not in table.name:
                continue
            with st.expander(f"`{table.name}`", expanded=bool(wanted)):
                columns = found if wanted and wanted not in table.name else table.columns
                lines = [f"- `{column.name}` :gray[{column.type}] – {column.comment}" for column in columns]
                st.markdown(f"{table.comment}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    sql()
