"""Nobody but a writer can stop a writer, and nobody keeps locks by going away in the middle."""

from contextlib import closing

import psycopg
import pytest
from psycopg import errors

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.postgres import locks
from ledger.postgres.post import Ledger
from reports.lake.extract import Snapshot

BOOK = (
    {"type": "brand", "code": "sushi"},
    {"type": "party", "reference": "anna", "kind": "individual"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
)


def payment(key: str) -> commands.Command:
    return commands.parse({"type": "payment", "key": key, "account": "anna", "amount": "5.00", "brand": "sushi"})


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    ledger = Ledger(database_url, statement_timeout_ms=5000)
    ledger.administer([administration.parse(line) for line in BOOK])
    return ledger


@pytest.mark.parametrize(
    "lock", [locks.WRITING, locks.CUTTING, locks.LAKE_RUN, locks.MIGRATING, locks.PAYMENTS.replace("%s", "'p1'")]
)
def test_a_reader_can_take_no_lock_that_others_wait_for(database_url: str, lock: str) -> None:
    """Each is on a table that a reader may not write; there is no advisory lock to take."""
    with psycopg.connect(database_url) as reader:
        reader.execute("SET ROLE tiffin_reader")
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(lock)


def test_posting_goes_on_beside_a_reader_that_locks_all_it_may(ledger: Ledger, database_url: str) -> None:
    """Every advisory lock that posting once took, and the weakest lock of every table."""
    with psycopg.connect(database_url) as reader:
        reader.execute("SET ROLE tiffin_reader")
        for number in (741_852_963, 741_852_964, 741_852_962):
            reader.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        readable = reader.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "AND has_table_privilege(oid, 'SELECT')"
        ).fetchall()
        assert len(readable) > 30
        for (table,) in readable:
            reader.execute(f'LOCK TABLE "{table}" IN ACCESS SHARE MODE')
        assert ledger.post([payment("p1")])[0].to_json()["status"] == "posted"


def test_a_session_idle_in_a_transaction_is_ended_and_the_exporters_snapshot_is_not(
    ledger: Ledger, database_url: str
) -> None:
    """By a setting of the database, which `init` makes: sixty seconds; here a fifth of one."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, autocommit=True) as owner:
        assert owner.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
        owner.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '200ms'")
        with (
            closing(psycopg.connect(database_url)) as reader,
            closing(psycopg.connect(database_url)) as writer,
            Snapshot(database_url) as snapshot,
        ):
            reader.execute("SET ROLE tiffin_reader")
            writer.execute("SELECT FROM balance FOR UPDATE")
            owner.execute("SELECT pg_sleep(0.6)")
            for session in (reader, writer):
                with pytest.raises(errors.IdleInTransactionSessionTimeout):
                    session.execute("SELECT 1")
            assert snapshot.snapshot("accounts").height == 1
    assert ledger.post([payment("p1")])[0].to_json()["status"] == "posted"
