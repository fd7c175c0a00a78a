"""What proof costs: the processor time of nights with and without a seal, and of statements with and without a proof.

    python -m tests.benchmarks.bench_proof FOLDER [--entries 1000000] [--new 20000] [--statements 200]

The book is that of bench_nights, kept in FOLDER; delete it afterwards. A night is whole: cut, verification, reports,
and papers at a month's end. Each runs in a process of its own; the server's processor time is counted with it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from ledger.postgres import database, embedded_server
from ledger.values.dates import month_days
from tests.benchmarks.bench_nights import last_transaction, made, next_day
from tests.reports.lake.rows import add_transactions


def processor(home: Path) -> float:
    """Return the seconds of processor time of this process, its children that ended, and the home's server."""
    own = sum(sum(resource.getrusage(of)[:2]) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    server = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
    return own + sum(sum(one.cpu_times()[:4]) for one in [server, *server.children(recursive=True)])


def unsealed() -> None:
    """Let nights in this process make no seal and verify none."""
    from reports.lake import publish_cut, verify

    publish_cut.make_seal = lambda *_: None
    verify._verify_seals = lambda *_: iter(())


def night(home: Path, url: str, day: date, *, proof: bool) -> float:
    """Run the night of a day without papers; return its processor time in seconds."""
    from ledger.settings import Settings
    from reports.nightly import nightly

    if not proof:
        unsealed()
    before = processor(home)
    done = nightly(Settings(), url, day, statements=0)
    assert done.complete, done.problems
    return processor(home) - before


def statements(home: Path, url: str, month: str, papers: int, *, proof: bool) -> float:
    """Render statements of a month; return the processor time of one in milliseconds."""
    from ledger.settings import Settings
    from reports.documents.bulk import Selection, render_statements
    from reports.lake.reader import open_lake
    from reports.proof.prove import Prover
    from reports.run import LakeBook

    book = LakeBook(open_lake(Settings().lake_url))
    prover = Prover(url, *month_days(month), None) if proof else None
    with tempfile.TemporaryDirectory() as folder:
        before = processor(home)
        done = render_statements(book, month, Path(folder), Selection(limit=papers), prover=prover, workers=1)
    return 1000 * (processor(home) - before) / done.written


def main() -> None:
    """Make the book, take nights and papers of both kinds, print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=20_000, help="transactions of each night's day")
    parser.add_argument("--statements", type=int, default=200)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    home = given.folder.resolve() / "home"
    os.environ["TIFFIN_HOME"] = str(home)
    url = embedded_server.running(home)
    if given.one:
        what, when, proof = given.one
        run: Callable[..., float] = (
            (lambda: night(home, url, date.fromisoformat(when), proof=proof == "proof"))
            if what == "night"
            else (lambda: statements(home, url, when, given.statements, proof=proof == "proof"))
        )
        print(json.dumps(run()))
        return
    made(url, given.entries)
    if last_transaction(url):
        _one(given, "night", (next_day(url) - timedelta(days=1)).isoformat(), "proof")  # the first, which reads all
    nights: dict[str, list[float]] = {"proof": [], "none": []}
    for proof in ("proof", "proof", "proof", "none", "none", "none"):
        day = next_day(url)
        add_transactions(url, given.new, since=day, days=1)
        with database.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        nights[proof].append(_one(given, "night", day.isoformat(), proof))
    month = f"{day:%Y-%m}"
    _one(given, "night", month_days(month)[1].isoformat(), "proof")  # seals the month
    papers = {proof: _one(given, "statements", month, proof) for proof in ("none", "proof")}
    table = Table("what", "with proof", "without", "ratio", "wanted", title=f"proof, {given.entries:,} entries")
    best = {proof: min(seconds) for proof, seconds in nights.items()}
    for what, of, unit in (("a whole night", best, "s"), ("a statement", papers, "ms")):
        with_, without = of["proof"], of["none"]
        table.add_row(what, f"{with_:.1f} {unit}", f"{without:.1f} {unit}", f"{with_ / without:.2f}", "at most 1.1")
    Console().print(table)


def _one(given: Any, *what: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench_proof", str(given.folder)]
    command += ["--statements", str(given.statements), "--one", *what]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(*what, done.stdout.strip(), flush=True)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
