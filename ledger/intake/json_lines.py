"""JSON Lines in, JSON Lines out: one line per command or administration record, one line per outcome, in order.

A batch is what lines are already there, up to a limit, so a caller may write one line
and wait for its answer. A run of administration lines is a batch of its own. Lines are bytes
until they are read, and come in chunks: a queue that took them one by one would cost as much as reading them.
"""

import json
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from io import BufferedIOBase
from itertools import groupby
from typing import Any, NoReturn

from ledger.administration import administration_lines as administration
from ledger.administration.administration_lines import RECORDS, Record
from ledger.core import commands
from ledger.core.commands import Command
from ledger.core.outcomes import Done, Invalid, Outcome, Posted, shown
from ledger.errors import Failure
from ledger.values.money import plain, quoted
from ledger.values.text import escaped_json

_NOT_UTF_8 = re.compile("[\udc80-\udcff]")
"""What a byte that is no UTF-8 was read as."""

LINE_LENGTH = 1_000_000
"""Characters that a line of JSON may have."""
_LINE_BYTES = 4 * LINE_LENGTH
"""What is longer has more characters than that."""

CHUNK, AHEAD = 1 << 18, 4
"""How many bytes are read at a time, and how many chunks ahead of those who answer."""

Item = Command | Record | Invalid
Post = Callable[[Sequence[Any]], Sequence[Outcome]]


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{quoted(next(name for name in names if names.count(name) > 1))}: is given twice")
    return record


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_pairs)
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def read(line: str | bytes, number: int, parse: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return what a line describes: a command or a record, or Invalid with the line's number and the reason."""
    text = line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line
    if len(text) > LINE_LENGTH:
        return Invalid(line=number, message=f"the line has more than {LINE_LENGTH} characters")
    if not text.isascii() and (broken := _NOT_UTF_8.search(text)):
        return Invalid(line=number, message=f"not JSON: not UTF-8 at character {broken.start() + 1}")
    try:
        record = _DECODER.decode(text.rstrip().removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        return Invalid(line=number, message=f"not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        message = "not JSON: nested too deep" if isinstance(error, RecursionError) else str(error)
        message = "not JSON: a number of more than 4300 digits" if "Exceeds the limit" in message else message
        return Invalid(line=number, message=message)
    if not isinstance(record, dict):
        return Invalid(line=number, message="is not a JSON object")
    try:
        return (parse or parse_item)(record)
    except ValueError as error:
        key = record.get("key")
        return Invalid(line=number, key=key if isinstance(key, str) else None, message=str(error))


def parse_item(record: dict[str, Any]) -> Item:
    """Return the command or administration line of level one that a JSON object describes."""
    kind = record.get("type")
    return administration.parse(record) if isinstance(kind, str) and kind in RECORDS else commands.parse(record)


class Cutter:
    """Cuts what comes in chunks into lines; of a line that is too long it keeps only as much as shows it."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in this chunk."""
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = self._rest + lines[0]
            self._rest = rest
        elif len(self._rest) <= _LINE_BYTES:
            self._rest += rest
        return lines

    def last(self) -> list[bytes]:
        """Return what came after the last line's end, if anything."""
        return [self._rest] if self._rest else []


def batches(stream: BufferedIOBase, most: int) -> Iterator[list[bytes]]:
    """Yield lists of lines: those already there, at least one and at most `most`."""
    chunks: queue.Queue[list[bytes] | BaseException | None] = queue.Queue(maxsize=AHEAD)

    def fill() -> None:
        cutter = Cutter()
        try:
            while chunk := stream.read1(CHUNK):
                if lines := cutter.lines(chunk):
                    chunks.put(lines)
            chunks.put(cutter.last())
            chunks.put(None)
        except BaseException as error:  # handed to the reader, which raises it
            chunks.put(error)

    threading.Thread(target=fill, daemon=True).start()
    lines: list[bytes] = []
    end: BaseException | None = None
    ended = False
    while lines or not ended:
        while len(lines) < most and not ended:
            try:
                arrived = chunks.get(block=not lines)
            except queue.Empty:
                break
            if isinstance(arrived, list):
                lines += arrived
            else:
                end, ended = arrived, True
        if lines:
            yield lines[:most]
        lines = lines[most:]
    if end is not None:
        raise end


def cannot_quote(records: object) -> NoReturn:
    """Raise Failure: administration changes what is agreed, and is not tried first."""
    raise Failure("administration lines cannot be quoted")


def answered(items: Sequence[tuple[int, Any]], *, post: Post, administer: Post) -> Iterator[Outcome]:
    """Yield one outcome per item (line number, content), in order; runs of one sort go together."""
    for sort, run in groupby(items, key=lambda item: _sort(item[1])):
        numbered = list(run)
        if sort == "invalid":
            yield from (item for _, item in numbered)
            continue
        answer = administer if sort == "record" else post
        for (number, _), outcome in zip(numbered, answer([item for _, item in numbered]), strict=True):
            yield replace(outcome, line=number) if isinstance(outcome, Invalid) else outcome


def _sort(item: Any) -> str:
    return "invalid" if isinstance(item, Invalid) else "record" if isinstance(item, Record) else "command"


GOOD = ("posted", "done")
"""The statuses of lines that were carried out."""


def good(outcome: Outcome) -> bool:
    """Return whether a line was posted or done."""
    return isinstance(outcome, Done) or outcome.to_json()["status"] in GOOD


def line_of(record: Mapping[str, Any]) -> str:
    """Return an outcome as its line."""
    return escaped_json(_ENCODER.encode(record)) + "\n"


def line_of_outcome(outcome: Outcome) -> str:
    """Return an outcome as its line; of what was posted without the detour, four times as fast."""
    if type(outcome) is not Posted:
        return line_of(outcome.to_json())
    moved = ", ".join(
        [
            f'{{"account": {m.account}, "reference": {"null" if m.reference is None else _quoted(m.reference)}, '
            f'"amount": "{plain(m.amount)}", "balance": "{plain(m.balance)}", "held": "{plain(m.held)}", '
            f'"version": {m.version}}}'
            for m in outcome.accounts
        ]
    )
    line = (
        f'{{"key": {_quoted(outcome.key)}, "status": "posted", '
        f'"transaction": {outcome.transaction if outcome.transaction > 0 else "null"}, '
        f'"posted_at": "{_shown(outcome.posted_at)}", "replayed": {"true" if outcome.replayed else "false"}, '
        f'"accounts": [{moved}]}}\n'
    )
    return escaped_json(line)


_quoted = json.encoder.encode_basestring
_shown = lru_cache(maxsize=100)(shown)
"""Most outcomes of a batch have the same moment."""


def written(outcomes: Iterable[Outcome]) -> str:
    """Return outcomes as JSON Lines."""
    return "".join([line_of_outcome(outcome) for outcome in outcomes])
