"""A stream of lines through the writers: outcomes come in the order of the lines, while more are read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ledger.intake.writer_process import Answered, SentLine
from ledger.intake.writers import Full, Writers

AT_ONCE = 4000
"""How many lines of one stream may be under way: the next are read when answers are taken."""


async def answers(
    writers: Writers, lines: AsyncIterator[SentLine], *, seconds: float | None = None
) -> AsyncIterator[list[Answered]]:
    """Yield the answers to lines in order, those that are there together.

    Raises what reading raises, once all that was read is answered; TimeoutError when one takes more than `seconds`.
    """
    under_way: deque[asyncio.Future[Answered]] = deque()
    arrived, taken, ended = asyncio.Event(), asyncio.Event(), False

    async def read() -> None:
        nonlocal ended
        administers = False
        try:
            async for sent in lines:
                submit, alone, administers = writers.in_order(sent, administers)
                while len(under_way) >= AT_ONCE or (alone and under_way):
                    taken.clear()
                    await taken.wait()
                under_way.append(await _accepted(submit))
                arrived.set()
        finally:
            ended = True
            arrived.set()

    reader = asyncio.create_task(read())
    try:
        while under_way or not ended:
            if not under_way:
                arrived.clear()
                await arrived.wait()
                continue
            async with asyncio.timeout(seconds):
                await under_way[0]
            ready = []
            while under_way and under_way[0].done():
                ready.append(under_way.popleft().result())
            taken.set()
            yield ready
        await reader
    finally:
        reader.cancel()


async def _accepted(submit: Callable[[], asyncio.Future[Answered]]) -> asyncio.Future[Answered]:
    while True:
        try:
            return submit()
        except Full:  # a stream waits for its turn
            await asyncio.sleep(0.05)
