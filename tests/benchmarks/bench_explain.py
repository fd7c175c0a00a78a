"""How long a figure of ten million entries takes to explain: every money column, ratio and share of every report.

    python -m tests.benchmarks.bench_explain LAKE [--report NAME …]

The lake is one of `tests.benchmarks.lakes`. Of each report the first and the middle row are asked, warm;
what is printed is the median and the worst column. `control` is left out: its explanation runs another report. Ends
with 1 if one takes more than a second, or does not add up.
"""

import argparse
import sys
import time
from statistics import median

import reports
from reports.core.parameters import AsOf
from reports.core.report import REPORTS
from reports.run import LakeBook
from tests.benchmarks.queries import ASKED, END, QUARTER

SECONDS = 1.0


def measured(book: LakeBook, name: str) -> tuple[float, float, str, bool]:
    """Return the median and the worst seconds of a report's figures, the worst column, and whether all add up."""
    result = book.report(name, **ASKED.get(name, END if issubclass(REPORTS[name].parameters, AsOf) else QUARTER))
    if not result.frame.height:
        return 0, 0, "no rows", True
    contributions = result.report.contributions
    columns = [column for column in contributions.names if column in result.frame.columns] if contributions else []
    times, right = [], True
    for row in {0, result.frame.height // 2}:
        book.explain(result, row, columns[0])
        for column in columns:
            started = time.perf_counter()
            right &= book.explain(result, row, column).residual == 0
            times.append((time.perf_counter() - started, column))
    slowest, worst = max(times)
    return median(seconds for seconds, _ in times), slowest, worst, right


def main() -> None:
    """Measure, print a line each."""
    parser = argparse.ArgumentParser(description="Measure how long figures take to explain.")
    parser.add_argument("lake")
    parser.add_argument("--report", nargs="*")
    given = parser.parse_args()
    book, good = reports.open(given.lake), True
    names = [name for name, report in REPORTS.items() if report.contributions and name != "control"]
    print(f"{'report':<18} {'median, s':>10} {'worst, s':>9}  column")
    for name in given.report or names:
        middle, slowest, column, right = measured(book, name)
        good &= right and slowest <= SECONDS
        print(f"{name:<18} {middle:>10.2f} {slowest:>9.2f}  {column}{'' if right else '  residual!'}", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
