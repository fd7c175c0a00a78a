"""Thousands of strange lines through a live pipe: each has its answer, and the money stays right.

They are the documentation's own examples, one of each type of line, changed at random: types, sizes, digits of other
scripts, white space, surrogates, byte order marks, line ends, UTF-16, keys given twice, depth.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ledger.postgres.database import connect

EXAMPLES = [json.loads(line) for line in Path("docs/examples.jsonl").read_text(encoding="utf-8").splitlines()]
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, 1e400, "", " ", "0", "-0.00", "1e3", "NaN", "Infinity", "१२", "²", "１２.００", "+5",
    "5.001", "999999999999999999.99", "\ud800", "\x00", "\x1b[31mred", "[/]", "\u202e\ufffe\U0001f600", "x" * 10_000, [],
    {}, [[]], {"a": {"b": []}}, "2024-02-30", "2024-02-29T25:00:00Z", "9999-12-31T23:59:59Z", "anna", 1000017, "DROP TABLE",
]  # fmt: skip
SPACES = (" ", "\t", "\u00a0", "\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\ufeff", "\r")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return everything within a JSON value, as its container and the key there."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for key, item in inner for place in ((value, key), *places(item))]


class Strange:
    """A source of lines; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ways: list[Callable[[dict[str, Any]], bytes]] = [
            self._plain,
            self._plain,
            self._odd_value,
            self._odd_value,
            self._odd_value,
            self._lost,
            self._unknown,
            self._twice,
            self._deep,
            self._long,
            self._cut,
            self._bytes,
            self._spaced,
            self._other_encoding,
            self._ascii,
        ]
        self.number = 0

    def line(self) -> bytes:
        """Return one line, or what some reader would take for several."""
        record = json.loads(json.dumps(self.chance.choice(EXAMPLES)))
        if "key" in record and self.chance.random() < 0.8:
            self.number += 1
            record["key"] = f"k{self.number}"
        return self.chance.choice(self.ways)(record)

    def _text(self, record: dict[str, Any]) -> str:
        return json.dumps(record, ensure_ascii=False)

    def _plain(self, record: dict[str, Any]) -> bytes:
        return self._text(record).encode()

    def _ascii(self, record: dict[str, Any]) -> bytes:
        record["note"] = self.chance.choice(("\ud83d", "\ufffe", "é\u0301" * 50, "\u200b"))
        return json.dumps(record).encode()

    def _odd_value(self, record: dict[str, Any]) -> bytes:
        for _ in range(self.chance.randint(1, 2)):
            container, key = self.chance.choice(places(record))
            container[key] = deepcopy(self.chance.choice(ODD))  # lists among them may be written into next
        return self._text(record).encode("utf-8", "surrogatepass")

    def _lost(self, record: dict[str, Any]) -> bytes:
        del record[self.chance.choice(list(record))]
        return self._plain(record)

    def _unknown(self, record: dict[str, Any]) -> bytes:
        record[self.chance.choice(("Key", "amount ", "ключ", "__class__", "", "line"))] = self.chance.choice(ODD)
        return json.dumps(record).encode()

    def _twice(self, record: dict[str, Any]) -> bytes:
        key = self.chance.choice(list(record))
        return f"{self._text(record)[:-1]}, {json.dumps(key)}: {json.dumps(record[key])}}}".encode()

    def _deep(self, record: dict[str, Any]) -> bytes:
        depth = self.chance.choice((3, 100, 5_000))
        return f'{self._text(record)[:-1]}, "attributes": {"[" * depth}{"]" * depth}}}'.encode()

    def _long(self, record: dict[str, Any]) -> bytes:
        return self._text({**record, "note": "n" * self.chance.choice((2_000, 70_000))}).encode()

    def _cut(self, record: dict[str, Any]) -> bytes:
        text = self._plain(record)
        return text[: self.chance.randrange(1, len(text))]

    def _bytes(self, record: dict[str, Any]) -> bytes:
        text = bytearray(self._plain(record))
        for _ in range(self.chance.randint(1, 4)):
            text[self.chance.randrange(len(text))] = self.chance.choice((0, 7, 27, 34, 92, 128, 192, 255))
        return bytes(text)

    def _spaced(self, record: dict[str, Any]) -> bytes:
        space = self.chance.choice(SPACES)
        return (
            self._text(record).replace(": ", f":{space}", self.chance.choice((0, 1, 99))).join((space, space)).encode()
        )

    def _other_encoding(self, record: dict[str, Any]) -> bytes:
        name = self.chance.choice(("utf-8-sig", "utf-16", "utf-16-le", "cp1251", "utf-32"))
        return self._text(record).encode(name, "replace")


def answered_one_by_one(url: str, seed: int, many: int, batch: int) -> Counter[str]:
    """Hold that each line has one answer, that no more is said, and that balances are the sums of their entries."""
    strange = Strange(seed)
    begin = [self_ for self_ in EXAMPLES if self_["type"] in ("brand", "party", "account")]
    sent = "".join(json.dumps(line) + "\n" for line in begin).encode()
    for _ in range(many):
        sent += strange.line() + strange.chance.choice((b"\n", b"\n", b"\n", b"\r\n"))
    lines = [line for line in sent.split(b"\n") if line.decode("utf-8", "surrogateescape").strip()]
    run = [sys.executable, "-c", "from reports.cli.main import main; main()", "post", "-", "--batch", str(batch)]
    environment = {**os.environ, "TIFFIN_DATABASE_URL": url}
    done = subprocess.run(run, input=sent, env=environment, capture_output=True, check=False)
    said = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in said and done.returncode == 1, f"seed {seed}: {said[-2000:]}"
    answers = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert len(answers) == len(lines), f"seed {seed}: {len(answers)} answers to {len(lines)} lines"
    for line, answer in zip(lines, answers, strict=True):
        if answer["status"] in ("posted", "declined") and answer.get("key"):
            assert json.loads(line.decode().strip().lstrip("\ufeff"))["key"] == answer["key"], (seed, line[:200])
    with connect(url, autocommit=True) as connection:
        wrong = connection.execute(
            "SELECT b.account_id FROM balance b LEFT JOIN entry e ON e.account_id = b.account_id "
            "GROUP BY b.account_id, b.balance, b.held, b.version "
            "HAVING (b.balance, b.held, b.version) IS DISTINCT FROM "
            "(coalesce(sum(e.amount), 0)::bigint, coalesce(sum(e.held), 0)::bigint, count(e.version))"
        ).fetchall()
        assert not wrong, seed
        assert not connection.execute(
            "SELECT sum(amount) FROM entry GROUP BY currency HAVING sum(amount) <> 0"
        ).fetchall()
    return Counter(answer["status"] for answer in answers)


@pytest.mark.parametrize(("seed", "batch"), [(1, 1000), (2, 7)])
def test_each_strange_line_has_its_answer(database_url: str, seed: int, batch: int) -> None:
    """Some hundreds here, 20,000 in soak."""
    answers = answered_one_by_one(database_url, seed, 200, batch)
    assert answers.keys() >= {"posted", "declined", "invalid", "done"}
    assert answers.keys() <= {"posted", "declined", "invalid", "done"}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
def test_each_of_many_strange_lines_has_its_answer(database_url: str, seed: int) -> None:
    """Ten times 2,000."""
    assert answered_one_by_one(database_url, seed, 2_000, (1, 7, 1000)[seed % 3]).keys() >= {"posted", "invalid"}
