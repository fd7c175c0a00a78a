"""How fast the ledger posts debits, beside COPY of the same rows as the yardstick, in one run.

Both write to one server with fsync on: a transaction with its key, an account entry and a
brand entry a debit, into tables with the same keys, indexes, foreign keys and triggers,
with the same balance updates and commits. Run: python -m tests.benchmarks.bench_post
"""

import argparse
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.core.commands import Debit
from ledger.core.outcomes import Posted
from ledger.postgres import database, embedded_server
from ledger.postgres.post import Ledger
from tests.benchmarks.books import debits, grow, prepare, prepare_company, settled
from tests.benchmarks.yard import best_transfers, copy, plain_debit, prepare_transfers, prepare_yard, transfer_alone


def post(url: str, accounts: list[int], many: int, batch: int, name: str, seed: int, start: Any) -> None:
    """Post debits in batches, once all writers are ready."""
    ledger = Ledger(url)
    commands = debits(accounts, many, name, seed)
    ledger.post(debits(accounts, batch, f"warm-{name}", seed))
    settled()
    start.wait()
    for at in range(0, many, batch):
        outcomes = ledger.post(commands[at : at + batch])
        assert all(isinstance(outcome, Posted) for outcome in outcomes)


def rate(work: Callable[..., None], url: str, accounts: list[int], many: int, batch: int, writers: int) -> float:
    """Return rows of work a second over all writers, each on accounts of its own."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(writers + 1)
    share = len(accounts) // writers
    name = f"{work.__name__}-{batch}-{writers}-{time.time_ns()}"
    processes = [
        context.Process(
            target=work,
            args=(url, accounts[w * share : (w + 1) * share], many // writers, batch, f"{name}-{w}", w, start),
        )
        for w in range(writers)
    ]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return many // writers * writers / (time.perf_counter() - began)


def batches(url: str, accounts: list[int], scale: float, best: float) -> Iterator[tuple[str, ...]]:
    """Yield batch, writers, debits posted a second, the same rows copied a second, their ratio, and that to the best
    of pgledger."""
    for batch, many in ((1, 1_500), (100, 30_000), (1_000, 60_000), (5_000, 60_000)):
        for writers in (1, 2):
            rows = max(batch * writers, int(many * scale) // (batch * writers) * batch * writers)
            copied = rate(copy, url, accounts, rows, batch, writers)
            posted = rate(post, url, accounts, rows, batch, writers)
            ratios = f"{posted / copied:.2f}", f"{posted / best:.2f}"
            yield f"{batch:,}", str(writers), f"{posted:,.0f}", f"{copied:,.0f}", *ratios
    yield "", "", f"{best:,.0f}", "", "", "pgledger's best"


def hot(url: str, accounts: list[int], employees: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield debits a second of spread accounts and of employees that one company pays for, one writer."""
    many = max(1_000, int(30_000 * scale) // 1_000 * 1_000)
    spread = rate(post, url, accounts, many, 1_000, 1)
    company = rate(post, url, employees, many, 1_000, 1)
    yield "10,000 accounts, each its own money", f"{spread:,.0f}", "1.00"
    yield "1,000 employees, one payer, a limit a day each", f"{company:,.0f}", f"{company / spread:.2f}"


def alone(url: str, pgledger: str, accounts: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield a second, p50 and p99 of one debit beside five plain statements and a transfer by pgledger, in turns."""
    many = max(50, int(1_000 * scale))
    ledger = Ledger(url)
    commands = debits(accounts, many + 20, f"alone-{time.time_ns()}", 7)
    with database.connect(url) as connection, database.connect(pgledger, autocommit=True) as beside:
        row = connection.execute("SELECT id FROM account WHERE kind = 'revenue'").fetchone()
        connection.commit()
        assert row is not None
        taken: dict[str, list[float]] = {"five plain statements": [], "a transfer by pgledger": [], "ledger": []}
        works = (
            lambda n, key: plain_debit(connection, accounts[n % len(accounts)], row[0], f"plain-{key}"),
            lambda n, key: transfer_alone(beside, n),
            lambda n, key: ledger.post([commands[n]]),
        )
        for number, command in enumerate(commands):
            moments = [time.perf_counter()]
            for work in works:  # in turns, so that all meet the same server at the same moment
                work(number, command.key)
                moments.append(time.perf_counter())
            if number >= 20:
                for times, began, ended in zip(taken.values(), moments, moments[1:], strict=False):
                    times.append(ended - began)
    ours = sum(taken["ledger"])
    for how, times in taken.items():
        p50, p99 = (statistics.quantiles(times, n=100)[at] * 1e3 for at in (49, 98))
        yield how, f"{len(times) / sum(times):,.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{sum(times) / ours:.2f}"


def grown(url: str, accounts: list[int], scale: float, sizes: list[int]) -> Iterator[tuple[str, ...]]:
    """Yield debits a second in batches of 1,000, and one debit's p50, with more and more entries in the tables."""
    many = max(2_000, int(40_000 * scale) // 2_000 * 2_000)
    for size in (0, *sizes):
        if size:
            grow(url, accounts, size)
        one, two = (rate(post, url, accounts, many, 1_000, writers) for writers in (1, 2))
        alone = _alone(Ledger(url), debits(accounts, 320, f"alone-{size}", 5))
        yield f"{size:,}" if size else "before", f"{one:,.0f}", f"{two:,.0f}", f"{alone:.2f}"


def _alone(ledger: Ledger, commands: list[Debit]) -> float:
    """Return the median of one debit, in milliseconds."""
    times = []
    for command in commands:
        began = time.perf_counter()
        ledger.post([command])
        times.append(time.perf_counter() - began)
    return statistics.median(times[20:]) * 1e3


def main() -> None:
    """Print a table a question."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="more or fewer debits")
    options.add_argument("--entries", type=int, nargs="*", default=[1_000_000], help="measure with so many, too")
    chosen = options.parse_args()
    scale = chosen.scale
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    url = embedded_server.running(home)
    try:
        accounts = prepare(url)
        employees = prepare_company(url)
        prepare_yard(url)
        pgledger = prepare_transfers(url)
        best = best_transfers(pgledger, home, max(1, 5 * scale))
        _print(
            "Debits in batches beside COPY",
            ("batch", "writers", "posted/s", "copied/s", "ratio", "to pgledger"),
            batches(url, accounts, scale, best),
        )
        _print(
            "One hot payer, batches of 1,000", ("who pays", "posted/s", "ratio"), hot(url, accounts, employees, scale)
        )
        _print(
            "One debit",
            ("how", "a second", "p50 ms", "p99 ms", "ledger's ratio"),
            alone(url, pgledger, accounts, scale),
        )
        _print(
            "With more entries, batches of 1,000",
            ("entries", "one writer/s", "two/s", "one debit, p50 ms"),
            grown(url, accounts, scale, chosen.entries),
        )
    finally:
        embedded_server.stop(home)
        shutil.rmtree(home)


def _print(title: str, names: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    table = Table(*names, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*row)
    Console().print(table, "")


if __name__ == "__main__":
    main()
