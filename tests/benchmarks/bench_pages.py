"""How long people wait for the dashboard's pages: a real server, and websockets such as browsers open.

    python -m tests.benchmarks.bench_pages [--home HOME] [--entries 500000] [--beside REF] [--cuts 3] [--sessions 5]

Timed on the wire, from a request to the first figure and to the end of the page. After each cut a new session opens the
pages in turn (first view), another opens them again (warm). Then sessions change a field of each page to a value that
nobody chose before, one session alone and several at once. HOME is that of a demo, whose ledger the pages read, too;
without it a lake of ENTRIES is made, without a ledger. `--beside` walks the pages of another commit in the same run,
cut by cut in turn; pages that it does not have are left out.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import polars as pl
import psutil
from rich.console import Console
from rich.table import Table
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.util import calc_hash
from websockets.sync.client import connect

from reports.lake import manifest
from reports.lake.reader import open_lake
from reports.lake.storage import Place

ROOT = Path(__file__).parents[2]
PAGES = ("", "today", "accounts", "client", "entries", "reports", "explore", "close")
"""What is opened, by address; the overview's is empty."""
SEEN_SECONDS = 6
"""After how long every page has seen a new cut."""
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class Waited:
    """Seconds until the first figure and until the page was whole."""

    first: float
    whole: float


class Session:
    """A browser's tab without the browser: it opens pages, and changes fields by their labels."""

    def __init__(self, port: int) -> None:
        self.socket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=["streamlit"],
            max_size=None,
            compression=None,
            legacy=True,
        )
        self.ids: dict[str, str] = {}
        self.page = self.query = ""

    def open(self, page: str, query: str = "") -> Waited | None:
        """Open a page by its address; None where there is none."""
        self.page, self.query, self.ids = page, query, {}
        return self._run([])

    def change(self, label: str, value: str | list[str]) -> Waited:
        """Give a field, known by how its label begins, another value; where there is a Run beside it, press it."""
        field = WidgetState(id=next(id_ for known, id_ in self.ids.items() if known.startswith(label)))
        if isinstance(value, str):
            field.string_value = value
        else:
            field.string_array_value.data.extend(value)
        pressed = [WidgetState(id=self.ids["Run"], trigger_value=True)] if "Run" in self.ids else []
        waited = self._run([field, *pressed])
        assert waited is not None
        return waited

    def _run(self, fields: list[WidgetState]) -> Waited | None:
        back = BackMsg()
        asked = back.rerun_script
        asked.query_string, asked.page_script_hash = self.query, calc_hash(self.page) if self.page else ""
        asked.widget_states.widgets.extend(fields)
        began, first = time.perf_counter(), 0.0
        self.socket.send(back.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=PATIENCE_SECONDS))
            now = time.perf_counter() - began
            match message.WhichOneof("type"):
                case "page_not_found":
                    return None
                case "page_info_changed":
                    self.query = message.page_info_changed.query_string
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return Waited(first or now, now)
                case "ref_hash":
                    first = first or now  # a table that this session has already
                case "delta" if self._has_figure(message):
                    first = first or now

    def _has_figure(self, message: ForwardMsg) -> bool:
        element = message.delta.new_element
        kind = element.WhichOneof("type") or ""
        part = getattr(element, kind, None)
        if getattr(part, "id", ""):
            self.ids[getattr(part, "label", "")] = part.id
        assert kind != "exception", element.exception.message
        link = kind == "page_link" and re.search(r"\d\.\d\d", element.page_link.label) is not None
        return link or kind == "dataframe" or (kind == "html" and "class='figure'" in element.html.body)


class Side:
    """The pages of one checkout, served over a lake of its own on which cuts are published without any new rows."""

    def __init__(self, checkout: Path, lake: Path, home: Path, folder: Path) -> None:
        self.place = Place(str(folder))
        (folder / "tables").symlink_to((lake / "tables").resolve(), target_is_directory=True)
        shutil.copytree(lake / "manifests", folder / "manifests")
        shutil.copy(lake / "current.json", folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = {"TIFFIN_HOME": str(home), "TIFFIN_LAKE": str(folder), "TIFFIN_LANGUAGE": "en"}
        options = [f"--server.port={self.port}", "--server.address=127.0.0.1", "--logger.level=error"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "dashboards/app.py", *options],
            cwd=checkout,
            env=os.environ | settings | {"PYTHONPATH": str(checkout)},
            stdout=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Return when it answers."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/_stcore/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise SystemExit("the dashboard did not start")

    def cut(self) -> None:
        """Publish the next cut, of the same rows."""
        published = manifest.current(self.place)
        assert published is not None
        before = published.manifest
        following = manifest.Previous(number=before.cut.number, sha256=published.sha256)
        cut = before.cut.model_copy(update={"number": before.cut.number + 1})
        manifest.publish(self.place, before.model_copy(update={"cut": cut, "previous": following}))
        time.sleep(SEEN_SECONDS)

    def cpu(self) -> float:
        """Return the processor seconds that it took so far, with those of its processes."""
        server = psutil.Process(self.process.pid)
        return sum(sum(one.cpu_times()[:4]) for one in (server, *server.children(recursive=True)))

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


Times = dict[tuple[str, str], list[float]]
"""Seconds by page and by what was waited for."""


def views(side: Side, client: str, times: Times) -> None:
    """Open every page after a cut, and again as somebody else."""
    for what in ("first view", "warm"):
        session = Session(side.port)
        for page in PAGES:
            before = side.cpu()
            waited = session.open(page, f"party={client}" if page == "client" else "")
            if waited is None:
                continue
            times.setdefault((page, f"{what}, first figure"), []).append(waited.first)
            times.setdefault((page, f"{what}, whole page"), []).append(waited.whole)
            times.setdefault((page, f"{what}, processor"), []).append(side.cpu() - before)
        session.socket.close()


def changes(side: Side, days: tuple[date, date], many: int, rounds: int, times: Times) -> None:
    """Let so many sessions at once change fields, each to values of its own."""
    what, last = f"a change, {many} at once" if many > 1 else "a change, alone", days[1]
    fresh = iter(range(10_000 * many, 20_000 * many))

    def period() -> list[str]:
        return [
            f"{last - timedelta(days=20 + next(fresh) % 300):%Y/%m/%d}",
            f"{last - timedelta(next(fresh) % 19):%Y/%m/%d}",
        ]

    fields: dict[str, tuple[str, Callable[[], str | list[str]]]] = {
        "": ("Period", period),
        "accounts": ("Name", lambda: f"{next(fresh) % 10_000}"),
        "entries": ("Period", period),
        "reports": ("From", lambda: period()[:1]),
        "explore": ("Period", period),
    }
    sessions = [Session(side.port) for _ in range(many)]
    with ThreadPoolExecutor(many) as people:
        for page, (label, value) in fields.items():
            if not all(people.map(lambda one, page=page: one.open(page), sessions)):  # type: ignore[misc]
                continue
            for _ in range(rounds):
                values = [value() for _ in sessions]
                waited = people.map(lambda one, new, label=label: one.change(label, new), sessions, values)  # type: ignore[misc]
                times.setdefault((page, what), []).extend(each.whole for each in waited)
    for session in sessions:
        session.socket.close()


@contextmanager
def checked_out(ref: str | None) -> Iterator[Path]:
    """Lend a checkout of a commit; without one, this checkout."""
    if ref is None:
        yield ROOT
        return
    folder = Path(tempfile.mkdtemp(prefix="tiffin-bench-")) / "checkout"
    subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", folder, ref], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", folder], check=True)
        shutil.rmtree(folder.parent)


def table(sides: dict[str, Times]) -> Table:
    """Return the medians of views, and the median and p95 of changes."""
    names = list(sides)
    found = Table("page", "seconds", *names, *(["times"] if len(names) > 1 else []), title="what people wait for")
    for key in sides[names[0]]:
        page, what = key
        for measure, of in (("", statistics.median), *((("p95", p95),) if what.startswith("a change") else ())):
            values = [of(sides[name][key]) if key in sides[name] else None for name in names]
            ratio = [f"{values[1] / values[0]:.1f}" if values[0] and values[1] else ""] if len(names) > 1 else []
            cells = ["–" if value is None else f"{value:.2f}" for value in values]
            found.add_row(page or "overview", " ".join(filter(None, (what, measure))), *cells, *ratio)
    return found


def p95(values: list[float]) -> float:
    """Return what 95 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a demo's")
    parser.add_argument("--entries", type=int, default=500_000, help="of the lake that is made without a home")
    parser.add_argument("--lake", type=Path, help="a lake that tests.benchmarks.lakes made")
    parser.add_argument("--beside", metavar="REF", help="a commit whose pages are walked, too")
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--changes", type=int, default=12, help="of each field, by each session")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiffin-bench-")))
        home, lake = given.home or folder / "home", given.lake or (given.home or folder) / "lake"
        if not lake.exists():
            made = [sys.executable, "-m", "tests.benchmarks.lakes", str(lake), "--entries", str(given.entries)]
            subprocess.run(made, check=True)
        opened = open_lake(str(lake))
        client = (
            opened.scan("parties")
            .select("reference")
            .filter(pl.col("reference").is_not_null())
            .head(1)
            .collect()
            .item()
        )
        last = opened.cut.closed_until or opened.cut.taken_at.date()
        sides: dict[str, Side] = {}
        for name in ("now", *([given.beside] if given.beside else ())):
            checkout = stack.enter_context(checked_out(None if name == "now" else name))
            (folder / name).mkdir()
            sides[name] = Side(checkout, lake, home.resolve(), folder / name)
            stack.callback(sides[name].stop)
            sides[name].wait()
        times: dict[str, Times] = {name: {} for name in sides}
        for side in sides.values():
            views(side, client, {})  # imports everything
        for _ in range(given.cuts):
            for name, side in sides.items():
                side.cut()
                views(side, client, times[name])
        for many in (1, given.sessions):
            for name, side in sides.items():
                changes(side, (last, last), many, given.changes, times[name])
        Console().print(table(times))


if __name__ == "__main__":
    main()
