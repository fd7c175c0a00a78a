"""Play commands into the ledger, batch by batch, and count what it answered.

Playing again is safe: every command has its key, and the ledger replays its first answer.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from ledger.commands import Command
from ledger.errors import Failure
from ledger.outcomes import Declined, Done, Posted
from ledger.post import Ledger
from ledger.records import parse

BATCH = 1000
T = TypeVar("T")
Progress = Callable[[int], None]
"""Told how many more are done."""


@dataclass
class Tally:
    """What the ledger answered: how many it posted, replayed, and declined by code, in how many seconds."""

    posted: int = 0
    replayed: int = 0
    declined: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return (self.posted + self.declined.total()) / self.seconds if self.seconds else 0.0


def administer(ledger: Ledger, lines: Iterable[dict[str, Any]], progress: Progress) -> None:
    """Carry out administration lines. Raises Failure at the first that is not done."""
    for batch in _batches(lines):
        for line, outcome in zip(batch, ledger.administer([parse(line) for line in batch]), strict=True):
            if not isinstance(outcome, Done):
                raise Failure(f"the demo's line {line} was not done: {outcome.to_json()}")
        progress(len(batch))


def post(ledger: Ledger, commands: Iterable[Command], progress: Progress) -> Tally:
    """Post commands in batches; return the tally. Only the ledger's own time is counted.

    Raises Failure if a command is invalid.
    """
    tally = Tally()
    for batch in _batches(commands):
        started = time.perf_counter()
        outcomes = ledger.post(batch)
        tally.seconds += time.perf_counter() - started
        for outcome in outcomes:
            match outcome:
                case Posted():
                    tally.posted += 1
                case Declined():
                    tally.declined[outcome.code] += 1
                case _:
                    raise Failure(f"the demo's command is invalid: {outcome.to_json()}")
            tally.replayed += outcome.replayed
        progress(len(batch))
    return tally


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
