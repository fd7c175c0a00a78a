"""How commands show papers being made: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def papers_progress(*, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Show how far the run is: a bar with the time left on a terminal, a line each tenth elsewhere."""
    console = Console(stderr=True)
    if quiet:
        yield lambda done, of, number: None
    elif console.is_terminal:
        with _bar(console) as report:
            yield report
    else:
        yield _plain


def _plain(done: int, of: int, number: str) -> None:
    if done == of or done * 10 // of != (done - 1) * 10 // of:
        print(f"{done} of {of} papers", file=sys.stderr, flush=True)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[int, int, str], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("papers"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[number]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("papers", total=None, number="")
        yield lambda done, of, number: bar.update(task, completed=done, total=of, number=number)
