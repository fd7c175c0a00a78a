"""What is wrong with a pack: its files, then each report, metric, notebook and test of it over a small made-up book."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory

from ledger.errors import Failure
from ledger.settings import Settings
from reports.core.parameters import AsOf
from reports.lake.reader import Lake
from reports.pack.files import Pack, module_of, where
from reports.run import LakeBook

EXAMPLE = Path(__file__).with_name("example")
SAMPLE = Path(__file__).with_name("sample.jsonl")
LAST = date(2025, 3, 31)


@dataclass(frozen=True)
class Checked:
    """What was checked; `problem` is a sentence, blank where all is well."""

    what: str
    problem: str = ""


def begin(folder: Path) -> list[Path]:
    """Write a pack to begin with, one file of each kind; return the files. Raises Failure where there is one."""
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty: there is a pack already")
    copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=ignore_patterns("__pycache__"))
    (folder / "templates").mkdir(exist_ok=True)
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def checked(pack: Pack, book: LakeBook) -> Iterator[Checked]:
    """Check everything in a pack over a book, and give what was checked, one after another."""
    for problem in pack.problems:
        yield Checked("file", problem)
    for name, report in pack.reports.items():
        fields = report.parameters.model_fields.values()
        needed = [field for field in fields if field.is_required()]
        if len(needed) > (1 if issubclass(report.parameters, AsOf) else 2):
            yield Checked(f"report {name}: needs more than dates, and is not run here")
            continue
        yield _report(book, name, pack.files[name])
    for name in pack.own_metrics:
        yield _metric(book, name)
    for path in pack.notebooks.values():
        yield _notebook(path)
    yield from _pages(pack, book)
    for path in sorted((pack.folder / "tests").glob("test_*.py")):
        yield from _tests(book, path)


def _report(book: LakeBook, name: str, path: Path) -> Checked:
    try:
        result = book.report(name)
    except Failure as failure:
        return Checked(f"report {name}", str(failure))
    broken = [control.name for control in result.controls if not control.holds]
    return Checked(f"report {name}", f"{path}: control {broken[0]} does not hold" if broken else "")


def _metric(book: LakeBook, name: str) -> Checked:
    by = book.metrics.filter(book.metrics["name"] == name)["dimensions"].item()
    try:
        book.metric(name, by=["month", *(key for key in by.split(", ") if key)])
    except Failure as failure:
        return Checked(f"metric {name}", str(failure))
    return Checked(f"metric {name}")


def _notebook(path: Path) -> Checked:
    from reports.editions.run import declared

    try:
        declared(path.stem)
    except Failure as failure:
        return Checked(f"notebook {path.stem}", str(failure))
    return Checked(f"notebook {path.stem}")


_DRAWN = """
import json, sys
from streamlit.testing.v1 import AppTest
script = "from pathlib import Path; from reports.pack.files import Page, draw; draw(Page(Path(%r), {}))"
for path in sys.argv[1:]:
    wrong = AppTest.from_string(script % path, default_timeout=60).run().exception
    print(json.dumps(["drawn", path, wrong[0].message if wrong else ""]), flush=True)
"""


def _pages(pack: Pack, book: LakeBook) -> Iterator[Checked]:
    """Draw the pages over the lake of the book, in a process without logins, without a browser."""
    assert isinstance(book.lake, Lake)
    paths = [page.path for page in pack.pages.values() if not page.problem]
    if not paths:
        return
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    own = {"TIFFIN_PACK": str(pack.folder), "TIFFIN_LAKE": book.lake.place.url}
    command = [sys.executable, "-c", _DRAWN, *map(str, paths)]
    done = subprocess.run(command, env={**plain, **own}, capture_output=True, text=True, check=False)
    # Streamlit writes tracebacks of its own between the lines.
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["drawn"')]
    problems = {path: problem for _, path, problem in said}
    for path in map(str, paths):
        yield Checked(f"page {Path(path).stem}", problems.get(path, f"{path}: it ended the process that drew it"))


def _tests(book: LakeBook, path: Path) -> Iterator[Checked]:
    """Run the functions of a file that begin with test_, each with the book."""
    try:
        module = module_of(path)
    except (Exception, SystemExit) as error:
        yield Checked(path.name, where(error, path))
        return
    for name, test in vars(module).items():
        if name.startswith("test_") and callable(test):
            try:
                test(book)
            except (Exception, SystemExit) as error:
                yield Checked(f"test {name}", where(error, path))
            else:
                yield Checked(f"test {name}")


@contextmanager
def made_up_book() -> Iterator[LakeBook]:
    """Lend a small book of two brands and two clients that closed March 2025; its server and files go afterwards."""
    from ledger.food.core.commands import parse
    from ledger.food.postgres.post_orders import Desk
    from ledger.postgres.database import initialise, migrate, server_url, stop
    from ledger.postgres.post import Ledger
    from reports.lake.publish_cut import nightly_cut

    lines = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()]
    with TemporaryDirectory(prefix="tiffin-pack-") as folder:
        settings = Settings(home=Path(folder) / "home", database_url=None, replica_url=None, lake=None)
        url = server_url(settings, make=True)
        try:
            migrate(url)
            initialise(url)
            with closing(Desk(Ledger(url))) as desk:
                desk.administer([parse(line) for line in lines if "key" not in line])  # type: ignore[misc]
                desk.post([parse(line) for line in lines if "key" in line])  # type: ignore[misc]
            yield LakeBook(nightly_cut(url, settings.lake_url, LAST)[0])
        finally:
            stop(settings)
