"""Each standard report over ten million entries, beside a DuckDB query of the same figures over the same files.

    python -m tests.benchmarks.bench_reports [--lake FOLDER] [--report NAME …] [--rounds 3]

Every report runs in a process of its own: first the report alone, after which the process's greatest memory is noted,
then report and query in turns, both warm; medians are compared. What both give must be equal. `with controls` is the
report as readers get it, control totals and all. Ends with 1 if figures differ, a report takes more than 1.3 times the
query's time, or more than 2 GiB. `control` is every other report and its controls at once: it has no query.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl

from tests.benchmarks.queries import ASKED, CLIENTS, QUARTER, QUERIES

RATIO, GIBIBYTES = 2.0, 2.0


def measured(lake: str, name: str, rounds: int) -> dict[str, Any]:
    """Measure one report in this process; return seconds, GiB and how many rows differ."""
    import reports
    from reports.core.engines import collected
    from reports.core.report import named
    from reports.run import built, conformed

    book, report, parameters = reports.open(lake), named(name), ASKED.get(name, QUARTER)
    whole = [_seconds(lambda: book.report(name, **parameters))[0] for _ in range(2)]
    found: dict[str, Any] = {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "whole": whole[-1]}
    result = book.report(name, **parameters)
    found["holds"], found["rows"] = result.holds, result.frame.height
    if name not in QUERIES:
        return found
    given = built(report, result.parameters.model_dump(exclude_none=True))
    query = _query(book, name, getattr(result.parameters, "account", None))

    def figures() -> pl.DataFrame:
        return conformed(report, collected(report.frame(book.tables(given.days[1]), given)))

    with query as ask:
        found["differ"] = _unlike(figures(), ask())
        turns = [(_seconds(figures)[0], _seconds(ask)[0]) for _ in range(rounds)]
    found["report"], found["query"] = (median(side) for side in zip(*turns, strict=True))
    return found


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


@contextmanager
def _query(book: Any, name: str, account: int | None) -> Iterator[Callable[[], pl.DataFrame]]:
    """Lend the query as a function over views of the files that the cut pins."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table, pinned in book.lake.manifest.tables.items():
            files = [f"{book.lake.place.table(table)}/{file}" for file in pinned.files]
            if files:
                read = f"read_parquet({files}, hive_partitioning = true, hive_types_autocast = false)"
                connection.execute(f"CREATE VIEW {table} AS FROM {read}")
        connection.execute(CLIENTS)
        bound = {"account": account} if "$account" in QUERIES[name] else {}
        yield lambda: pl.DataFrame(connection.sql(QUERIES[name], params=bound).to_arrow_table())


def _unlike(ours: pl.DataFrame, theirs: pl.DataFrame) -> str:
    """Return what differs, blank if nothing; averages and shares may differ in their last digit."""
    if ours.columns != theirs.columns or ours.height != theirs.height:
        return f"{ours.columns} {ours.height} and {theirs.columns} {theirs.height}"
    theirs = theirs.cast(dict(ours.schema))
    for column in ours.columns:
        mine, other = ours[column], theirs[column]
        same = (mine - other).abs().fill_null(0).max() <= 0.0101 if mine.dtype.is_float() else mine.equals(other)
        if not same or mine.is_null().ne(other.is_null()).any():
            at = mine.ne_missing(other).arg_max() or 0
            return f"{column} {mine[at]} and {other[at]} in row {at}"
    return ""


def line_of(name: str, found: dict[str, Any]) -> tuple[str, bool]:
    """Return a line about a report, and whether it is within its bounds."""
    ratio = found["report"] / found["query"] if "query" in found else None
    good = found["memory"] <= GIBIBYTES and found["holds"] and not found.get("differ") and (ratio or 0) <= RATIO
    sides = f"{found['report']:7.2f} {found['query']:7.2f} {ratio:6.2f}" if ratio else " " * 22
    line = f"{name:<18} {found['rows']:>8,} {sides} {found['whole']:7.2f} {found['memory']:6.2f}"
    return line + (f"  {found['differ']}" if found.get("differ") else "" if good else "  !"), bool(good)


def run(lake: str, names: list[str], rounds: int) -> bool:
    """Measure the reports, each in a process of its own; print a line each, and say whether all were within bounds."""
    print(f"{'report':<18} {'rows':>8} {'report':>7} {'DuckDB':>7} {'ratio':>6} {'whole':>7} {'GiB':>6}")
    good = True
    for name in names:
        command = [sys.executable, "-m", "tests.benchmarks.bench_reports", "--one", name, "--lake", lake]
        done = subprocess.run(
            [*command, "--rounds", str(rounds)], stdout=subprocess.PIPE, text=True, check=True, env=os.environ
        )
        line, within = line_of(name, json.loads(done.stdout))
        print(line, flush=True)
        good &= within
    return good


def main() -> None:
    """Measure on the lake given, else on one made for it."""
    parser = argparse.ArgumentParser(description="Measure the standard reports beside DuckDB.")
    parser.add_argument("--lake")
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--report", nargs="*", default=[*ASKED, "control"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.lake, given.one, given.rounds)))
        return
    made = None if given.lake else Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    try:
        if made:
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.lakes",
                str(made / "lake"),
                "--entries",
                str(given.entries),
            ]
            subprocess.run(command, check=True)
        good = run(given.lake or str(made / "lake"), given.report, given.rounds) if made or given.lake else False
    finally:
        if made:
            shutil.rmtree(made)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
