"""How fast papers are drawn, and what memory they take. Run: python -m tests.benchmarks.bench_papers

The yardstick of the CPU per paper is WeasyPrint alone on the same HTML, without standards,
tags and embedded data, in the same run. Rates of one and two workers are over the same
statements, on as many cores as there are; memory is the largest worker's, early and late, and here no worker is
replaced on the way.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pebble import ProcessPool
from rich.console import Console
from rich.table import Table
from weasyprint import CSS, HTML

from reports.documents import render
from reports.documents.bulk import context
from reports.documents.design import Design
from reports.documents.statement import Statement
from reports.documents.worker import Job, draw
from tests.reports.documents.samples import sample

TEN = [("payment", "300"), *[("debit", "-12.34")] * 8, ("refund", "2.34")]


def statement(number: int) -> Statement:
    """Return a statement of ten operations, of its own account."""
    return replace(sample(TEN), account=1_000_000 + number)


def cpu_ms(once: Callable[[], object], times: int) -> float:
    """Return the median CPU time of a call, in milliseconds, after three to warm up."""
    taken = []
    for round_ in range(times + 3):
        before = time.process_time()
        once()
        if round_ >= 3:
            taken.append(time.process_time() - before)
    return 1000 * statistics.median(taken)


def bare(paper: Statement) -> Callable[[], object]:
    """Return a call that lets WeasyPrint alone draw the same page."""
    page, style = render.html(paper), CSS(string=render.stylesheet())
    return lambda: HTML(string=page).write_pdf(stylesheets=[style])


def drawn_and_memory(job: Job) -> int:
    """Draw a paper in a worker; return the most memory the worker ever took, in KiB."""
    draw(job)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rate(papers: int, workers: int) -> tuple[float, int, int]:
    """Return papers a second, and the largest memory (KiB) over the first tenth and over all."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPool(max_workers=workers, context=context()) as pool,
    ):
        jobs = [Job(statement(n), Design(), Path(folder), "bench") for n in range(papers)]
        # Starting the workers is not what is measured: each draws a paper first.
        list(pool.map(drawn_and_memory, jobs[: 4 * workers]).result())
        before = time.perf_counter()
        memory = list(pool.map(drawn_and_memory, jobs).result())
        seconds = time.perf_counter() - before
    return papers / seconds, max(memory[: max(1, papers // 10)]), max(memory)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=1000)
    papers = parser.parse_args().papers
    ten = statement(0)
    ours, alone = cpu_ms(lambda: render.pdf(ten), 15), cpu_ms(bare(ten), 15)
    long = sample([("payment", "300"), *[("debit", "-1.34")] * 999])
    ours_long, alone_long = cpu_ms(lambda: render.pdf(long), 3), cpu_ms(bare(long), 3)
    (one, early, late), (two, *_) = rate(papers, 1), rate(papers, 2)
    table = Table("what", "measured", "wanted", title=f"papers ({papers} statements of ten operations)")
    table.add_row("CPU of a paper, PDF/A-3a and PDF/UA-1", f"{ours:.0f} ms", "at most 100 ms")
    table.add_row("CPU of the same page by WeasyPrint alone", f"{alone:.0f} ms", "yardstick")
    table.add_row("ratio", f"{ours / alone:.2f}", "")
    table.add_row("CPU of a paper of 1,000 operations", f"{ours_long / 1000:.1f} s", "")
    table.add_row("the same page by WeasyPrint alone", f"{alone_long / 1000:.1f} s", "yardstick")
    table.add_row("ratio", f"{ours_long / alone_long:.2f}", "")
    table.add_row("papers a second, one worker", f"{one:.1f}", "")
    table.add_row("papers a second, two workers", f"{two:.1f}", "")
    table.add_row("two workers against one", f"{two / one:.2f}", "at least 1.8")
    table.add_row("memory of a worker after a tenth", f"{early / 1024:.0f} MiB", "")
    table.add_row("memory of a worker after all", f"{late / 1024:.0f} MiB", "flat")
    Console().print(table)


if __name__ == "__main__":
    main()
