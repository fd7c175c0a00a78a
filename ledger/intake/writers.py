"""The door's intake: what arrives while a writer posts is its next batch. Asyncio on this side, a process per writer
(DECISIONS D121).

A group of linked accounts (a payer and those it pays for) always goes to one writer: a thousand employees of one
company at noon are one lock, not a thousand, and two writers work on different companies.
"""

import asyncio
import pickle
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic

from ledger.administration.administration_lines import Record
from ledger.errors import Failure
from ledger.intake.levels import Level
from ledger.intake.routes import Route, Routes, named
from ledger.intake.writer_process import LENGTH, Answered, SentLine, framed, in_columns
from ledger.logs import log
from ledger.postgres.stream import HELD_UP_SECONDS

Waiting = tuple[SentLine, "asyncio.Future[Answered]"]

LOST = b'{"status": "failed", "message": "the writer was lost: whether this was posted is unknown; send it again"}\n'
RESTART_SECONDS = 1.0
_START = "from ledger.intake.writer_process import main; main()"


class Full(Failure):
    """More lines wait than the intake takes; try again later, with the same key."""


class Writers:
    """Takes lines from one event loop and answers each with a Future, which never fails.

    Lines on one account are carried out in the order of their submission. `most` lines are posted at once, `capacity`
    may wait. `observe` is called with the size and the seconds of each batch.
    """

    def __init__(
        self,
        level: Level,
        url: str,
        *,
        count: int = 2,
        most: int = 1000,
        capacity: int = 20_000,
        held_up: float | None = HELD_UP_SECONDS,
    ) -> None:
        self.level, self.url, self.most, self.capacity = level, url, most, capacity
        self.observe: Callable[[int, float], None] = lambda size, seconds: None
        self.held_up = held_up
        self.waiting = 0
        self.closing = False
        self.restarts = 0
        self.routes = Routes(url, count)
        self._records = {kind for kind, model in level.models().items() if issubclass(model, Record)}
        self._writers = [_Writer(self) for _ in range(count)]
        self._unrouted: deque[tuple[Waiting, Route]] = deque()
        self._routing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the writers and wait until each has answered for the first time."""
        for writer in self._writers:
            await writer.start()

    @property
    def ready(self) -> bool:
        """Return whether every writer is there."""
        return not self.closing and all(writer.ready for writer in self._writers)

    def submit(self, sent: SentLine) -> "asyncio.Future[Answered]":
        """Return a Future of the line's answer. Raises Full: then it was not taken."""
        return self._submit(sent, None if len(self._writers) == 1 else named(sent))

    def in_order(self, sent: SentLine, before: bool) -> tuple["Callable[[], asyncio.Future[Answered]]", bool, bool]:
        """Return what submits a line of a stream, whether all lines before it must be answered first, and whether it is
        an administration line.

        With several writers that holds for a line that concerns accounts of more than one, and for the first of a run
        of administration lines (`before`: whether the last line was one) and the first line after it.
        """
        if len(self._writers) == 1:
            return partial(self._submit, sent, None), False, False
        route = named(sent)
        administers = route.kind in self._records
        return (
            partial(self._submit, sent, None if administers else route),
            administers != before or (not administers and self.routes.spread(route)),
            administers,
        )

    def _submit(self, sent: SentLine, route: Route | None) -> "asyncio.Future[Answered]":
        if self.waiting >= self.capacity:
            raise Full(f"the intake is full: {self.waiting} commands wait, at most {self.capacity} may")
        self.waiting += 1
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        if route is None:
            self._writers[0].take((sent, future))
        elif self._routing is None and self.routes.known(route):
            self._writers[self.routes.give(route)].take((sent, future))
        else:  # behind those that wait for their route: in order
            self._unrouted.append(((sent, future), route))
            if self._routing is None:
                self._routing = asyncio.create_task(self._route())
        return future

    async def close(self) -> None:
        """Carry out all that was taken, and stop."""
        self.closing = True
        if self._routing is not None:
            await self._routing
        for writer in self._writers:
            await writer.close()

    async def _route(self) -> None:
        while self._unrouted:
            batch = [self._unrouted.popleft() for _ in range(min(len(self._unrouted), self.most))]
            try:
                await asyncio.to_thread(self.routes.learn, [route for _, route in batch])
            except Exception as error:  # a route is a matter of speed only: any writer can carry out any line
                log("route", error=type(error).__name__)
            for waiting, route in batch:
                self._writers[self.routes.give(route)].take(waiting)
        self._routing = None


class _Writer(asyncio.Protocol):
    """One writer process: at most one batch is under way."""

    def __init__(self, owner: Writers) -> None:
        self._owner = owner
        self._queue: deque[Waiting] = deque()
        self._under_way: list[Waiting] = []
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._started: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.ready = False

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", _START, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        ours.setblocking(False)
        self._started = loop.create_future()
        transport, _ = await loop.create_connection(lambda: self, sock=ours)
        self._transport = transport
        transport.write(framed((self._owner.level, self._owner.url, self._owner.held_up)))
        await self._started

    def take(self, waiting: Waiting) -> None:
        self._queue.append(waiting)
        self._idle.clear()
        if not self._under_way:
            # Once all that is ready in this turn of the loop has arrived: the first batch is not one command.
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if self._under_way or not self._queue or self._transport is None or not self._started_well():
            return
        size = min(len(self._queue), self._owner.most)
        self._under_way = [self._queue.popleft() for _ in range(size)]
        self._since = monotonic()
        self._transport.write(framed(in_columns([sent for sent, _ in self._under_way])))

    def _started_well(self) -> bool:
        return self._started is not None and self._started.done()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            size = LENGTH.unpack_from(self._buffer)[0] + LENGTH.size
            if len(self._buffer) < size:
                return
            message = pickle.loads(memoryview(self._buffer)[LENGTH.size : size])
            del self._buffer[:size]
            if isinstance(message, bool):
                self.ready = True
                if self._started is not None and not self._started.done():
                    self._started.set_result(None)
            else:
                self._answered([*map(Answered._make, zip(*message, strict=True))])
        self._next()

    def _answered(self, answers: list[Answered]) -> None:
        lines, self._under_way = self._under_way, []
        self._owner.waiting -= len(lines)
        self._owner.observe(len(lines), monotonic() - self._since)
        for (_, future), answer in zip(lines, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        if not self._queue:
            self._idle.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ready = False
        self._transport = None
        self._buffer.clear()
        if self._under_way:
            self._answered([Answered("", "failed", None, LOST) for _ in self._under_way])
        if self._started is not None and not self._started.done():
            self._started.set_result(None)
        if not self._owner.closing or self._queue:
            self._owner.restarts += 1
            log("writer lost", restart_in=RESTART_SECONDS)
            asyncio.get_running_loop().call_later(RESTART_SECONDS, self._restart)

    def _restart(self) -> None:
        async def again() -> None:
            await self.start()
            self._next()

        self._restarting = asyncio.create_task(again())

    async def close(self) -> None:
        await self._idle.wait()
        if self._transport is not None:
            self._transport.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
