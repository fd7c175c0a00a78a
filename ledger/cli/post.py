"""`tiffin post`, `quote`, `schema`: JSON Lines in, one outcome per line out."""

import sys
from collections.abc import AsyncIterator, Iterator
from io import BufferedIOBase
from itertools import count
from pathlib import Path
from typing import Annotated, cast

import typer

from ledger.cli import shared
from ledger.errors import Failure
from ledger.intake.json_lines import GOOD, answered, batches, cannot_quote, line_of, read
from ledger.postgres.database import server_url
from ledger.postgres.stream import Stream
from ledger.settings import Settings

app = typer.Typer()

LinesFile = Annotated[str, typer.Argument(help="File of JSON Lines, or - for standard input.")]


@app.command()
def post(
    file: LinesFile,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of lines posted together.")] = 1000,
    writers: Annotated[
        int, typer.Option(min=1, max=100, help="Number of processes that post, as in tiffin serve.")
    ] = 1,
) -> None:
    """Post commands and administration lines, one JSON object per line; write one outcome per line, in order."""
    if writers > 1:
        post_by_writers(file, batch, writers)
    else:
        answer_lines(file, batch)


def post_by_writers(file: str, batch: int, writers: int) -> None:
    """Do what `answer_lines` does through the intake of the door: accounts linked to one payer go to one writer."""
    import asyncio

    from ledger.intake.streaming import answers
    from ledger.intake.writer_process import SentLine
    from ledger.intake.writers import Writers

    with shared.open_book():
        url = server_url(Settings())

    async def sent() -> AsyncIterator[SentLine]:
        there, number = _batches(file, batch), 0
        while (lines := await asyncio.to_thread(next, there, None)) is not None:
            for line in lines:
                number += 1
                if line.strip():
                    yield SentLine(line, number=number)

    async def pass_on() -> bool:
        intake = Writers(shared.level, url, count=writers, most=batch, held_up=None)
        await intake.start()
        all_good = True
        async for ready in answers(intake, sent()):
            all_good &= all(answer.status in GOOD for answer in ready)
            sys.stdout.buffer.write(b"".join(answer.body for answer in ready))
            sys.stdout.buffer.flush()
        await intake.close()
        return all_good

    if not asyncio.run(pass_on()):
        raise typer.Exit(1)


@app.command()
def quote(
    file: LinesFile,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of lines quoted together.")] = 1000,
) -> None:
    """Show what posting would do now, without writing anything. Lines of one batch build on one another."""
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
        post, administer = (shell.quote, cannot_quote) if quote else (lines_in.post, lines_in.administer)
        records = [outcome.to_json() for outcome in answered(items, post=post, administer=administer)]
        all_good &= all(record["status"] in GOOD for record in records)
        sys.stdout.write("".join(map(line_of, records)))
        sys.stdout.flush()
    if not all_good:
        raise typer.Exit(1)


def _batches(file: str, most: int) -> Iterator[list[bytes]]:
    """Yield the lines of a file, or those that standard input has by now. Raises Failure if they cannot be read."""
    if file == "-":
        if sys.stdin is None:
            raise Failure("standard input is closed")
        yield from batches(cast(BufferedIOBase, sys.stdin.buffer), most)
        return
    try:
        with Path(file).open("rb") as stream:
            yield from batches(stream, most)
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None


@app.command()
def schema() -> None:
    """Print the JSON Schema of every line that `tiffin post` reads and writes, and what each decline means."""
    import json

    from ledger.intake.schema import document

    typer.echo(json.dumps(document(shared.level), indent=2))
