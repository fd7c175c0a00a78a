"""Statements on their way to PostgreSQL and back: few waits, and what has to be done next is done while it works.

An exchange sends several statements straight on libpq: the driver's own pipeline costs a command alone a quarter of a
millisecond of processor time, a fifth of its answer (DECISIONS D188). What stays open for more, such as orders that
are decided in parts, is the driver's pipeline; large batches go by COPY.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import count
from select import POLLIN, POLLOUT, poll
from typing import Any, TypeVar

from psycopg import OperationalError, errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from ledger.postgres.bulk_sql import Rows, Statement, Types
from ledger.postgres.database import AnyConnection

T = TypeVar("T")

BEGIN: Statement = ("BEGIN", [])
COMMIT: Statement = ("COMMIT", [])

MOST_PREPARED = 100


def exchange(
    connection: AnyConnection, statements: Sequence[Statement], *, meanwhile: Callable[[], object] | None = None
) -> list[list[Any]]:
    """Carry out statements, sent together, in the connection's database transaction, which they begin if need be.

    Return the rows of each. Values are texts, numbers, dates, bytes or None, not lists. `meanwhile` is done while the
    server works. Raises the driver's error of the first statement that failed; none after it was carried out.
    """
    pgconn = connection.pgconn
    if connection._prepared._to_flush:  # what the driver wants forgotten goes before what is prepared now
        connection.wait(connection._prepared.maintain_gen(connection))
    begins = [BEGIN] if pgconn.transaction_status == TransactionStatus.IDLE else []
    sent: list[bool] = []
    new: list[bytes] = []
    pgconn.enter_pipeline_mode()
    try:
        for sql, values in (*begins, *statements):
            sent += _send(connection, sql, [_as_text(value) for value in values], new)
        pgconn.pipeline_sync()
        flush(connection)
        if meanwhile:
            meanwhile()
        results = [_result(pgconn) for _ in sent]
        _result(pgconn, last=True)
    except BaseException:
        connection.close()  # nobody knows what is still under way
        raise
    pgconn.exit_pipeline_mode()
    failed = next((result for result in results if result.status == ExecStatus.FATAL_ERROR), None)
    if failed is not None:
        for text in new:  # whether they were prepared is not known
            connection._prepared._names.pop((text, ()), None)
        raise errors.error_from_result(failed)
    answers = [result for result, answers in zip(results, sent, strict=True) if answers]
    return [_rows(connection, result) for result in answers[len(begins) :]]


def run(connection: AnyConnection, statements: Iterable[Statement]) -> None:
    """Carry out the statements that have anything to do; in a pipeline each is made while others run."""
    todo = (statement for statement in statements if statement[1] or statement is COMMIT)
    if not in_pipeline(connection):
        exchange(connection, list(todo))
        return
    for sql, parameters in todo:
        connection.execute(sql, parameters)
        flush(connection)


def ask(
    connection: AnyConnection, *questions: Statement, meanwhile: Callable[[], object] | None = None
) -> list[list[Any]]:
    """Return the rows of several queries, sent together; `meanwhile` is done while the server works on them."""
    if not in_pipeline(connection) and not any(type(value) is list for _, values in questions for value in values):
        return exchange(connection, questions, meanwhile=meanwhile)
    with together(connection):
        cursors = [connection.execute(sql, parameters) for sql, parameters in questions]
        flush(connection)
        if meanwhile:
            meanwhile()
        return [
            [] if sql.startswith("LOCK") else cursor.fetchall()
            for (sql, _), cursor in zip(questions, cursors, strict=True)
        ]


_names = count(1)


def _send(connection: AnyConnection, sql: str, values: list[bytes | None], new: list[bytes]) -> list[bool]:
    """Send a statement, prepared from the second time on; return for each message whether it answers the statement."""
    pgconn, text = connection.pgconn, _numbered(sql)
    # The driver's own registry, private as it is: when it has the server forget its statements, ours are gone, too.
    registry = connection._prepared
    key = text, ()
    name = registry._names.get(key)
    if name:
        pgconn.send_query_prepared(name, values)
        return [True]
    times = registry._counts[key] = registry._counts.get(key, 0) + 1
    if times == 1 or connection.prepare_threshold is None or len(registry._names) >= MOST_PREPARED:
        pgconn.send_query_params(text, values)
        return [True]
    name = registry._names[key] = f"tiffin_{next(_names)}".encode()
    new.append(text)
    pgconn.send_prepare(name, text)
    pgconn.send_query_prepared(name, values)
    return [False, True]


@lru_cache(maxsize=1000)
def _numbered(sql: str) -> bytes:
    first, *rest = sql.split("%s")
    return "".join((first, *(f"${number}{part}" for number, part in enumerate(rest, 1)))).encode()


def _as_text(value: object) -> bytes | None:
    if value is None:
        return None
    return f"\\x{value.hex()}".encode() if isinstance(value, bytes) else str(value).encode()


def _result(pgconn: PGconn, *, last: bool = False) -> PGresult:
    """Return the next statement's result, or the one that tells that there is no more."""
    result = _next(pgconn)
    if result is None:
        raise OperationalError("the server closed the connection")
    if not last:
        _next(pgconn)  # what parts it from the next
    return result


def _next(pgconn: PGconn) -> PGresult | None:
    while pgconn.is_busy():
        _ready(pgconn, POLLIN)
        pgconn.consume_input()
    return pgconn.get_result()


def _rows(connection: AnyConnection, result: PGresult) -> list[Any]:
    if result.status != ExecStatus.TUPLES_OK:
        return []
    loaded = Transformer(connection)
    loaded.set_pgresult(result)
    return [*loaded.load_rows(0, result.ntuples, tuple)]


def together(connection: AnyConnection) -> AbstractContextManager[object]:
    """Return a pipeline, or nothing new within one: entering it again would wait for what is under way."""
    return nullcontext() if in_pipeline(connection) else connection.pipeline()


def in_pipeline(connection: AnyConnection) -> bool:
    """Return whether statements are being sent together."""
    return connection.pgconn.pipeline_status != PipelineStatus.OFF


STALLED_SECONDS = 60
"""How long the server may take nothing and send nothing, while there is something to send."""


def flush(connection: AnyConnection) -> None:
    """Send what was given to the driver, and read meanwhile, so that the server need not wait for us to read.

    In a pipeline the driver itself leaves what the socket does not take at once, and then waits for an answer to it.
    Raises psycopg.OperationalError when nothing moves any more.
    """
    pgconn = connection.pgconn
    while pgconn.flush():
        ready = _ready(pgconn, POLLIN | POLLOUT, STALLED_SECONDS)
        if ready & ~POLLOUT:
            pgconn.consume_input()
        elif not ready:
            connection.close()
            raise OperationalError(f"the server took nothing for {STALLED_SECONDS} s")


def _ready(pgconn: PGconn, events: int, seconds: float | None = None) -> int:
    """Return what the connection's socket is ready for, 0 when the time is over; its number may be any."""
    waiting = poll()
    waiting.register(pgconn.socket, events)
    found = waiting.poll(None if seconds is None else seconds * 1_000)
    return found[0][1] if found else 0


def copy(connection: AnyConnection, table: str, types: Types, rows: Rows, then: Callable[[], T]) -> T:
    """Write rows by COPY; return what `then` returns, which runs while the server takes them in."""
    with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)
        return then()
