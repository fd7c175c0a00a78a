"""The intake and its writers, without HTTP: what is full is not taken, and what breaks is an answer."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from ledger.errors import Failure
from ledger.food.cli import level
from ledger.intake.routes import named
from ledger.intake.writer_process import Answered, SentLine, Writer
from ledger.intake.writers import Full, Writers
from ledger.postgres.tokens import Caller
from tests.ledger.http.conftest import BOOK, administer
from tests.ledger.http.test_commands import debit, payment


def body(record: dict[str, Any]) -> SentLine:
    return SentLine(json.dumps(record).encode())


def test_a_full_intake_takes_no_more(database_url: str) -> None:
    """The caller is told at once, and may send it again with the same key."""

    async def fill() -> None:
        writers = Writers(level, database_url, count=1, capacity=2)
        writers.submit(body(payment("p1")))
        writers.submit(body(payment("p2")))
        with pytest.raises(Full, match="2 commands wait, at most 2 may"):
            writers.submit(body(payment("p3")))

    asyncio.run(fill())


def test_callers_share_a_payer_in_order_and_never_pass_its_money(database_url: str) -> None:
    """Nobody waits: each payment is there for its debit; of a thousand lunches a company's 500.00 pay for 500."""
    names = [f"employee {number}" for number in range(10)]
    parties = [{"type": "party", "reference": name, "kind": "individual", "name": name} for name in ("company", *names)]
    accounts = [{"type": "account", "reference": p["reference"], "party": p["reference"]} for p in parties]
    links = [{"type": "link", "account": name, "payer": "company"} for name in names]
    administer(database_url, [*BOOK, *parties, *({**a, "currency": "RUB"} for a in accounts), *links])

    async def noon() -> list[Answered]:
        writers = Writers(level, database_url, count=2)
        await writers.start()
        lines = [payment("p", amount="500.00", account="company")]
        for n in range(50):
            lines += [payment(f"p{n}", amount="7.00", account="boris"), debit(f"b{n}", "7.00", account="boris")]
        lines += [debit(f"d{n}", "1.00", account=names[n % 10]) for n in range(1000)]
        answers = await asyncio.gather(*[writers.submit(body(line)) for line in lines])
        await writers.close()
        return answers

    answers = asyncio.run(noon())
    assert {answer.status for answer in answers[:101]} == {"posted"}
    assert Counter(answer.code for answer in answers[101:]) == {None: 500, "insufficient_funds": 500}


def test_one_line_that_breaks_something_does_not_fail_its_neighbours(database_url: str) -> None:
    """Neither while it is read nor while it is posted."""
    administer(database_url, BOOK)

    def parse(record: dict[str, Any]) -> Any:
        if record.get("key") == "broken":
            raise RuntimeError("a fault of ours")
        return level.parse(record)

    writer = Writer(replace(level, parse=parse), database_url)
    answers = writer.post([body(payment("p1")), body(payment("broken")), body(debit("d1", "1.00"))])
    writer.close()
    assert [answer.status for answer in answers] == ["posted", "failed", "posted"]


def test_without_its_database_a_writer_answers_that_it_failed(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """Also where it has to look up whose business a line is."""

    def away(*_: object) -> NoReturn:
        raise Failure("PostgreSQL is away")

    writer = Writer(level, database_url)
    monkeypatch.setattr(writer, "_brands_of", away)
    limited = Caller("sushi", frozenset({"post"}), frozenset({"sushi"}))
    line = json.dumps({"type": "refund", "key": "f1", "debit": "d1"}).encode()
    [answer] = writer.post([SentLine(line, None, limited)])
    writer.close()
    assert (answer.status, json.loads(answer.body)["message"]) == ("failed", "PostgreSQL is away; send it again")


@pytest.mark.parametrize("line", [b"", b"[1]", b"\xff", b"{", b'{"account": {}, "split": 3, "key": 1}', b"[" * 100_000])
def test_whatever_comes_has_a_route(line: bytes) -> None:
    """Nonsense is any writer's to refuse."""
    assert named(SentLine(line)).accounts == ()
