"""Answer SQL over the pinned tables: DuckDB, read only, in a process of its own that may be killed at any moment.

A cut with a dated DuckDB file is queried there, with the tables' comments. For any other cut, and for tables narrowed
to a login's brands, the tables that the query names are written into files first (DECISIONS D44).
"""

import json
import os
import re
import selectors
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

import duckdb
import polars as pl

from ledger.errors import Failure
from reports.core.result import TableSource
from reports.lake import duckdb_file
from reports.lake.schema import TABLE_NAMES, TABLES

SECONDS = 30
MEMORY_MB = 1_024
MOST_MB = 64
MOST_ROWS = 1_000_000
START_SECONDS = 30.0
LONGEST = 100_000
"""Characters of a query."""

PROCESSES = 2
"""How many questions are answered at once; others wait for as long as they might run."""

GRACE_SECONDS = 1.0
"""How long a question that was interrupted has to end before its process is killed."""

_PROCESS = Path(__file__).with_name("sql_process.py")
# Arrow's own pool reserves a gigabyte, and each arena of malloc 64 MB: a process that grows answers no other question.
_ENVIRONMENT = {"LANG": "C.UTF-8", "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
_CATALOGUE = re.compile(r"\b(show|describe|information_schema|duckdb_\w+|pragma_\w+|sqlite_master|pg_\w+)\b", re.I)


@dataclass(frozen=True)
class Answer:
    """Rows of a query; `more` means that there were more than requested, and these are the first."""

    frame: pl.DataFrame
    more: bool


def answer_sql(
    lake: TableSource,
    query: str,
    *,
    most_rows: int | None = None,
    seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
    most_mb: int = MOST_MB,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    frames: Mapping[str, Any] | None = None,
) -> Answer:
    """Return at most that many rows, or all of them if they are no more than MOST_ROWS.

    `parameters` are the values of `?` or `$name` in the query, `frames` other tables by name: Polars or pandas frames.

    Values of types that no file or screen can hold (intervals, maps, unions …) are given as text. Raises Failure, in
    one sentence, when the query is wrong, is no question, takes too long, needs too much memory or answers too much.
    """
    _check_text(query)
    with _lent(lake, query) as place:
        request = {
            "query": query,
            "rows": most_rows or MOST_ROWS,
            "bytes": most_mb << 20,
            "seconds": seconds,
            "memory_mb": memory_mb,
            "zone": lake.cut.time_zone,
            "given": _given(parameters, frames or {}),
            **place,
        }
        header, content = _POOL.ask(request, seconds)
    if header.get("stopped"):
        raise Failure(f"the query was stopped after {seconds:g} seconds: narrow it")
    if header.get("memory"):
        raise Failure(f"the query needs more than {memory_mb:,} MB of memory: narrow it")
    if "error" in header:
        raise Failure(header["error"])
    if most_rows is None and header["more"]:
        raise Failure(f"the answer has more than {MOST_ROWS:,} rows: narrow it, or aggregate them")
    frame = pl.read_ipc_stream(content)
    _check_dates(frame)
    return Answer(frame, header["more"])


def _given(parameters: Sequence[Any] | Mapping[str, Any], frames: Mapping[str, Any]) -> dict[str, Any]:
    """Return values and frames as text. Raises Failure for what is no value or frame, and for names of our tables."""
    named = isinstance(parameters, Mapping)
    values = dict(parameters) if isinstance(parameters, Mapping) else {str(n): one for n, one in enumerate(parameters)}
    given: dict[str, Any] = {"named": named, "frames": {}}
    for name, one in {**frames, **({"": pl.DataFrame([values])} if values else {})}.items():
        if name.lower() in TABLE_NAMES:
            raise Failure(f"the lake has a table {name}: give the frame another name")
        frame = one.collect() if isinstance(one, pl.LazyFrame) else one
        try:
            frame = frame if isinstance(frame, pl.DataFrame) else pl.from_pandas(frame)
        except (TypeError, ValueError):
            raise Failure(f"{name} is not a Polars or pandas frame") from None
        given["frames"][name] = b64encode(
            frame.write_ipc_stream(None, compat_level=pl.CompatLevel.oldest()).getvalue()
        ).decode()
    return given


def _check_text(query: str) -> None:
    if len(query) > LONGEST:
        raise Failure(f"the query has {len(query):,} characters, and {LONGEST:,} are the most")
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise Failure(f"the query has a character that is not text, at position {error.start + 1}") from None
    if "\0" in query:
        raise Failure(f"the query has a character that is not text, at position {query.index(chr(0)) + 1}")


def _check_dates(frame: pl.DataFrame) -> None:
    """Raise Failure for days that neither Python nor a spreadsheet has: before year 1, after 9999, infinite."""
    for name, type_ in frame.schema.items():
        if isinstance(type_, pl.Date | pl.Datetime):
            units = 1 if isinstance(type_, pl.Date) else 86_400_000_000
            first, end = _FIRST_DAY * units, (_LAST_DAY + 1) * units
            if not frame[name].to_physical().drop_nulls().is_between(first, end, closed="left").all():
                raise Failure(f"{name} has a day outside the years 1 to 9999: cast it to VARCHAR")


_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days, (date.max - _EPOCH).days


@contextmanager
def _lent(lake: TableSource, query: str) -> Iterator[dict[str, Any]]:
    """Lend the files that a query may read: where they are, and what of them is to be opened."""
    path = getattr(lake, "duckdb_path", None)  # a lake made in memory by a test has none
    if path:
        yield {"folder": str(path.parent), "database": path.name, "tables": [], "declare": [], "views": []}
        return
    words = set(re.findall(r"\w+", query.lower()))
    views = _views(lake, words)
    named = sorted((words | set(re.findall(r"\w+", " ".join(views)))) & TABLE_NAMES)
    folder = _files_of(lake).with_tables(lake, named)
    declare = [ddl for name, ddl in _declarations() if name not in named] if _CATALOGUE.search(query) else []
    yield {"folder": str(folder), "database": None, "tables": named, "declare": declare, "views": views}


def _views(lake: TableSource, words: set[str]) -> list[str]:
    """Return the statements that make the views of metrics that a query names."""
    from reports.metrics.metric import all_metrics
    from reports.metrics.views import PREFIX, views

    if not any(word.startswith(PREFIX) for word in words):
        return []
    return [one for name, statements in views(all_metrics(), lake.cut) if name in words for one in statements]


def _declarations() -> Iterator[tuple[str, str]]:
    for table in TABLES:
        yield table.name, duckdb_file.declaration(table)


class _Files:
    """Tables of one cut as DuckDB files, each written when a query first names it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tiffin-sql-"))
        self._lock = threading.Lock()
        self.remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def with_tables(self, lake: TableSource, names: list[str]) -> Path:
        """Return the folder, once it holds these tables."""
        with self._lock:
            for table in TABLES:
                path = self._folder / f"{table.name}.duckdb"
                if table.name in names and not path.exists():
                    making = path.with_suffix(".making")
                    making.unlink(missing_ok=True)
                    with duckdb.connect(str(making)) as connection:
                        duckdb_file.fill(connection, lake, table)
                    making.rename(path)
        return self._folder


_files: dict[int, _Files] = {}
_files_lock = threading.Lock()


def _files_of(lake: TableSource) -> _Files:
    """Return the files of a lake that is open; they go when it does."""
    with _files_lock:
        if id(lake) not in _files:
            _files[id(lake)] = _Files()
            weakref.finalize(lake, _files.pop, id(lake), None)
        return _files[id(lake)]


class _Process:
    """A process that answers questions, one at a time, until one of them has to be killed."""

    def __init__(self) -> None:
        # -I and a bare environment: no settings, no passwords, no code of the working directory.
        self._popen = subprocess.Popen(
            [sys.executable, "-I", str(_PROCESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
        )
        assert self._popen.stdin and self._popen.stdout
        self._in, self._out = self._popen.stdin, self._popen.stdout
        try:
            _read(self._out, 1, time.monotonic() + START_SECONDS)
        except (TimeoutError, EOFError):
            self.end()
            raise Failure("the process that answers queries did not start: try again in a moment") from None

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def end(self) -> None:
        self._popen.kill()
        self._popen.wait()
        self._in.close()
        self._out.close()

    def ask(self, request: dict[str, Any], deadline: float) -> tuple[dict[str, Any], bytes]:
        """Return header and rows; TimeoutError at the deadline, EOFError when the process died of the question."""
        self._in.write(json.dumps(request).encode() + b"\n")
        self._in.flush()
        header, rows = (_read_part(self._out, deadline) for _ in range(2))
        return json.loads(header), rows


def _read_part(file: IO[bytes], deadline: float) -> bytes:
    (length,) = struct.unpack(">Q", _read(file, 8, deadline))
    return _read(file, length, deadline)


def _read(file: IO[bytes], length: int, deadline: float) -> bytes:
    parts = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        while len(parts) < length:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(file.fileno(), min(length - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
    return bytes(parts)


class _Pool:
    """A few processes for all askers: a question that ends well leaves its process to the next one."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(PROCESSES)
        self._idle: SimpleQueue[_Process] = SimpleQueue()

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        if not self._free.acquire(timeout=seconds):
            raise Failure(f"{PROCESSES} other queries are being answered: try again in a moment")
        try:
            return self._ask(request, seconds)
        finally:
            self._free.release()

    def _ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        process = self._process()
        try:
            header, rows = process.ask(request, time.monotonic() + seconds + GRACE_SECONDS)
        except TimeoutError:
            process.end()
            return {"stopped": True}, b""
        except (EOFError, BrokenPipeError):
            process.end()
            return {"error": "the query ended the process that answered it, by its size or depth: simplify it"}, b""
        except BaseException:
            process.end()
            raise
        if ("error" in header or "rows" in header) and not header.pop("grown", False):
            self._idle.put(process)
        else:
            process.end()  # what was stopped half-way may have left anything
        return header, rows

    def _process(self) -> _Process:
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.alive:
                    return process
                process.end()
        return _Process()


_POOL = _Pool()
