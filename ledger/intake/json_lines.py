"""JSON Lines in, JSON Lines out: one line a command or administration record, one line an outcome, in order.

A batch is what lines are already there, up to a limit, so a caller may write one line
and wait for its answer. A run of administration lines is a batch of its own.
"""

import json
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import IO, Any

from ledger.administration import administration_lines as administration
from ledger.administration.administration_lines import RECORDS, Record
from ledger.core import commands
from ledger.core.commands import Command
from ledger.core.outcomes import Done, Invalid, Outcome
from ledger.values.money import quoted
from ledger.values.text import escaped_json

_NOT_UTF_8 = re.compile("[\udc80-\udcff]")
"""What a byte that is no UTF-8 was read as."""

LINE_LENGTH = 1_000_000
"""Characters that a line of JSON may have."""

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


def read(line: str, number: int, parse: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return what a line describes: a command or a record, or Invalid with the line's number and the reason."""
    if len(line) > LINE_LENGTH:
        return Invalid(line=number, message=f"the line has more than {LINE_LENGTH} characters")
    broken = _NOT_UTF_8.search(line)
    if broken:
        return Invalid(line=number, message=f"not JSON: not UTF-8 at character {broken.start() + 1}")
    try:
        record = json.loads(line.rstrip().removeprefix("\ufeff"), parse_constant=_no_constant, object_pairs_hook=_pairs)
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


def _cut(stream: IO[str]) -> Iterator[str]:
    """Yield the lines of a stream; of one that is too long only so much as shows it."""
    while line := stream.readline(LINE_LENGTH + 1):
        rest = line
        while not rest.endswith("\n") and (rest := stream.readline(LINE_LENGTH)):
            continue
        yield line


def batches(stream: IO[str], most: int) -> Iterator[list[str]]:
    """Yield lists of lines: those already there, at least one and at most `most`."""
    lines: queue.Queue[str | BaseException | None] = queue.Queue(maxsize=2 * most)

    def fill() -> None:
        try:
            for line in _cut(stream):
                lines.put(line)
            lines.put(None)
        except BaseException as error:  # handed to the reader, which raises it
            lines.put(error)

    threading.Thread(target=fill, daemon=True).start()
    ended = False
    while not ended:
        batch: list[str] = []
        waits = True
        while len(batch) < most:
            try:
                line = lines.get(block=waits)
            except queue.Empty:
                break
            if isinstance(line, BaseException):
                raise line
            if line is None:
                ended = True
                break
            batch.append(line)
            waits = False
        if batch:
            yield batch


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


def good(outcome: Outcome) -> bool:
    """Tell whether a line was posted or done."""
    return isinstance(outcome, Done) or outcome.to_json()["status"] == "posted"


def written(outcomes: Iterable[Outcome]) -> str:
    """Return outcomes as JSON Lines."""
    return "".join(escaped_json(json.dumps(outcome.to_json(), ensure_ascii=False)) + "\n" for outcome in outcomes)
