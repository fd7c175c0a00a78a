"""What the commands of the command line share: the book, the level they speak, how rows are printed.

Modules that only some commands need are imported where they are used: `tiffin balance` must start fast.
"""

import json
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import Failure
from ledger.intake.levels import Level
from ledger.postgres.database import AnyConnection, check_book, connect, server_url
from ledger.settings import Settings
from ledger.values.dates import instant_of
from ledger.values.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.postgres.post import Ledger

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AccountArgument = Annotated[str, typer.Argument(help="Account number or reference.")]


level = Level()
"""Level one, unless the top module puts a second level in its place."""


@contextmanager
def open_book() -> Iterator[AnyConnection]:
    """Yield a connection to the book of the settings. Raises Failure if there is none, or none of this version."""
    with connect(server_url(Settings())) as connection:
        check_book(connection)
        yield connection


def open_ledger() -> "Ledger":
    """Return the ledger of the settings. Raises Failure if there is no book, or none of this version."""
    from ledger.postgres.post import Ledger

    with open_book():
        return Ledger(server_url(Settings()))


def account_argument(text: str) -> int | str:
    """Return an account number (digits with the right check digit) or a reference. Raises Failure."""
    from ledger.values.money import is_account_number

    if not (text.isascii() and text.isdecimal()):
        return text
    if len(text) > 18 or not is_account_number(int(text)):
        raise Failure(f"account {text} is not an account number: its last digit is not the check digit")
    return int(text)


def instant(text: str | None) -> datetime | None:
    """Return the moment that a text names, None for none. Raises Failure unless it is ISO 8601 with a time zone."""
    if text is None:
        return None
    try:
        return instant_of(text)
    except ValueError as error:
        raise Failure(str(error)) from None


def console() -> "Console":
    """Return a console on standard output: as wide as the terminal or, elsewhere, wide enough for a table."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160)


def print_json(value: object) -> None:
    """Print JSON on one line."""
    typer.echo(json.dumps(value))


def print_list(rows: Sequence[Mapping[str, object]], json_: bool) -> None:
    """Print rows as JSON, for programs, or as a table, for people."""
    if json_:
        print_json(rows)
    else:
        print_rows(rows)


def print_rows(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as a table for people, figures to the right."""
    if not rows:
        console().print("Nothing.")
        return
    headings = {name: name.replace("_", " ") for name in rows[0]}
    figures = [heading for name, heading in headings.items() if all(_is_figure(row[name]) for row in rows)]
    cells = (["" if value is None else str(value) for value in row.values()] for row in rows)
    print_table([*headings.values()], cells, right=figures)


def print_table(headings: Sequence[str], rows: Iterable[Iterable[str]], *, right: Container[str] = ()) -> None:
    """Print rows of texts under headings, those of figures to the `right`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=heading in right)
    for row in rows:
        # Text of others is shown as it is: no markup, and nothing that moves a terminal's cursor.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def _is_figure(value: object) -> bool:
    return value is None or isinstance(value, int) or str(value).removeprefix("-").replace(".", "", 1).isdecimal()
