"""A report as a picture: what stands along the bottom, what is drawn, and what distinguishes its bars or lines.

Each currency, and points beside money, has a picture of its own: they are never added up or compared by height.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from reports.core.forms import Language
from reports.core.numbers import numbers

MOST = 25
"""How many bars of names there are; the largest."""
COLOURS = (
    "#4c6a87",
    "#a46a4f",
    "#6a8f5f",
    "#8a6d9b",
    "#b59a4a",
    "#5b9a98",
    "#a65d73",
    "#75706b",
    "#2f4a63",
    "#d09b7d",
    "#a3bf98",
    "#bfa9cc",
)


@dataclass(frozen=True)
class Picture:
    """How a report is drawn: `along` is the first of its columns that a result has, `by` distinguishes.

    Of several `figures` each is a bar of its own along the bottom: bands of age, say.
    """

    figures: tuple[str, ...]
    along: tuple[str, ...] = ()
    by: str | None = None
    mark: Literal["bar", "line"] = "bar"


def figures_axis(*, share: bool = False, **more: Any) -> Any:
    """Return an Altair axis of figures, in thousands and millions, or of shares; nothing is 0, not 0k."""
    import altair as alt

    return alt.Axis(format=".0%" if share else "~s", labelExpr="datum.value ? datum.label : '0'", **more)


def drawn(picture: Picture, frame: pl.DataFrame, columns: Sequence[Any], language: Language) -> Any:
    """Return an Altair chart of a result's frame; `columns` are those of the report that it has."""
    import altair as alt

    labels = {column.name: column.label(language) for column in columns}
    kinds = {column.name: column.kind for column in columns}
    along = next((name for name in picture.along if name in labels), None)
    by = picture.by if picture.by in labels and picture.by != along else None
    apart = [name for name in ("currency", "kind") if kinds.get(name) in ("currency", "account_kind")]
    data = _rows(picture, frame, along, [*apart, *([by] if by else [])])
    if along is None:
        data = data.with_columns(along=pl.col("along").replace(labels))
        order: list[str] | str | None = [labels[name] for name in picture.figures]
    else:
        order = None if kinds[along] in ("date", "month", "instant", "number") else "-y"
        data = _largest(data) if order else data.sort("along")
    x = alt.X(
        "along:T" if data["along"].dtype.is_temporal() else "along:N",
        sort=order,
        title=labels.get(along or ""),
        axis=alt.Axis(labelAngle=-30),
    )
    figure = picture.figures[0]
    title = labels[figure] if len(picture.figures) == 1 else None
    y = alt.Y("figure:Q", title=title, axis=figures_axis(share=kinds[figure] == "share"))
    chart = alt.Chart(data, width=560, height=260)
    chart = (chart.mark_line(point=True) if picture.mark == "line" else chart.mark_bar()).encode(
        x=x, y=y, tooltip=[name for name in data.columns if name != "figure"] + [alt.Tooltip("figure:Q", format=",.2f")]
    )
    if by:
        chart = chart.encode(color=alt.Color(f"{by}:N", title=labels[by], scale=alt.Scale(range=list(COLOURS))))
    else:
        chart = chart.encode(color=alt.value(COLOURS[0]))
    for name in apart:
        data = data.with_columns(pl.col(name).fill_null(""))
    if not apart or data.select(apart).unique().height <= 1:
        return chart
    parted = data.with_columns(part=pl.concat_str(apart, separator=" "))
    return chart.properties(data=parted).facet(row=alt.Row("part:N", title=None)).resolve_scale(y="independent")


def as_image(chart: Any) -> str:
    """Return a chart as the address of an image: vectors, in fonts that every page has."""
    svg = io.StringIO()
    chart.configure(font="DejaVu Sans", background="white").save(svg, format="svg")
    return f"data:image/svg+xml;base64,{b64encode(svg.getvalue().encode()).decode()}"


def _rows(picture: Picture, frame: pl.DataFrame, along: str | None, by: list[str]) -> pl.DataFrame:
    """Return along, figure and `by`; money is added up before it becomes a floating-point number."""
    if along is None:
        long = frame.unpivot(list(picture.figures), index=by, variable_name="along", value_name="figure")
    else:
        long = frame.select(*by, pl.col(along).alias("along"), pl.col(picture.figures[0]).alias("figure"))
    if picture.mark == "bar":
        long = long.group_by("along", *by, maintain_order=True).agg(pl.col("figure").sum())
    return numbers(long.drop_nulls("figure"))


def _largest(data: pl.DataFrame) -> pl.DataFrame:
    sizes = data.group_by("along").agg(size=pl.col("figure").abs().sum()).sort("size", descending=True).head(MOST)
    return data.join(sizes.select("along"), on="along", how="semi")
