"""Large commands: what is within the stated sizes is posted, whatever the sockets hold; nothing waits for ever."""

import json
import os
import random
import socket
from concurrent.futures import Future
from threading import Thread
from typing import Any

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger

Record = dict[str, Any]
LARGE = {f"a{n}": "x" * 950 for n in range(10)}
"""Attributes as large as one line may have."""


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Return a ledger whose connection has the smallest buffers that there are."""
    ledger = Ledger(database_url)
    lines = [{"type": "brand", "code": "sushi"}]
    for name in ("anna", "boris"):
        lines += [
            {"type": "party", "reference": name, "kind": "individual"},
            {"type": "account", "reference": name, "party": name, "currency": "RUB"},
            {"type": "credit_terms", "account": name, "limit": "1000000.00"},
        ]
    ledger.administer([administration.parse(line) for line in lines])
    with socket.socket(fileno=os.dup(ledger.connection().pgconn.socket)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    return ledger


def debit(key: str, lines: int, attributes: Record) -> Record:
    line = {"brand": "sushi", "amount": "1.00", "attributes": attributes}
    return {"type": "debit", "key": key, "account": "anna", "lines": [line] * lines}


def order(key: str) -> Record:
    items = [{"brand": "sushi", "sku": f"{n:03}" + "x" * 900, "price": "1.00", "name": "y" * 1000} for n in range(100)]
    return {"type": "order", "key": key, "account": "anna", "items": items}


SHAPES: dict[str, list[Record]] = {
    "one debit of a thousand large lines": [debit("d", 1000, LARGE)],
    "a thousand debits of 5 KB": [debit(f"d{n}", 1, {f"a{m}": "x" * 990 for m in range(5)}) for n in range(1000)],
    "twenty debits of 300 KB": [debit(f"d{n}", 30, LARGE) for n in range(20)],
    "forty orders of 200 KB": [order(f"o{n}") for n in range(40)],
    "a thousand unknown accounts of long names": [
        {"type": "payment", "key": f"p{n}", "account": f"{n}" + "z" * 990, "amount": "1.00", "brand": "sushi"}
        for n in range(1000)
    ],
}


def answered(ledger: Ledger, records: list[Record]) -> set[str]:
    """Return how a batch was answered; then the account is free for others."""
    said = [parse(record) for record in records]
    answers: Future[list[Any]] = Future()
    Thread(target=lambda: answers.set_result(Desk(ledger).post(said)), daemon=True).start()  # type: ignore[arg-type]
    statuses = {outcome.to_json()["status"] for outcome in answers.result(timeout=120)}
    payment = {"type": "payment", "key": "after", "account": "anna", "amount": "1.00", "brand": "sushi"}
    [after] = Ledger(ledger.url, statement_timeout_ms=5000).post([commands.parse(payment)])
    assert after.to_json()["status"] == "posted"
    return statuses


@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_batch_is_answered_at_small_buffers(ledger: Ledger, shape: str) -> None:
    """Client and server never wait for each other."""
    assert answered(ledger, SHAPES[shape]) == {"declined" if "unknown" in shape else "posted"}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
def test_large_batches_of_any_shape_are_answered_at_small_buffers(ledger: Ledger, seed: int) -> None:
    """From one command of a thousand lines to a thousand of one, up to some 10 MB, orders among them."""
    chance = random.Random(seed)
    records: list[Record] = []
    size = chance.choice((20_000, 300_000, 3_000_000, 10_000_000))
    while size > 0 and len(records) < 1000:
        lines = chance.choice((1, 1, 3, 30, 300, 1000))
        attributes = {f"a{n}": "ж" * chance.randint(1, 950) for n in range(chance.randint(0, 5))}
        record = order(f"o{len(records)}") if chance.random() < 0.05 else debit(f"d{len(records)}", lines, attributes)
        records.append(record)
        size -= len(json.dumps(record, ensure_ascii=False).encode())
    assert answered(ledger, records) == {"posted"}
