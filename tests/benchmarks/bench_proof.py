"""What proof costs: processor time of papers with and without one, of nights with and without a seal.

    python -m tests.benchmarks.bench_proof HOME FOLDER [--papers 200] [--nights 3] [--entries 1000000] [--new 20000]

HOME is that of a demo: papers of its last closed month are drawn once without and once with their proofs, in turn, and
finding the seals and reading the proofs count. FOLDER is that of `bench_nights`: nights of days of the same size, each
whole, with its reports, in a process of its own, whose time and the server's are summed. First those that seal, verify
seals and are pinned by them, then as many that do none of it: such a book is good for nothing else afterwards.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

import reports
from ledger.postgres import database, embedded_server
from ledger.settings import Settings
from ledger.values.dates import month_days
from reports.documents.build_statement import statement
from reports.documents.bulk import Selection, chosen
from reports.documents.fetch_facts import groups, known
from reports.documents.papers import controlled
from reports.documents.render import pdf
from reports.proof.prove import Prover
from reports.proof.proven_papers import proven
from tests.benchmarks.bench_nights import made, next_day
from tests.reports.lake.rows import add_transactions

WANTED = "at most 1.10"


def server_seconds(url: str) -> float:
    """Return the processor time that the server and its processes, those that ended too, took so far, in seconds."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        server = psutil.Process(row[0]).parent()
        assert server is not None
        return sum(sum(one.cpu_times()[:4]) for one in (server, *server.children(recursive=True)))


class Clock:
    """Processor seconds of this process, the ones it started and a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def now(self) -> float:
        """Return them so far."""
        return sum(os.times()[:4]) + server_seconds(self.url)


def papers(home: Path, many: int) -> tuple[float, float, int]:
    """Return processor seconds of a month's statements without and with their proofs, and how many were proven."""
    url = embedded_server.running(home)
    book = reports.open(home / "lake")
    closed = book.lake.cut.closed_until
    assert closed is not None
    since, until = month_days(f"{closed:%Y-%m}")
    numbers = chosen(book, controlled(book, since, until), Selection(changed_only=True, limit=many))
    facts, at, clock = list(groups(book, numbers, since=since, until=until)), known(book, until), Clock(url)
    without = with_proof = 0.0
    carried = 0
    with_proof -= clock.now()
    with Prover(url, since, until) as prover:
        with_proof += clock.now()
        for turn, (accounts, of) in enumerate(facts):
            made_papers = [statement(of, account, since=since, until=until, known=at) for account in accounts]
            for proving in (True, False) if turn % 2 else (False, True):
                before = clock.now()
                if proving:
                    prover.load(accounts)
                for paper in made_papers:
                    named, proof = proven(paper, "statement", prover if proving else None)
                    carried += proof is not None
                    pdf(named, proof=proof)
                spent = clock.now() - before
                with_proof, without = with_proof + proving * spent, without + (not proving) * spent
    return without, with_proof, carried


def without_proof() -> None:
    """Leave out of the nights of this process all that seals, reads seals and looks at guards."""
    from reports.lake import publish_cut, verify

    def nothing(*_: Any, **__: Any) -> None:
        return None

    unproven: Any = publish_cut
    unproven.make_seal = unproven.write_seal = unproven.add_seals = unproven.latest_seal = nothing
    unproven.guards_in_force = lambda url: SimpleNamespace(verdict="")
    unverified: Any = verify
    unverified._verify_seals = lambda *_: iter(())


def one_night(folder: Path, url: str, day: date, proof: bool) -> float:
    """Return the processor seconds of a night, its reports too, but no papers."""
    from reports.nightly import nightly

    if not proof:
        without_proof()
    settings = Settings(home=folder / "home", lake=str(folder / "lake"))
    clock = Clock(url)
    before = clock.now()
    night = nightly(settings, url, day, statements=0)
    spent = clock.now() - before
    assert night.complete, night.problems
    return spent


def nights(folder: Path, entries: int, new: int, many: int) -> tuple[list[float], list[float]]:
    """Return the processor seconds of nights without and with proof, after one of each that warms up."""
    home = folder / "home"
    url = embedded_server.running(home)
    made(url, entries)
    spent: dict[bool, list[float]] = {True: [], False: []}
    for proof in (*[True] * (many + 1), *[False] * (many + 1)):
        day = next_day(url)
        add_transactions(url, new, since=day, days=1)
        with database.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")
        command = [sys.executable, "-m", "tests.benchmarks.bench_proof", str(folder), str(folder), "--one", str(day)]
        done = subprocess.run([*command, *([] if proof else ["--without"])], stdout=subprocess.PIPE, check=True)
        spent[proof].append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{day} {'with' if proof else 'without'} proof: {spent[proof][-1]:.1f} s", flush=True)
        time.sleep(1)
    embedded_server.stop(home)
    return spent[False][1:], spent[True][1:]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, help="a demo's")
    parser.add_argument("folder", type=Path, help="where the nights' book is kept")
    parser.add_argument("--papers", type=int, default=200)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=20_000, help="transactions of each night's day")
    parser.add_argument("--one", type=date.fromisoformat, help=argparse.SUPPRESS)
    parser.add_argument("--without", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        url = embedded_server.running(given.folder / "home")
        print(json.dumps(one_night(given.folder, url, given.one, not given.without)))
        return
    table = Table("processor time", "without", "with proof", "ratio", "wanted", title="what proof costs")
    if given.papers:
        plain, proved, carried = papers(given.home, given.papers)
        row = (f"{plain:.1f} s", f"{proved:.1f} s", f"{proved / plain:.2f}", WANTED)
        table.add_row(f"{carried} statements, seals and proofs found for them alone", *row)
    if given.nights:
        off, on = (statistics.median(each) for each in nights(given.folder, given.entries, given.new, given.nights))
        row = (f"{off:.1f} s", f"{on:.1f} s", f"{on / off:.2f}", WANTED)
        table.add_row(f"a night of {given.new:,} transactions, with its reports", *row)
    Console().print(table)


if __name__ == "__main__":
    main()
