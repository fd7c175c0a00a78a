"""`tiffin metric`: figures of the house and of the pack by any dimension, in the forms of reports."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reports.cli.report import Decimals, Engine, Shape, chosen_form, extra_parameters, put_out
from reports.core.forms import Language

app = typer.Typer()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def metric(
    context: typer.Context,
    names: Annotated[
        str | None, typer.Argument(help="Names, separated by commas; without it, metrics are listed.")
    ] = None,
    by: Annotated[str, typer.Option(help="Dimensions, separated by commas: month,brand.")] = "",
    from_: Annotated[str | None, typer.Option("--from", help="First day, included: YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    form: Annotated[Shape | None, typer.Option("--format", help="As of a report.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    language: Annotated[Language | None, typer.Option(help="Language of labels.")] = None,
    decimal: Annotated[Decimals, typer.Option(help="Decimals of a CSV.")] = "point",
    engine: Annotated[Engine, typer.Option(help="Engine to run on; spark needs PySpark and Java.")] = "polars",
) -> None:
    """Show metrics of a period, each a column; their totals are counted by themselves, those of ratios too.

    A dimension as an option narrows: --brand sushi.
    """
    if names is None:
        return _list(language)
    import reports

    only = extra_parameters(context.args)
    shape = chosen_form(form, output)
    book = reports.open(engine=engine)
    found = book.metric(*_words(names), by=_words(by), first_day=from_, last_day=to, **only)
    put_out(found, shape, output, language, decimal)
    return None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _list(language: Language | None) -> None:
    from ledger.settings import Settings
    from reports.metrics.metric import all_metrics

    metrics, table = all_metrics(), Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("metric", "title", "unit", "by, beside time"):
        table.add_column(heading, overflow="fold")
    for one in metrics.values():
        title = one.label(language or Settings().language)
        table.add_row(one.name, title, one.unit, ", ".join(metrics.dimensions(one)))
    Console().print(table)
