"""The reference pages, generated from the declarations: lines, declines, reports, the lake, the command line.

Nothing here is written twice: a command's fields come from its class, a decline's facts
from its sentence, the lineage of a lake table from the SQL that reads it and from what
each report scans.
"""

import dataclasses
import functools
import inspect
import json
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer.cli
import typer.main
from pydantic import BaseModel

from docs.lineage import lineage, origin_of, reads
from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.food import cli as food
from ledger.food.core import commands as food_commands
from ledger.food.core import outcomes as food_outcomes
from ledger.values import field_types, refusals
from reports.cli import main as cli
from reports.core.report import REPORTS, Check, Column, Report
from reports.lake.schema import TABLES, Table, Type
from reports.metrics.metric import all_metrics

EXAMPLES = Path(__file__).with_name("examples.jsonl")
MEANINGS = Path(__file__).with_name("meanings.toml")

FORMS = {
    "AccountRef": "account: its number, or your reference for it",
    "Amount": "amount, 0.00 or more",
    "Attributes": "object",
    "Code": "text, at most 64 characters",
    "Colour": "colour, `#rrggbb`",
    "Currency": "ISO 4217 code",
    "Day": "date, `YYYY-MM-DD`",
    "Details": "object of texts",
    "DueDay": "date, `YYYY-MM-DD`",
    "Flag": "true or false",
    "Instant": "time with its zone, ISO 8601",
    "Key": "text, at most 64 characters",
    "Name": "text",
    "NotZero": "amount, may be negative",
    "Positive": "amount above 0.00",
    "Quantity": "whole number from 1",
    "Rate": "percent, 0 to 100",
    "Text": "text, may be blank",
    "TimeOfDay": "time of day, `HH:MM`",
    "Whole": "whole number from 0",
}
"""How a caller writes each kind of field, by the name of its type."""

UNITS: dict[Type, str] = {
    "int": "whole number",
    "text": "text",
    "money": "money, Decimal(18, 2), in the row's currency",
    "rate": "percent, Decimal(5, 2)",
    "bool": "true or false",
    "date": "date in the book's time zone",
    "instant": "instant, UTC",
    "json": "JSON as text",
}


def pages() -> dict[str, str]:
    """Return the reference as Markdown pages by their path within the site."""
    return {
        "reference/commands.md": lines_page(),
        "reference/declines.md": declines_page(),
        "reference/reports.md": reports_page(),
        "reference/lake.md": lake_page(),
        "reference/command-line.md": command_line_page(),
    }


# Lines that `tiffin post` reads


def lines_page() -> str:
    """Return the page of commands, administration lines and the objects inside them."""
    common = [field.name for field in dataclasses.fields(commands.Command)]
    parts: dict[str, type] = {}
    body: list[str] = []
    for title, models in _kinds():
        body += [f"## {title}", ""]
        for name, model in models.items():
            hidden = common if issubclass(model, commands.Command) else ["type", "by", "note"]
            body += [f"### {name}", "", _doc(model), "", *_fields(name, model, hidden, parts), *_example(name)]
    seen = 0
    inside = []
    while seen < len(parts):  # a part may have parts of its own
        name, model = list(parts.items())[seen]
        inside += [f"### {name}", "", _doc(model), "", *_fields(name, model, (), parts)]
        seen += 1
    return _page(
        "Commands and administration lines",
        "`tiffin post` reads one JSON object a line; `type` names it. Unknown fields are refused. Amounts are "
        'strings such as `"12.50"`, or whole numbers. `tiffin schema` prints the same as JSON Schema.\n\n'
        "Every command also takes " + _listed(f"`{name}`" for name in common) + ": `key` is required and "
        "answered once forever, `at` is the booking time (the database's clock by default), `value_date` the bank's "
        "date, `currency` must be the account's. `occurred_at` is when something happened that is booked "
        "later, by at most the book's `late_days`: windows of limits, hours and promotions go by it. Administration "
        "lines take `by` and `note`.",
        *body,
        "## Objects inside them",
        "",
        *inside,
    )


def _kinds() -> Iterator[tuple[str, dict[str, type]]]:
    """Yield the models of both levels by section."""
    own = {**commands.COMMANDS, **administration.RECORDS}
    for title, base, first in (
        ("Commands", commands.Command, True),
        ("Commands of orders", commands.Command, False),
        ("Administration", administration.Record, True),
        ("Administration of promotions and points", administration.Record, False),
    ):
        yield title, {n: m for n, m in food.models().items() if issubclass(m, base) and (n in own) == first}


def _fields(name: str, model: type, hidden: Iterable[str], parts: dict[str, type]) -> list[str]:
    hints = get_type_hints(model, include_extras=True)
    rows = [
        (f"`{sent}`", _form(hints[field], parts), "required" if required else "", meaning(name, sent))
        for (field, required), sent in zip(fields_of(model).items(), sent_as(model), strict=True)
        if field not in hidden
    ]
    return [*_table(("Field", "Value", "", "Meaning"), rows), ""] if rows else []


def sent_as(model: type) -> list[str]:
    """Return the names of the fields as callers write them: `from` is no name in Python."""
    known: dict[str, Any] = getattr(model, "__pydantic_fields__", {})
    return [getattr(known.get(field), "alias", None) or field for field in fields_of(model)]


@functools.cache
def _meanings() -> dict[str, dict[str, str]]:
    return tomllib.loads(MEANINGS.read_text())


def meaning(name: str, field: str) -> str:
    """Return what a field of a line, or of an object in it, means; blank if nobody wrote it down."""
    return _meanings().get(name, {}).get(field) or _meanings()["every"].get(field, "")


def fields_of(model: type) -> dict[str, bool]:
    """Return the fields of a line or of an object in it, and whether each is required."""
    if dataclasses.is_dataclass(model):
        missing = dataclasses.MISSING
        return {f.name: f.default is missing and f.default_factory is missing for f in dataclasses.fields(model)}
    return {name: field.is_required() for name, field in model.model_fields.items()}  # type: ignore[attr-defined]


@functools.cache
def _aliases() -> dict[str, str]:
    found = {}
    for module in (field_types, commands, administration, food_commands):
        for name, value in vars(module).items():
            if get_origin(value) is Annotated:
                found[repr(value)] = name
    return found


def _form(hint: Any, parts: dict[str, type]) -> str:
    """Return how a caller writes a value of that type; what objects it holds goes into `parts`."""
    known = _aliases().get(repr(hint))
    if known in FORMS:
        return FORMS[known]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _form(args[0], parts)
    if origin is Literal:
        return " · ".join(f"`{value}`" for value in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_form(arg, parts) for arg in args if arg is not type(None))
    if origin in (tuple, list):
        return f"list of {_form(args[0], parts)}"
    if origin is dict:
        return f"object: {_form(args[0], parts)} → {_form(args[1], parts)}"
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, BaseModel)):
        parts.setdefault(hint.__name__, hint)
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return {bool: "true or false", int: "whole number", str: "text"}.get(hint, getattr(hint, "__name__", str(hint)))


@functools.cache
def examples() -> dict[str, list[str]]:
    """Return example lines by type; posted in the file's order to a new book, all are accepted."""
    found: dict[str, list[str]] = {}
    for line in EXAMPLES.read_text().splitlines():
        found.setdefault(json.loads(line)["type"], []).append(line)
    return found


def _example(name: str) -> list[str]:
    return ["```json", *examples().get(name, ()), "```", ""]


# Declines


def declines() -> dict[str, str]:
    """Return the sentence of every decline by its code, in order of precedence."""
    return dict(food_outcomes.REFUSALS)


def declines_page() -> str:
    """Return the page of refusals: sentence, facts, and whether the key is used up."""
    body: list[str] = []
    for code, sentence in declines().items():
        facts = dict.fromkeys(name for _, name, _, _ in Formatter().parse(sentence) if name)
        kept = "The key may be sent again: nothing was kept." if code in refusals.NOT_KEPT else ""
        body += [f"### {code}", "", f"> {re.sub(r'[{}]', '', _emphasised(sentence))}", ""]
        body += [f"Facts: {_listed(f'`{name}`' for name in facts)}. {kept}".rstrip(), ""]
    return _page(
        "Declines",
        "A declined command is an answer: a `code` that never changes, `facts`, and a `message` made of both. The "
        "list is in order of precedence: a command that breaks several rules gets the first. A command that breaks "
        "a rule of form is `invalid` instead, with a sentence that starts with the field.",
        *body,
    )


def _emphasised(sentence: str) -> str:
    return re.sub(r"\{(\w+)\}", r"*\1*", sentence)


# Reports


def reports_page() -> str:
    """Return the page of standard reports: question, parameters, columns, controls, tables read."""
    body: list[str] = []
    for report in REPORTS.values():
        body += [f"## {report.name}", "", f"**{report.en}** ({report.ru}): {report.question}.", ""]
        body += [inspect.getdoc(inspect.getmodule(report.frame)) or "", ""]
        body += [*_table(("Parameter", "Value", "Meaning"), _parameters(report)), ""]
        body += [*_table(("Column", "Heading", "Kind", "Summed"), map(_column, report.columns)), ""]
        body += ["Controls:", "", *map(_control, report.checks), ""]
        body += ["Reads " + _listed(f"[{name}](lake.md#{name})" for name in sorted(reads(report))) + ".", ""]
    body += ["## Metrics", "", "`tiffin metric NAME`, `book.metric`, Explore and the views `metric_NAME`.", ""]
    metrics = all_metrics()
    rows = (
        (
            f"`{one.name}`",
            f"{one.en} · {one.ru}",
            one.unit,
            ", ".join(metrics.dimensions(one)),
            f"`{metrics.words(one)}`",
        )
        for one in metrics.values()
    )
    body += [*_table(("Metric", "Heading", "Unit", "By, beside time", "What it is"), rows), ""]
    return _page(
        "Reports",
        "`tiffin report NAME`, the dashboard, `reports.open().report(NAME)` and the night all run these. Dates are "
        "inclusive. A control that does not hold is shown everywhere, and no paper goes out.",
        *body,
    )


def _parameters(report: Report) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(report.parameters, include_extras=True)
    for name, field in report.parameters.model_fields.items():
        default = "" if field.is_required() or field.default is None else f", by default `{field.default}`"
        option = f"`--{(field.alias or name).replace('_', '-')}`"
        yield option, _form(hints[name], {}).replace("date", "date, `YYYY-MM-DD`"), f"{field.description}{default}"


def _column(column: Column) -> tuple[str, str, str, str]:
    return f"`{column.name}`", f"{column.en} · {column.ru}", column.kind, "yes" if column.total else ""


def _control(check: Check) -> str:
    return f"- `{check.name}`: {check.en}"


# The lake


def lake_page() -> str:
    """Return the page of lake tables: columns, units, where rows come from, who reads them."""
    body: list[str] = []
    for table in TABLES:
        sources = lineage(table)
        readers = [report.name for report in REPORTS.values() if table.name in reads(report)]
        body += [f"## {table.name}", "", f"{table.comment[:1].upper()}{table.comment[1:]}.", ""]
        body += [f"- One row by {_listed(f'`{name}`' for name in table.key)}; {_grows(table)}."]
        body += [f"- Comes from {_listed(f'`{name}`' for name in sources)} in PostgreSQL."]
        body += ["- Read by " + (_listed(f"[{name}](reports.md#{name})" for name in readers) or "no standard report")]
        body += ["", *_table(("Column", "Unit", "Meaning", "From"), _columns(table, sources)), ""]
    return _page(
        "The lake",
        "Delta tables that Polars, DuckDB, Spark and Trino read; the nightly DuckDB file has the same tables with the "
        "same comments. In PostgreSQL amounts are whole minor units; here they are decimals.",
        *body,
    )


def _grows(table: Table) -> str:
    return "each cut appends to it" if table.appended else "each cut replaces it"


def _columns(table: Table, sources: list[str]) -> Iterator[tuple[str, str, str, str]]:
    for column in table.columns:
        yield f"`{column.name}`", UNITS[column.type], column.comment, origin_of(column.name, sources)


# The command line


def command_line_page() -> str:
    """Return the page of `tiffin`'s commands with their arguments and options."""
    if not cli.app.registered_groups:
        cli.assemble()
    root = typer.main.get_command(cli.app)
    page = typer.cli.get_docs_for_click(obj=root, ctx=typer.Context(root), name="tiffin", title="The command line")
    exits = "Exit code 0: done. 1: refused or failed, with one sentence on standard error. 2: wrong usage."
    return page.replace("\n\n", f"\n\n{exits}\n\n", 1)


# Markdown


def _page(title: str, lead: str, *body: str) -> str:
    return "\n".join([f"# {title}", "", lead, "", *body]).rstrip() + "\n"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    ruled = [" | ".join(heads), " | ".join("---" for _ in heads)]
    return [f"| {row} |" for row in (*ruled, *(" | ".join(_cell(cell) for cell in row) for row in rows))]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _doc(model: type) -> str:
    return inspect.cleandoc(model.__doc__ or "").replace("\n\n", " ").replace("\n", " ")


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)
