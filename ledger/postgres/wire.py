"""Statements and rows on their way to PostgreSQL: few waits, and what has to be done next is done while it works.

An exchange sends several statements straight on libpq: the driver's own pipeline costs a command alone a quarter of a
millisecond of processor time, a fifth of its answer (DECISIONS D188). Many rows go by COPY, which is left under way:
whatever comes next on the connection waits for it first (`settle`).
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, partial
from itertools import count
from select import POLLIN, POLLOUT, poll
from typing import Any

from psycopg import Error, OperationalError, errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from ledger.postgres.bulk_sql import COPY_FROM, Insert, Statement, array_of, copied, quoted_array, statement_of
from ledger.postgres.database import AnyConnection

BEGIN: Statement = ("BEGIN", [])
COMMIT: Statement = ("COMMIT", [])

MOST_PREPARED = 100


def exchange(
    connection: AnyConnection, *statements: Statement, meanwhile: Callable[[], object] | None = None
) -> list[list[Any]]:
    """Carry out statements, sent together, in the connection's database transaction, which they begin if need be.

    Return the rows of each. Values are texts, numbers, dates, bytes, lists of these or None. `meanwhile` is done while
    the server works. Raises the driver's error of the first statement that failed; none after it was carried out.
    """
    settle(connection)
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


def run(connection: AnyConnection, works: Iterable[Insert | Statement]) -> None:
    """Carry out, in order, the works that have anything to do; each is made while the server takes in the one before.

    The last may still be under way when this returns.
    """
    together: list[Statement] = []
    for work in works:
        if isinstance(work, Insert) and not work.key and len(work.rows) >= COPY_FROM:
            names, lines = copied(work.types, work.rows)
            if together:
                exchange(connection, *together)
                together = []
            _start_copy(connection, f"COPY {work.table} ({', '.join(names)}) FROM STDIN", lines)
        elif work is COMMIT:
            together.append(work)
        elif (statement := statement_of(work))[1]:
            together.append(statement)
    if together:
        exchange(connection, *together)


AT_ONCE = 1 << 17
"""So many bytes are given to libpq at once: it would take any number into its memory."""


def _start_copy(connection: AnyConnection, sql: str, lines: bytes) -> None:
    """Send rows by COPY, and leave it under way."""
    settle(connection)
    pgconn = connection.pgconn
    try:
        pgconn.send_query(sql.encode())
        flush(connection)
        begun = _next(pgconn)
        if begun is not None and begun.status == ExecStatus.COPY_IN:
            for at in range(0, len(lines), AT_ONCE):
                _give(connection, partial(pgconn.put_copy_data, lines[at : at + AT_ONCE]))
            _give(connection, pgconn.put_copy_end)
            return
        while begun is not None and _next(pgconn) is not None:
            pass
    except BaseException:
        connection.close()  # nobody knows what is still under way
        raise
    raise OperationalError("the server closed the connection") if begun is None else errors.error_from_result(begun)


def _give(connection: AnyConnection, put: Callable[[], int]) -> None:
    """Have libpq take what `put` gives it, and send it; it may decline once, when its memory is full."""
    if not put():
        flush(connection)
        if not put():
            raise OperationalError("libpq took no more rows")
    flush(connection)


def settle(connection: AnyConnection) -> None:
    """Wait for the COPY that is under way, if there is one. Raises the driver's error if it failed."""
    pgconn = connection.pgconn
    if pgconn.transaction_status != TransactionStatus.ACTIVE:
        return
    try:
        result = _result(pgconn)
    except BaseException:
        connection.close()
        raise
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)


def abandon(connection: AnyConnection) -> None:
    """Wait for the COPY that is under way, whatever becomes of it, before a rollback."""
    with suppress(Error):
        settle(connection)


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
    if isinstance(value, list):
        quoted = any(isinstance(each, str) for each in value)
        return (quoted_array if quoted else array_of)(value).encode()
    return f"\\x{value.hex()}".encode() if isinstance(value, bytes) else str(value).encode()


def _result(pgconn: PGconn, *, last: bool = False) -> PGresult:
    """Return the next statement's result, or the one that marks the end."""
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


STALLED_SECONDS = 60
"""How long the server may take nothing and send nothing, while there is something to send."""


def flush(connection: AnyConnection) -> None:
    """Send what was given to libpq, and read meanwhile, so that the server need not wait for us to read.

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
