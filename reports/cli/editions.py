"""`tiffin editions`: notebooks that are run after a night and kept."""

from datetime import date
from typing import Annotated

import typer

from ledger.errors import Failure
from ledger.settings import Settings

app = typer.Typer()
editions = typer.Typer(no_args_is_help=True, help="Make the editions of notebooks that are due, or list the kept ones.")
app.add_typer(editions, name="editions")


@editions.command()
def run() -> None:
    """Make the editions of editions.toml that are due at the current cut; what is kept already stays as it is."""
    from reports.editions.kept import LIST, listed, make_due
    from reports.lake.reader import open_lake

    settings = Settings()
    home = settings.home.resolve()
    if not listed(home):
        raise Failure(f"no editions are listed in {home / LIST}, nor in the pack")
    closed: date | None = open_lake(settings.lake_url).cut.closed_until
    if closed is None:
        raise Failure("no day is closed yet: editions are of closed days")
    held = []
    for one in make_due(home, settings.lake_url, closed):
        typer.echo(f"{one.state:9} {one.notebook} {one.period}  {one.folder}")
        held += [f"{one.notebook} {one.period} {one.state}: {problem}" for problem in one.problems]
    if held:
        raise Failure(held[0] + (f", and {len(held) - 1} more" if len(held) > 1 else ""))


@editions.command("list")
def list_(notebook: Annotated[str | None, typer.Argument(help="Only of this notebook.")] = None) -> None:
    """List the editions that are kept, and where."""
    from reports.editions.kept import kept

    for one in kept(Settings().home.resolve()):
        if notebook in (None, one.notebook):
            typer.echo(f"{one.notebook:22}{one.period:24}{one.folder}")
