"""Writers and servers killed at random moments: what was acknowledged is there once, the rest wholly or not at all."""

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import database, embedded_server
from ledger.values.field_types import OWN_KEYS
from tests.ledger.checks import check, same
from tests.ledger.worlds import MOSCOW, Postgres, Pure

Record = dict[str, Any]
ACCOUNTS = [f"account-{n}" for n in range(8)]


def commands(number: int, seed: int) -> list[Record]:
    """Return commands of all kinds, in order of time; some will be declined."""
    chance = random.Random(seed)
    at = datetime(2024, 1, 1, tzinfo=MOSCOW)
    said: list[Record] = []
    debits, holds, payments = ["none"], ["none"], ["none"]
    for n in range(number):
        at += timedelta(minutes=chance.choice((0, 1, 60)))
        account, other = chance.sample(ACCOUNTS, 2)
        amount = f"{chance.randint(1, 9000) / 100:.2f}"
        lines = [{"brand": "sushi", "amount": amount}]
        kind = chance.choice(
            ("payment", "payment", "debit", "debit", "hold", "capture", "refund", "transfer", "reverse")
        )
        record: Record = {"type": kind, "key": f"{kind}-{n}", "at": at.isoformat()}
        if kind == "payment":
            payments.append(record["key"])
            record |= {"account": account, "amount": amount, "brand": "sushi"}
        elif kind in ("debit", "hold"):
            (debits if kind == "debit" else holds).append(record["key"])
            record |= {"account": account, "lines": lines}
            if kind == "hold":
                record["expires_at"] = (at + timedelta(hours=chance.randint(1, 99))).isoformat()
        elif kind == "transfer":
            record |= {"account": account, "to": other, "amount": amount}
        else:
            of = {"capture": ("hold", holds), "refund": ("debit", debits), "reverse": ("transaction", payments)}[kind]
            record |= {of[0]: chance.choice(of[1][-20:]), **({"reason": "fire"} if kind == "reverse" else {})}
        said.append(record)
    return said


def opening() -> Iterator[Record]:
    """Yield what is there before the fire: accounts, one with credit who pays for another up to a limit."""
    yield {"type": "brand", "code": "sushi"}
    for reference in ACCOUNTS:
        yield {"type": "party", "reference": reference, "kind": "individual"}
        yield {"type": "account", "reference": reference, "party": reference, "currency": "RUB"}
    yield {"type": "credit_terms", "account": ACCOUNTS[0], "limit": "99.00", "valid_from": "2024-01-01"}
    yield {"type": "link", "account": ACCOUNTS[1], "payer": ACCOUNTS[0], "draw": "payer_first"}
    yield {"type": "write_off_limit", "payer": ACCOUNTS[0], "period": "day", "amount": "50.00"}


class Fire:
    """A posting run that is killed again and again, and a pure book that no one kills."""

    worlds: tuple[type[Pure], type[Postgres]] = (Pure, Postgres)
    commands = staticmethod(commands)
    opening = staticmethod(opening)

    def __init__(self, url: str, folder: Path, number: int) -> None:
        self.url, self.folder = url, folder
        print(f"seed {number}, commands in {folder / 'commands.jsonl'}")  # shown when the test fails
        self.said = self.commands(number, seed=number)
        self.answers = folder / "answers.jsonl"
        (folder / "commands.jsonl").write_text("".join(json.dumps(record) + "\n" for record in self.said))
        self.pure, self.postgres = self.worlds[0](), self.worlds[1](url)
        for world in (self.pure, self.postgres):
            for line in self.opening():
                world.administer(line)

    def writer(self) -> subprocess.Popen[bytes]:
        """Return a writer that goes on where the last one's answers end, just before its first batch."""
        command = [sys.executable, "-m", "tests.ledger.writer", self.url, self.folder / "commands.jsonl", self.answers]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout and process.stdout.readline() == b"ready\n"
        return process

    def acknowledged(self) -> list[Record]:
        text = self.answers.read_bytes() if self.answers.exists() else b""
        return [json.loads(line) for line in text.rpartition(b"\n")[0].splitlines()]

    def kept(self) -> int:
        """Return how many commands the book has; it must be the first ones, all acknowledged ones among them."""
        self.settle()
        keys = {key for (key,) in self.postgres.rows("SELECT key FROM transaction") if not key.startswith(OWN_KEYS)}
        assert keys == {record["key"] for record in self.said[: len(keys)]}
        assert len(keys) >= len(self.acknowledged())
        return len(keys)

    def settle(self) -> None:
        """Wait until what a killed writer had sent is through."""
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tiffin' AND datname = current_database()"
        )
        while self.postgres.rows(others) != [(1,)]:
            time.sleep(0.02)

    def ends_well(self) -> None:
        """Send everything again, blindly: each acknowledged answer is repeated, and all is as if nothing had happened."""
        process = self.writer()
        assert process.wait(timeout=600) == 0
        first = self.acknowledged()
        assert [answer["key"] for answer in first] == [record["key"] for record in self.said]
        again = [outcome.to_json() for outcome in Desk(self.postgres.ledger).post(list(map(parse, self.said)))]
        assert [{**a, "replayed": None} for a in again] == [{**a, "replayed": None} for a in first]
        assert all(answer["replayed"] for answer in again)
        self.pure.post(self.said)
        self.compare(self.pure.state(), self.postgres.state())

    def compare(self, pure: Record, postgres: Record) -> None:
        """Hold that the two worlds are alike."""
        same(pure, postgres)
        check(postgres)


def burn_writers(fire: Fire, kills: int) -> None:
    chance = random.Random(kills)
    for _ in range(kills):
        process = fire.writer()
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.wait()
        assert fire.kept() < len(fire.said), "there was nothing left to kill: the run is too short"
    fire.ends_well()


def test_a_killed_writer_loses_nothing_that_was_acknowledged(database_url: str, tmp_path: Path) -> None:
    """Three times here, fifty in soak."""
    burn_writers(Fire(database_url, tmp_path, 1500), kills=3)


@pytest.mark.soak
def test_fifty_killed_writers_lose_nothing(database_url: str, tmp_path: Path) -> None:
    """kill -9 at random moments of one long run."""
    burn_writers(Fire(database_url, tmp_path, 12_000), kills=50)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return the home of a server of our own, that may be killed; stopped after the test."""
    folder = Path(tempfile.mkdtemp(prefix="tiffin-fire-"))
    yield folder
    embedded_server.stop(folder)
    shutil.rmtree(folder)


def kill(home: Path, chance: random.Random) -> None:
    """Kill the server without a word: its first process only, all of it, or by what PostgreSQL calls immediate."""
    first = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
    children = first.children()
    how: Callable[[], Any] = chance.choice(
        (
            first.kill,
            lambda: first.send_signal(signal.SIGQUIT),
            lambda: [p.kill() for p in (*children, first)],
        )
    )
    with suppress(psutil.NoSuchProcess):
        how()
    psutil.wait_procs([first], timeout=30)


def burn_servers(home: Path, folder: Path, number: int, kills: int, kind: type[Fire] = Fire) -> None:
    """Kill the server under a writer that goes on; whoever needs it starts it again."""
    url = embedded_server.running(home)
    database.migrate(url)
    database.initialise(url, "Europe/Moscow")
    fire = kind(url, folder, number)
    chance = random.Random(kills)
    writer = fire.writer()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 0.5))
        assert writer.poll() is None, "there was nothing left to kill: the run is too short"
        kill(home, chance)
        assert embedded_server.running(home) == url
        # It answers already, and what it answered before it died is there.
        known = len(fire.acknowledged())
        [(kept,)] = fire.postgres.again().rows(f"SELECT count(*) FROM transaction WHERE key NOT LIKE '{OWN_KEYS}%'")
        assert kept >= known
        fire.postgres = fire.postgres.again()
    assert writer.wait(timeout=600) == 0
    fire.kept()
    fire.ends_well()
    fire.postgres.ledger.close()


def test_a_killed_server_costs_waiting_never_money(home: Path, tmp_path: Path) -> None:
    """Twice here, twenty times in soak; the writer itself waits and goes on."""
    burn_servers(home, tmp_path, 1500, kills=2)


@pytest.mark.soak
def test_twenty_killed_servers_cost_waiting_never_money(home: Path, tmp_path: Path) -> None:
    """kill -9 and immediate stops at random moments of one long run."""
    burn_servers(home, tmp_path, 30_000, kills=20)
