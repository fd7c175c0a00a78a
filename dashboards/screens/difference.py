"""What made the difference between two figures: its parts in their order, as steps, each with its rows."""

from datetime import date, timedelta

import polars as pl
import streamlit as st

from dashboards import cached_book, comparison, display, links, url_state
from dashboards.screens import behind
from dashboards.translations import as_markdown, language, sentence, tr
from ledger.errors import Failure
from reports.core.report import Column
from reports.core.result import Result
from reports.explain import Address, read_address
from reports.explain.difference import Difference

PARTS = (
    Column("words", "text", "Part", "Часть"),
    Column("amount", "money", "Adds to the difference", "Входит в разницу"),
    Column("until", "money", "Reached", "Стало"),
)
BRANDS = (
    Column("brand_name", "text", "Brand", "Бренд"),
    Column("orders_before", "count", "Orders before", "Заказов было"),
    Column("gross_before", "money", "Gross before", "Без скидок было"),
    Column("average_before", "average", "Average before", "Средний чек был"),
    Column("orders", "count", "Orders now", "Заказов стало"),
    Column("gross", "money", "Gross now", "Без скидок стало"),
    Column("average", "average", "Average now", "Средний чек стал"),
)


def difference() -> None:
    """Draw the page: its address is that of a figure, with what it is compared with."""
    query = {name: value for name, value in st.query_params.to_dict().items() if name != "part"}
    if not query:
        raise Failure("no figure is named in this address: click one on another page")
    address = read_address(query)
    if not address.against:
        raise Failure("this address does not say what the figure is compared with: choose it on the figure's page")
    result = cached_book.report(address.report, **address.parameters)
    st.title(f"{sentence('What made the difference')}: {behind.title(result, address.column)}")
    st.caption(behind.where(result, address.key))
    figure = Address(address.report, address.parameters, address.cut, address.key, address.column)
    links.link(links.Target(links.BEHIND, figure.query), f"← {sentence('What it is made of')}")
    comparison.choose(result, address.key, address.column, address.against)
    found = cached_book.cached(
        ("difference", repr(address)),
        lambda book: book.explain(result, address.key, address.column, against=address.against),
    )
    _figures(found, comparison.words(address.against))
    ink = "#e6e8eb" if st.context.theme.type == "dark" else "#1b1b1b"
    st.altair_chart(found.chart(language(), ink), width="stretch", key="waterfall")
    _parts(found)
    part = url_state.get("part")
    if part is not None:
        _rows(result, found, part)


def _figures(found: Difference, other: str) -> None:
    days: comparison.Against = {
        name: str(found.parameters[name]) for name in ("from", "to", "as_of") if name in found.parameters
    }
    display.tiles(
        [
            display.Tile("before", found.before, other),
            display.Tile("now", found.now, comparison.words(days)),
            display.Tile("Difference", found.now - found.before),
            display.Tile("what the parts lack of it", found.residual),
        ],
        found.currency,
    )
    if found.residual:
        st.error(sentence("the parts do not come to the difference"), icon=":material/error:")


def _parts(found: Difference) -> None:
    """Draw the parts in their order; a click on one shows its rows below."""
    words = pl.Series("words", [sentence(part.label(language())) for part in found.parts], pl.String)
    display.table(
        found.frame.with_columns(words), PARTS, key="parts", query_of=lambda row: {"part": row["part"]}, rows=20
    )
    order = tr("each part is what those above it have left of the difference")
    st.caption(f"{sentence(order)} · {tr('click a row to see what is behind it')}")


def _rows(result: Result, found: Difference, part: str) -> None:
    """Draw what is behind a part."""
    page = behind.page_number()
    key = ("part", repr((found.report, found.parameters, found.row, found.column, found.against)), part, page)
    rows = cached_book.cached(key, lambda book: book.part_rows(found, part, page=page))
    st.subheader(as_markdown(f"{sentence(rows.part.label(language()))} {display.money(rows.part.amount)}"))
    if part == "terms":
        since = date.fromisoformat(found.against.get("as_of", str(result.parameters.days[1]))) + timedelta(days=1)
        days = {"from": min(since, result.parameters.days[1]), "to": result.parameters.days[1]}
        query = {"report": "terms-changes", "account": found.row.get("account"), **days}
        links.link(links.Target(links.FILES["report"], query), sentence("changes of terms in these days"))
        return
    if rows.brands is not None:
        st.caption(sentence("clients who ordered on both sides; number at the average before, then mix, then the rest"))
        display.table(rows.brands, BRANDS, key="by brand", hide_empty=True)
        return
    if rows.sum is None:
        st.caption(sentence("what moved on the accounts; what it changes in the figure follows from the figure's rule"))
    elif rows.residual:
        st.error(sentence("the rows do not come to the figure"), icon=":material/error:")
    behind.listed(rows.entries, rows.count)


if __name__ == "__main__":
    difference()
