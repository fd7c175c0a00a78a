"""What a notebook shows, cell by cell, without the program that a live page needs (DECISIONS D55)."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from ledger.values.text import readable
from reports.core.forms import Language
from reports.core.pictures import as_image
from reports.core.report import named
from reports.core.result import Result
from reports.explain.difference import Difference
from reports.formats.captions import control_line, money, shown_rows, shown_subtotals
from reports.formats.html import fragment

MOST_ROWS = 200
_BECAUSE: dict[Language, str] = {"en": "What made the difference", "ru": "Из чего сложилась разница"}
_PARTS: dict[Language, tuple[str, str]] = {"en": ("part", "amount"), "ru": ("часть", "сумма")}


@dataclass(frozen=True)
class Block:
    """What one cell shows; `data` is the rows behind a picture, `name` what they are called."""

    kind: Literal["text", "result", "table", "chart", "code", "reason"]
    html: str
    markdown: str
    name: str = ""
    data: pl.DataFrame | None = None


def block(shown: Any, language: Language, number: int) -> Block | None:
    """Return what a cell shows as a block; None when it shows nothing on paper, such as a form."""
    if isinstance(shown, Result):
        return Block("result", fragment(shown, language, most=MOST_ROWS), _result(shown, language), shown.report.name)
    if isinstance(shown, pl.DataFrame):
        return Block("table", _table(shown, language), _frame(shown, language))
    if hasattr(shown, "to_dict") and type(shown).__module__.startswith("altair"):
        return _chart(shown, language, number)
    markdown = getattr(shown, "_repr_markdown_", None)
    text = getattr(shown, "text", None)
    if not isinstance(text, str) or "<marimo-" in text:
        return None
    return Block("text", text, str(markdown()) if markdown else re.sub("<[^>]+>", "", text))


def code(source: str) -> Block:
    """Return a cell's source as a block."""
    return Block("code", f"<pre><code>{html.escape(source)}</code></pre>", f"```python\n{source}\n```")


def _chart(chart: Any, language: Language, number: int) -> Block:
    """Return a chart as vectors, with its rows beside it."""
    data = chart.data if isinstance(chart.data, pl.DataFrame) else None
    title = str(chart.title) if isinstance(chart.title, str) else f"chart {number}"
    rows = (
        ""
        if data is None
        else f"<details><summary>{html.escape(title)}: data</summary>{_table(data, language)}</details>"
    )
    return Block(
        "chart",
        f'<figure><img src="{as_image(chart)}" alt="{html.escape(title)}">{rows}</figure>',
        f"**{title}**\n\n{'' if data is None else _frame(data, language)}",
        title,
        data,
    )


def reason(difference: Difference, language: Language) -> Block:
    """Return what made a difference: its steps as a picture, and its parts."""
    column = next(one for one in named(difference.report).columns if one.name == difference.column)
    title = f"{_BECAUSE[language]}: {column.label(language)}, {difference.currency}"
    moved = [one for one in difference.parts if one.amount]
    labels, amounts = [one.label(language) for one in moved], [one.amount for one in moved]
    part, amount = _PARTS[language]
    rows = pl.DataFrame([pl.Series(part, labels, pl.String), pl.Series(amount, amounts, pl.Decimal(18, 2))])
    figures = f"{money(difference.before, language)} → {money(difference.now, language)}"
    steps = f'<figure><img src="{as_image(difference.chart(language))}" alt="{html.escape(title)}"></figure>'
    page = f"<h2>{html.escape(title)}</h2><p>{figures}</p>{steps}{_table(rows, language)}"
    return Block("reason", page, f"## {title}\n\n{figures}\n\n{_frame(rows, language)}", title, rows)


def _cell(value: Any, language: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return money(value, language)
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,}" if isinstance(value, int) and abs(value) > 9_999_999_999 else str(value)


def _labels(frame: pl.DataFrame) -> list[str]:
    return [name.replace("_", " ") for name in frame.columns]


def _shown(frame: pl.DataFrame, language: Language) -> list[list[str]]:
    return [[_cell(value, language) for value in row] for row in frame.head(MOST_ROWS).iter_rows()]


def _table(frame: pl.DataFrame, language: Language) -> str:
    right = ["n" if kind.is_numeric() else "" for kind in frame.dtypes]
    heads = "".join(
        f'<th class="{c}" scope="col">{html.escape(x)}</th>' for c, x in zip(right, _labels(frame), strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f'<td class="{c}">{html.escape(x)}</td>' for c, x in zip(right, row, strict=True)) + "</tr>"
        for row in _shown(frame, language)
    )
    more = f"<p>{MOST_ROWS} / {frame.height}</p>" if frame.height > MOST_ROWS else ""
    return readable(f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{more}")


def _markdown(labels: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"

    rule = "|" + "|".join("---:" if number else "---" for number in right) + "|"
    return "\n".join([line(labels), rule, *(line(row) for row in rows)])


def _escaped(text: str) -> str:
    """Return text of others so that Markdown shows it as it is."""
    return html.escape(re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", re.sub(r"\s+", " ", readable(text))), quote=False)


def _frame(frame: pl.DataFrame, language: Language) -> str:
    return _markdown(_labels(frame), [kind.is_numeric() for kind in frame.dtypes], _shown(frame, language))


def _result(result: Result, language: Language) -> str:
    rows = [*shown_rows(result, language)][:MOST_ROWS]
    labels = [column.label(language) for column in result.columns]
    right = [kind.is_numeric() for kind in result.frame.select(column.name for column in result.columns).dtypes]
    table = _markdown(labels, right, [*rows, *shown_subtotals(result, language)])
    more = f"\n\n{MOST_ROWS} / {result.frame.height}" if result.frame.height > MOST_ROWS else ""
    controls = "\n".join(f"- {_escaped(control_line(control, language))}" for control in result.controls)
    return f"## {result.report.title(language)}\n\n{table}{more}\n\n{controls}"
