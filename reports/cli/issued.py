"""`tiffin papers …`: the register of issued papers, and the papers themselves again."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import Failure
from ledger.settings import Settings
from ledger.values.dates import month_days
from ledger.values.text import escaped_json, printable
from reports.cli.papers import write_file
from reports.core.csv_text import csv_bytes, guarded
from reports.core.report import near
from reports.documents.design import Kind

if TYPE_CHECKING:
    from reports.documents.register import Issued, Register

app = typer.Typer()
papers_app = typer.Typer(no_args_is_help=True, help="List issued papers, and hand them out again.")
app.add_typer(papers_app, name="papers")

AccountOption = Annotated[int | None, typer.Option(help="Only of this account: its number.")]
KindOption = Annotated[Kind | None, typer.Option(help="Only of this kind.")]
MonthOption = Annotated[str | None, typer.Option(help="Only issued in this month: YYYY-MM.")]
SHOWN = ("number", "language", "issued_on", "account", "client", "amount", "currency", "sha256")


def _register() -> "Register":
    from reports.documents.register import Register

    return Register(Settings().home / "papers")


def _chosen(register: "Register", account: int | None, kind: str | None, month: str | None) -> "list[Issued]":
    since, until = month_days(month) if month else (None, None)
    return register.rows(account=account, kind=kind, since=since, until=until)


@papers_app.command("list")
def list_(
    account: AccountOption = None,
    kind: KindOption = None,
    month: MonthOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> None:
    """List issued papers: number, date of issue, client, sum, SHA-256 of the file, and where each was sent."""
    from reports.documents.register import as_rows

    register = _register()
    for row in as_rows(register, _chosen(register, account, kind, month)):
        if as_json:
            print(escaped_json(json.dumps(row, ensure_ascii=False)))
        else:
            sent = row["sent"]
            to = ", ".join(str(one["address"]) for one in sent) if isinstance(sent, list) else ""
            print(printable("  ".join([*(str(row[name]) for name in SHOWN), f"sent to {to}" if to else "not sent"])))


@papers_app.command()
def show(
    number: Annotated[str, typer.Argument(help="The paper's number, such as I-1000017-2017-03.")],
    language: Annotated[str | None, typer.Option(help="Language, where it was issued in several.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; - for stdout.")] = None,
) -> None:
    """Hand out an issued paper again: the same bytes, checked against their SHA-256."""
    register = _register()
    found = [row for row in register.rows(number=number) if language in (None, row.language)]
    if not found:
        raise Failure(f"no paper {number} was issued{near(number, [row.number for row in register.rows()])}")
    if len(found) > 1:
        raise Failure(f"{number} was issued in {', '.join(row.language for row in found)}: give --language")
    content = register.content(found[0])
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    file = output or Path(f"{number}.pdf")
    write_file(file, content)
    print(file)


@papers_app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.")],
    account: AccountOption = None,
    kind: KindOption = None,
    month: MonthOption = None,
) -> None:
    """Write issued papers into a folder, LANGUAGE/NUMBER.pdf, with register.csv: for an auditor, or another archive."""
    from reports.documents.register import as_rows

    register = _register()
    chosen = _chosen(register, account, kind, month)
    for row in chosen:
        write_file(folder / row.language / f"{row.number}.pdf", register.content(row))
    rows = as_rows(register, chosen)
    write_file(folder / "register.csv", _csv(rows))
    print(f"{len(chosen)} papers in {folder}")


def _csv(rows: list[dict[str, object]]) -> bytes:
    names = [*(rows[0] if rows else {})]
    cells = ([json.dumps(row[name]) if name == "sent" else row[name] for name in names] for row in rows)
    return csv_bytes([names, *([guarded(one) if isinstance(one, str) else one for one in row] for row in cells)])
