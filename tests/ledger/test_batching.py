"""State and answers are a function of the commands and of time, never of how the commands were batched.

Who else writes, and what a process remembers, must not matter either.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import initialise
from ledger.postgres.post import Ledger
from tests.conftest import made
from tests.ledger.streams import Record, Stream, opening, rows
from tests.ledger.worlds import MOSCOW

Books = Callable[[], str]


@pytest.fixture
def books(server: str, template_database: str, request: pytest.FixtureRequest) -> Iterator[Books]:
    """Return what makes fresh books with the same clients, one after another."""
    open_ = []

    def book() -> str:
        made_ = made(server, f"tiffin_batching_{abs(hash(request.node.name))}_{len(open_)}", template_database)
        open_.append(made_)
        url = next(made_)
        initialise(url, "Europe/Moscow")
        desk = Desk(Ledger(url))
        done = desk.administer([parse(record) for record in opening()])  # type: ignore[misc]
        assert {outcome.to_json()["status"] for outcome in done} == {"done"}
        desk.close()
        return url

    yield book
    for one in open_:
        next(one, None)


def answers_of(url: str, said: Sequence[Record], batch: int, shells: int = 1) -> list[Any]:
    """Return what each command is answered in batches of so many, by several shells in turn."""
    desks = [Desk(Ledger(url)) for _ in range(shells)]
    answers = []
    for number, n in enumerate(range(0, len(said), batch)):
        outcomes = desks[number % shells].post([parse(record) for record in said[n : n + batch]])  # type: ignore[misc]
        answers += [worded(outcome.to_json()) for outcome in outcomes]
    for desk in desks:
        desk.close()
    return answers


def worded(answer: Any) -> Any:
    """Return an answer without the numbers that depend on when they were taken."""
    answer.pop("transaction", None)
    if answer.get("facts"):
        answer["facts"].pop("transaction", None)
        answer["facts"].pop("account", None)
    answer.pop("message", None)
    for moved in answer.get("accounts", ()):
        if moved["reference"] is None:
            del moved["account"]
    return json.loads(json.dumps(answer))


def same_in_all_batches(books: Books, seed: int, number: int, ways: Sequence[tuple[int, int]]) -> None:
    """Hold that a stream is answered alike, and leaves the same rows, whatever its batches."""
    said = Stream(seed).commands(number)
    first = books()
    answers, state = answers_of(first, said, *ways[0]), rows(first)
    assert {a["status"] for a in answers} >= {"posted", "declined"}
    for way in ways[1:]:
        url = books()
        for record, one, other in zip(said, answers, answers_of(url, said, *way), strict=True):
            assert one == other, f"seed {seed}, {way}: {record}"
        for table, now in rows(url).items():
            assert now == state[table], f"seed {seed}, {way}: rows of {table}"


@pytest.mark.parametrize("seed", range(3))
def test_batches_of_any_size_answer_alike_and_leave_the_same_rows(books: Books, seed: int) -> None:
    """One by one, by sevens, all at once, and by two shells in turn."""
    same_in_all_batches(books, seed, 220, [(1, 1), (7, 1), (1000, 1), (5, 2)])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_batches_of_any_size_answer_alike_for_long(books: Books, seed: int) -> None:
    """A hundred longer streams."""
    same_in_all_batches(books, seed, 500, [(1, 1), (7, 1), (1000, 1), (5, 2)])


def at(day: int, hour: int = 12) -> str:
    return datetime(2024, 3, day, hour, tzinfo=MOSCOW).isoformat()


@pytest.mark.parametrize("batch", [1, 10])
def test_an_answer_says_what_its_own_command_did(books: Books, batch: int) -> None:
    """A pre-order of 100.00 is paid by the client; that it runs out before a later order is not its own doing."""
    said: list[Record] = [
        {"type": "payment", "key": "p1", "account": "clara", "amount": "150.00", "brand": "sushi", "at": at(1)},
        {"type": "order", "key": "o1", "account": "clara", "at": at(1), "due_at": at(2),
         "items": [{"brand": "sushi", "sku": "a", "price": "100.00"}]},
        {"type": "order", "key": "o2", "account": "clara", "at": at(20),
         "items": [{"brand": "sushi", "sku": "a", "price": "1.00"}]},
    ]  # fmt: skip
    url = books()
    _, first, _ = answers_of(url, said, batch)
    assert first["order"]["paid"] == {"bonuses": "0.00", "payers": "0.00", "client": "100.00"}
    _, again, _ = answers_of(url, said, batch)
    assert again == {**first, "replayed": True}


@pytest.mark.parametrize("declined_first", [False, True])
def test_points_that_expired_do_not_keep_an_account_open(books: Books, declined_first: bool) -> None:
    """Time decides: whether or not a command booked the expiry, an account with points of the past is closed."""
    url = books()
    items = [{"brand": "sushi", "sku": "a", "price": "100.00"}]
    said: list[Record] = [
        {"type": "payment", "key": "p1", "account": "clara", "amount": "100.00", "brand": "sushi", "at": at(1)},
        {"type": "order", "key": "o1", "account": "clara", "at": at(1), "items": items},
        {"type": "deliver", "key": "y1", "order": "o1", "at": at(1)},
    ]
    if declined_first:
        said.append({"type": "order", "key": "o2", "account": "clara", "at": at(20), "items": items})
    assert [a["status"] for a in answers_of(url, said, 1)][:3] == ["posted"] * 3
    [closed] = Desk(Ledger(url)).administer([parse({"type": "account_status", "account": "clara", "status": "closed"})])  # type: ignore[list-item]
    assert closed.to_json()["status"] == "done", closed
