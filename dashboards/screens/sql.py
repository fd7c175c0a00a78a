"""SQL: DuckDB over the pinned tables, read only. Bounded, and it says so (DECISIONS D57)."""

from functools import partial

import polars as pl
import streamlit as st

from dashboards import cached_book, display, url_state
from dashboards.translations import sentence, tr
from reports.core.csv_text import frame_csv
from reports.core.report import Column, Kind
from reports.lake.schema import TABLES
from reports.lake.sql import SECONDS, answer_sql

MOST = 1000
EXAMPLE = """SELECT b.name AS brand, e.month, e.currency, count(*) AS lines, sum(e.amount) AS net
FROM entries e JOIN brands b ON b.id = e.brand_id
WHERE e.account_kind = 'revenue'
GROUP BY ALL
ORDER BY e.month, net DESC"""


def sql() -> None:
    """Draw the page."""
    st.title("SQL")
    left, right = st.columns([3, 1.3], gap="medium")
    with right:
        _schema()
    with left:
        with st.form("sql", border=False):
            query = st.text_area(sentence("Query"), url_state.get("q") or EXAMPLE, height=190, key="query")
            st.caption(
                tr(
                    "read only; at most {n} rows are shown, {s} seconds a query",
                    n=display.count(MOST),
                    s=f"{SECONDS:g}",
                )
            )
            submitted = st.form_submit_button(sentence("Ask"), type="primary")
        if submitted or url_state.get("q"):
            url_state.remember("q", query)
            _answer(query)


def _answer(query: str) -> None:
    answer = cached_book.cached(("sql", query), lambda book: answer_sql(book.lake, query, most_rows=MOST))
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
        return "money"
    if type_.is_integer():
        return "number"
    if isinstance(type_, pl.Date):
        return "date"
    return "instant" if isinstance(type_, pl.Datetime) else "text"


def _schema() -> None:
    st.markdown(f"**{sentence('Tables')}**")
    with st.container(height=560, border=False):
        for table in TABLES:
            with st.expander(f"`{table.name}`"):
                lines = [f"- `{column.name}` :gray[{column.type}] – {column.comment}" for column in table.columns]
                st.markdown(f"{table.comment}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    sql()
