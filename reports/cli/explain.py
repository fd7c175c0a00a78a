"""`tiffin explain`: which entries make a figure of a report."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import Failure
from ledger.values.text import printable
from reports.cli.report import extra_parameters

if TYPE_CHECKING:
    from reports.explain import Explanation

app = typer.Typer()


# The report's own parameters are passed on to it, as by `tiffin report` (DECISIONS D69).
@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the report.")],
    column: Annotated[str, typer.Argument(help="The column that the figure stands in.")],
    row: Annotated[
        list[str] | None, typer.Option(help="What the row says, as NAME=VALUE; repeat it until one row is meant.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Which hundred of the entries to list.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the entries that make a figure of a report, and that they add up to it.

    The report's parameters are given as to `tiffin report`: tiffin explain brand-revenue net --from 2017-03-01
    --to 2017-03-31 --row brand=sushi --row currency=RUB
    """
    import reports

    book = reports.open()
    result = book.report(name, **extra_parameters(context.args))
    explanation = book.explain(result, _row(row or []), column, page=page)
    if json_:
        print(json.dumps(_as_json(explanation, page)))
    else:
        _print(explanation)


def _row(given: list[str]) -> dict[str, str]:
    wanted = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals:
            raise Failure(f"--row {word}: expected NAME=VALUE, such as brand=sushi")
        wanted[name] = value
    return wanted


def _as_json(explanation: "Explanation", page: int) -> dict[str, Any]:
    whole = {
        **asdict(explanation.address),
        "words": explanation.words,
        "figure": explanation.figure,
        "count": explanation.count,
        "sum": explanation.sum,
        "residual": explanation.residual,
        "parts": [{"sign": sign, "column": name, "figure": figure} for sign, name, figure in explanation.parts],
        "page": page,
        "entries": explanation.entries.rows(named=True),
    }
    return json.loads(json.dumps(whole, default=str))  # type: ignore[no-any-return]


def _print(explanation: "Explanation") -> None:
    from ledger.cli.shared import print_rows

    where = explanation.address
    row = " ".join(f"{name}={'' if value is None else value}" for name, value in where.key.items())
    print(printable(f"{where.column} of {where.report} at cut {where.cut}, {row}"))
    print(f"{explanation.words}{''.join(f'; {name} {figure}' for _, name, figure in explanation.parts)}")
    print(f"{explanation.figure}: {explanation.count} entries, {explanation.sum}, residual {explanation.residual}")
    print_rows(explanation.entries.rows(named=True))
