"""Other limits over a month that the ledger itself decided: posted, cut, read from the lake, replayed."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.errors import Failure
from ledger.postgres.open_accounts import bonus_account
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from reports.replay.history import Limits, Past, recorded
from reports.replay.what_if import WhatIf, scaled, what_if
from reports.run import LakeBook

Record = dict[str, Any]

WHO = ("romashka", "anna", "boris", "vera", "gleb")
TERMS = (
    *({"type": "brand", "code": code, "name": code} for code in ("sushi", "pizza")),
    *({"type": "party", "reference": who, "kind": "individual", "name": who.capitalize()} for who in WHO),
    *({"type": "account", "reference": who, "party": who, "currency": "RUB", "holder": "pizza"} for who in WHO),
    {"type": "credit_terms", "account": "romashka", "limit": "1000.00", "period_days": 30, "valid_from": "2024-01-01"},
    {"type": "credit_terms", "account": "romashka", "limit": "5000.00", "valid_from": "2024-04-01"},
    {"type": "link", "account": "anna", "payer": "romashka", "draw": "payer_first"},
    {"type": "link", "account": "boris", "payer": "romashka", "draw": "own_first", "brands": ["sushi"]},
    {"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "day", "amount": "500.00"},
    {"type": "link", "account": "gleb", "payer": "romashka", "draw": "payer_first", "brands": ["sushi"]},
    {"type": "write_off_limit", "payer": "romashka", "account": "gleb", "period": "order", "amount": "100.00"},
    {
        "type": "write_off_limit",
        "payer": "romashka",
        "account": "boris",
        "period": "month",
        "amount": "300.00",
        "count": 3,
    },
)


def _line(amount: str, brand: str = "sushi", **rest: Any) -> Record:
    return {"brand": brand, "amount": amount, **rest}


def _commands(points: int) -> Iterator[Record]:
    """Yield February, which is history, then the March that is replayed."""
    yield {"type": "payment", "key": "p1", "account": "anna", "amount": "300.00", "brand": "sushi", "at": "2024-02-10"}
    yield {"type": "debit", "key": "d0", "account": "anna", "lines": [_line("400.00")], "at": "2024-02-20"}
    yield {
        "type": "hold",
        "key": "h0",
        "account": "boris",
        "lines": [_line("60.00"), _line("10.00")],
        "expires_at": "2024-04-05T00:00:00+03:00",
        "at": "2024-02-21",
    }
    yield {"type": "payment", "key": "p2", "amount": "90.00", "brand": "sushi", "at": "2024-02-22"}
    yield {"type": "bonus", "key": "b1", "account": points, "amount": "40.00", "reason": "gift", "at": "2024-02-23"}
    # March.
    yield {
        "type": "debit",
        "key": "d1",
        "account": "anna",
        "at": "2024-03-01",
        "lines": [_line("450.00"), _line("100.00", "pizza", vat_rate="20"), _line("0.00", gross="9")],
    }
    yield {"type": "debit", "key": "d2", "account": "anna", "lines": [_line("500.00")], "at": "2024-03-01"}
    yield {"type": "debit", "key": "d3", "account": "boris", "lines": [_line("20.00", "pizza")], "at": "2024-03-02"}
    yield {
        "type": "allocate",
        "key": "l1",
        "payment": "p2",
        "split": [{"account": "boris", "amount": "90.00"}],
        "at": "2024-03-02",
    }
    yield {"type": "debit", "key": "d4", "account": "boris", "lines": [_line("20.00", "pizza")], "at": "2024-03-03"}
    yield {
        "type": "capture",
        "key": "c1",
        "hold": "h0",
        "lines": [{"line": 1, "amount": "45.00"}],
        "final": True,
        "at": "2024-03-04",
    }
    yield {"type": "refund", "key": "f1", "debit": "d1", "amount": "70.00", "at": "2024-03-05"}
    yield {"type": "refund", "key": "f2", "debit": "c1", "at": "2024-03-05"}
    yield {
        "type": "hold",
        "key": "h1",
        "account": "anna",
        "lines": [_line("120.00")],
        "at": "2024-03-06",
        "expires_at": "2024-03-08T00:00:00+03:00",
    }
    yield {
        "type": "hold",
        "key": "h2",
        "account": "boris",
        "lines": [_line("80.00")],
        "at": "2024-03-07",
        "expires_at": "2024-03-20T00:00:00+03:00",
    }
    yield {"type": "release", "key": "r2", "hold": "h2", "at": "2024-03-09"}
    yield {"type": "debit", "key": "d5", "account": "romashka", "lines": [_line("110.00")], "at": "2024-03-10"}
    yield {
        "type": "payment",
        "key": "p3",
        "amount": "150.00",
        "brand": "sushi",
        "at": "2024-03-11",
        "split": [{"account": "anna", "amount": "100.00"}, {"account": "vera", "amount": "50.00", "brand": "pizza"}],
    }
    yield {"type": "transfer", "key": "t1", "account": "vera", "to": "anna", "amount": "15.00", "at": "2024-03-12"}
    yield {"type": "payout", "key": "o1", "account": "vera", "amount": "5.00", "brand": "sushi", "at": "2024-03-12"}
    yield {
        "type": "adjustment",
        "key": "a1",
        "account": "vera",
        "amount": "-3.00",
        "brand": "sushi",
        "reason": "typo",
        "at": "2024-03-13",
    }
    yield {"type": "reverse", "key": "v1", "transaction": "p2", "reason": "chargeback", "at": "2024-03-14"}
    yield {"type": "debit", "key": "d6", "account": "anna", "lines": [_line("10.00")], "at": "2024-03-25"}
    yield {"type": "debit", "key": "d9", "account": "romashka", "lines": [_line("1.00")], "at": "2024-03-25"}
    yield {
        "type": "debit",
        "key": "d10",
        "account": "vera",
        "lines": [_line("21.00"), _line("20.00", "pizza")],
        "bonus_at_most": "30.00",
        "at": "2024-03-25",
    }
    yield {"type": "debit", "key": "d7", "account": "vera", "lines": [_line("900.00")], "at": "2024-03-26"}
    yield {
        "type": "payment",
        "key": "p4",
        "account": "romashka",
        "amount": "700.00",
        "brand": "sushi",
        "at": "2024-03-27",
    }
    yield {"type": "debit", "key": "d11", "account": "gleb", "lines": [_line("150.00")], "at": "2024-03-27"}
    yield {"type": "debit", "key": "d8", "account": "anna", "lines": [_line("500.00")], "at": "2024-03-28"}


@pytest.fixture
def book(database_url: str, tmp_path: Path) -> LakeBook:
    """Return the lake of the story, as reports open it."""
    ledger = Ledger(database_url)
    ledger.administer([administration.parse(record) for record in TERMS])
    with ledger.connection() as connection, connection.transaction():
        found = connection.execute(
            "SELECT a.id, b.id FROM account a, brand b WHERE a.reference = 'vera' AND b.code = 'sushi'"
        )
        points = bonus_account(connection, *found.fetchone())
    ledger.post([commands.parse(line | {"at": f"{line['at']}T12:00:00+03:00"}) for line in _commands(points)])
    ledger.close()
    return cut(database_url, tmp_path)


def cut(url: str, folder: Path) -> LakeBook:
    """Return the ledger as it is now, as reports open it."""
    lake, _ = frequent_cut(url, str(folder / "lake"))
    return LakeBook(lake)


def what_differs(found: WhatIf) -> list[tuple[Any, ...]]:
    """Return key, decline codes before and after, effect."""
    return found.differing.select("key", "before", "after", "effect").rows()


def test_with_the_limits_as_they_are_every_answer_is_the_same(book: LakeBook) -> None:
    """Debits, holds and all that moves money between: replayed, each draws what the ledger drew."""
    found = what_if(book, "2024-03", scaled(book))
    assert found.unlike.rows() == []
    assert found.differing.rows() == []
    march = book.transactions.collect().filter(month="2024-03")
    replayed = march.filter(march["kind"] != "expiry")
    assert {"write_off_limit_exceeded", "credit_overdue", "insufficient_funds"} == set(replayed["code"].drop_nulls())
    assert replayed["kind"].n_unique() == 11
    assert found.answered == replayed.height == march.height - 1


def test_two_books_of_one_past_share_nothing(book: LakeBook) -> None:
    """What a capture took in one book, it did not take in the other: no part is captured beyond itself."""
    past = Past(book, "2024-03", book.accounts.filter(kind="money").collect()["id"])
    books = past.book(), past.book()
    for happened in past.happened:
        for each in books:
            each.enter(recorded(each, happened))
    for each in books:
        parts = [part for hold in each.holds.values() for part in hold.parts]
        assert any(part.captured for part in parts)
        assert all((part.captured or 0) <= part.amount for part in parts)


def test_less_credit_declines_and_what_followed_finds_nothing(book: LakeBook) -> None:
    """With 500.00 for Romashka, 100.00 less 70.00 held is left; the refund of a declined debit finds none."""
    found = what_if(book, "2024-03", scaled(book, credit=Decimal("0.5")))
    assert found.unlike.rows() == []
    assert what_differs(found)[:3] == [
        ("d1", None, "write_off_limit_exceeded", "declined"),
        ("d2", "write_off_limit_exceeded", "credit_limit_exceeded", "other_reason"),
        ("f1", None, "debit_not_found", "follows"),
    ]
    stakes = {row["effect"]: row for row in found.at_stake.iter_rows(named=True)}
    assert (stakes["declined"]["count"], stakes["declined"]["amount"]) == (3, 740)  # 550 + 80 + 110


def test_credit_where_there_was_none_lets_through(book: LakeBook) -> None:
    """Vera had 7.00 for 900.00, so she needs 893.00; nothing else changes."""
    found = what_if(book, "2024-03", Limits({book.account("vera"): Decimal(893)}, {}))
    assert what_differs(found) == [("d7", "insufficient_funds", None, "let_through")]
    assert found.at_stake.rows() == [("let_through", "RUB", 1, 1, 900, 0)]
    assert what_differs(what_if(book, "2024-03", Limits({book.account("vera"): Decimal(892)}, {}))) == [
        ("d7", "insufficient_funds", "credit_limit_exceeded", "other_reason")
    ]


def test_other_write_off_limits_change_who_pays(book: LakeBook) -> None:
    """With 250.00 a day Romashka pays 250.00 of d1 and Anna the other 300.00, so she cannot pay d8."""
    romashka, anna = book.account("romashka"), book.account("anna")
    found = what_if(book, "2024-03", Limits({}, {(romashka, anna, "day"): Decimal(250)}))
    assert found.differing.select("key", "effect", "shifted").rows() == [
        ("d1", "paid_otherwise", 250),
        ("f1", "follows", Decimal("31.82")),
        ("d8", "declined", 0),
    ]
    assert found.at_stake.select("effect", "amount", "shifted").rows() == [
        ("declined", 500, 0),
        ("paid_otherwise", 550, 250),
    ]


def test_a_declined_debit_is_of_the_brand_that_explains_it(book: LakeBook) -> None:
    """Gleb's holder is pizza, for which Romashka never pays; his decline for a limit must have been sushi's."""
    window = book.account("romashka"), book.account("gleb"), "order"
    assert ("d11", "write_off_limit_exceeded", None, "let_through") in what_differs(
        what_if(book, "2024-03", Limits({}, {window: None}))
    )


def test_answers_that_the_book_of_today_does_not_explain_are_named(
    book: LakeBook, database_url: str, tmp_path: Path
) -> None:
    """A link ended since: what Romashka paid for Anna in March is replayed as Anna's own, and listed as such."""
    ledger = Ledger(database_url)
    ledger.administer([administration.parse({"type": "link", "account": "anna", "payer": "romashka", "draw": None})])
    ledger.close()
    found = what_if(cut(database_url, tmp_path), "2024-03", Limits({book.account("romashka"): Decimal(1000)}, {}))
    assert "d1" in found.unlike["key"].to_list()
    assert "d5" not in found.unlike["key"].to_list()


def test_refunds_of_what_a_closed_account_paid_are_replayed(book: LakeBook, database_url: str, tmp_path: Path) -> None:
    """Zina's account is closed; what she paid goes to Yuri, who had paid with her, and of another debit to nobody."""
    ledger = Ledger(database_url)

    def post(*lines: Record) -> None:
        for line in lines:
            if line["type"] in administration.RECORDS:
                (done,) = ledger.administer([administration.parse(line)])
            else:
                (done,) = ledger.post([commands.parse(line | {"at": f"{line['at']}T12:00:00+03:00"})])
            assert done.to_json()["status"] in ("posted", "done"), done

    for who in ("yuri", "zina"):
        post(
            {"type": "party", "reference": who, "kind": "individual", "name": who},
            {"type": "account", "reference": who, "party": who, "currency": "RUB"},
            {
                "type": "payment",
                "key": f"p-{who}",
                "account": who,
                "amount": "60.00",
                "brand": "sushi",
                "at": "2024-02-01",
            },
        )
    post(
        {"type": "link", "account": "zina", "payer": "yuri", "draw": "payer_first"},
        {"type": "debit", "key": "z1", "account": "zina", "lines": [_line("90.00")], "at": "2024-02-02"},
        {"type": "debit", "key": "z2", "account": "zina", "lines": [_line("30.00")], "at": "2024-02-03"},
        {"type": "link", "account": "zina", "payer": "yuri", "draw": None},
        {"type": "account_status", "account": "zina", "status": "closed"},
        {"type": "refund", "key": "f8", "debit": "z1", "closed_to": "payer", "at": "2024-03-29"},
        {"type": "refund", "key": "f9", "debit": "z2", "closed_to": "unallocated", "at": "2024-03-29"},
        {
            "type": "allocate",
            "key": "l9",
            "payment": "f9",
            "split": [{"account": "yuri", "amount": "30.00"}],
            "at": "2024-03-30",
        },
    )
    ledger.close()
    again = cut(database_url, tmp_path)
    found = what_if(again, "2024-03", Limits({again.account("yuri"): Decimal(0)}, {}))
    assert found.unlike.rows() == found.differing.rows() == []
    assert found.answered == 3


def test_bad_questions_are_one_sentence(book: LakeBook) -> None:
    """A month, an account, a factor."""
    with pytest.raises(Failure, match="2024-13 is not a month: write YYYY-MM"):
        what_if(book, "2024-13", scaled(book))
    with pytest.raises(Failure, match="there is no account 1000090"):
        what_if(book, "2024-03", Limits({1000090: Decimal(1)}, {}))
    with pytest.raises(Failure, match="a factor of limits cannot be negative"):
        scaled(book, credit=Decimal(-1))
