"""Intake: many callers, few batches (group commit).

Callers submit one command each and get a Future. What arrives while a writer works is
its next batch, so batches form by themselves under load. A group of linked accounts (a
payer and those it pays for) always goes to one writer: a thousand employees of one
company at noon are one lock, not a thousand, and two writers work on different companies.
"""

import queue
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from ledger.core.commands import Command, scope_of
from ledger.core.decide import Answer
from ledger.core.outcomes import Declined, Failed, Invalid, Posted
from ledger.errors import Failure, GaveUp
from ledger.logs import log
from ledger.postgres.database import Unreachable, pool_size
from ledger.postgres.post import Ledger
from ledger.postgres.routes import Route, Routes
from ledger.postgres.stream import HELD_UP_SECONDS, Shell, Stream


class IntakeFull(Failure):
    """More commands wait than the intake takes; try again later, with the same key."""


class IntakeClosed(Failure):
    """The intake takes no more commands."""


class Poster(Shell, Protocol):
    """What posts for an intake: a Ledger, or a second level over one."""

    url: str

    def another(self) -> Self:
        """Return the same for another thread, with a connection of its own."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class _Waiting(NamedTuple):
    command: Command
    future: "Future[Answer]"
    fault: Exception | None = None


class Intake:
    """Takes commands from any number of threads; a Future serves asyncio too (`asyncio.wrap_future`).

    Each of the `writers` (default: the URL's `pool_size`, else 2) has a connection and posts at most `most` commands
    at once; `capacity` commands may wait.

    Commands on one account are carried out in the order of their submission. A Future
    fails with Failure when the database stayed out of reach: whether its command was
    posted is then unknown, and sending it again with its key is safe. It fails with GaveUp when
    nothing was decided, such as for an account that somebody keeps locked; for HELD_UP_SECONDS or until
    it is sent again, commands that share an account with it fail likewise, as in a `Stream`.
    """

    def __init__(self, poster: Poster, *, writers: int | None = None, most: int = 1000, capacity: int = 20_000) -> None:
        self._poster = poster
        self._most = most
        self._capacity = capacity
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self._arrived: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._queues: list[queue.SimpleQueue[_Waiting | None]] = [
            queue.SimpleQueue() for _ in range(writers or pool_size(poster.url))
        ]
        self._routes = Routes(poster.url, len(self._queues))
        self._router = threading.Thread(target=self._route_all, name="tiffin-router", daemon=True)
        self._writers = [
            threading.Thread(target=self._write_all, args=(mine,), name="tiffin-writer", daemon=True)
            for mine in self._queues
        ]
        for thread in (self._router, *self._writers):
            thread.start()

    def submit(self, command: Command) -> "Future[Answer]":
        """Return a Future of the command's outcome.

        Raises IntakeFull, IntakeClosed, or TypeError for what is no command: then it was not taken.
        """
        if not isinstance(command, Command):
            raise TypeError(f"{type(command).__name__} is not a command: build one, such as by commands.parse")
        with self._lock:
            if self._closed:
                raise IntakeClosed("the intake is closed: it takes no more commands")
            if self._waiting >= self._capacity:
                raise IntakeFull(f"the intake is full: {self._waiting} commands wait, at most {self._capacity} may")
            self._waiting += 1
            future: Future[Answer] = Future()
            # Put under the lock: nothing may be queued behind the closing mark.
            self._arrived.put(_Waiting(command, future))
        return future

    def close(self) -> None:
        """Take no more commands, carry out all that were taken, and stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._arrived.put(None)
        for thread in (self._router, *self._writers):
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ---- the router's thread

    def _route_all(self) -> None:
        ended = False
        while not ended:
            batch, ended = _taken(self._arrived, self._most)
            routed = [_routed(waiting) for waiting in batch]
            try:
                self._routes.learn([route for _, route in routed])
            except Exception as error:  # a route is a matter of speed only: any writer can carry out any command
                log("route", error=type(error).__name__)
            for waiting, route in routed:
                self._queues[self._routes.give(route)].put(waiting)
        for mine in self._queues:
            mine.put(None)
        self._routes.close()

    # ---- the writers' threads

    def _write_all(self, mine: "queue.SimpleQueue[_Waiting | None]") -> None:
        poster = self._poster.another()
        ledger = getattr(poster, "ledger", poster)
        assert isinstance(ledger, Ledger)
        stream = Stream(poster, ledger, HELD_UP_SECONDS)
        ended = False
        while not ended:
            taken, ended = _taken(mine, self._most)
            batch = [waiting for waiting in taken if waiting.future.set_running_or_notify_cancel()]
            for waiting in batch:
                if waiting.fault is not None:
                    waiting.future.set_exception(waiting.fault)
            self._write(stream, [waiting for waiting in batch if waiting.fault is None])
            with self._lock:
                self._waiting -= len(taken)
        poster.close()

    def _write(self, stream: Stream, batch: list[_Waiting]) -> None:
        try:
            outcomes = stream.post([waiting.command for waiting in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, Unreachable):
                # One command that breaks something must not fail its neighbours.
                for waiting in batch:
                    self._write(stream, [waiting])
                return
            for waiting in batch:
                waiting.future.set_exception(error)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Failed):
                waiting.future.set_exception(GaveUp(outcome.message))
            elif isinstance(outcome, Posted | Declined | Invalid):
                waiting.future.set_result(outcome)


def _routed(waiting: _Waiting) -> tuple[_Waiting, Route]:
    """Return a command with what it names; one that was built past its checks with its fault, for its caller."""
    try:
        scope = scope_of([waiting.command])
        return waiting, Route(tuple(scope.accounts), tuple(scope.refers), waiting.command.key)
    except Exception as error:
        return waiting._replace(fault=error), Route()


def _taken(waiting: "queue.SimpleQueue[_Waiting | None]", most: int) -> tuple[list[_Waiting], bool]:
    """Return what is there, at least one and at most `most`, and whether the end came."""
    batch: list[_Waiting] = []
    item = waiting.get()
    while item is not None:
        batch.append(item)
        if len(batch) == most:
            return batch, False
        try:
            item = waiting.get_nowait()
        except queue.Empty:
            return batch, False
    return batch, True
