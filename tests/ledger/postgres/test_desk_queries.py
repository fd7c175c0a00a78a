"""Look-ups of a person before deciding, on PostgreSQL."""

from typing import Any

import psycopg
import pytest

from ledger.administration.administration_lines import RECORDS
from ledger.administration.administration_lines import parse as record
from ledger.core.commands import parse
from ledger.core.outcomes import Posted
from ledger.errors import Failure
from ledger.postgres import desk_queries
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger

BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi"},
    {"type": "brand", "code": "pizza"},
    {"type": "brand", "code": "gone", "status": "closed"},
    *(
        {"type": "party", "reference": name, "kind": "individual", "name": name.title()}
        for name in ("anna", "romashka")
    ),
    {"type": "account", "reference": "romashka", "party": "romashka", "currency": "RUB", "holder": "sushi"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB"},
    {"type": "link", "account": "anna", "payer": "romashka", "brands": ["sushi"]},
]
POSTED: list[dict[str, Any]] = [
    {"type": "payment", "key": "p1", "account": "romashka", "amount": "500.00", "brand": "sushi"},
    {"type": "payment", "key": "p2", "account": "anna", "amount": "500.00", "brand": "sushi"},
    {
        "type": "debit",
        "key": "d1",
        "account": "anna",
        "lines": [{"brand": "sushi", "amount": "600.00"}, {"brand": "pizza", "amount": "100.00"}],
    },
    {"type": "refund", "key": "f1", "debit": "d1", "lines": [{"line": 1, "amount": "60.00"}]},
    {"type": "payment", "key": "u1", "amount": "90.00", "brand": "pizza"},
    {"type": "payment", "key": "u2", "amount": "80.00", "brand": "sushi"},
    {"type": "payment", "key": "u3", "amount": "70.00", "brand": "sushi"},
    {
        "type": "payment",
        "key": "2",
        "amount": "60.00",
        "brand": "sushi",
        "split": [{"account": "anna", "amount": "60.00"}],
    },
    {"type": "allocate", "key": "l1", "payment": "u1", "split": [{"account": "anna", "amount": "30.00"}]},
    {"type": "allocate", "key": "l2", "payment": "u2", "split": [{"account": "anna", "amount": "80.00"}]},
    {"type": "reverse", "key": "v3", "transaction": "u3", "reason": "not ours"},
]


@pytest.fixture
def book(database_url: str) -> psycopg.Connection[Any]:
    """Return a connection to a book in which Romashka pays for Anna's sushi, and three payments had no account."""
    ledger = Ledger(database_url)
    ledger.administer([record(line) for line in BOOK])
    assert all(isinstance(outcome, Posted) for outcome in ledger.post([parse(line) for line in POSTED]))
    ledger.close()
    return connect(database_url)


def test_a_debit_tells_what_is_left_of_each_line_and_source(book: psycopg.Connection[Any]) -> None:
    """The refund of 60.00 was split over both sources of line 1."""
    found = desk_queries.earlier(book, "d1")
    assert [(line["line"], line["client"], line["amount"], line["refunded"]) for line in found.lines] == [
        (1, "Romashka", 50000, 5000),
        (1, "Anna", 10000, 1000),
        (2, "Anna", 10000, 0),
    ]
    assert found.left == 64000
    assert [(move["reference"], move["amount"]) for move in found.moves] == [("romashka", -50000), ("anna", -20000)]


def test_a_transaction_is_found_by_number_and_a_key_goes_first(book: psycopg.Connection[Any]) -> None:
    """The key 2 is not transaction 2; what is neither is one sentence."""
    number = desk_queries.earlier(book, "d1").facts["id"]
    assert desk_queries.earlier(book, str(number)).facts["key"] == "d1"
    assert desk_queries.earlier(book, "2").facts["amount"] == 6000
    with pytest.raises(Failure, match="no transaction has the number or key x"):
        desk_queries.earlier(book, "x")


def test_a_payment_tells_where_it_went_and_whether_it_was_undone(book: psycopg.Connection[Any]) -> None:
    """What was allocated moved what its reversal will undo."""
    assert [move["amount"] for move in desk_queries.earlier(book, "u1").moves] == [3000]
    assert desk_queries.earlier(book, "u1").reversed_by is None
    assert desk_queries.earlier(book, "u3").reversed_by == desk_queries.earlier(book, "v3").facts["id"]


def test_only_what_still_waits_is_unallocated(book: psycopg.Connection[Any]) -> None:
    """Not what was given its accounts at once, allocated, or reversed."""
    assert _waiting(book) == [("u1", "payment", "pizza", 9000, 6000)]
    assert [desk_queries.earlier(book, key).waiting for key in ("u1", "u2", "u3", "p1", "f1")] == [6000, 0, 0, 0, 0]


def test_what_is_left_of_a_payment_reversed_in_part_still_waits(
    book: psycopg.Connection[Any], database_url: str
) -> None:
    """Of the 60.00 left 20.00 are reversed; the chargeback is won, and all 60.00 wait again."""
    _post(
        database_url,
        {
            "type": "reverse",
            "key": "v1",
            "transaction": "u1",
            "amount": "20.00",
            "reason": "chargeback",
            "split": [{"brand": "pizza", "amount": "20.00"}],
        },
    )
    assert _waiting(book) == [("u1", "payment", "pizza", 9000, 4000)]
    _post(database_url, {"type": "reverse", "key": "w1", "transaction": "v1", "reason": "won"})
    assert _waiting(book) == [("u1", "payment", "pizza", 9000, 6000)]


def test_a_refund_that_nobody_got_waits_until_it_is_allocated(book: psycopg.Connection[Any], database_url: str) -> None:
    """Anna's account is closed; what she had paid of her pizza goes to nobody, then 70.00 of it to Romashka."""
    left = desk_queries.account(book, "anna")["number"]
    _post(
        database_url,
        {"type": "payout", "key": "o1", "account": "anna", "amount": "480.00", "brand": "sushi"},
        {"type": "link", "account": "anna", "payer": "romashka", "draw": None},
        {"type": "account_status", "account": "anna", "status": "closed"},
        {"type": "refund", "key": "f2", "debit": "d1", "lines": [{"line": 2}], "closed_to": "unallocated"},
    )
    assert _waiting(book) == [("u1", "payment", "pizza", 9000, 6000), ("f2", "refund", "pizza", 10000, 10000)]
    _post(
        database_url,
        {"type": "allocate", "key": "l3", "payment": "f2", "split": [{"account": "romashka", "amount": "70.00"}]},
    )
    assert desk_queries.earlier(book, "f2").waiting == 3000
    assert left not in [move["account"] for move in desk_queries.earlier(book, "f2").moves]


def _waiting(book: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    columns = ("key", "kind", "brand", "amount", "left")
    return [tuple(row[name] for name in columns) for row in desk_queries.unallocated(book)]


def _post(url: str, *lines: dict[str, Any]) -> None:
    ledger = Ledger(url)
    for line in lines:
        if line["type"] in RECORDS:
            ledger.administer([record(line)])
        else:
            (outcome,) = ledger.post([parse(line)])
            assert isinstance(outcome, Posted), outcome
    ledger.close()


def test_a_payment_reversed_in_part_still_waits_and_one_whose_reversal_was_reversed_waits_again(
    book: psycopg.Connection[Any], database_url: str
) -> None:
    """Only what undid the rest of it reversed it; the reversal of a reversal gives the money back."""
    ledger = Ledger(database_url)
    undone: list[dict[str, Any]] = [
        {
            "type": "reverse",
            "key": "v1",
            "transaction": "u1",
            "amount": "20.00",
            "reason": "in part",
            "split": [{"brand": "pizza", "amount": "20.00"}],
        },
        {"type": "reverse", "key": "w3", "transaction": "v3", "reason": "ours after all"},
    ]
    assert all(isinstance(outcome, Posted) for outcome in ledger.post([parse(line) for line in undone]))
    ledger.close()
    waiting = [(row["key"], row["left"]) for row in desk_queries.unallocated(book)]
    assert waiting == [("u1", 4000), ("u3", 7000)]
    assert [desk_queries.earlier(book, key).waiting for key in ("u1", "u3", "u2", "d1")] == [4000, 7000, 0, 0]
    assert [desk_queries.earlier(book, key).reversed_by for key in ("u1", "u3")] == [None, None]


def test_links_are_told_at_both_ends(book: psycopg.Connection[Any]) -> None:
    """With the codes of the brands."""
    payer, sub = (desk_queries.account(book, name)["number"] for name in ("romashka", "anna"))
    assert desk_queries.links(book, payer) == desk_queries.links(book, sub)
    assert [(row["payer_name"], row["account_name"], row["brands"]) for row in desk_queries.links(book, sub)] == [
        ("Romashka", "Anna", ["sushi"])
    ]


def test_accounts_clients_and_open_brands(book: psycopg.Connection[Any]) -> None:
    """A closed brand may have nothing booked."""
    found = desk_queries.account(book, "romashka")
    assert (found["client"], found["holder"], found["status"]) == ("Romashka", "sushi", "open")
    assert desk_queries.clients(book, [found["number"]]) == {found["number"]: "Romashka"}
    assert desk_queries.brands(book) == ["pizza", "sushi"]
    with pytest.raises(Failure, match="no such account"):
        desk_queries.account(book, "vera")
