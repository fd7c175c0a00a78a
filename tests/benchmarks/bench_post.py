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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.core.commands import Debit
from ledger.core.outcomes import Posted
from ledger.postgres import database, embedded_server
from ledger.postgres.intake import Intake
from ledger.postgres.post import Ledger
from tests.benchmarks.books import debits, grow, prepare, prepare_company, settled
from tests.benchmarks.yard import copy, plain_debit, prepare_yard


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


def batches(url: str, accounts: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield batch, writers, debits posted a second, the same rows copied a second, their ratio."""
    for batch, many in ((1, 1_500), (100, 30_000), (1_000, 60_000), (5_000, 60_000)):
        for writers in (1, 2):
            rows = max(batch * writers, int(many * scale) // (batch * writers) * batch * writers)
            copied = rate(copy, url, accounts, rows, batch, writers)
            posted = rate(post, url, accounts, rows, batch, writers)
            yield f"{batch:,}", str(writers), f"{posted:,.0f}", f"{copied:,.0f}", f"{posted / copied:.2f}"


def hot(url: str, accounts: list[int], employees: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield debits a second of spread accounts and of employees that one company pays for, one writer."""
    many = max(1_000, int(30_000 * scale) // 1_000 * 1_000)
    spread = rate(post, url, accounts, many, 1_000, 1)
    company = rate(post, url, employees, many, 1_000, 1)
    yield "10,000 accounts, each its own money", f"{spread:,.0f}", "1.00"
    yield "1,000 employees, one payer, a limit a day each", f"{company:,.0f}", f"{company / spread:.2f}"


def alone(url: str, accounts: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield p50 and p99 of one debit, as milliseconds, beside five plain statements."""
    many = max(50, int(1_000 * scale))
    ledger = Ledger(url)
    commands = debits(accounts, many + 20, f"alone-{time.time_ns()}", 7)
    with database.connect(url) as connection:
        row = connection.execute("SELECT id FROM account WHERE kind = 'revenue'").fetchone()
        connection.commit()
        assert row is not None
        taken: dict[str, list[float]] = {"plain": [], "ledger": []}
        for number, command in enumerate(commands):
            # In turns, so that both meet the same server at the same moment.
            began = time.perf_counter()
            plain_debit(connection, accounts[number % len(accounts)], row[0], f"plain-{command.key}")
            between = time.perf_counter()
            ledger.post([command])
            if number >= 20:
                taken["plain"].append(between - began)
                taken["ledger"].append(time.perf_counter() - between)
    p = {name: [statistics.quantiles(times, n=100)[at] * 1e3 for at in (49, 98)] for name, times in taken.items()}
    yield "five plain statements", f"{p['plain'][0]:.2f}", f"{p['plain'][1]:.2f}", "1.00", "1.00"
    yield (
        "ledger, one debit",
        f"{p['ledger'][0]:.2f}",
        f"{p['ledger'][1]:.2f}",
        f"{p['ledger'][0] / p['plain'][0]:.2f}",
        f"{p['ledger'][1] / p['plain'][1]:.2f}",
    )


def through_intake(url: str, accounts: list[int], scale: float) -> Iterator[tuple[str, ...]]:
    """Yield debits a second through the intake: of 64 callers that wait for each answer, and of one that does not."""
    for most, many in ((1, 1_000), (100, 20_000), (1_000, 40_000), (5_000, 40_000)):
        for writers in (1, 2):
            waiting = _waited(
                url, debits(accounts, int(many * scale / 4), f"intake-{time.time_ns()}", 1), most, writers
            )
            flooded = _flooded(url, debits(accounts, int(many * scale), f"flood-{time.time_ns()}", 2), most, writers)
            yield f"{most:,}", str(writers), f"{waiting:,.0f}", f"{flooded:,.0f}"


def _waited(url: str, commands: list[Debit], most: int, writers: int) -> float:
    began = time.perf_counter()
    with Intake(Ledger(url), writers=writers, most=most) as intake, ThreadPoolExecutor(64) as callers:
        list(callers.map(lambda command: intake.submit(command).result(), commands))  # done within
    return len(commands) / (time.perf_counter() - began)


def _flooded(url: str, commands: list[Debit], most: int, writers: int) -> float:
    began = time.perf_counter()
    with Intake(Ledger(url), writers=writers, most=most, capacity=len(commands)) as intake:
        futures = [intake.submit(command) for command in commands]
    assert all(isinstance(future.result(), Posted) for future in futures)
    return len(commands) / (time.perf_counter() - began)


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
        _print(
            "Debits in batches beside COPY",
            ("batch", "writers", "posted/s", "copied/s", "ratio"),
            batches(url, accounts, scale),
        )
        _print(
            "One hot payer, batches of 1,000", ("who pays", "posted/s", "ratio"), hot(url, accounts, employees, scale)
        )
        _print("One debit", ("how", "p50 ms", "p99 ms", "p50 ratio", "p99 ratio"), alone(url, accounts, scale))
        _print(
            "Through the intake",
            ("at most", "writers", "64 callers that wait/s", "a caller that does not/s"),
            through_intake(url, accounts, scale),
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
