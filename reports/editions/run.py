"""A notebook run as a program: what each cell shows, the figures of its results, and the file made of them.

`python -m reports.editions.run NAME [--name=value ...]` is the process that `tiffin notebook run` starts, so that what
a notebook does to its process ends with it. Which files to write it reads from standard input; it writes them, and
prints the facts of the edition as one line of JSON.
"""

import ast
import importlib
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.report import near
from reports.core.result import Result
from reports.editions.facts import Facts, Format
from reports.editions.parameters import Misused, NotebookParameters, PeriodParameters, read
from reports.formats.captions import control_line, subtotals
from reports.pack import current
from reports.pack.files import module_of, where


def folder() -> Path:
    """Return where the notebooks are; they are above the reports, so they are found and not imported."""
    spec = find_spec("notebooks")
    if spec is None or not spec.submodule_search_locations:
        raise Failure("the notebooks are not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def paths() -> dict[str, Path]:
    """Return the notebooks there are, with their files: ours, then those of the pack."""
    ours = {path.stem: path for path in sorted(folder().glob("*.py")) if not path.stem.startswith("_")}
    return {**current().notebooks, **ours}


def names() -> list[str]:
    """Return the notebooks there are."""
    return sorted(paths())


def path_of(name: str) -> Path:
    """Return the notebook's file. Raises Failure, with names like it, if there is none."""
    if name not in paths():
        raise Failure(f"there is no notebook {name}{near(name, names())}")
    return paths()[name]


def _module(name: str) -> ModuleType:
    """Return a notebook as a module. Raises Failure, with the line, for one of the pack that is broken."""
    path = path_of(name)
    if path.parent == folder():
        return importlib.import_module(f"notebooks.{name}")
    try:
        module = module_of(path)
        if not hasattr(module, "app"):
            raise TypeError("it has no app of marimo")
    except (Exception, SystemExit) as error:
        raise Failure(where(error, path)) from None
    return module


def purpose(name: str) -> str:
    """Return the first line of what a notebook says it is for."""
    said = re.match(r'\s*(?:#[^\n]*\s*)*"""\s*([^\n"]*)', path_of(name).read_text(encoding="utf-8", errors="replace"))
    return said[1].strip() if said else ""


def declared(name: str) -> type[NotebookParameters]:
    """Return the class of a notebook's parameters; of the one class that every notebook takes, if it declares none."""
    module = _module(name)
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, NotebookParameters)]
    return next(
        (one for one in found if one.__module__ == module.__name__), max(found, key=_depth, default=NotebookParameters)
    )


def _depth(one: type[NotebookParameters]) -> int:
    return len(one.__mro__)


def run(
    name: str,
    files: Mapping[Format, Path],
    given: Mapping[str, str],
    *,
    code: bool = False,
    before: Facts | None = None,
) -> Facts:
    """Run a notebook in a process of its own, write what it shows into a file a form, and return its facts.

    `before` is an earlier edition, to say what changed since. Raises Failure when a cell fails: nothing is written.
    """
    words = [f"--{option}={value}" for option, value in given.items()]
    targets = {form: str(path) for form, path in files.items()}
    request = {"files": targets, "code": code, "before": asdict(before) if before else None}
    command = [sys.executable, "-m", "reports.editions.run", name, *words]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"the notebook {name} failed: {_reason(done.stderr)}")
    return Facts(**json.loads(done.stdout.splitlines()[-1]))


def days_of(name: str, parameters: Mapping[str, str]) -> tuple[date, date] | None:
    """Return the days of an edition of a notebook that takes a period; None where it had others, or takes none."""
    try:
        given = read(declared(name), parameters)
    except Misused:  # it has other parameters now
        return None
    days = given.period if isinstance(given, PeriodParameters) else {}
    return (days["from"], days["to"]) if len(days) == 2 else None


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def sources(path: Path) -> list[str]:
    """Return the source of each cell, the setup's first; cells that hide their code are empty."""
    text = path.read_text(encoding="utf-8")
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and any("app.cell" in ast.unparse(d) for d in node.decorator_list):
            hidden = any("hide_code=True" in ast.unparse(d) for d in node.decorator_list)
            body = [ast.get_source_segment(text, one, padded=True) or "" for one in node.body]
            shown = [one for one, part in zip(body, node.body, strict=True) if not isinstance(part, ast.Return)]
            found.append("" if hidden else textwrap.dedent("\n".join(shown)))
    return found


def _figures(results: list[Result]) -> dict[str, str]:
    found: dict[str, str] = {}
    for result in results:
        for sums in subtotals(result):
            parts = [str(value) for key, value in sums.items() if key in ("currency", "account_kind") and value]
            for column in result.columns:
                if column.total and sums.get(column.name) is not None:
                    found[" / ".join([result.report.name, column.name, *parts])] = str(sums[column.name])
    return found


def _main(name: str, words: list[str]) -> None:
    from reports.editions import page
    from reports.editions.blocks import block, code, reason
    from reports.editions.changes import reasons

    request = json.loads(sys.stdin.read())
    language = Settings().language
    path = path_of(name)
    sys.argv = [str(path), *words]  # where marimo looks for what a notebook run as a program is given
    module = _module(name)
    shown, defined = module.app.run()
    source = sources(path) if request["code"] else []
    blocks = []
    for number, output in enumerate(shown):
        if source and len(source) == len(shown) and source[number]:
            blocks.append(code(source[number]))
        if (one := block(output, language, number)) is not None:
            blocks.append(one)
    results = [one for one in [*shown, *defined.values()] if isinstance(one, Result)]
    unique = list({id(one): one for one in results}.values())
    book, parameters = defined["book"], defined.get("parameters")
    given = parameters.model_dump(mode="json", by_alias=True, exclude_none=True) if parameters else {}
    closed: date | None = book.cut.closed_until
    facts = Facts(
        notebook=name,
        title=module.app._config.app_title or name,  # what marimo keeps the title in
        parameters={key: str(value) for key, value in given.items() if key != "lake"},
        cut=book.cut.number,
        closed_until=closed.isoformat() if closed else None,
        provisional=any(one.provisional for one in unique),
        figures=_figures(unique),
        differing=[control_line(control, language) for one in unique for control in one.controls if not control.holds],
    )
    before = Facts(**request["before"]) if request["before"] else None
    if before and (days := days_of(name, before.parameters)):
        blocks = [*(reason(one, language) for one in reasons(book, unique, days, before.cut)), *blocks]
    made = {
        Path(path): page.written(form, facts, blocks, language, book.cut, before)
        for form, path in request["files"].items()
    }
    for target, content in made.items():
        target.write_bytes(content)
    print(json.dumps(asdict(facts)))


if __name__ == "__main__":
    try:
        _main(sys.argv[1], sys.argv[2:])
    except BaseException as error:
        cause: BaseException = error
        while cause.__cause__ is not None and not isinstance(cause, Failure):
            cause = cause.__cause__
        sentence = str(cause) if isinstance(cause, Failure) else f"{type(cause).__name__}: {cause}"
        print(sentence.replace("\n", " "), file=sys.stderr)
        sys.exit(2 if isinstance(cause, Misused) else 1)
