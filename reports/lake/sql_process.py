"""The process that a SQL question runs in: started by `reports.lake.sql`, as a file, and spoken to in JSON lines.

Whatever a question does, it does it here: memory, address space, processor time and kinds of statements are limited,
files and network are out of reach, and nothing of the book's settings is in its environment. What DuckDB knows of
paths is not answered. It imports only DuckDB and Arrow.
"""

import json
import os
import resource
import struct
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa

Request = dict[str, Any]

ALLOWED = ("SELECT", "EXPLAIN", "MULTI")
"""SELECT covers FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE; a PIVOT without columns is MULTI, which DuckDB expands
into a type of its own and one SELECT."""

PLAIN = {
    *"boolean tinyint smallint integer bigint utinyint usmallint uinteger ubigint".split(),
    *"hugeint float double decimal varchar date timestamp".split(),
    "timestamp with time zone",
}
"""Types that files and screens can hold; any other, and a list or struct of any other, is given as text."""
NESTED = {"list", "struct", "array"}
DAYS = {"date", "timestamp", "timestamp with time zone"}
"""They may be beyond year 9999; who answers looks at columns, not inside of lists."""
_DIRECTORIES = ("temp_directory", "home_directory", "secret_directory", "extension_directory")
_OFF = """
    autoinstall_known_extensions autoload_known_extensions allow_community_extensions enable_external_access
""".split()
SETTINGS = (*(f"{name} = ''" for name in _DIRECTORIES), *(f"{name} = false" for name in _OFF))
HIDDEN = set(
    """
    duckdb_databases duckdb_settings duckdb_extensions duckdb_secrets duckdb_temporary_files duckdb_logs
    pragma_database_list current_setting query query_table
""".split()
)
"""Functions that show this machine and its paths, or run text in which another of them is named."""
BATCH_ROWS = 2_000
READY = b"R"
MARGIN_MB = 400
"""Address space above memory_limit, for code, stacks and what DuckDB does not count."""
SPARE_MB = 100
"""Address space that a question may leave mapped: with more, the next one would lack it, and gets a new process."""
LONGEST_ERROR = 600


class QueryRefused(Exception):
    """What is wrong with the question, in one sentence."""


def main() -> None:
    """Answer questions, one a line, until there are no more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    _mapped_mb()
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    for line in sys.stdin.buffer:
        header, rows = _answer(json.loads(line))
        header["grown"] = _mapped_now_mb() > _mapped_mb() + SPARE_MB
        for part in (json.dumps(header).encode(), rows):
            out.write(struct.pack(">Q", len(part)) + part)
        out.flush()


def _answer(request: Request) -> tuple[dict[str, Any], bytes]:
    try:
        with _opened(request) as connection, _interrupted(connection, request["seconds"]):
            values = _given(connection, request["given"])
            return _rows(connection, _question(request["query"]), values, request)
    except duckdb.InterruptException:
        return {"stopped": True}, b""
    except (MemoryError, duckdb.OutOfMemoryException, pa.ArrowMemoryError):
        return {"memory": True}, b""
    except QueryRefused as refused:
        return {"error": str(refused)}, b""
    except Exception as error:  # whatever DuckDB or Arrow made of it, the asker reads a sentence
        return {"error": _sentence(error).replace(request["folder"], "")}, b""


def _given(connection: duckdb.DuckDBPyConnection, given: Request) -> Any:
    """Make the frames that came with a question its tables, and return the values that came with it."""
    tables = {name: pa.ipc.open_stream(b64decode(text)).read_all() for name, text in given["frames"].items()}
    [values] = tables.pop("").to_pylist() if "" in tables else [{}]
    for name, table in tables.items():
        connection.register(name, table)
    return values if given["named"] else list(values.values())


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__
    return text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]} …"


@contextmanager
def _opened(request: Request) -> Iterator[duckdb.DuckDBPyConnection]:
    os.chdir(request["folder"])
    _limit(request["seconds"], request["memory_mb"])
    name = request["database"]
    with duckdb.connect(name or ":memory:", read_only=bool(name), config={"threads": 1}) as connection:
        for statement in request["declare"]:
            connection.execute(statement)
        for table in request["tables"]:
            connection.execute(f"ATTACH '{table}.duckdb' AS \"{table}.duckdb\" (READ_ONLY)")
            connection.execute(f'CREATE VIEW "{table}" AS FROM "{table}.duckdb"."{table}"')
        for statement in request["views"]:
            connection.execute(statement)
        connection.execute(f"SET TimeZone = '{request['zone']}'")
        connection.execute(f"SET memory_limit = '{request['memory_mb']}MB'")
        for setting in SETTINGS:
            connection.execute(f"SET {setting}")
        connection.execute("SET lock_configuration = true")
        yield connection


def _limit(seconds: float, memory_mb: int) -> None:
    """Limit what this process may take from now on; a question that cannot be interrupted dies of it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    size = (_mapped_mb() + memory_mb + MARGIN_MB) << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


@cache
def _mapped_mb() -> int:
    """Return what DuckDB and Arrow map before they do anything: a chain of questions does not raise the limit."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.sql("SELECT 1").to_arrow_reader(1).read_all()
    return _mapped_now_mb()


def _mapped_now_mb() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize() >> 20
    except OSError:  # no /proc: a guess on the large side
        return 4_096


def _question(query: str) -> str:
    """Return the query without a final semicolon and what follows it. Raises QueryRefused unless it is one question."""
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(query)]
    except ValueError:  # a statement that DuckDB's Python client has no name for
        raise QueryRefused("this kind of statement is not allowed here: use SELECT") from None
    if len(kinds) != 1:
        raise QueryRefused("send one statement at a time")
    if kinds[0] not in ALLOWED or (kinds[0] == "MULTI" and not _pivots(query)):
        raise QueryRefused(f"{kinds[0]} is not allowed here: use SELECT")
    tokens = [(start, kind) for start, kind in duckdb.tokenize(query) if kind != duckdb.token_type.comment]
    text = query.encode()
    ends = [*(start for start, _ in tokens[1:]), len(text)]
    pieces = [text[start:end].split(b"--")[0].split(b"/*")[0] for (start, _), end in zip(tokens, ends, strict=True)]
    words = [piece.strip().strip(b'"').decode().lower() for piece in pieces]
    for word, following in pairwise(words):
        if word in HIDDEN and following == "(":
            raise QueryRefused(f"{word} shows this machine, not the book: it is not answered here")
    operator = duckdb.token_type.operator
    final = [start for (start, kind), word in zip(tokens, words, strict=True) if word == ";" and kind == operator]
    return text[: final[0]].decode() if final else query


def _pivots(query: str) -> bool:
    return "PIVOT" in query.upper()


@contextmanager
def _interrupted(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Any, request: Request
) -> tuple[dict[str, Any], bytes]:
    found = connection.sql(query, params=values) if values else connection.sql(query)
    if found is None:
        raise QueryRefused("this statement has no rows: use SELECT")
    reader = found.project(_plain(found)).to_arrow_reader(BATCH_ROWS)
    most, left = request["rows"], request["rows"]
    batches, size, more = [], 0, False
    for batch in reader:
        more = batch.num_rows > left
        batch = batch.slice(0, left)
        left -= batch.num_rows
        size += batch.get_total_buffer_size() if batch.num_rows == BATCH_ROWS else batch.nbytes
        if size > request["bytes"]:
            raise QueryRefused(f"the answer is larger than {request['bytes'] >> 20} MB: narrow it")
        batches.append(batch)
        if more:
            break
    table = pa.Table.from_batches(batches, reader.schema)
    table.validate(full=True)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"rows": most - left, "more": more}, sink.getvalue().to_pybytes()


def _plain(found: Any) -> str:
    """Return the projection that gives every column a name of its own, and a type that all can hold."""
    names: dict[str, None] = {}
    for name in found.columns:
        given, number = name, 1
        while given.lower() in {known.lower() for known in names}:
            given, number = f"{name}_{number}", number + 1
        names[given] = None
    columns = zip(names, found.types or [None] * len(names), strict=True)
    return ", ".join(
        (f"#{place}" if type_ is None or _is_plain(type_) else f"#{place}::VARCHAR") + f' AS "{_escaped(name)}"'
        for place, (name, type_) in enumerate(columns, start=1)
    )


def _escaped(name: str) -> str:
    return name.replace('"', '""')


def _is_plain(type_: Any) -> bool:
    if type_.id in NESTED:
        inner = [child for _, child in type_.children if hasattr(child, "id")]
        return all(_is_plain(child) and child.id not in DAYS for child in inner)
    return type_.id in PLAIN


if __name__ == "__main__":
    main()
