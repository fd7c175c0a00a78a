"""What stands in the pack, read again when a file of it changes."""

import ast
import importlib.util
import sys
import tomllib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, get_args

from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.report import STANDARD, Report

if TYPE_CHECKING:
    from reports.metrics.metric import Metrics

METRICS, SERVICES = "metrics.toml", "services.toml"
Needs = Literal["figures", "questions", "post", "approve"]
NEEDS: tuple[Needs, ...] = get_args(Needs)
"""What somebody at the dashboard must be allowed to do, to see a page."""
SECTIONS = ("services", "channels", "company")
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Page:
    """A page of the dashboard: a Streamlit script. It may declare `TITLE = {"en": …, "ru": …}` and what it `NEEDS`."""

    path: Path
    title: Mapping[str, str]
    needs: Needs = "figures"
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Pack:
    """What stands in the pack; `problems` are sentences about what is broken. `names` are of services and channels, and
    of the company, by section, code and language; `files` has the file of each report and notebook.
    """

    folder: Path
    reports: Mapping[str, Report]
    metrics: "Metrics"
    notebooks: Mapping[str, Path]
    pages: Mapping[str, Page]
    names: Mapping[str, Names]
    templates: Path | None
    files: Mapping[str, Path]
    problems: tuple[str, ...]

    @property
    def own_metrics(self) -> list[str]:
        """Return the names of the metrics that stand in the pack, not those of the house."""
        return [name for name, metric in self.metrics.items() if metric.place.startswith(str(self.folder / METRICS))]


def current() -> Pack:
    """Return the pack of the settings as it is now; one without a folder has nothing in it."""
    folder = Settings().pack_folder
    return _read(folder, _signature(folder))


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    if not folder.is_dir():
        return ()
    files = [
        path for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".toml", ".sql", ".html", ".txt", ".css")
    ]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


@lru_cache(maxsize=4)
def _read(folder: Path, signature: tuple[tuple[str, int, int], ...]) -> Pack:
    from reports.metrics.metric import HOUSE, read

    reports: dict[str, Report] = {}
    files: dict[str, Path] = {}
    own = folder / METRICS
    metrics = read(HOUSE, *([own] if own.is_file() else []))
    problems = list(metrics.problems)
    for path in _python(folder / "reports"):
        try:
            report = module_of(path).REPORT
            if not isinstance(report, Report):
                raise TypeError("REPORT is no Report")
            if report.name in STANDARD or report.name in reports:
                raise ValueError(f"there is already a report {report.name}")
        except (Exception, SystemExit) as error:
            problems.append(where(error, path))
            continue
        reports[report.name], files[report.name] = report, path
    names = _names(folder / SERVICES, problems)
    templates = folder / "templates" if (folder / "templates").is_dir() else None
    if templates and (broken := _broken(templates)):
        problems += broken
        templates = None  # papers go out by ours
    notebooks = {path.stem: path for path in _python(folder / "notebooks")}
    pages = {path.stem: _page(path, problems) for path in _python(folder / "pages")}
    return Pack(folder, reports, metrics, notebooks, pages, names, templates, files, tuple(problems))


def _page(path: Path, problems: list[str]) -> Page:
    """Return a page by what stands in its file, which is not run; in place of a broken one its problem is shown."""
    said: dict[str, Any] = {}
    try:
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in ("TITLE", "NEEDS"):
                    said[name.lower()] = _said(node.lineno, name, ast.literal_eval(node.value))
    except (SyntaxError, ValueError, OSError) as error:
        problems.append(where(error, path))
        return Page(path, {}, problem=problems[-1])
    return Page(path, **{"title": {}, **said})


def _said(line: int, name: str, value: Any) -> Any:
    if name == "NEEDS" and value not in NEEDS:
        raise ValueError(f"line {line}: NEEDS must be one of {', '.join(NEEDS)}, not {value}")
    if name == "TITLE" and not (isinstance(value, dict) and {"en", "ru"} == set(value)):
        raise ValueError(f'line {line}: TITLE must be {{"en": "…", "ru": "…"}}')
    return value


def _python(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def module_of(path: Path) -> ModuleType:
    """Run a Python file of the pack as a module and return it; whatever it raises is raised."""
    name = f"tiffin_pack_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where pydantic looks for what annotations name
    spec.loader.exec_module(module)
    return module


def draw(page: Page) -> None:
    """Run the script of a page, in Streamlit. Raises Failure for one that is broken, with the line."""
    if page.problem:
        raise Failure(page.problem)
    try:
        code = compile(page.path.read_text(encoding="utf-8"), str(page.path), "exec")
        # It may do what this program may do, like a report of the pack (DECISIONS D204).
        exec(code, {"__name__": "__main__", "__file__": str(page.path)})
    except Failure:
        raise
    except Exception as error:
        raise Failure(where(error, page.path)) from error


def where(error: BaseException, path: Path) -> str:
    """Return what is wrong with a file of the pack: the file, the line in it, the error; one sentence."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    place = f"{path}, line {lines[-1]}" if lines else str(path)
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{place}: {type(error).__name__}: {text}" if text else f"{place}: {type(error).__name__}"


def _names(path: Path, problems: list[str]) -> dict[str, Names]:
    """Return the names of services.toml, written as names.toml of papers is: code = { en = "…", ru = "…" }."""
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        found: dict[str, Names] = tomllib.loads(text)
        for section, rows in found.items():
            if section not in SECTIONS:
                raise ValueError(f"there is no section {section}: there are {' and '.join(SECTIONS)}")
            for code, row in rows.items():
                if not (
                    isinstance(row, dict) and set(row) == {"en", "ru"} and all(isinstance(n, str) for n in row.values())
                ):
                    line = next(n for n, one in enumerate(text.splitlines(), 1) if one.startswith((code, f'"{code}"')))
                    raise ValueError(f'line {line}: {code} must be {code} = {{ en = "…", ru = "…" }}')
    except (OSError, ValueError, AttributeError) as error:
        problems.append(f"{path}: {error}")
        return {}
    return found


def _broken(templates: Path) -> list[str]:
    """Return what is wrong with templates that cannot be read."""
    from jinja2 import Environment, TemplateSyntaxError  # most commands have no templates to look at

    made, found = Environment(extensions=["jinja2.ext.i18n"], autoescape=True), []
    for path in sorted(one for one in templates.rglob("*") if one.suffix in (".html", ".txt")):
        try:
            made.parse(path.read_text(encoding="utf-8"))
        except TemplateSyntaxError as error:
            found.append(f"{path}, line {error.lineno}: {error.message}")
        except (OSError, UnicodeDecodeError) as error:
            found.append(f"{path}: {error}")
    return found
