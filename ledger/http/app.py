"""The door as one ASGI application: who may come in, what they may do, what is logged and counted.

Every request passes here: its Host is checked, then its token, then the roles of the endpoint (ENDPOINTS).
"""

import asyncio
import json
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ledger.errors import Failure
from ledger.http.commands import Commands, RequestRefused
from ledger.http.endpoints import Endpoint, EndpointMatch, find
from ledger.http.metrics import Metrics
from ledger.http.problems import problem
from ledger.http.read_pool import NoDatabase, ReadPool
from ledger.intake.levels import Level
from ledger.intake.writers import Writers
from ledger.postgres import tokens
from ledger.postgres.account_queries import NoSuchAccount
from ledger.postgres.database import Unreachable
from ledger.postgres.tokens import Caller

LOCAL = ("localhost", "127.0.0.1", "[::1]")
TOKENS_SECONDS = 2.0
"""How long a token that was revoked may still be taken."""


@dataclass(kw_only=True)
class DoorSettings:
    """How a door is opened. `local`: only this machine can reach it, so that it may do without tokens.

    `double`: there is no database behind it, and nobody to keep out.
    """

    local: bool = True
    double: bool = False
    hosts: Iterable[str] = ()
    log: Callable[[str], object] = field(default=lambda line: sys.stderr.write(line + "\n"))


class Door:
    """The application. It owns the writers and the connections for questions, from startup to shutdown."""

    def __init__(
        self, level: Level, url: str, *, writers: Writers, settings: DoorSettings, replica_url: str | None = None
    ) -> None:
        self.level, self.url, self.writers, self.settings = level, url, writers, settings
        self.metrics = Metrics()
        writers.observe = self._batch
        self.posted = asyncio.Event()
        self.primary = NoDatabase(url) if settings.double else ReadPool(url)
        self.replica = ReadPool(replica_url) if replica_url else None
        self.commands = Commands(writers, self.metrics)
        self.draining = False
        self._hosts = {host.lower() for host in (*LOCAL, *settings.hosts)}
        self._callers: dict[bytes, Caller] = {}
        self._ever_tokens = True
        self._callers_at: float | None = None
        self._learning = asyncio.Lock()

    def _batch(self, size: int, seconds: float) -> None:
        self.metrics.observe_batch(size, seconds)
        self.posted.set()  # wakes those who wait for events
        self.posted = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's event: a request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.writers.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.writers.close()
        self.primary.close()
        if self.replica:
            self.replica.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        since = time.perf_counter()
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        passed_on = [(b"x-request-id", request_id.encode())]
        if trace := headers.get(b"traceparent"):
            passed_on.append((b"traceparent", trace))
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *passed_on]
            await send(message)

        found = find(scope["method"], scope["path"])
        broke: str | None = None
        try:
            if isinstance(found, Response):
                await found(scope, receive, answer)
            elif refused := await self._refused(found.endpoint, scope, headers):
                await refused(scope, receive, answer)
            else:
                await self._answer(found, scope, receive, answer)
        except RequestRefused as refusal:  # a stream that broke off: the client sees that it has no end
            broke = f"broke off ({refusal})"
        except Exception:
            broke = traceback.format_exc()
            if not status:
                await problem("internal", f"request {request_id} failed; the log has the details")(
                    scope, receive, answer
                )
        self._note(scope, found, status, time.perf_counter() - since, request_id, trace, broke)

    async def _answer(self, found: EndpointMatch, scope: Scope, receive: Receive, answer: Send) -> None:
        if found.endpoint.path == "/v1/commands":
            await self.commands(scope, receive, answer)
            return
        request = Request(scope, receive)
        try:
            response = await found.endpoint.run(self, request, found.parameters)
        except RequestRefused as refused:
            response = refused.response
        except NoSuchAccount as error:
            response = problem("not_found", str(error))
        except Unreachable as error:
            response = problem("unavailable", str(error))
        except Failure as error:
            response = problem("invalid", str(error))
        await response(scope, receive, answer)

    async def _refused(self, endpoint: Endpoint, scope: Scope, headers: Mapping[bytes, bytes]) -> Response | None:
        """Return the problem of a request that may not come in; note who sent it otherwise."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if name not in self._hosts:
            return problem("misdirected", f"Host {host[:100]} is not one that this door serves: see --host")
        # A browser sends a page's POST without a type or a question first; without tokens it would be obeyed.
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower().partition("//")[2] != host:
            return problem("forbidden", "the page of another site may not use this door")
        if not endpoint.roles or self.settings.double:
            return None
        try:
            caller = await self._caller(headers.get(b"authorization"))
        except Failure as error:
            return problem("unavailable", str(error))
        if caller is None:
            if not self._ever_tokens and self.settings.local:
                return None
            return problem("unauthorized", "send Authorization: Bearer with a token of tiffin token create")
        if not endpoint.roles & caller.roles:
            roles = " or ".join(sorted(endpoint.roles))
            return problem("forbidden", f"token {caller.name} lacks the role that this needs: {roles}")
        scope["caller"] = caller
        return None

    def _are_old(self) -> bool:
        return self._callers_at is None or time.monotonic() - self._callers_at > TOKENS_SECONDS

    async def _learn(self) -> None:
        async with self._learning:
            if self._are_old():
                self._callers, self._ever_tokens = await self.primary.run(tokens.callers)
                self._callers_at = time.monotonic()

    async def _caller(self, authorization: bytes | None) -> Caller | None:
        # While one looks, others go by what was known.
        if self._callers_at is None or (self._are_old() and not self._learning.locked()):
            await self._learn()
        scheme, _, secret = (authorization or b"").decode("latin-1").partition(" ")
        return self._callers.get(tokens.hashed(secret.strip())) if scheme.lower() == "bearer" else None

    def _note(
        self,
        scope: Scope,
        found: EndpointMatch | Response,
        status: int,
        seconds: float,
        request_id: str,
        trace: bytes | None,
        broke: str | None,
    ) -> None:
        path = found.endpoint.path if isinstance(found, EndpointMatch) else "other"
        self.metrics.request(path, str(status)).inc()
        self.metrics.took(path).observe(seconds)
        caller: Caller | None = scope.get("caller")
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": "request",
            "request": request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 2),
            **({"by": caller.name} if caller else {}),
            **({"trace": trace.decode("latin-1")} if trace else {}),
            **({"broke": broke} if broke else {}),
        }
        self.settings.log(json.dumps(line))


def _request_id(given: bytes | None) -> str:
    """Return the caller's id of a request where it is harmless, a new one otherwise."""
    text = (given or b"").decode("latin-1")
    return text if 0 < len(text) <= 64 and text.isascii() and text.isprintable() else f"{_OURS}{next(_numbers):x}"


_OURS, _numbers = f"{secrets.token_hex(4)}-", count(1)
