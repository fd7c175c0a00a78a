"""`tiffin explain`: which entries make a figure of a report."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import Failure
from ledger.values.dates import date_or_none, month_days
from ledger.values.text import printable
from reports.cli.report import extra_parameters

if TYPE_CHECKING:
    from reports.explain import Explanation
    from reports.explain.difference import Difference

app = typer.Typer()


# The report's own parameters are passed on to it, as by `tiffin report` (DECISIONS D69).
@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the report.")],
    column: Annotated[str, typer.Argument(help="The column of the figure.")],
    row: Annotated[
        list[str] | None, typer.Option(help="Selects the row, as NAME=VALUE; repeat it until exactly one row matches.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare with: a month, a day, or NAME=VALUE of from, to, as-of, brand, booked-until, cut."
        ),
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="With --against: draw the parts into this SVG, PNG or HTML.")
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Which page of a hundred entries to list.")] = 1,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the entries behind a figure of a report, and that they add up to it.

    The report's parameters are given as to `tiffin report`: tiffin explain brand-revenue net --from 2017-03-01
    --to 2017-03-31 --row brand=sushi --row currency=RUB. With --against 2017-02, it shows what made the difference.
    """
    import reports

    book = reports.open()
    result = book.report(name, **extra_parameters(context.args))
    if against:
        difference = book.explain(result, _row(row or []), column, against=_against(against))
        _show(difference, json_=json_)
        if chart:
            difference.chart().save(str(chart))
        return
    explanation = book.explain(result, _row(row or []), column, page=page)
    if json_:
        print(json.dumps(_as_json(explanation, page)))
    else:
        _print(explanation)


def _row(given: list[str]) -> dict[str, str]:
    for word in given:
        if "=" not in word:
            raise Failure(f"--row {word}: expected NAME=VALUE, such as brand=sushi")
    return dict(word.split("=", 1) for word in given)


def _against(given: list[str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if equals and name.replace("-", "_") in ("from", "to", "as_of", "brand", "booked_until", "cut"):
            wanted[name.replace("-", "_")] = value
        elif date_or_none(word):
            wanted["as_of"] = word
        elif date_or_none(f"{word}-01"):
            wanted["from"], wanted["to"] = (day.isoformat() for day in month_days(word))
        else:
            raise Failure(
                f"--against {word}: expected a month or a day, such as 2017-02, or from=, to=, as-of=, brand=, "
                "booked-until= or cut="
            )
    return wanted


def _show(difference: "Difference", *, json_: bool) -> None:
    from ledger.cli.shared import print_rows

    parts = difference.frame.select("part", "words", "amount")
    if json_:
        whole = {**asdict(difference), "residual": difference.residual, "parts": parts.rows(named=True)}
        print(json.dumps(whole, default=str))
        return
    moved = difference.now - difference.before
    what = f"{difference.column} of {difference.report}"
    print(f"{what}: {difference.before} → {difference.now}, {moved:+} {difference.currency}")
    print_rows(parts.drop("part").rows(named=True))
    print(f"residual {difference.residual}")


def _as_json(explanation: "Explanation", page: int) -> dict[str, Any]:
    whole = {**asdict(explanation.address), **_figures(explanation), "page": page}
    return json.loads(json.dumps(whole, default=str))  # type: ignore[no-any-return]


def _figures(explanation: "Explanation") -> dict[str, Any]:
    return {
        "words": explanation.words,
        "figure": explanation.figure,
        "count": explanation.count,
        "sum": explanation.sum,
        "residual": explanation.residual,
        "parts": [{"sign": sign, "column": name, "figure": figure} for sign, name, figure in explanation.parts],
        "ratio": [{"column": part.address.column, **_figures(part)} for part in explanation.ratio or ()],
        "entries": explanation.entries.rows(named=True),
    }


def _print(explanation: "Explanation") -> None:
    from ledger.cli.shared import print_rows

    where = explanation.address
    row = " ".join(f"{name}={'' if value is None else value}" for name, value in where.key.items())
    print(printable(f"{where.column} of {where.report} at cut {where.cut}, {row}"))
    for part in (explanation, *(explanation.ratio or ())):
        print(f"{part.words}{''.join(f'; {name} {figure}' for _, name, figure in part.parts)}")
        tables = " and ".join(part.entries["table"].unique(maintain_order=True)) or "entries"
        print(f"{part.figure}: {part.count} {tables}, {part.sum}, residual {part.residual}")
        shown = part.entries.select(column.name for column in part.entries if column.null_count() < column.len())
        print_rows((shown if tables != "entries" else shown.drop("table", strict=False)).rows(named=True))
