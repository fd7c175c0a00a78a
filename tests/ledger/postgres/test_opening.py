"""Going live: the book's opening beside the old system's balances, and clients who ordered before."""

from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Failure
from ledger.postgres.opening import compare, sums
from tests.ledger.bank.test_command import tiffin
from tests.reports.acted import Acted

AT = "2026-02-28T12:00:00+03:00"
OLD = """account,brand,money,points
romashka,sushi,-120.00,
romashka,pizza,-35.50,
anna,sushi,90.00,
"""


@pytest.fixture
def book(database_url: str, tmp_path: Path) -> Acted:
    """Return a book with a company that owes two brands, and Anna, who ordered before and has an advance."""
    acted = Acted(database_url, tmp_path)
    acted.administer(
        {"type": "brand", "code": "sushi"},
        {"type": "brand", "code": "pizza"},
        *({"type": "party", "reference": name, "kind": "individual", "name": name} for name in ("romashka", "anna")),
        *({"type": "account", "reference": name, "party": name, "currency": "RUB"} for name in ("romashka", "anna")),
    )
    for key, account, brand, amount in (
        ("a", "romashka", "sushi", "-120.00"),
        ("b", "romashka", "pizza", "-35.50"),
        ("c", "anna", "sushi", "90.00"),
    ):
        acted.post(opened(key, account, brand, amount))
    return acted


def opened(key: str, account: str, brand: str, amount: str) -> dict[str, Any]:
    return {
        "type": "adjustment",
        "key": key,
        "account": account,
        "brand": brand,
        "amount": amount,
        "chart": "opening",
        "reason": "opening",
        "at": AT,
    }


def differences(book: Acted, text: str) -> list[tuple[str, str, str, str]]:
    """Return the differences by reference, brand and kind."""
    rows = compare(book.desk.ledger.connection(), text)
    return [(str(r.reference), r.brand, r.kind, str(r.difference)) for r in rows if r.difference]


def test_an_opening_that_agrees_goes_on_agreeing_whatever_is_posted_later(book: Acted) -> None:
    """A payment, and an adjustment for another reason, are no opening; a reversal of an opening is."""
    assert differences(book, OLD) == []
    book.post(
        {"type": "payment", "key": "p", "account": "anna", "amount": "5.00", "brand": "sushi"},
        {**opened("d", "anna", "sushi", "-1.00"), "chart": "penalty", "at": None},
    )
    assert differences(book, OLD) == []
    assert sums(compare(book.desk.ledger.connection(), OLD)) == [
        {"kind": "money", "currency": "RUB", "before": "-65.50", "opened": "-65.50", "difference": "0.00"}
    ]
    book.post({"type": "reverse", "key": "r", "transaction": "c", "reason": "typing error"})
    assert differences(book, OLD) == [("anna", "sushi", "money", "-90.00")]


def test_each_difference_is_named_in_both_directions(book: Acted) -> None:
    """One amount differs, one the file does not know, points the book has not."""
    text = "account,brand,money,points\nromashka,sushi,-100,\nanna,sushi,90.00,12\n"
    assert differences(book, text) == [
        ("romashka", "pizza", "money", "-35.50"),
        ("romashka", "sushi", "money", "-20.00"),
        ("anna", "sushi", "points", "-12.00"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line must name the columns: account, brand, money, points"),
        ("account,money\nanna,1\n", "the first line must name the columns: account, brand, money, points"),
        ("account,brand,money\nanna,sushi\n", "line 2: does not have as many values as there are columns"),
        ("account,brand,money\nanna,sushi,1,2\n", "line 2: does not have as many values as there are columns"),
        ("account,brand,money\nboris,sushi,1\n", "line 2: there is no account boris"),
        ("account,brand,money\nanna,soup,1\n", "line 2: there is no brand soup"),
        ("account,brand,money\nanna,sushi,1.005\n", "line 2: money: 1.005 has more than two decimals"),
        (
            "account,brand,money\nanna,sushi,1\nanna,sushi,2\n",
            "line 3: money of account anna and brand sushi are listed twice",
        ),
        ('account,brand,money\n"anna,sushi,1\n', "is not CSV after line 1: unexpected end of data"),
        ('"account,brand,money\n', "is not CSV after line 0: unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_a_sentence(book: Acted, text: str, why: str) -> None:
    """It names the line."""
    with pytest.raises(Failure) as caught:
        compare(book.desk.ledger.connection(), text)
    assert str(caught.value) == why


def test_the_command_exits_with_1_and_names_what_differs(book: Acted, tmp_path: Path) -> None:
    """Exit 0 while nothing differs."""
    (tmp_path / "old.csv").write_text(OLD)
    agreed = tiffin(book.url, "opening", tmp_path / "old.csv")
    assert agreed.returncode == 0, agreed.stderr
    (tmp_path / "old.csv").write_text(OLD.replace("90.00", "91.00"))
    differs = tiffin(book.url, "opening", tmp_path / "old.csv", "--json")
    assert differs.returncode == 1
    assert differs.stderr == (
        "tiffin: 1 of 3 balances differ, the first: money of account 1000025 with sushi: 91.00 before, "
        "opened with 90.00, difference -1.00 RUB\n"
    )
    assert '"difference": "-1.00"' in differs.stdout
    missing = tiffin(book.url, "opening", tmp_path / "gone.csv")
    assert (missing.returncode, missing.stderr.endswith("No such file or directory\n")) == (1, True)


def test_a_client_who_ordered_before_has_no_first_order_here(book: Acted) -> None:
    """Of two clients with the same code, the one with 14 orders before is refused; the other's second order, too."""
    book.administer(
        {"type": "promotion", "code": "FIRST", "kind": "percent", "value": "10", "first_order_only": True},
        {"type": "party", "reference": "anna", "orders_before": 14},
    )
    order = {"type": "order", "items": [{"brand": "sushi", "sku": "a", "price": "10.00"}], "promo_codes": ["FIRST"]}
    [said] = book.post({**order, "key": "o1", "account": "anna"}, status="declined")
    assert (said["code"], said["facts"]["orders"]) == ("promo_first_order_only", 14)
    book.post({"type": "payment", "key": "q", "account": "romashka", "amount": "900.00", "brand": "sushi"})
    book.post({**order, "key": "o2", "account": "romashka"})
    [said] = book.post({**order, "key": "o3", "account": "romashka"}, status="declined")
    assert said["facts"]["orders"] == 1
