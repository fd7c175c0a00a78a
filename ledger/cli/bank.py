"""`tiffin import-bank`: bank statement files in, a table of what became of each entry out."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ledger.bank.core.read_file import read_file
from ledger.bank.postgres.import_statements import Progress, import_statements
from ledger.bank.postgres.plan_import import Imported, Row
from ledger.cli.shared import AsJson, console, open_ledger
from ledger.errors import Failure

app = typer.Typer()
LINES_OF_PROGRESS = 10


@app.command("import-bank")
def import_bank(
    files: Annotated[list[Path], typer.Argument(help="Statements in MT940, camt.053 or 1CClientBankExchange.")],
    brand: Annotated[
        str | None, typer.Option(help="Whose statements these are, when no brand's bank details say it.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who imports them, kept with each payment.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be posted, and post nothing.")] = False,
    json_: AsJson = False,
) -> None:
    """Post money in from bank statements, matched to accounts; again, and nothing is posted twice."""
    # Read first, all of them: one that cannot be read leaves nothing half done.
    statements = [statement for file in files for statement in read_file(file)]
    with _progress() as progress:
        imported = import_statements(open_ledger(), statements, brand=brand, by=by, dry_run=dry_run, progress=progress)
    if json_:
        typer.echo(json.dumps({"dry_run": dry_run, "statements": [to_json(each) for each in imported]}))
    else:
        _print(imported)
    _fail_on_refusals(imported)


def _fail_on_refusals(imported: Sequence[Imported]) -> None:
    refused = [each.refused for each in imported if each.refused]
    declined = [row.why for each in imported for row in each.rows if row.result == "declined"]
    if refused:
        of = f"{len(refused)} of {len(imported)} statements were not imported, the first: " if len(imported) > 1 else ""
        raise Failure(f"{of}{refused[0]}")
    if declined:
        raise Failure(f"{len(declined)} payments were declined, the first: {declined[0]}")


def to_json(imported: Imported) -> dict[str, Any]:
    """Return what became of a statement as programs read it, amounts as strings."""
    statement = imported.statement
    return {
        "account": statement.account,
        "number": statement.number,
        "brand": imported.brand or None,
        "currency": statement.currency,
        "opening": _plain(statement.opening),
        "closing": _plain(statement.closing),
        "money_in": _plain(statement.money_in),
        "money_out": _plain(statement.money_out),
        "checked": statement.checked,
        "refused": imported.refused or None,
        **{name: _plain(amount) for name, amount in imported.totals().items()},
        "entries": [_row_json(row) for row in imported.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "key": row.key, "booked_on": entry.booked_on.isoformat(), "value_date": entry.value_date.isoformat(),
        "amount": _plain(entry.amount), "result": row.result, "account": row.account, "rule": row.rule or None,
        "why": row.why or None, "transaction": row.transaction, "name": entry.name, "tax_id": entry.tax_id,
        "text": entry.text,
    }  # fmt: skip


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _print(imported: Sequence[Imported]) -> None:
    for each in imported:
        if each.rows:
            _print_rows(each)
        elif each.refused and len(imported) > 1:  # of one alone, standard error tells
            console().print(f"\nnot imported: {escape(each.refused)}")
    empty = sum(not each.rows and not each.refused for each in imported)
    if empty:
        console().print(f"\nstatements without entries: {empty}")
    _print_totals(imported)


def _print_rows(imported: Imported) -> None:
    statement = imported.statement
    days = " to ".join(dict.fromkeys(str(day) for day in (statement.since, statement.until) if day))
    unchecked = "" if statement.checked else "not checked: the bank tells no balances"
    told = ", ".join(part for part in (f"brand {imported.brand}", days, unchecked) if part)
    console().print(f"\n[bold]{escape(statement.title)}[/bold], {escape(told)}")
    table = Table(box=None, header_style="bold")
    for name in ("date", "amount", "from or to", "result", "account", "rule, or why"):
        table.add_column(name, justify="right" if name == "amount" else "left", no_wrap=name in ("date", "amount"))
    for row in imported.rows:
        # A bank's text may have anything in it, such as what moves a terminal's cursor.
        table.add_row(*(escape("".join(c if c.isprintable() else " " for c in cell)) for cell in cells(row)))
    console().print(table)


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """Return a row for people: date, amount, who, result, account, the rule or the reason."""
    account = f"{row.account} {row.party}" if row.account else ("unallocated" if row.unallocated else "")
    return (
        str(row.entry.booked_on),
        f"{row.entry.amount:,.2f}",
        (row.entry.name or row.entry.tax_id or " ".join(row.entry.text.split()))[:40],
        row.result,
        account,
        row.rule or row.why,
    )


def _print_totals(imported: Sequence[Imported]) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("statement")
    names = ("currency", "bank: in", "posted", "there already", "not imported", "declined", "unallocated", "bank: out")
    for name in names:
        table.add_column(name, justify="left" if name == "currency" else "right")
    for each in (each for each in imported if each.rows):
        figures = (each.statement.money_in, *each.totals().values(), each.statement.money_out)
        table.add_row(
            escape(each.statement.name), each.statement.currency,
            *(f"{figure:,.2f}" for figure in figures),
        )  # fmt: skip
    if table.row_count:
        console().print()
        console().print(table)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show how many payments are posted: a bar on a terminal, a few lines elsewhere; short runs say nothing."""
    errors = Console(stderr=True)
    if not errors.is_terminal:
        yield _line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("payments"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("payments", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _line(done: int, of: int) -> None:
    step = max(1, of // LINES_OF_PROGRESS)
    if of > 1000 and (done == of or done // step != max(0, done - 500) // step):
        print(f"{done} of {of} payments", file=sys.stderr, flush=True)
