"""`tiffin notebook`: run a notebook over the lake and keep what it shows, or work in it (DECISIONS D54)."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import Failure

if TYPE_CHECKING:
    from reports.editions.parameters import NotebookParameters

app = typer.Typer()
notebook = typer.Typer(no_args_is_help=True, help="Run, list, serve or edit the notebooks.")
app.add_typer(notebook, name="notebook")

Name = Annotated[str, typer.Argument(help="Which notebook, such as tour.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@notebook.command("list")
def list_() -> None:
    """List the notebooks and what each is for."""
    from reports.editions.run import names, purpose

    for name in names():
        typer.echo(f"{name:22}{purpose(name)}")


@notebook.command()
def options(name: Name) -> None:
    """List the parameters of a notebook: how each is written, its default, what it means."""
    from reports.editions.parameters import options, written
    from reports.editions.run import declared

    for option, field in options(declared(name)).items():
        default = "" if field.default is None else f" [default: {field.default}]"
        typer.echo(f"{f'--{option} {written(field)}':<24}{field.description or ''}{default}")


@notebook.command(context_settings=PASSED_ON)
def run(
    context: typer.Context,
    name: Name,
    form: Annotated[str, typer.Option("--format", help="html, pdf, md or ipynb.")] = "html",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="By default the notebook's name here.")] = None,
    code: Annotated[bool, typer.Option("--code", help="Show the source of the cells, too.")] = False,
) -> None:
    """Run a notebook over the current lake and write what it shows, in one file that needs no network.

    The notebook's own parameters follow as further options, such as --month 2017-12: `tiffin notebook options NAME`
    lists them.
    """
    from reports.editions.facts import FORMATS
    from reports.editions.run import declared, path_of, run

    path = path_of(name)
    if form not in (*FORMATS, "ipynb"):
        raise Failure(f"{form} is no form of a notebook: it is one of {', '.join(FORMATS)} and ipynb")
    given = _given(declared(name), context.args)
    target = output or Path(f"{name}.{form}")
    if form == "ipynb":
        _ipynb(name, path, target, given)
    else:
        facts = run(name, {one: target for one in FORMATS if one == form}, given, code=code)
        for line in facts.differing:
            typer.echo(f"differs: {line}", err=True)
    typer.echo(str(target))


@notebook.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 2718,
    token: Annotated[bool, typer.Option(help="Ask for the token in the printed address.")] = True,
) -> None:
    """Show all notebooks as apps in the browser, without their code, on this machine only."""
    from reports.editions.run import folder
    from reports.pack import current

    guard = ["--token"] if token else ["--no-token"]
    own = {str(path.parent) for path in current().notebooks.values()}
    _marimo("run", str(folder()), *own, "--host", "127.0.0.1", "--port", str(port), "--headless", *guard)


@notebook.command()
def edit(name: Name) -> None:
    """Open a notebook in the browser, on this machine only."""
    from reports.editions.run import path_of

    _marimo("edit", "--host", "127.0.0.1", str(path_of(name)))


def _marimo(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "marimo", *words], check=False)


def _given(declared: "type[NotebookParameters]", words: list[str]) -> dict[str, str]:
    """Return the notebook's own parameters. What it does not take is wrong usage: exit code 2."""
    from reports.editions.parameters import Misused, given_words, read

    try:
        given = given_words([word for word in words if word != "--"])
        read(declared, given)
    except Misused as misused:
        raise typer.BadParameter(str(misused)) from None
    return given


def _ipynb(name: str, path: Path, target: Path, given: dict[str, str]) -> None:
    words = [f"--{option}={value}" for option, value in given.items()]
    command = [sys.executable, "-m", "marimo", "export", "ipynb", str(path), "-o", str(target), "-f"]
    done = subprocess.run([*command, "--include-outputs", "--", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        # A page with a hole in it is no page (DECISIONS D54).
        target.unlink(missing_ok=True)
        raise Failure(f"the notebook {name} failed: {_reason(done.stderr or done.stdout)}")


def _reason(output: str) -> str:
    """Return the first thing that went wrong; what follows only follows from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    wrong = next((line for line in lines if "Error: " in line), lines[-1] if lines else "it gave no reason")
    return wrong.partition("Error: ")[2] or wrong
