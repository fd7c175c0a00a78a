"""A difference as a picture: the figure before, a step for each part, the figure now."""

from typing import Any

import altair as alt
import polars as pl

from reports.core.forms import Language
from reports.core.pictures import figures_axis
from reports.core.report import named
from reports.explain.difference import Difference

UP, DOWN, WHOLE = "#6a8f5f", "#a65d73", "#4c6a87"
ENDS: dict[Language, tuple[str, str]] = {"en": ("before", "now"), "ru": ("было", "стало")}


def waterfall(difference: Difference, language: Language, ink: str) -> Any:
    """Return a layered Altair chart of bars, each labelled with its amount; steps of nothing are left out.

    What is compared are the steps: where they are small beside the figures, the axis begins below the lowest of them.
    """
    words = {part.name: part.label(language) for part in difference.parts}
    steps = difference.frame.filter(pl.col("amount") != 0)
    ends = zip(ENDS[language], (difference.before, difference.now), strict=True)
    domain = _domain(difference)
    whole = [(name, amount, domain[0] if domain else 0, amount, WHOLE) for name, amount in ends]
    moved = [
        (words[part], amount, from_, until, UP if amount > 0 else DOWN)
        for part, _, amount, from_, until in steps.iter_rows()
    ]
    names = ("what", "amount", "from", "until", "colour")
    rows = [dict(zip(names, row, strict=True)) for row in (whole[0], *moved, whole[1])]
    drawn = pl.DataFrame(
        {
            "what": [row["what"] for row in rows],
            "from": [float(row["from"]) for row in rows],
            "until": [float(row["until"]) for row in rows],
            "top": [max(float(row["from"]), float(row["until"])) for row in rows],
            "colour": [row["colour"] for row in rows],
            "label": [_signed(row["amount"], language, whole=row["colour"] == WHOLE) for row in rows],
        }
    )
    column = next(each for each in named(difference.report).columns if each.name == difference.column)
    title = f"{column.label(language)}, {difference.currency}"
    axis = alt.Axis(labelAngle=-30, labelLimit=160, ticks=False, labelOverlap=False)
    x = alt.X("what:O", sort=None, title=None, axis=axis)
    amounts = figures_axis(tickCount=5, domain=False)
    scale = alt.Scale(domain=domain, nice=False) if domain else alt.Undefined
    bars = (
        alt.Chart(drawn, title=title, width=alt.Step(92), height=300)
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("from:Q", title=None, axis=amounts, scale=scale),
            y2="until:Q",
            color=alt.Color("colour:N", scale=None),
            tooltip=["what", "label"],
        )
    )
    labels = alt.Chart(drawn).mark_text(dy=-7, fontSize=11, color=ink).encode(x=x, y="top:Q", text="label:N")
    return bars + labels


def _domain(difference: Difference) -> list[float]:
    """Return where the axis begins and ends; nothing where that is left to the chart, which begins at nothing."""
    levels = [float(difference.before), *(float(level) for level in difference.frame["until"])]
    low, high = min(levels), max(levels)
    if low <= 0 or high - low > 0.4 * high or high == low:
        return []
    room = (high - low) / 4
    return [low - room, high + room / 2]


def _signed(amount: Any, language: Language, *, whole: bool) -> str:
    text = f"{amount:,.2f}".replace("-", "−")
    text = text.translate({ord(","): "\u00a0", ord("."): ","}) if language == "ru" else text
    return text if whole or amount < 0 else f"+{text}"
