"""A real door on a real PostgreSQL: `tiffin serve`, a process of its own on a port that the system chose."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.cli.shared import Level
from ledger.food.cli import level
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import database
from ledger.postgres.post import Ledger
from tests.conftest import made

BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "name": "Sushi House"},
    {"type": "brand", "code": "pizza", "name": "Pizza"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."},
    {"type": "party", "reference": "boris", "kind": "individual", "name": "Boris"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
    {"type": "account", "reference": "boris", "party": "boris", "currency": "RUB", "holder": "pizza"},
]


def administer(url: str, records: list[dict[str, Any]], spoken: Level = level) -> None:
    """Carry out administration lines, all of which must be done."""
    desk = Desk(Ledger(url))
    outcomes = desk.administer([spoken.parse(record) for record in records])  # type: ignore[misc]
    desk.close()
    assert {outcome.to_json()["status"] for outcome in outcomes} == {"done"}


class Served:
    """A door that runs, and a client of it."""

    def __init__(self, url: str, *options: str, tmp: Path) -> None:
        self.run = ""
        self.log = tmp / f"door-{time.monotonic_ns()}.log"
        environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
        command = [sys.executable, "-m", "tests.ledger.http.tiffin", "serve", "--listen", "127.0.0.1:0", *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stderr=log)
        self.client = httpx.Client(base_url=f"http://{self._address()}", timeout=60)

    def _address(self) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for line in self.lines():
                if line.get("event") == "listening":
                    return str(line["at"])
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def lines(self) -> list[dict[str, Any]]:
        """Return the log so far."""
        found = [line for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in found]

    def wait_until_ready(self) -> "Served":
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                if self.client.get("/readyz").status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def own(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a line with the keys and accounts of this test: `d1` is `d1.7` in the seventh."""
        named = {"key", "account", "to", "party", "reference", "debit", "hold", "transaction"}
        return {name: f"{value}{self.run}" if name in named else value for name, value in record.items()}

    def command(self, record: dict[str, Any], **headers: str) -> httpx.Response:
        """Send one line, with the keys and accounts of this test."""
        return self.client.post("/v1/commands", json=self.own(record), headers=headers)

    def stream(self, lines: Iterable[dict[str, Any]], path: str = "/v1/commands") -> list[dict[str, Any]]:
        """Send lines as they are, as one stream, and return what each was answered."""
        body = "".join(json.dumps(line) + "\n" for line in lines)
        answer = self.client.post(path, content=body, headers={"content-type": "application/x-ndjson"})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Stop the door and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        self.client.close()
        return self.process.wait(60)


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return what opens doors; they are closed after the test."""
    opened: list[Served] = []

    def open_(url: str, *options: str) -> Served:
        opened.append(Served(url, *options, tmp=tmp_path))
        return opened[-1].wait_until_ready()

    yield open_
    for door in opened:
        door.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def shared_door(server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a door with one writer on a book with two brands, for all tests of a module."""
    for url in made(server, f"tiffin_door_{os.getpid()}_{next(_runs)}", template_database):
        database.initialise(url, "Europe/Moscow")
        administer(url, BOOK)
        door = Served(url, "--writers", "1", tmp=tmp_path_factory.mktemp("door"))
        yield door.wait_until_ready()
        door.stop()


_runs = count(1)


@pytest.fixture
def door(shared_door: Served) -> Served:
    """Return the module's door with clients of this test's own: another test's anna is not this one's."""
    shared_door.run = f"{next(_runs)}"
    clients = [shared_door.own(line) for line in BOOK if line["type"] in ("party", "account")]
    assert {shared_door.client.post("/v1/commands", json=line).status_code for line in clients} == {200}
    return shared_door
