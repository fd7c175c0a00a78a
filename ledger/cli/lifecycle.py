"""`tiffin init`, `status`, `stop`: the book and its server."""

from typing import Annotated

import typer

from ledger.cli.shared import AsJson, console, open_book, print_json, print_rows
from ledger.postgres.database import connect, initialise, migrate, server_url, stop
from ledger.settings import Settings

app = typer.Typer()


@app.command()
def init(
    time_zone: Annotated[
        str | None, typer.Option(help="The book's time zone, in which its days begin. Of a new book: Europe/Moscow.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of payments that name neither account nor currency. Default: RUB.")
    ] = None,
    late_days: Annotated[
        int | None,
        typer.Option(min=0, max=366, help="How many days before its booking something may have happened. Default: 7."),
    ] = None,
    restored: Annotated[
        bool,
        typer.Option("--restored", help="The database was restored to an earlier moment."),
    ] = False,
) -> None:
    """Create the book. Run it again after every upgrade: it brings the tables up to date."""
    url = server_url(Settings(), make=True)
    if to_do := migrate(url):
        typer.echo(f"tiffin: {to_do}", err=True)
    console().print(f"The book is ready, in {', '.join(initialise(url, time_zone, currency, late_days))}.")
    if restored:
        from ledger.postgres.feed import begin_incarnation

        with connect(url) as connection:
            console().print(f"It is incarnation {begin_incarnation(connection)} from now on.")


@app.command()
def status(json_: AsJson = False) -> None:
    """Show what the book holds: time zone, closed days, accounts, transactions and the time of the latest."""
    with open_book() as connection:
        row = connection.execute(_STATUS).fetchone()
    assert row is not None
    names = (
        *("time_zone", "currency", "closed_until", "late_days"),
        *("accounts", "posted", "declined", "latest", "postgresql"),
    )
    values = (value if isinstance(value, int) or value is None else str(value) for value in row)
    described = dict(zip(names, values, strict=True))
    if json_:
        print_json(described)
    else:
        print_rows([described])


_STATUS = """
SELECT time_zone, currency, closed_until, late_days, (SELECT count(*) FROM account WHERE party_id IS NOT NULL),
    (SELECT count(*) FROM transaction WHERE status = 'posted'),
    (SELECT count(*) FROM transaction WHERE status = 'declined'), (SELECT max(posted_at) FROM transaction),
    current_setting('server_version')
FROM book
"""


@app.command("stop")
def stop_server() -> None:
    """Stop the embedded PostgreSQL."""
    console().print("PostgreSQL is stopped." if stop(Settings()) else "PostgreSQL was not running.")
