"""`tiffin init`, `stop`: the book and its server."""

from typing import Annotated

import typer

from ledger.cli.shared import console
from ledger.postgres.database import connect, initialise, migrate, server_url, stop
from ledger.settings import Settings

app = typer.Typer()


@app.command()
def init(
    time_zone: Annotated[
        str | None,
        typer.Option(help="The book's time zone, in which its days begin. Default for a new book: Europe/Moscow."),
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


@app.command("stop")
def stop_server() -> None:
    """Stop the embedded PostgreSQL."""
    console().print("PostgreSQL is stopped." if stop(Settings()) else "PostgreSQL was not running.")
