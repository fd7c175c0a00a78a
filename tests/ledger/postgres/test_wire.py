"""Statements sent together on libpq itself: values and rows, errors, and what the driver does beside it."""

import os
import resource
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors

from ledger.postgres.bulk_sql import Insert, columns
from ledger.postgres.database import connect
from ledger.postgres.retries import transaction
from ledger.postgres.wire import COMMIT, exchange, run

VALUES = "SELECT %s::bigint, %s::text, %s::bytea, %s::date, %s::timestamptz, %s::numeric, %s::text[], %s::jsonb"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_values_go_as_text_and_come_back_as_the_driver_reads_them(database_url: str) -> None:
    """Prepared from the second time on, which nobody notices; the exchange begins a database transaction of its own."""
    with connect(database_url) as connection:
        row = (7, 'Анна "\\', b"\x00\xff", date.max, NOON, Decimal("12.50"), "{a,NULL}", None)
        for _ in range(3):
            [[found], [one]] = exchange(connection, (VALUES, list(row)), ("SELECT 1", []))
            assert (found, one) == ((*row[:6], ["a", None], None), (1,))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        run(connection, [COMMIT])
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_after_an_error_nothing_is_carried_out_and_the_connection_serves_on(database_url: str) -> None:
    """The error is the driver's own; what was to be prepared with it is prepared again."""
    with connect(database_url) as connection:
        for _ in range(3):
            with pytest.raises(errors.NotNullViolation, match="null value"):
                exchange(connection, ("INSERT INTO brand (name) VALUES (%s)", ["Sushi"]), ("SELECT 1", []), COMMIT)
            connection.rollback()
            assert exchange(connection, ("SELECT count(*) FROM brand", [])) == [[(0,)]]
            connection.rollback()


def test_the_driver_may_have_the_server_forget_its_statements(database_url: str) -> None:
    """It does after a rollback to a savepoint, as administration has them."""
    with connect(database_url) as connection:
        for number in range(4):
            assert exchange(connection, ("SELECT %s::int", [number])) == [[(number,)]]
            connection.execute("SAVEPOINT s")
            connection.execute("SELECT %s::int", [number], prepare=True)
            connection.execute("ROLLBACK TO SAVEPOINT s")
        connection.rollback()


def test_a_server_that_goes_away_is_an_error_of_the_connection(database_url: str) -> None:
    """So a batch is tried again on another one."""
    with connect(database_url) as connection, connect(database_url, autocommit=True) as other:
        exchange(connection, ("SELECT 1", []))
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            exchange(connection, ("SELECT pg_sleep(1)", []), ("SELECT 1", []))
        assert connection.closed


TYPES = columns("n bigint, body text, data jsonb, day date, at timestamptz, hash bytea, rate numeric, never text")
ODD = ["", "\\N", "\\.", "a\tb\nc\rd\\", "Анна", "\N{HAIR SPACE}", None, '"', "NULL", "{}"]


def many(number: int) -> list[tuple[object, ...]]:
    """Return rows whose columns of texts have whatever a COPY or an array could take for something else."""
    return [
        (
            n,
            ODD[n % len(ODD)],
            f'{{"n": "\\\\{n}"}}',
            date.max if n % 2 else None,
            NOON,
            bytes((n % 256,)),
            Decimal("1.50"),
            None,
        )
        for n in range(number)
    ]


@pytest.mark.parametrize("number", [3, 40, 3000])
def test_rows_arrive_as_they_are_however_many(database_url: str, number: int) -> None:
    """Written out, as arrays, by COPY: texts that look like something else stay texts, what is nothing stays NULL."""
    with connect(database_url) as connection:
        connection.execute(f"CREATE TEMP TABLE odd ({', '.join(f'{name} {type_}' for name, type_ in TYPES.items())})")
        run(connection, [Insert("odd", TYPES, many(number)), ("UPDATE odd SET never = %s", ["later"])])
        rows = connection.execute(
            "SELECT n, body, data::text, day, at, hash, rate, never FROM odd ORDER BY n"
        ).fetchall()
        assert rows == [(*row[:7], "later") for row in many(number)]


def test_works_are_carried_out_in_order_and_the_last_copy_is_waited_for(database_url: str) -> None:
    """What a COPY left under way is done before the next question is answered, and before a rollback."""
    with connect(database_url) as connection:
        connection.execute("CREATE TEMP TABLE odd (n bigint PRIMARY KEY)")
        connection.commit()
        numbers = [(n,) for n in range(1000)]
        run(connection, [("DELETE FROM odd WHERE n >= %s", [0]), Insert("odd", columns("n bigint"), numbers)])
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE
        assert exchange(connection, ("SELECT count(*) FROM odd", [])) == [[(1000,)]]
        run(connection, [("DELETE FROM odd WHERE n >= %s", [0]), Insert("odd", columns("n bigint"), numbers), COMMIT])
        assert connection.execute("SELECT count(*) FROM odd").fetchone() == (1000,)
        connection.rollback()


def test_a_copy_that_fails_is_the_error_of_what_comes_next(database_url: str) -> None:
    """The driver's own error; the connection serves on after a rollback. One that cannot even begin fails at once."""
    with connect(database_url) as connection:
        connection.execute("CREATE TEMP TABLE odd (n bigint PRIMARY KEY)")
        connection.commit()
        twice = Insert("odd", columns("n bigint"), [(n % 999,) for n in range(1000)])
        elsewhere = Insert("odder", columns("n bigint"), [(n,) for n in range(1000)])

        def carry_out(work: Insert, then: Callable[[], object]) -> None:
            with transaction(connection, keep=True):
                run(connection, [work])
                then()

        for _ in range(2):
            with pytest.raises(errors.UniqueViolation):
                carry_out(twice, lambda: exchange(connection, ("SELECT 1", [])))
            with pytest.raises(ZeroDivisionError):
                carry_out(twice, lambda: 1 // 0)
            with pytest.raises(errors.UndefinedTable):
                carry_out(elsewhere, lambda: None)
            assert exchange(connection, ("SELECT count(*) FROM odd", [])) == [[(0,)]]
            connection.rollback()


def test_a_server_that_goes_away_under_a_copy_is_an_error_of_the_connection(database_url: str) -> None:
    """Neither a hang nor an answer, though a whole batch may be on its way."""
    with connect(database_url) as connection, connect(database_url, autocommit=True) as other:
        connection.execute("CREATE TEMP TABLE odd (n bigint, body text)")
        connection.commit()
        exchange(connection, ("SELECT 1", []))
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        rows = [(n, "x" * 1000) for n in range(20_000)]
        with pytest.raises(psycopg.OperationalError):
            run(connection, [Insert("odd", columns("n bigint, body text"), rows), COMMIT])
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
                assert exchange(connection, ("SELECT 1", []), COMMIT) == [[(1,)], []]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
