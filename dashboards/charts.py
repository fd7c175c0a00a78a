"""Pictures of results: bars by month or day, stacked by brand in their own colours. A click on a bar is a choice."""

import json
from datetime import date
from typing import Any

import altair as alt
import polars as pl
from babel.dates import format_date

from dashboards import cached_book
from dashboards.translations import language
from ledger.values.dates import month_days
from reports.formats import captions

PICK = "pick"
SPARE = ("#4c6a87", "#a46a4f", "#6a8f5f", "#8a6d9b", "#b59a4a", "#5b9a98", "#a65d73", "#75706b")
HEIGHT = 310


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
    scale = alt.Scale(domain=brands["brand_name"].to_list(), range=[colours()[code] for code in brands["brand"]])
    key = alt.Legend(orient="right", symbolType="square", labelLimit=130, rowPadding=0, labelFontSize=11)
    month_axis = alt.Axis(labelAngle=0, labelExpr=_axis(pieces), ticks=False, labelOverlap=piece == "day")
    amounts = alt.Axis(format="~s", labelExpr="datum.value ? datum.label : '0'", tickCount=5, domain=False)
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
