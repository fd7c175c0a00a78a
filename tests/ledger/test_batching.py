"""State and answers are a function of the commands and of time, never of how the commands were batched.

Who else writes, and what a process remembers, must not matter either.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from typing import Any

import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import initialise
from ledger.postgres.post import Ledger
from reports.lake.verify_ledger import verify_ledger
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


Way = tuple[int, int]
"""How many commands a batch has, and how many processes post the batches in turn; 0: this one."""


@pytest.fixture(scope="module")
def processes() -> Iterator[list[ProcessPoolExecutor]]:
    """Return two processes that share nothing with this one but the database."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as one, ProcessPoolExecutor(1, mp_context=spawn) as other:
        yield [one, other]
        assert one.submit(os.getpid).result() != other.submit(os.getpid).result()


_desks: dict[str, Desk] = {}


def post_here(url: str, said: Sequence[Record], *, last: bool = False) -> list[Any]:
    """Return what a batch is answered by this process, which keeps its desk, and all that it remembers, to the last."""
    desk = _desks.setdefault(url, Desk(Ledger(url)))
    outcomes = desk.post([parse(record) for record in said])  # type: ignore[misc]
    if last:
        _desks.pop(url).close()
    return [worded(outcome.to_json()) for outcome in outcomes]


def answers_of(url: str, said: Sequence[Record], batch: int, others: Sequence[ProcessPoolExecutor] = ()) -> list[Any]:
    """Return what each command is answered in batches of so many, by this process or by others in turn."""
    answers = []
    turns = max(1, len(others))
    starts = range(0, len(said), batch)
    for number, start in enumerate(starts):
        part, last = said[start : start + batch], number >= len(starts) - turns
        if others:
            answers += others[number % turns].submit(post_here, url, part, last=last).result()
        else:
            answers += post_here(url, part, last=last)
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


def same_in_all_batches(
    books: Books, seed: int, number: int, ways: Sequence[Way], processes: Sequence[ProcessPoolExecutor]
) -> None:
    """Hold that a stream is answered alike, and leaves the same rows, whatever its batches and whoever posts them."""
    said = Stream(seed).commands(number)

    def posted(batch: int, others: int) -> tuple[list[Any], dict[str, list[str]]]:
        url = books()
        answers = answers_of(url, said, batch, processes[:others])
        if others:
            assert [check for check in verify_ledger(url) if not check.holds] == [], f"seed {seed}"
        return answers, rows(url)

    answers, state = posted(*ways[0])
    assert {a["status"] for a in answers} >= {"posted", "declined"}
    for way in ways[1:]:
        others, now = posted(*way)
        for record, one, other in zip(said, answers, others, strict=True):
            assert one == other, f"seed {seed}, {way}: {record}"
        assert now.keys() == state.keys()
        for table in state:
            assert now[table] == state[table], f"seed {seed}, {way}: rows of {table}"


WAYS = [(1, 0), (7, 0), (1000, 0), (7, 2)]


@pytest.mark.parametrize("seed", range(3))
def test_batches_of_any_size_answer_alike_and_leave_the_same_rows(
    books: Books, seed: int, processes: list[ProcessPoolExecutor]
) -> None:
    """One by one, by sevens, all at once; and by two processes in turn."""
    same_in_all_batches(books, seed, 220, WAYS, processes)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 200))
def test_batches_of_any_size_answer_alike_for_long(
    books: Books, seed: int, processes: list[ProcessPoolExecutor]
) -> None:
    """A hundred longer streams."""
    same_in_all_batches(books, seed, 500, [*WAYS, (1, 2), (1000, 2)], processes)


def at(day: int, hour: int = 12) -> str:
    return datetime(2024, 3, day, hour, tzinfo=MOSCOW).isoformat()


@pytest.mark.parametrize("batch", [1, 10])
def test_an_answer_says_what_its_own_command_did(books: Books, batch: int) -> None:
    """A pre-order of 100.00 is paid by the client; that it runs out before a later order is not its own doing."""
    said: list[Record] = [
        {"type": "payment", "key": "p1", "account": "clara", "amount": "150.00", "brand": "sushi", "at": at(1)},
        {
            "type": "order",
            "key": "o1",
            "account": "clara",
            "at": at(1),
            "due_at": at(2),
            "items": [{"brand": "sushi", "sku": "a", "price": "100.00"}],
        },
        {
            "type": "order",
            "key": "o2",
            "account": "clara",
            "at": at(20),
            "items": [{"brand": "sushi", "sku": "a", "price": "1.00"}],
        },
    ]
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


def test_a_step_of_an_order_that_was_declined_books_no_expiry(books: Books) -> None:
    """It concerns nobody, whether or not its client's account is there because of another command of the batch."""
    items = [{"brand": "sushi", "sku": "a", "price": "100.00"}]
    said: list[Record] = [
        {"type": "payment", "key": "p1", "account": "clara", "amount": "100.00", "brand": "sushi", "at": at(1)},
        {"type": "order", "key": "o1", "account": "clara", "at": at(1), "items": items},
        {"type": "deliver", "key": "y1", "order": "o1", "at": at(1)},
        {"type": "order", "key": "o2", "account": "clara", "at": at(1), "items": items, "promo_codes": ["NONE"]},
        {"type": "amend", "key": "a1", "order": "o2", "at": at(20), "due_at": at(21)},
    ]
    kept = []
    for batch in (1, 10):
        url = books()
        assert [a["status"] for a in answers_of(url, said, batch)][2:] == ["posted", "declined", "declined"]
        kept.append(rows(url))
    assert kept[0] == kept[1]


def test_what_is_owed_is_numbered_in_the_order_in_which_it_came(books: Books) -> None:
    """Clara, Boris, Clara again: the rows of a batch stand as those of three, whichever accounts share it."""
    items = [{"brand": "pizza", "sku": "set", "price": "100.00", "quantity": 2}]
    said: list[Record] = []
    for name in ("clara", "boris"):
        said += [
            {"type": "payment", "key": f"p-{name}", "account": name, "amount": "900.00", "brand": "pizza"},
            {"type": "order", "key": f"o-{name}", "account": name, "items": items},
            {"type": "deliver", "key": f"y-{name}", "order": f"o-{name}"},
            {"type": "order", "key": f"s-{name}", "account": name, "items": items, "bonus_at_most": "20.00"},
        ]
    for number, name in enumerate(("clara", "boris", "clara")):
        item = {"sku": "set", "quantity": 1}
        said.append({"type": "refund_items", "key": f"r{number}", "order": f"o-{name}", "items": [item]})
    said = [{**record, "at": at(1, 12)} for record in said]
    found = []
    for batch in (1, 1000):
        url = books()
        assert {answer["status"] for answer in answers_of(url, said, batch)} == {"posted"}
        found.append(rows(url)["bonus_owed"])
    assert len(found[0]) == 3
    assert found[0] == found[1]
