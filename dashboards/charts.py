"""Pictures of results: bars by month or day, stacked by brand in their own colours. A click on a bar is a choice."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import altair as alt
import polars as pl
from babel.dates import format_date

from dashboards import cached_book
from dashboards.translations import language
from ledger.values.dates import month_days
from reports.core.pictures import figures_axis
from reports.formats import captions

PICK = "pick"
SPARE = ("#4c6a87", "#a46a4f", "#6a8f5f", "#8a6d9b", "#b59a4a", "#5b9a98", "#a65d73", "#75706b")
HEIGHT = 310
MOST_SERIES = len(SPARE)
"""How many rows of a table are drawn; the largest."""


def piece_label(piece: str) -> str:
    """Return a month, YYYY-MM, or a day in words."""
    if len(piece) == len("2017-03"):
        return format_date(month_days(piece)[0], "LLLL y", locale=language())
    return format_date(date.fromisoformat(piece), "EEEE, d MMMM y", locale=language())


def _axis(pieces: list[str]) -> str:
    """Return the expression that labels months, with the year under its first; or days, with the month."""
    names: dict[str, list[str]] = {}
    for place, piece in enumerate(pieces):
        of_days = len(piece) > len("2017-03")
        first = date.fromisoformat(piece) if of_days else month_days(piece)[0]
        month = format_date(first, "LLL", locale=language())[:3]
        names[piece] = [str(first.day) if of_days else month]
        larger, cut = (month, 7) if of_days else (piece[:4], 4)
        if place == 0 or piece[:cut] != pieces[place - 1][:cut]:
            names[piece].append(larger)
    return f"{json.dumps(names, ensure_ascii=False)}[datum.value]"


def colours() -> dict[str, str]:
    """Return each brand's colour by its code; brands without one share the spare ones."""
    rows = cached_book.brands().iter_rows(named=True)
    return {row["code"]: row["colour"] or SPARE[place % len(SPARE)] for place, row in enumerate(rows)}


def stacked(frame: pl.DataFrame, value: str, piece: str, currency: str, *, legend: bool) -> alt.Chart:
    """Return stacked bars of `value` from rows of brand, brand_name, day or month; the largest brand at the bottom."""
    frame = frame.with_columns(pl.col(piece).cast(pl.String))
    brands = frame.group_by("brand", "brand_name").agg(pl.col(value).sum())
    brands = brands.sort(value, "brand", descending=[True, False])
    drawn = frame.select("brand", "brand_name", piece, drawn=pl.col(value).cast(pl.Float64)).with_columns(
        pl.Series("shown", [f"{captions.money(amount, language())} {currency}" for amount in frame[value]], pl.String),
        pl.Series("label", [piece_label(each) for each in frame[piece]], pl.String),
        pl.col("brand").replace_strict(brands["brand"], range(brands.height), return_dtype=pl.Int64).alias("place"),
    )
    pieces = sorted(set(frame[piece]))
    of = colours()
    scale = alt.Scale(domain=brands["brand_name"].to_list(), range=[of[code] for code in brands["brand"]])
    key = alt.Legend(orient="right", symbolType="square", labelLimit=130, rowPadding=0, labelFontSize=11)
    month_axis = alt.Axis(labelAngle=0, labelExpr=_axis(pieces), ticks=False, labelOverlap=piece == "day")
    amounts = figures_axis(tickCount=5, domain=False)
    pick: Any = alt.selection_point(name=PICK, fields=["brand", piece])
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_bar(cursor="pointer")
        .encode(
            x=alt.X(f"{piece}:O", sort=pieces, title=None, axis=month_axis),
            y=alt.Y("drawn:Q", stack="zero", title=None, axis=amounts),
            color=alt.Color("brand_name:N", title=None, scale=scale, legend=key if legend else None),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip(f"{name}:N", title=" " * place)
                for place, name in enumerate(("brand_name", "label", "shown"), start=1)
            ],
        )
        .add_params(pick)
        .properties(height=HEIGHT)
    )
    return chart


@dataclass(frozen=True)
class Shape:
    """How a table is drawn: what its rows are by, what stands across, as bars (one upon the other, or not) or lines."""

    rows: Sequence[str]
    across: str | None
    mark: str
    stacked: bool


def of_pivot(frame: pl.DataFrame, shape: Shape, unit: str, *, share: bool) -> alt.Chart:
    """Return a table's rows of one currency as a picture; without anything across a bar a row, by its total."""
    named = frame.with_columns(series=pl.concat_str(shape.rows, separator=" · "))
    largest = named.sort(pl.col("total").cast(pl.Float64).abs().fill_null(0), descending=True).head(MOST_SERIES)
    pieces = [name for name in frame.columns if name not in (*shape.rows, "currency", "total")] or ["total"]
    drawn = largest.select("series", *(pl.col(piece).cast(pl.Float64) for piece in pieces))
    cells = drawn.unpivot(index="series", variable_name="piece", value_name="figure").drop_nulls("figure")
    cells = cells.with_columns(pl.Series("shown", [_shown(value, unit, share=share) for value in cells["figure"]]))
    of_time = shape.across in ("day", "month")
    labels = [piece_label(piece) if of_time and piece != "–" else piece for piece in cells["piece"]]
    cells = cells.with_columns(pl.Series("label", labels, pl.String))
    order, scale = largest["series"].to_list(), alt.Scale(domain=largest["series"].to_list(), range=list(SPARE))
    figures = figures_axis(share=share, tickCount=5, domain=False)
    title = unit or None
    seen = ("series", "shown") if shape.across is None else ("series", "label", "shown")
    tooltip = [alt.Tooltip(f"{name}:N", title=" " * place) for place, name in enumerate(seen, start=1)]
    if shape.across is None:
        bars = alt.Chart(cells).mark_bar(color=SPARE[0])
        names = alt.Y("series:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
        return bars.encode(x=alt.X("figure:Q", title=title, axis=figures), y=names, tooltip=tooltip)  # type: ignore[no-any-return]
    expression = _axis(pieces) if of_time and "–" not in pieces else "datum.value"
    axis = alt.Axis(labelAngle=0 if of_time else -30, labelExpr=expression, ticks=False, labelOverlap=True)
    key = alt.Legend(orient="right", symbolType="square", labelLimit=180, labelFontSize=11)
    chart = alt.Chart(cells).mark_line(point=True) if shape.mark == "lines" else alt.Chart(cells).mark_bar()
    apart = {} if shape.stacked or shape.mark == "lines" else {"xOffset": alt.XOffset("series:N", sort=order)}
    stack: Any = "zero" if shape.stacked and shape.mark == "bars" else None
    return chart.encode(  # type: ignore[no-any-return]
        x=alt.X("piece:O", sort=pieces, title=None, axis=axis),
        y=alt.Y("figure:Q", stack=stack, title=title, axis=figures),
        color=alt.Color("series:N", title=None, sort=order, scale=scale, legend=key),
        tooltip=tooltip,
        **apart,
    ).properties(height=HEIGHT)


def _shown(value: float, unit: str, *, share: bool) -> str:
    if share:
        return f"{value:.1%}"
    written = captions.money(Decimal(str(round(value, 2))), language())
    return f"{written} {unit}" if unit else written.removesuffix(".00").removesuffix(",00")
