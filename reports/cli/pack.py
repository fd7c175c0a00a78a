"""`tiffin pack`: a company's own reports, metrics, notebooks, templates and names."""

import typer

from ledger.errors import Failure
from ledger.settings import Settings

app = typer.Typer()
pack = typer.Typer(no_args_is_help=True, help="Create, list or check a pack: a company's own files.")
app.add_typer(pack, name="pack")


@pack.command()
def new() -> None:
    """Write a pack to begin with into the folder that TIFFIN_PACK names, by default pack/ beside the home."""
    from reports.pack.check import begin

    for path in begin(Settings().pack_folder):
        typer.echo(str(path))


@pack.command("list")
def list_() -> None:
    """List what is in the pack, and what of it is broken."""
    from reports.pack import current

    found = current()
    kinds = {"report": found.reports, "notebook": found.notebooks, "metric": found.own_metrics, "page": found.pages}
    for kind, names in kinds.items():
        for name in names:
            typer.echo(f"{kind:10}{name}")
    for problem in found.problems:
        typer.echo(f"broken: {problem}", err=True)


@pack.command()
def check() -> None:
    """Run everything in the pack, and its tests, over a small made-up book."""
    from reports.pack import current
    from reports.pack.check import checked, made_up_book

    found = current()
    if not found.folder.is_dir():
        raise Failure(f"there is no pack in {found.folder}: tiffin pack new begins one")
    problems = []
    with made_up_book() as book:
        for one in checked(found, book):
            typer.echo(f"{'wrong' if one.problem else 'ok':7}{one.what}{f': {one.problem}' if one.problem else ''}")
            problems += [one.problem] if one.problem else []
    if problems:
        raise Failure(f"{problems[0]}{f', and {len(problems) - 1} more' if len(problems) > 1 else ''}")
