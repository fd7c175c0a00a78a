"""The ledger's commands: init, post, quote, balance, history, limits, schema, status, stop."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import IO, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from ledger.core.administration import RECORDS
from ledger.core.commands import COMMANDS, why
from ledger.core.field_types import AccountRef
from ledger.core.json_lines import answered, batches, good, parse_item, read, written
from ledger.errors import Failure
from ledger.postgres import account_queries
from ledger.postgres.database import connect, initialise, migrate, server_url, stop
from ledger.postgres.post import Ledger
from ledger.settings import Settings

app = typer.Typer()
console = Console(width=None if sys.stdout.isatty() else 160)


@dataclass(frozen=True)
class Level:
    """What the commands speak: how lines are parsed, which there are, who answers them, what more a balance has."""

    parse: Callable[[dict[str, Any]], Any] = parse_item
    models: Mapping[str, Any] = field(default_factory=lambda: {**COMMANDS, **RECORDS})
    desk: Callable[[Ledger], Any] = lambda ledger: ledger
    standing: Callable[[Any, int, datetime | None], dict[str, Any]] = lambda *_: {}


level = Level()
"""Level one, unless the top module puts a second level in its place."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AccountArgument = Annotated[str, typer.Argument(help="Account number or reference.")]


def open_ledger() -> Ledger:
    """Return the ledger of the settings; Failure if there is no book."""
    ledger = Ledger(server_url(Settings()))
    try:
        row = ledger.connection().execute("SELECT to_regclass('book')").fetchone()
        if row is None or row[0] is None or not ledger.connection().execute("SELECT 1 FROM book").fetchone():
            raise Failure("there is no book yet: run tiffin init")
    finally:
        ledger.connection().rollback()
    return ledger


def account_argument(text: str) -> int | str:
    """Return an account number (digits with a right check digit) or a reference. Raises Failure."""
    if not text.isdecimal():
        return text
    try:
        number: int | str = TypeAdapter(AccountRef).validate_python(int(text))
    except ValidationError as error:
        raise Failure(f"account {why(error)}") from None
    return number


@app.command()
def init(
    time_zone: Annotated[
        str | None, typer.Option(help="The book's time zone, where its days begin. A new book's: Europe/Moscow.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of payments without an account that name none. A new book's: RUB.")
    ] = None,
) -> None:
    """Make the book: its tables, its time zone. Run it again after every upgrade: it brings the tables up to date."""
    url = server_url(Settings())
    migrate(url)
    has = initialise(url, time_zone, currency)
    console.print(f"The book is ready, in {', '.join(has)}.")


@app.command()
def post(
    file: Annotated[str, typer.Argument(help="File of JSON Lines, or - for standard input.")],
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Lines posted together at most.")] = 1000,
) -> None:
    """Post commands and administration lines, one JSON object a line; write one outcome a line, in order."""
    run_lines(file, batch)


@app.command()
def quote(
    file: Annotated[str, typer.Argument(help="File of JSON Lines, or - for standard input.")],
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Lines quoted together at most.")] = 1000,
) -> None:
    """Answer what posting would do now, and write nothing. Lines of one batch see one another."""
    run_lines(file, batch, quote=True)


def run_lines(file: str, batch: int, *, quote: bool = False) -> None:
    """Answer a file's lines on standard output; exit 1 when any was declined or invalid."""
    desk = level.desk(open_ledger())
    numbers = count(1)
    all_good = True
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    with _lines_of(file) as stream:
        for lines in batches(stream, batch):
            numbered = zip(lines, numbers, strict=False)
            items = [(number, read(line, number, level.parse)) for line, number in numbered if line.strip()]
            outcomes = list(
                answered(
                    items,
                    post=desk.quote if quote else desk.post,
                    administer=_cannot_quote if quote else desk.administer,
                )
            )
            all_good &= all(good(outcome) for outcome in outcomes)
            sys.stdout.write(written(outcomes))
            sys.stdout.flush()
    if not all_good:
        raise typer.Exit(1)


def _cannot_quote(records: Any) -> Any:
    raise Failure("administration lines cannot be quoted")


@contextmanager
def _lines_of(file: str) -> Iterator[IO[str]]:
    if file == "-":
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        with Path(file).open(encoding="utf-8", errors="surrogateescape") as stream:
            yield stream
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None


@app.command()
def balance(
    account: AccountArgument,
    at: Annotated[str | None, typer.Option(help="A past moment, ISO 8601 with a time zone.")] = None,
    json_: AsJson = False,
) -> None:
    """Show how an account stands, now or as the ledger stood at a past moment."""
    with connect(open_ledger().url) as connection:
        standing = account_queries.balance(connection, account_argument(account), at=_instant(at)).to_json()
        more = level.standing(connection, standing["account"], _instant(at))
    if json_:
        typer.echo(json.dumps(standing | more))
    else:
        console.print(_table([standing]))


@app.command()
def history(
    account: AccountArgument,
    since: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = None,
    json_: AsJson = False,
) -> None:
    """List every change of an account's balance, in order."""
    with connect(open_ledger().url) as connection:
        zone = _zone(connection)
        rows = account_queries.history(
            connection, account_argument(account), since=_start(since, zone), until=_start(until, zone, days=1)
        )
        if json_:
            for row in rows:
                typer.echo(json.dumps(row))
        else:
            console.print(_table(list(rows)))


@app.command()
def limits(account: AccountArgument, json_: AsJson = False) -> None:
    """Show which write-off limits concern an account and what is left of each."""
    with connect(open_ledger().url) as connection:
        rows = account_queries.limits(connection, account_argument(account))
    if json_:
        typer.echo(json.dumps(rows))
    else:
        console.print(_table(rows))


@app.command()
def schema() -> None:
    """Print the JSON Schema of every line that `tiffin post` reads, by type."""
    typer.echo(json.dumps({kind: _schema(kind, model) for kind, model in level.models.items()}, indent=2))


def _schema(kind: str, model: Any) -> dict[str, Any]:
    described = TypeAdapter(model).json_schema()
    described["properties"] = {"type": {"const": kind}, **described["properties"]}
    described["required"] = sorted({"type", *described.get("required", ())})
    return described


@app.command()
def status(json_: AsJson = False) -> None:
    """Say what the book holds: its time zone, closed days, accounts, transactions, the latest of them."""
    with connect(open_ledger().url) as connection:
        row = connection.execute(
            "SELECT time_zone, currency, closed_until, (SELECT count(*) FROM account WHERE party_id IS NOT NULL), "
            "(SELECT count(*) FROM transaction WHERE status = 'posted'), "
            "(SELECT count(*) FROM transaction WHERE status = 'declined'), (SELECT max(posted_at) FROM transaction), "
            "current_setting('server_version') FROM book"
        ).fetchone()
    assert row is not None
    names = ("time_zone", "currency", "closed_until", "accounts", "posted", "declined", "latest", "postgresql")
    said = {
        name: value if isinstance(value, int) or value is None else str(value)
        for name, value in zip(names, row, strict=True)
    }
    if json_:
        typer.echo(json.dumps(said))
    else:
        console.print(_table([said]))


@app.command("stop")
def stop_server() -> None:
    """Stop the embedded PostgreSQL."""
    console.print("PostgreSQL is stopped." if stop(Settings()) else "PostgreSQL was not running.")


def _table(rows: list[dict[str, Any]]) -> Table | str:
    if not rows:
        return "Nothing."
    table = Table(box=None, header_style="bold")
    for name in rows[0]:
        figures = all(_is_figure(row[name]) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if figures else "left")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table


def _is_figure(value: Any) -> bool:
    return value is None or isinstance(value, int) or str(value).removeprefix("-").replace(".", "", 1).isdecimal()


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(f"{text} is not a time in ISO 8601") from None
    if at.tzinfo is None:
        raise Failure(f"{text} has no time zone, expected such as {text}+03:00")
    return at.astimezone(UTC)


def _start(text: str | None, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Failure(f"{text} is not a date, expected YYYY-MM-DD") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _zone(connection: Any) -> ZoneInfo:
    return ZoneInfo(connection.execute("SELECT time_zone FROM book").fetchone()[0])
