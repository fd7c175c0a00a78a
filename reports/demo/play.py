"""Play commands into the ledger, batch by batch, and count what it answered.

Playing again is safe: every command has its key, and the ledger replays its first answer.
As in life, nobody delivers, cancels or refunds an order that was refused.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from ledger.administration.administration_lines import Record
from ledger.core.commands import Command
from ledger.core.outcomes import Declined, Done, Posted
from ledger.errors import Failure
from ledger.food.core.commands import FollowUp, Order, parse
from ledger.food.postgres.post_orders import Desk

BATCH = 1000
T = TypeVar("T")
Progress = Callable[[int], None]
"""Called with how many more are done."""


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


def administer(desk: Desk, lines: Iterable[dict[str, Any]], progress: Progress) -> None:
    """Carry out administration lines. Raises Failure at the first that is not done."""
    for batch in _batches(lines):
        for line, outcome in zip(batch, desk.administer([_record(line) for line in batch]), strict=True):
            if not isinstance(outcome, Done):
                raise Failure(f"the demo's line {line} was not done: {outcome.to_json()}")
        progress(len(batch))


def _record(line: dict[str, Any]) -> Record:
    record = parse(line)
    assert isinstance(record, Record)
    return record


def post(desk: Desk, commands: Iterable[Command], progress: Progress) -> Tally:
    """Post commands in batches; return the tally. Only the ledger's own time is counted.

    Raises Failure if a command is invalid.
    """
    tally, refused = Tally(), set[str]()
    for batch in _apart(commands):
        sent = [command for command in batch if not (isinstance(command, FollowUp) and command.order in refused)]
        started = time.perf_counter()
        outcomes = desk.post(sent)
        tally.seconds += time.perf_counter() - started
        for outcome in outcomes:
            match outcome:
                case Posted():
                    tally.posted += 1
                case Declined():
                    tally.declined[outcome.code] += 1
                    refused.add(outcome.key)
                case _:
                    raise Failure(f"the demo's command is invalid: {outcome.to_json()}")
            tally.replayed += outcome.replayed
        progress(len(batch))
    return tally


def _apart(commands: Iterable[Command]) -> Iterator[list[Command]]:
    """Yield batches in which no order meets what becomes of it: whether it was refused must be known by then."""
    batch: list[Command] = []
    placed: set[str] = set()
    for command in commands:
        if len(batch) == BATCH or (isinstance(command, FollowUp) and command.order in placed):
            yield batch
            batch, placed = [], set()
        if isinstance(command, Order):
            placed.add(command.key)
        batch.append(command)
    if batch:
        yield batch


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
