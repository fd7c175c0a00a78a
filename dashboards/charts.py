"""Pictures of results: bars by month, stacked by brand in the brands' own colours. A click on a bar is a choice."""

import json
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


def month_label(month: str) -> str:
    """Return a month, YYYY-MM, in words."""
    return format_date(month_days(month)[0], "LLLL y", locale=language())


def _axis(months: list[str]) -> str:
    """Return the expression that labels months: their names, and the year under the first of each year."""
    names = {month: [format_date(month_days(month)[0], "LLL", locale=language())[:3]] for month in months}
    for place, month in enumerate(months):
        if place == 0 or month[:4] != months[place - 1][:4]:
            names[month].append(month[:4])
    return f"{json.dumps(names, ensure_ascii=False)}[datum.value]"


def colours() -> dict[str, str]:
    """Return each brand's colour by its code; brands without one share the spare ones."""
    rows = cached_book.brands().iter_rows(named=True)
    return {row["code"]: row["colour"] or SPARE[place % len(SPARE)] for place, row in enumerate(rows)}


def by_month(frame: pl.DataFrame, value: str, currency: str, *, legend: bool) -> alt.Chart:
    """Return stacked bars of `value` from rows of brand, brand_name, month; the largest brand stands at the bottom."""
    brands = frame.group_by("brand", "brand_name").agg(pl.col(value).sum())
    brands = brands.sort(value, "brand", descending=[True, False])
    drawn = frame.select("brand", "brand_name", "month", drawn=pl.col(value).cast(pl.Float64)).with_columns(
        pl.Series("shown", [f"{captions.money(amount, language())} {currency}" for amount in frame[value]], pl.String),
        pl.Series("label", [month_label(month) for month in frame["month"]], pl.String),
        pl.col("brand").replace_strict(brands["brand"], range(brands.height), return_dtype=pl.Int64).alias("place"),
    )
    months = sorted(set(frame["month"]))
    scale = alt.Scale(domain=brands["brand_name"].to_list(), range=[colours()[code] for code in brands["brand"]])
    key = alt.Legend(orient="right", symbolType="square", labelLimit=130, rowPadding=0, labelFontSize=11)
    month_axis = alt.Axis(labelAngle=0, labelExpr=_axis(months), ticks=False, labelOverlap=False)
    amounts = alt.Axis(format="~s", labelExpr="datum.value ? datum.label : '0'", tickCount=5, domain=False)
    pick: Any = alt.selection_point(name=PICK, fields=["brand", "month"])
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_bar(cursor="pointer", stroke="white", strokeWidth=0.4)
        .encode(
            x=alt.X("month:O", sort=months, title=None, axis=month_axis),
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
