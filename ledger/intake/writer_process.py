"""A writer: a process of its own with one thread, which posts what its door hands it, a batch at a time.

It reads lines as they came in, so that the door need not, and answers each with its outcome. It ends when its pipe
does: whatever was handed over before is answered.
"""

import pickle
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.administration.administration_lines import Record
from ledger.core.commands import Command, scope_of
from ledger.core.outcomes import Declined, Failed, Invalid, Outcome, Posted
from ledger.errors import Failure
from ledger.intake.json_lines import answered, line_of, line_of_outcome, read
from ledger.intake.levels import Level
from ledger.postgres.post import Ledger
from ledger.postgres.stream import HELD_UP_SECONDS, Stream
from ledger.postgres.tokens import Caller

BROKE = "internal error on this line: it was not carried out; the log has the reason"

LENGTH = struct.Struct("!I")


class SentLine(NamedTuple):
    """A line as it came: `key` is the one that was given beside it, `number` its place in its stream, from 1."""

    body: bytes
    key: str | None = None
    caller: Caller | None = None
    number: int = 0


class Answered(NamedTuple):
    """What became of a line: its type, its status, the code of a decline, and the outcome as JSON."""

    kind: str
    status: str
    code: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken(Invalid):
    """A line that its caller may not send, or that cannot be looked into now; nothing was kept."""

    status: str

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {**Invalid.to_json(self), "status": self.status}


class _NotAllowed(Exception):
    """Leaves the reading of a line that its caller may not send."""


class Writer:
    """Answers batches of lines on one connection. `post` never raises: what breaks is the answer."""

    def __init__(self, level: Level, url: str, held_up: float | None = HELD_UP_SECONDS) -> None:
        self._level, self._ledger = level, Ledger(url)
        self._shell = level.shell(self._ledger)
        self._stream = Stream(self._shell, self._ledger, held_up)

    def post(self, lines: Sequence[SentLine]) -> list[Answered]:
        """Return one answer per line, in order."""
        kinds: list[str] = []
        items = [(sent.number, self._read(sent, kinds)) for sent in lines]
        return [_answer(kind, outcome) for kind, outcome in zip(kinds, self._outcomes(items), strict=True)]

    def close(self) -> None:
        """Close the connection."""
        self._ledger.close()

    def _outcomes(self, items: Sequence[tuple[int, Any]]) -> list[Outcome]:
        try:
            return list(answered(items, post=self._stream.post, administer=self._stream.administer))
        except Failure as error:  # the database stays out of reach
            return [_failed(item, f"{error}; send it again") for _, item in items]
        except Exception:
            if len(items) > 1:  # one command that breaks something must not fail its neighbours
                return [outcome for item in items for outcome in self._outcomes([item])]
            traceback.print_exc()
            return [_failed(items[0][1], BROKE)]

    def _read(self, sent: SentLine, kinds: list[str]) -> Any:
        kinds.append("")

        def parse(record: dict[str, Any]) -> Any:
            kind = record.get("type")
            kinds[-1] = kind if isinstance(kind, str) and len(kind) < 32 else ""
            if sent.key is not None and record.setdefault("key", sent.key) != sent.key:
                raise ValueError("key: is not the Idempotency-Key")
            if sent.caller is None:
                return self._level.parse(record)
            if record.setdefault("by", sent.caller.name) != sent.caller.name:
                raise ValueError(f"by: is the name of the token here, {sent.caller.name}; leave it out")
            item = self._level.parse(record)
            if not isinstance(item, Invalid):
                self._allow(sent.caller, item)
            return item

        try:
            return read(sent.body, sent.number, parse)
        except _NotAllowed as error:
            return NotTaken(status="forbidden", message=str(error), line=sent.number or None)
        except Failure as error:  # whose brands it touches cannot be looked up
            return NotTaken(status="failed", message=f"{error}; send it again", line=sent.number or None)
        except Exception:  # the batch goes on without it
            traceback.print_exc()
            return NotTaken(status="failed", message=BROKE, line=sent.number or None)

    def _allow(self, caller: Caller, item: Command | Record) -> None:
        """Raise _NotAllowed unless the caller's roles and brands cover the line."""
        role = "administer" if isinstance(item, Record) else "post"
        if role not in caller.roles:
            raise _NotAllowed(f"token {caller.name} may not {role}")
        if caller.brands is None or isinstance(item, Record):
            return
        scope = scope_of([item])
        named = {brand for brand, _ in scope.brands}
        if scope.refers:
            named |= self._ledger.retried(lambda: self._brands_of({*scope.refers}))
        if not named or not named <= caller.brands:
            raise _NotAllowed(f"token {caller.name} is limited to {', '.join(sorted(caller.brands))}")

    def _brands_of(self, keys: set[str]) -> set[str]:
        """Return the brands whose accounts earlier transactions moved."""
        connection = self._ledger.connection()
        with connection.transaction():
            return {code for (code,) in connection.execute(_BRANDS, [[*keys], [*keys]])}


_BRANDS = """
SELECT b.code FROM transaction t JOIN entry e ON e.transaction_id = t.id
JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id WHERE t.key = ANY(%s) AND a.party_id IS NULL
UNION SELECT b.code FROM transaction t JOIN hold_part p ON p.hold_id = t.id
JOIN brand b ON b.id = p.brand_id WHERE t.key = ANY(%s)
"""


def _failed(item: Any, message: str) -> Outcome:
    if isinstance(item, Invalid):
        return item
    if isinstance(item, Command):
        return Failed(key=item.key, message=message)
    return Failed(kind=item.type, message=message)


def _answer(kind: str, outcome: Outcome) -> Answered:
    if type(outcome) is Posted:
        return Answered(kind, "posted", None, line_of_outcome(outcome).encode("utf-8", "replace"))
    code, record = outcome.code if isinstance(outcome, Declined) else None, outcome.to_json()
    return Answered(kind, str(record["status"]), code, line_of(record).encode("utf-8", "replace"))


def receive(pipe: socket.socket) -> Any:
    """Return the next message of a pipe, None at its end."""
    head = _exactly(pipe, LENGTH.size)
    body = head and _exactly(pipe, LENGTH.unpack(head)[0])
    return pickle.loads(body) if body else None


def in_columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return lines or answers as they go through a pipe: a batch of named tuples costs five times as much."""
    return [*zip(*rows, strict=True)]


def framed(message: object) -> bytes:
    """Return a message as it goes through a pipe."""
    body = pickle.dumps(message, protocol=5)
    return LENGTH.pack(len(body)) + body


def _exactly(pipe: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = pipe.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def main() -> None:
    """Post what comes through the pipe of file descriptor sys.argv[1] until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the door drains, and then ends the pipe
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe = socket.socket(fileno=int(sys.argv[1]))
    start = receive(pipe)
    if start is None:
        return
    writer = Writer(*start)
    pipe.sendall(framed(True))
    try:
        while (columns := receive(pipe)) is not None:
            lines = [*map(SentLine._make, zip(*columns, strict=True))]
            pipe.sendall(framed(in_columns(writer.post(lines))))
    except (BrokenPipeError, ConnectionResetError):
        pass  # the door was killed: what it was not answered is sent again by its callers
    writer.close()
