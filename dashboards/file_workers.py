"""Drawing that takes longer than a page may: in worker processes, so that the server goes on answering everybody."""

import atexit
import os
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from functools import cache
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import polars as pl
from pebble import ProcessExpired, ProcessPool

from ledger.errors import Failure
from reports.core.forms import Language
from reports.core.report import named
from reports.core.result import Control, CutFacts, Result
from reports.documents.bulk import context
from reports.explain import parameters_of
from reports.formats import rendered
from reports.journal import JOURNAL
from reports.run import built

WORKERS = max(1, (os.cpu_count() or 1) - 1)
FILES_A_WORKER = 20
"""A long paper leaves hundreds of megabytes behind."""
TIMEOUT_S = 900.0
KEPT = 8
P = ParamSpec("P")
T = TypeVar("T")
_lock = Lock()
_made: dict[Any, "Future[bytes]"] = {}


@cache
def _pool() -> ProcessPool:
    pool = ProcessPool(max_workers=WORKERS, max_tasks=FILES_A_WORKER, context=context())
    atexit.register(pool.stop)
    return pool


def drawn(draw: Callable[P, T], *arguments: P.args, **named_: P.kwargs) -> T:
    """Return what a function of a module gives in a worker process; its arguments and what it gives are pickled.

    Raises what the function raises, and Failure when that takes longer than TIMEOUT_S or ends the process.
    """
    found: T = waited(_pool().schedule(draw, args=arguments, kwargs=named_, timeout=TIMEOUT_S))
    return found


def waited(making: "Future[T]") -> T:
    """Return what is being made in a worker process, when it is. Raises as `drawn` does."""
    try:
        return making.result()
    except TooLong:
        raise Failure(f"the file is not ready after {TIMEOUT_S:g} seconds: narrow it") from None
    except ProcessExpired as error:
        raise Failure(f"the process that wrote the file ended with code {error.exitcode}") from None


def file_of(result: Result, form: str, language: Language) -> bytes:
    """Return a result as a file of that form, written in a worker process. Raises as `drawn` does."""
    return drawn(_file, *_pickled(result), form, language)


def being_made(name: Any) -> "Future[bytes] | None":
    """Return the file of that name, which may not be ready; None if nobody began it, or it is long ago."""
    return _made.get(name)


def begin(name: Any, result: Result, form: str, language: Language) -> None:
    """Begin a file, unless it is begun; of those before, the latest are kept, and others given up."""
    with _lock:
        if name in _made:
            return
        _made[name] = _pool().schedule(_file, args=(*_pickled(result), form, language), timeout=TIMEOUT_S)
        for old in list(_made)[:-KEPT]:
            _made.pop(old).cancel()


def forget(name: Any) -> None:
    """Forget a file: it may be begun anew."""
    _made.pop(name, None)


def _pickled(result: Result) -> tuple[str, dict[str, Any], CutFacts, pl.DataFrame, list[Control]]:
    """Return what a result is of; a report goes by its name, for its functions are in no pickle."""
    return result.report.name, parameters_of(result), result.cut, result.frame, result.controls


def _file(
    name: str,
    parameters: dict[str, Any],
    cut: CutFacts,
    frame: pl.DataFrame,
    controls: list[Control],
    form: str,
    language: Language,
) -> bytes:
    report = JOURNAL if name == JOURNAL.name else named(name)
    return rendered(Result(report, built(report, parameters), cut, frame, controls), form, language=language)
