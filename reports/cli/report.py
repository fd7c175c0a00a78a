"""`tiffin report`: any standard report, in any form, on the screen or in a file.

A control that does not hold is shown, and then fails the command: a figure that nobody
may trust must not look like success to a script.
"""

import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer
from rich.console import Console
from rich.table import Table

from ledger.errors import Failure, reason
from ledger.settings import Settings
from reports.core.forms import BINARY, Form, Language

if TYPE_CHECKING:
    from reports.core.result import Result

app = typer.Typer()

Decimals = Literal["point", "comma"]
Engine = Literal["polars", "spark"]
Shape = Literal["table", Form, "hledger"]


# What one report alone takes is passed on to it (DECISIONS D69).
@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def report(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of the report; without it, reports are listed.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="First day, included: YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day, included.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="At the end of this day.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account: number or reference.")] = None,
    party: Annotated[str | None, typer.Option(help="Only this client: its reference.")] = None,
    brand: Annotated[str | None, typer.Option(help="Only this brand: its code.")] = None,
    currency: Annotated[str | None, typer.Option(help="Only this currency, such as RUB.")] = None,
    by: Annotated[str | None, typer.Option(help="What each row stands for; --list has each report's choices.")] = None,
    dated_by: Annotated[str | None, typer.Option(help="Which date counts: booking, value or occurred.")] = None,
    booked_until: Annotated[
        str | None, typer.Option(help="Only what was booked up to this day; by value date, a closed one is final.")
    ] = None,
    form: Annotated[
        Shape | None, typer.Option("--format", help="By default the one the file's name ends in, else table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    language: Annotated[Language | None, typer.Option(help="Language of labels.")] = None,
    decimal: Annotated[
        Decimals, typer.Option(help="Decimals of a CSV; comma also means semicolons and labels, for a Russian Excel.")
    ] = "point",
    engine: Annotated[Engine, typer.Option(help="Engine to run on; spark needs PySpark and Java.")] = "polars",
    listed: Annotated[bool, typer.Option("--list", help="List the reports and all their parameters.")] = False,
) -> None:
    """Run a standard report over the lake. Dates are business dates of the book, both ends included.

    A parameter of one report only, such as --attribute of services, is given in the same way; --list has them all.
    """
    if listed or name is None:
        return _list(language or Settings().language)
    given: dict[str, Any] = {"from": from_, "to": to, "as_of": as_of, "account": account, "party": party}
    given |= {"brand": brand, "currency": currency, "by": by, "dated_by": dated_by}
    given |= {"booked_until": booked_until, **extra_parameters(context.args)}
    if name == "journal" or form == "hledger":
        return _journal(name, given, form, output)
    _run(name, given, chosen_form(form, output), output, language or Settings().language, decimal, engine)
    return None


def extra_parameters(args: list[str]) -> dict[str, str]:
    """Return parameters that only some reports have, from `--name value` and `--name=value`."""
    given: dict[str, str] = {}
    rest = iter(args)
    for arg in rest:
        option, equals, value = arg.partition("=")
        if not option.startswith("--"):
            raise typer.BadParameter(f"unexpected argument {arg}")
        text = value if equals else next(rest, None)
        if text is None:
            raise typer.BadParameter(f"{option} needs a value")
        given[option[2:].replace("-", "_")] = text
    return given


def chosen_form(form: Shape | None, output: Path | None) -> Shape:
    """Return the requested form, else the one that the file's name ends in, else a table."""
    if form is not None:
        return form
    suffix = output.suffix.lstrip(".").lower() if output else ""
    if suffix in get_args(Shape):
        return cast(Shape, suffix)
    if output is not None:
        raise Failure(f"{output.name}: give --format, or a name that ends in one of {', '.join(get_args(Shape))}")
    return "table"


def _run(
    name: str,
    given: dict[str, Any],
    form: Shape,
    output: Path | None,
    language: Language,
    decimal: Decimals,
    engine: Engine,
) -> None:
    import reports
    from reports.core.report import named

    named(name)  # an unknown name is reported before the lake is opened
    if form in BINARY and output is None and sys.stdout.isatty():
        raise Failure(f"{form} cannot be shown on a terminal: name a file with -o")
    put_out(reports.open(engine=engine).report(name, **given), form, output, language, decimal)


def put_out(
    result: "Result", form: Shape, output: Path | None, language: Language | None, decimal: Decimals = "point"
) -> None:
    """Show a result or write it into a file. Raises Failure if a control does not hold, and for a wrong form."""
    from reports.formats import rendered
    from reports.formats.terminal import show

    if form == "hledger":
        raise Failure("only the journal is written for hledger")
    spoken = language or Settings().language
    if form == "table":
        _shown(lambda console: show(result, spoken, console), output)
    else:
        _written(rendered(result, form, language=spoken, decimals=decimal), output)
    _hold(result.report.name, result)


def _hold(name: str, result: "Result") -> None:
    """Fail if a control does not hold, naming the first."""
    broken = [control for control in result.controls if not control.holds]
    if broken:
        from reports.formats.captions import unit

        worst = broken[0]
        raise Failure(
            f"{name}: control {worst.name} does not hold: expected {worst.expected}, "
            f"actual {worst.actual} {unit(worst, 'en')}; {len(broken)} of {len(result.controls)} controls differ"
        )


def _journal(name: str, given: dict[str, Any], form: Shape | None, output: Path | None) -> None:
    """Write the whole book for hledger; it is no frame, so it has one form only, and nothing narrows it."""
    import reports
    from reports.formats.hledger import journal_text

    if name != "journal" or form != "hledger":
        raise Failure(
            "the journal is written for hledger, and only the journal: tiffin report journal --format hledger"
        )
    narrowed = [f"--{option.replace('_', '-')}" for option, value in given.items() if value is not None]
    if narrowed:
        raise Failure(f"the journal covers the whole book: it takes no {' or '.join(narrowed)}")
    _written(journal_text(reports.open()).encode(), output)


def _shown(show: Any, output: Path | None) -> None:
    if output is None:
        show(Console())
        return
    text = StringIO()
    show(Console(file=text))
    _written(text.getvalue().encode(), output)


def _written(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise Failure(f"cannot write {output}: {reason(error)}") from None


def _list(language: Language) -> None:
    from reports.core.report import REPORTS

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("report", "title", "answers", "parameters"):
        table.add_column(heading, overflow="fold")
    for found in REPORTS.values():
        fields = found.parameters.model_fields.items()
        options = " ".join(f"--{(field.alias or name).replace('_', '-')}" for name, field in fields)
        table.add_row(found.name, found.title(language), found.question, options)
    Console().print(table)
