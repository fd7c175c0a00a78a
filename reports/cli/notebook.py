"""`tiffin notebook`: run a notebook over the lake and keep what it shows, or work in it (DECISIONS D55)."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from ledger.errors import Failure

app = typer.Typer()
notebook = typer.Typer(no_args_is_help=True, help="Run, list or edit the notebooks.")
app.add_typer(notebook, name="notebook")

FORMATS = {"html": "html", "md": "md", "ipynb": "ipynb"}
Name = Annotated[str, typer.Argument(help="Which notebook, such as tour.")]
Rest = Annotated[list[str] | None, typer.Argument(help="Its own parameters, after --, such as -- --to 2017-12-31.")]


def folder() -> Path:
    """Return where the notebooks are; they are above the reports, so they are found and not imported."""
    spec = find_spec("notebooks")
    if spec is None or not spec.submodule_search_locations:
        raise Failure("the notebooks are not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def names() -> list[str]:
    """Return the notebooks there are."""
    return sorted(path.stem for path in folder().glob("*.py") if not path.stem.startswith("_"))


def found(name: str) -> Path:
    """Return the notebook's file; a Failure that suggests names if there is none."""
    from reports.core.report import near

    if name not in names():
        raise Failure(f"there is no notebook {name}{near(name, names())}")
    return folder() / f"{name}.py"


@notebook.command("list")
def list_() -> None:
    """List the notebooks and what each is for."""
    for name in names():
        first = found(name).read_text(encoding="utf-8").split('"""')[1].strip().splitlines()[0]
        typer.echo(f"{name:22}{first}")


@notebook.command()
def run(
    name: Name,
    parameters: Rest = None,
    form: Annotated[str, typer.Option("--format", help="html, md or ipynb.")] = "html",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="By default the notebook's name here.")] = None,
) -> None:
    """Run a notebook over the current lake and write what it shows."""
    path = found(name)
    if form not in FORMATS:
        raise Failure(f"{form} is no form of a notebook: it is one of {', '.join(FORMATS)}")
    target = output or Path(f"{name}.{form}")
    shown = ["--include-outputs"] if form == "ipynb" else []
    _marimo("export", FORMATS[form], str(path), "-o", str(target), "-f", *shown, "--", *(parameters or []), name=name)
    typer.echo(str(target))


@notebook.command()
def edit(name: Name) -> None:
    """Open a notebook in the browser, on this machine only."""
    subprocess.run([sys.executable, "-m", "marimo", "edit", "--host", "127.0.0.1", str(found(name))], check=False)


def _marimo(command: Literal["export"], *arguments: str, name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "marimo", command, *arguments], capture_output=True, text=True)
    if done.returncode:
        # A page with a hole in it is no page (DECISIONS D54).
        Path(arguments[arguments.index("-o") + 1]).unlink(missing_ok=True)
        raise Failure(f"the notebook {name} failed: {_reason(done.stderr or done.stdout)}")


def _reason(output: str) -> str:
    """Return the first thing that went wrong; what follows only follows from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    wrong = next((line for line in lines if "Error: " in line), lines[-1] if lines else "it gave no reason")
    return wrong.partition("Error: ")[2] or wrong
