"""Upgrades: old and new code beside each other, writers that go on, an upgrade that is killed half-way."""

import os
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from threading import Event, Thread

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from ledger.postgres import database
from ledger.postgres.post import Ledger
from tests.ledger.postgres.test_migrations import TRANSACTION, count, engine


def test_two_processes_migrate_the_same_database_at_once(empty_database_url: str) -> None:
    """One waits for the other and then finds nothing to do."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(database.migrate, [empty_database_url] * 2))
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_a_database_of_a_newer_tiffin_is_refused(database_url: str) -> None:
    """Better one sentence than old code on new tables."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(database.Failure, match=r"newer Tiffin \(version 9999, .*upgrade Tiffin"):
        database.migrate(database_url)


def test_posting_beside_tables_of_another_version_is_one_sentence(database_url: str) -> None:
    """Old code on newer tables, and new code on older ones, say so before they touch anything."""
    for version, sentence in (
        ("9999", "the book's tables are those of a newer Tiffin (version 9999, this one knows {}): upgrade Tiffin"),
        ("0007", "the book's tables are those of an older Tiffin (version 0007, this one needs {}): run tiffin init"),
    ):
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [version])
        with pytest.raises(database.Failure) as caught:
            Ledger(database_url).connection()
        assert str(caught.value) == sentence.format(database.newest_revision())


def test_an_upgrade_gives_way_to_a_writer_and_completes(empty_database_url: str) -> None:
    """
    A writer keeps the transactions locked while `init` wants to change them: whoever comes after waits no longer than
    the upgrade's lock timeout, and the upgrade, killed or not, completes in the end.
    """
    run = [sys.executable, "-c", f"from ledger.postgres.database import migrate; migrate({empty_database_url!r})"]
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with engine(empty_database_url).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with psycopg.connect(empty_database_url) as writer:
        writer.execute(TRANSACTION, [1, "p1"])
        upgrade = subprocess.Popen(run)
        with psycopg.connect(empty_database_url) as waiting:
            while not waiting.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'transaction'::regclass"
            ).fetchone():
                waiting.rollback()
            waiting.execute("SET statement_timeout = '15s'")
            waiting.execute(TRANSACTION, [2, "p2"])  # behind the upgrade, which gives up its place
            waiting.commit()
        upgrade.kill()
        upgrade.wait()
        writer.commit()
    database.migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (database.newest_revision(),)
        assert count(connection, "transaction") == 2


def test_tables_of_another_version_are_named_with_the_way_out(empty_database_url: str) -> None:
    """A night after an upgrade that nobody told the database of ends in one line, not in a traceback."""
    environment = {**os.environ, "TIFFIN_DATABASE_URL": empty_database_url}
    code = "from reports.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "nightly"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the tables are not those of this version" in done.stderr and "run tiffin init" in done.stderr


REVISIONS = sorted(path.name.partition("_")[0] for path in (database.MIGRATIONS / "versions").glob("[0-9]*.py"))
INIT = [sys.executable, "-c", "from reports.cli.main import main; main()", "init"]


class Writing(Thread):
    """A writer of before, which keeps its transactions open for a while; it waits for an upgrade, but not for long."""

    def __init__(self, url: str, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.url, self.chance, self.over = url, chance, Event()
        self.written, self.longest = 0, 0.0

    def run(self) -> None:
        """Write one transaction after the other."""
        with psycopg.connect(self.url) as connection:
            while not self.over.is_set():
                started = time.monotonic()
                connection.execute(TRANSACTION, [self.written + 1, f"p{self.written + 1}"])
                self.over.wait(self.chance.uniform(0, 0.3))
                connection.commit()
                self.written += 1
                self.longest = max(self.longest, time.monotonic() - started)
                self.over.wait(0.01)


def upgraded_under_a_writer(url: str, *, since: str, kills: int, seed: int) -> None:
    """Hold that `tiffin init`, killed at random moments beside a writer, completes when it is run again."""
    chance = random.Random(seed)
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with engine(url).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, since)
        connection.commit()
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    writing = Writing(url, chance)
    writing.start()
    for _ in range(kills):
        killed = subprocess.Popen(INIT, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.5, 4))
        killed.kill()
        killed.wait()
    done = subprocess.run(INIT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    writing.over.set()
    writing.join(30)
    assert not writing.is_alive()
    assert writing.longest < 15, f"a writer waited {writing.longest:.1f} s"
    with psycopg.connect(url) as written:
        assert count(written, "transaction") == writing.written > 0
    with engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        assert context.get_current_heads() == (REVISIONS[-1],)


def test_an_upgrade_killed_under_a_writer_completes(empty_database_url: str) -> None:
    """From before there were gates; from every version, killed more often, in soak."""
    upgraded_under_a_writer(empty_database_url, since="0014", kills=1, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("since", REVISIONS)
def test_upgrades_from_every_version_complete(empty_database_url: str, since: str) -> None:
    """`init` killed three times at random moments."""
    upgraded_under_a_writer(empty_database_url, since=since, kills=3, seed=int(since))
