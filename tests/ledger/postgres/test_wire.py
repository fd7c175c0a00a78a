"""Statements sent together on libpq itself: values and rows, errors, and what the driver does beside it."""

import os
import resource
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors

from ledger.postgres.database import connect
from ledger.postgres.wire import COMMIT, exchange, run

VALUES = "SELECT %s::bigint, %s::text, %s::bytea, %s::date, %s::timestamptz, %s::numeric, %s::text[], %s::jsonb"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_values_go_as_text_and_come_back_as_the_driver_reads_them(database_url: str) -> None:
    """Prepared from the second time on, which nobody notices; the exchange begins a database transaction of its own."""
    with connect(database_url) as connection:
        row = (7, 'Анна "\\', b"\x00\xff", date.max, NOON, Decimal("12.50"), "{a,NULL}", None)
        for _ in range(3):
            [[found], [one]] = exchange(connection, [(VALUES, list(row)), ("SELECT 1", [])])
            assert (found, one) == ((*row[:6], ["a", None], None), (1,))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        run(connection, [COMMIT])
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_after_an_error_nothing_is_carried_out_and_the_connection_serves_on(database_url: str) -> None:
    """The error is the driver's own; what was to be prepared with it is prepared again."""
    with connect(database_url) as connection:
        for _ in range(3):
            with pytest.raises(errors.NotNullViolation, match="null value"):
                exchange(connection, [("INSERT INTO brand (name) VALUES (%s)", ["Sushi"]), ("SELECT 1", []), COMMIT])
            connection.rollback()
            assert exchange(connection, [("SELECT count(*) FROM brand", [])]) == [[(0,)]]
            connection.rollback()


def test_the_driver_may_have_the_server_forget_its_statements(database_url: str) -> None:
    """It does after a rollback to a savepoint, as administration has them."""
    with connect(database_url) as connection:
        for number in range(4):
            assert exchange(connection, [("SELECT %s::int", [number])]) == [[(number,)]]
            connection.execute("SAVEPOINT s")
            connection.execute("SELECT %s::int", [number], prepare=True)
            connection.execute("ROLLBACK TO SAVEPOINT s")
        connection.rollback()


def test_a_server_that_goes_away_is_an_error_of_the_connection(database_url: str) -> None:
    """So a batch is tried again on another one."""
    with connect(database_url) as connection, connect(database_url, autocommit=True) as other:
        exchange(connection, [("SELECT 1", [])])
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            exchange(connection, [("SELECT pg_sleep(1)", []), ("SELECT 1", [])])
        assert connection.closed


def test_a_process_with_thousands_of_open_files_is_served(database_url: str) -> None:
    """`select` knows no descriptor above 1,023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    try:
        with ExitStack() as opened:
            for _ in range(1_100):
                opened.enter_context(open(os.devnull, "rb"))
            with connect(database_url) as connection:
                assert connection.pgconn.socket > 1_023
                assert exchange(connection, [("SELECT 1", []), COMMIT]) == [[(1,)], []]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
