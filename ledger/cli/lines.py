"""`tiffin post`, `quote`, `schema`: JSON Lines in, one outcome a line out."""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ledger.cli import shared
from ledger.errors import Failure
from ledger.intake.json_lines import answered, batches, good, read, written
from ledger.postgres.stream import Stream

app = typer.Typer()

LinesFile = Annotated[str, typer.Argument(help="File of JSON Lines, or - for standard input.")]


@app.command()
def post(
    file: LinesFile,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Most lines posted together.")] = 1000,
) -> None:
    """Post commands and administration lines, one JSON object a line; write one outcome a line, in order."""
    answer_lines(file, batch)


@app.command()
def quote(
    file: LinesFile,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Most lines quoted together.")] = 1000,
) -> None:
    """Answer what posting would do now, and write nothing. Lines of one batch build on one another."""
    answer_lines(file, batch, quote=True)


def answer_lines(file: str, batch: int, *, quote: bool = False) -> None:
    """Write the outcomes of a file's lines to standard output; exit 1 when any was declined, invalid or failed."""
    level = shared.level
    ledger = shared.open_ledger()
    shell = level.shell(ledger)
    lines_in = Stream(shell, ledger)
    numbers = count(1)
    all_good = True
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for lines in _batches(file, batch):
        numbered = zip(lines, numbers, strict=False)
        items = [(number, read(line, number, level.parse)) for line, number in numbered if line.strip()]
        post, administer = (shell.quote, _cannot_quote) if quote else (lines_in.post, lines_in.administer)
        outcomes = list(answered(items, post=post, administer=administer))
        all_good &= all(good(outcome) for outcome in outcomes)
        sys.stdout.write(written(outcomes))
        sys.stdout.flush()
    if not all_good:
        raise typer.Exit(1)


def _cannot_quote(records: object) -> NoReturn:
    raise Failure("administration lines cannot be quoted")


def _batches(file: str, most: int) -> Iterator[list[str]]:
    """Yield the lines of a file, or those that standard input has by now. Raises Failure if they cannot be read."""
    if file == "-":
        if sys.stdin is None:
            raise Failure("standard input is closed")
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
        yield from batches(sys.stdin, most)
        return
    try:
        with Path(file).open(encoding="utf-8", errors="surrogateescape") as stream:
            yield from batches(stream, most)
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None


@app.command()
def schema() -> None:
    """Print the JSON Schema of every line that `tiffin post` reads and writes, and what each decline means."""
    import json

    from ledger.intake.schema import document

    typer.echo(json.dumps(document(shared.level), indent=2))
