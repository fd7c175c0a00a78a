"""How commands show how far a long run is: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def progress(what: str, *, quiet: bool = False, beyond: int = 0) -> Iterator[Callable[..., None]]:
    """Yield a callback `(done, of, last="")` that draws a bar or, where there is no terminal, a line each tenth.

    Runs of up to `beyond` print no lines.
    """
    console = Console(stderr=True)
    if quiet:
        yield lambda done, of, last="": None
    elif not console.is_terminal:
        yield _plain(what, beyond)
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[last]}"))
        with Progress(TextColumn(what), *columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None, last="")
            yield lambda done, of, last="": bar.update(task, completed=done, total=of, last=last)


def _plain(what: str, beyond: int) -> Callable[..., None]:
    tenths = 0

    def show(done: int, of: int, last: str = "") -> None:
        nonlocal tenths
        if of > beyond and done * 10 // of > tenths:
            tenths = done * 10 // of
            print(f"{done} of {of} {what}", file=sys.stderr, flush=True)

    return show
