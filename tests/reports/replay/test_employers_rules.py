"""Employers' rules from the ledger through the lake: reports and replays have shares, hours, services and groups."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.postgres.post import Ledger
from reports.replay.history import Limits
from reports.replay.what_if import scaled, what_if
from reports.run import LakeBook
from tests.reports.replay.test_what_if import cut, what_differs

Record = dict[str, Any]

TERMS: list[Record] = [
    {"type": "brand", "code": "sushi"},
    *({"type": "party", "reference": who, "kind": "individual", "name": who} for who in ("romashka", "anna", "boris")),
    *(
        {"type": "account", "reference": who, "party": who, "currency": "RUB", "holder": "sushi"}
        for who in ("romashka", "anna", "boris")
    ),
    {"type": "credit_terms", "account": "romashka", "limit": "10000.00", "valid_from": "2024-01-01"},
    {
        "type": "link",
        "account": "anna",
        "payer": "romashka",
        "share": "80",
        "services": ["lunch"],
        "group": "kitchen",
        "when": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "11:00", "to": "16:00"},
    },
    {"type": "link", "account": "boris", "payer": "romashka", "group": "kitchen"},
    {"type": "write_off_limit", "payer": "romashka", "group": "kitchen", "period": "month", "amount": "500.00"},
]


def debit(key: str, account: str, at: str, *lines: tuple[str, str], occurred_at: str | None = None) -> Record:
    """Return a debit of lines, each a service and an amount."""
    sold = [{"brand": "sushi", "service": service, "amount": amount} for service, amount in lines]
    late = {"occurred_at": f"{occurred_at}:00+03:00"} if occurred_at else {}
    return {"type": "debit", "key": key, "account": account, "at": f"{at}:00+03:00", "lines": sold, **late}


@pytest.fixture
def book(database_url: str, tmp_path: Path) -> LakeBook:
    """Return the lake of an office's March."""
    ledger = Ledger(database_url)
    ledger.administer([administration.parse(record) for record in TERMS])
    said = [
        {
            "type": "payment",
            "key": "p1",
            "account": "anna",
            "amount": "500.00",
            "brand": "sushi",
            "at": "2024-02-01T12:00:00+03:00",
        },
        debit("d1", "anna", "2024-03-04T12:00", ("lunch", "300.00"), ("wine", "50.00")),
        debit("d2", "boris", "2024-03-04T13:00", ("lunch", "200.00")),
        debit("d3", "boris", "2024-03-05T12:00", ("lunch", "100.00")),
        debit("d4", "anna", "2024-03-05T12:30", ("lunch", "20.00"), occurred_at="2024-03-05T10:00"),
        debit("d5", "anna", "2024-03-05T13:00", ("lunch", "100.00"), occurred_at="2024-02-29T12:00"),
        {"type": "refund", "key": "f1", "debit": "d1", "at": "2024-03-06T12:00:00+03:00"},
    ]
    answers = ledger.post([commands.parse(record) for record in said])
    assert [answer.key for answer in answers if answer.to_json()["status"] == "declined"] == ["d3"]
    ledger.close()
    return cut(database_url, tmp_path)


def test_the_report_of_limits_has_a_row_for_a_groups_budget(book: LakeBook) -> None:
    """Of March: 240.00 (given back) and 200.00; the 80.00 of 29 February count in its own month."""
    result = book.report("subaccounts", first_day="2024-03-01", last_day="2024-03-31")
    assert result.holds
    figures = result.frame.select("reference", "group", "spent", "drawn", "limit", "used", "left").rows()
    money = [tuple(str(value) if isinstance(value, Decimal) else value for value in row) for row in figures]
    assert sorted(money, key=str) == [
        ("anna", "", "320.00", "80.00", None, None, None),
        ("boris", "", "200.00", "200.00", None, None, None),
        ("romashka", "kitchen", "0.00", "0.00", "500.00", "200.00", "300.00"),
    ]


def test_a_replay_answers_as_the_ledger_did_and_a_larger_budget_lets_more_through(book: LakeBook) -> None:
    """Boris's 100.00 had 60.00 left of the kitchen's 500.00."""
    found = what_if(book, "2024-03", scaled(book))
    assert (found.unlike.rows(), found.differing.rows()) == ([], [])
    payer = book.account("romashka")
    larger = what_if(book, "2024-03", Limits({}, {(payer, "kitchen", "month"): Decimal("600.00")}))
    assert what_differs(larger) == [("d3", "write_off_limit_exceeded", None, "let_through")]
