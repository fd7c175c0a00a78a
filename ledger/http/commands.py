"""`POST /v1/commands`: one command as JSON, or a stream of lines as NDJSON whose outcomes stream back in order.

Written straight on ASGI: this is the one place of the door that must be fast.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ledger.http.metrics import Metrics
from ledger.http.problems import of_outcome, problem
from ledger.intake.json_lines import LINE_LENGTH, Cutter
from ledger.intake.streaming import answers
from ledger.intake.writer_process import Answered, SentLine
from ledger.intake.writers import Full, Writers
from ledger.postgres.tokens import Caller

JSON, NDJSON = "application/json", "application/x-ndjson"
STREAMS = (NDJSON, "application/jsonl", "application/x-jsonlines")

READ_SECONDS = 30
"""How long a client may pause within a request."""
ANSWER_SECONDS = 60
"""How long a line may wait for its answer; whether it was posted is unknown then."""
_QUOTED = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]*)"')


class RequestRefused(Exception):
    """Leaves the reading of a request with the problem that it is answered."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Commands:
    """The endpoint over the intake."""

    def __init__(self, writers: Writers, metrics: Metrics) -> None:
        self._writers, self._metrics = writers, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        given = headers.get(b"idempotency-key")
        caller: Caller | None = scope.get("caller")
        try:
            if kind in STREAMS:
                if given is not None:
                    raise RequestRefused(
                        problem("invalid", "Idempotency-Key goes with a single command, not with a stream")
                    )
                await self._stream(caller, receive, send)
                return
            if kind not in (JSON, ""):
                raise RequestRefused(problem("media_type", f"Content-Type is {kind[:64]}, expected {JSON} or {NDJSON}"))
            answer = await self._answer(receive, idempotency_key(given), caller)
        except RequestRefused as refused:
            await refused.response(scope, receive, send)
            return
        if answer.status in ("posted", "done") or (answer.status == "declined" and answer.code != "key_reused"):
            await _send(send, 200, b"application/json", answer.body)
        else:
            await of_outcome(json.loads(answer.body))(scope, receive, send)

    async def _answer(self, receive: Receive, key: str | None, caller: Caller | None) -> Answered:
        late = _late
        try:
            # One timer for both waits: each costs as much as reading the request.
            async with asyncio.timeout(READ_SECONDS) as patience:
                body = await whole(receive, LINE_LENGTH, patience)
                patience.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)
                late = _unknown
                answer = await self._writers.submit(SentLine(body, key, caller))
        except Full as error:
            raise RequestRefused(problem("unavailable", str(error))) from None
        except TimeoutError:
            raise RequestRefused(late()) from None
        self._count([answer])
        return answer

    def _count(self, answers: Sequence[Answered]) -> None:
        for (kind, status, code), times in Counter([answer[:3] for answer in answers]).items():
            named = kind if status not in ("invalid", "forbidden") else ""
            self._metrics.command(named, status, code or "").inc(times)

    async def _stream(self, caller: Caller | None, receive: Receive, send: Send) -> None:
        """Answer a line with a line, in order, as they come; a line that is refused does not stop the others."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", NDJSON.encode())]})
        async for ready in answers(self._writers, _sent(receive, caller), seconds=ANSWER_SECONDS):
            self._count(ready)
            body = b"".join(answer.body for answer in ready)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _sent(receive: Receive, caller: Caller | None) -> AsyncIterator[SentLine]:
    number = 0
    async for line in lines(receive):
        number += 1
        if line.strip():
            yield SentLine(line, None, caller, number)


async def _send(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def idempotency_key(given: bytes | None) -> str | None:
    """Return the key of an Idempotency-Key header: a quoted string, as the IETF draft has it, or as it is."""
    if given is None:
        return None
    text = given.decode("latin-1").strip()
    quoted = _QUOTED.fullmatch(text)
    key = quoted[1] if quoted else text
    if not key or '"' in key:
        raise RequestRefused(
            problem("invalid", "Idempotency-Key is not a quoted text", errors=[{"header": "Idempotency-Key"}])
        )
    return key


async def whole(receive: Receive, most: int, patience: asyncio.Timeout | None = None) -> bytes:
    """Return the body of a request. Raises RequestRefused when it is longer than `most` bytes or does not come."""
    parts: list[bytes] = []
    size = 0
    async for part in chunks(receive, patience):
        size += len(part)
        if size > most:
            raise RequestRefused(problem("too_large", f"the body has more than {most} bytes"))
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def chunks(receive: Receive, patience: asyncio.Timeout | None = None) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they come. Raises RequestRefused when none comes in time or the client is gone.

    With a caller's own `patience`, the timer restarts with each part.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with nullcontext(patience) if patience else asyncio.timeout(READ_SECONDS):
                message = await receive()
        except TimeoutError:
            raise RequestRefused(_late()) from None
        if message["type"] == "http.disconnect":
            raise RequestRefused(problem("timeout", "the client is gone"))
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
        if patience:
            patience.reschedule(loop.time() + READ_SECONDS)


def _unknown() -> Response:
    return problem("unavailable", "no answer in time: whether it was posted is unknown")


def _late() -> Response:
    return problem("timeout", f"nothing came for {READ_SECONDS} s")


async def lines(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the lines of a body; of one that is too long, only as much as shows it."""
    cutter = Cutter()
    async for part in chunks(receive):
        for line in cutter.lines(part):
            yield line
    for line in cutter.last():
        yield line
