"""`tiffin post` as a process of its own beside neighbours: what is answered in the end is as if nobody had been there.

One neighbour locks accounts, one reads and never ends, one is a pool between them; `test_fire` kills writers and
servers, `test_upgrades` upgrades under writers.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.ledger.postgres.test_fire import ACCOUNTS, Fire, Record
from tests.ledger.postgres.test_pgbouncer import pool

Neighbour = Callable[[str, random.Random], AbstractContextManager[None]]
IMPATIENT = "options=-c%20lock_timeout%3D150ms"


@contextmanager
def nobody(url: str, chance: random.Random) -> Iterator[None]:
    """Be quiet."""
    yield


@contextmanager
def locker(url: str, chance: random.Random) -> Iterator[None]:
    """Lock one account or two, longer than a writer waits, again and again."""
    over = Event()

    def lock() -> None:
        with psycopg.connect(url) as connection:
            while not over.is_set():
                names = chance.sample(ACCOUNTS, chance.randint(1, 2))
                query = "SELECT 1 FROM balance b JOIN account a ON a.id = account_id WHERE a.reference = ANY(%s) ORDER BY a.id FOR UPDATE OF b"
                connection.execute(query, [names])
                over.wait(chance.uniform(0.4, 0.9))
                connection.rollback()
                over.wait(chance.uniform(0, 0.02))

    thread = Thread(target=lock)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def reader(url: str, chance: random.Random) -> Iterator[None]:
    """Hold every lock that a reader may take, and an old snapshot, in a transaction that is never ended."""
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE tiffin_reader")
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
            "AND has_table_privilege(oid, 'SELECT')"
        ).fetchall()
        for (table,) in chance.sample(tables, len(tables)):
            connection.execute(f'LOCK TABLE "{table}" IN ACCESS SHARE MODE')
        for number in (741_852_962, 741_852_963, 741_852_964):
            connection.execute("SELECT pg_advisory_xact_lock(%s), count(*) FROM entry", [number])
        yield


class Flow(Fire):
    """A caller that sends what it has, and what failed again, in order, until all is answered."""

    def flows(self, url: str, neighbour: Neighbour, batch: int) -> int:
        """Return how many lines failed at first; in the end the book is as if there had been no neighbour."""
        chance = random.Random(batch)
        answers: dict[str, Record] = {}
        rest, failed = self.said, 0
        for beside in (neighbour, neighbour, *[nobody] * 5):  # on a busy machine even a quiet round may give up a wait
            with beside(self.url, chance):
                answers |= {answer["key"]: answer for answer in self._sent(url, rest, batch)}
            rest = [line for line in self.said if answers[line["key"]]["status"] == "failed"]
            failed = failed or len(rest)
            if not rest:
                break
        assert not rest, answers[rest[0]["key"]]
        self.pure.post(self.said)
        self.compare(self.pure.state(), self.postgres.state())
        self.postgres.ledger.close()
        return failed

    def _sent(self, url: str, lines: list[Record], batch: int) -> list[Record]:
        """Return one answer per line, in order."""
        run = [sys.executable, "-c", "from reports.cli.main import main; main()", "post", "-", "--batch", str(batch)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
        done = subprocess.run(
            run, input=text, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert "Traceback" not in done.stderr, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert [answer["key"] for answer in answers] == [line["key"] for line in lines], done.stderr
        return answers


def impatient(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{IMPATIENT}"


def test_locked_accounts_fail_their_lines_and_no_others(database_url: str, tmp_path: Path) -> None:
    """Sent again in order, they are answered as if nothing had been locked; thirty times in soak."""
    failed = Flow(database_url, tmp_path, 120).flows(impatient(database_url), locker, 40)
    assert failed < 120  # on a quiet machine all may slip through; test_stream holds that a locked line fails


def test_a_reader_that_never_ends_fails_nothing(database_url: str, tmp_path: Path) -> None:
    """Whatever it locks, of what it may; thirty times in soak."""
    started = time.monotonic()
    assert Flow(database_url, tmp_path, 121).flows(database_url, reader, 50) == 0
    assert time.monotonic() - started < 60


def test_through_a_pool_of_one_connection_nothing_fails(server: str, database_url: str, tmp_path: Path) -> None:
    """As directly; thirty times in soak."""
    for address in pool(server, 1):
        pooled = f"{address}/{conninfo_to_dict(database_url)['dbname']}"
        assert Flow(database_url, tmp_path, 122).flows(pooled, nobody, 50) == 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(600, 630))
@pytest.mark.parametrize("neighbour", [locker, reader, nobody], ids=["locker", "reader", "pool"])
def test_long_flows_beside_neighbours(
    server: str, database_url: str, tmp_path: Path, neighbour: Neighbour, seed: int
) -> None:
    """As many commands as the seed says, in batches of any size; behind the pool accounts are locked, too."""
    batch = random.Random(seed).choice((1, 7, 40, 1000))
    flow = Flow(database_url, tmp_path, seed)
    if neighbour is locker:
        flow.flows(impatient(database_url), locker, batch)
    elif neighbour is reader:
        assert flow.flows(database_url, reader, batch) == 0
    else:
        for address in pool(server, 1 + seed % 3):
            flow.flows(f"{address}/{conninfo_to_dict(database_url)['dbname']}", locker, batch)
