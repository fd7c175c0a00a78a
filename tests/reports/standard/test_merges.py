"""A client who registered twice, acted out on a real book: reports of the days before and after the merge.

Anna's first account is sushi's, her second, anna2, pizza's. By hand: anna2 owes 400.00 since 1 March (10 days) and
50.00 since 3 March, less 20.00 paid on 4 March; anna has 100.00 ahead since 2 March. They are merged on 10 March: anna
owes 330.00, all of it from 1 and 3 March; 280.00 of 1 March (100.00 of what was ahead pays it) and 50.00 of 3 March.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.postgres.database import initialise
from reports.core.report import REPORTS
from reports.lake.verify_ledger import verify_ledger
from reports.run import LakeBook
from tests.conftest import made
from tests.reports.acted import Acted
from tests.reports.explain.test_explain import EXPLAINED, explained
from tests.reports.standard.test_every_report import parameters_for
from tests.reports.standard.test_turnover import figures

NOON = "T12:00:00+03:00"


def line(type_: str, day: str, key: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "key": key, "at": f"2026-03-{day}{NOON}", **fields}


def debit(day: str, key: str, account: str, amount: str) -> dict[str, Any]:
    return line("debit", day, key, account=account, lines=[{"brand": "sushi", "service": "order", "amount": amount}])


@pytest.fixture(scope="module")
def book(server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeBook]:
    for url in made(server, f"tiffin_merged_{os.getpid()}", template_database):
        initialise(url, "Europe/Moscow")
        yield acted(url, tmp_path_factory.mktemp("merged"))


def acted(url: str, folder: Path) -> LakeBook:
    company = Acted(url, folder)
    company.administer(
        {"type": "brand", "code": "sushi"},
        {"type": "brand", "code": "pizza"},
        {
            "type": "bonus_program",
            "brand": "sushi",
            "accrue_percent": "10",
            "redeem_percent": "50",
            "expires_after_days": 60,
            "valid_from": "2026-01-01",
        },
        *({"type": "party", "reference": name, "kind": "individual", "name": "Anna"} for name in ("anna", "anna2")),
        {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
        {"type": "account", "reference": "anna2", "party": "anna2", "currency": "RUB", "holder": "pizza"},
        *(
            {"type": "credit_terms", "account": name, "limit": "1000.00", "period_days": 10, "valid_from": "2026-01-01"}
            for name in ("anna", "anna2")
        ),
    )
    company.post(
        debit("01", "d1", "anna2", "400.00"),
        line("payment", "02", "p1", account="anna", amount="100.00", brand="sushi", channel="card"),
        debit("03", "d2", "anna2", "50.00"),
        line("payment", "04", "p2", account="anna2", amount="20.00", brand="pizza", channel="card"),
        line("bonus", "04", "b1", account="anna2", brand="sushi", amount="30.00", reason="welcome"),
    )
    company.administer({"type": "merge", "account": "anna2", "into": "anna", "at": f"2026-03-10{NOON}"})
    company.post(
        line("payment", "11", "p3", account="anna2", amount="30.00", brand="pizza", channel="card"),
        line("refund", "12", "f1", debit="d2", amount="10.00"),
    )
    closed = company.closed(date(2026, 3, 15))
    wrong = [check for check in verify_ledger(url) if check.problems]
    assert not wrong, wrong
    return closed


@pytest.mark.parametrize("report", REPORTS.values(), ids=list(REPORTS))
def test_every_control_holds(report: Any, book: LakeBook) -> None:
    """Whatever is asked."""
    result = book.report(report.name, **parameters_for(report, first_day="2026-03-01", last_day="2026-03-15"))
    assert result.holds, [control for control in result.controls if not control.holds]


def test_debts_of_before_stand_where_they_were_and_move_with_their_dates(book: LakeBook) -> None:
    """On 9 March anna2 owes, on 10 March anna does, with the same days and due dates; on 15 March 290.00 are left."""

    def items(day: str) -> list[Any]:
        return figures(book.report("open-items", as_of=day).frame, "reference", "key", "due", "unpaid")

    before = date(2026, 3, 11), date(2026, 3, 13)
    assert items("2026-03-09") == [("anna2", "d1", before[0], "380.00"), ("anna2", "d2", before[1], "50.00")]
    assert items("2026-03-10") == [("anna", "d1", before[0], "280.00"), ("anna", "d2", before[1], "50.00")]
    assert items("2026-03-15") == [("anna", "d1", before[0], "250.00"), ("anna", "d2", before[1], "40.00")]
    aged = book.report("receivables-aging", as_of="2026-03-15").frame
    assert figures(aged, "reference", "late_1_30", "total") == [("anna", "290.00", "290.00")]


def test_the_old_holder_is_paid_what_it_passes_on(book: LakeBook) -> None:
    """
    Pizza held anna2: sushi served 450.00 there, pizza took 20.00; the debt of 430.00 went to sushi's anna. Sushi
    refunded 10.00 and pizza took 30.00 on anna afterwards: pizza owes sushi 450 - 430 = 20.00 and 30.00.
    """
    result = book.report("brand-settlements", first_day="2026-03-01", last_day="2026-03-15")
    assert figures(result.frame, "brand", "other", "due")[1] == ("sushi", "pizza", "50.00")


def test_points_and_money_ahead_keep_their_age(book: LakeBook) -> None:
    """30 points of 4 March stand with anna from 10 March on."""
    ahead = book.report("advances", as_of="2026-03-15").frame
    assert figures(ahead, "reference", "kind", "age_0_30") == [(None, "bonus", "30.00")]
    bonuses = book.report("bonuses", first_day="2026-03-01", last_day="2026-03-15").frame
    assert figures(bonuses, "brand", "accrued", "other", "closing", "gone_in_60") == [
        ("sushi", "30.00", "0.00", "30.00", "30.00")
    ]


def test_figures_of_merged_accounts_are_explained(book: LakeBook) -> None:
    """What is owed and ahead after the merge is the sum of its entries, whichever account had them."""
    for name in ("open-items", "receivables-aging", "advances", "credit-exposure", "dso", "brand-settlements"):
        result = book.report(name, **parameters_for(REPORTS[name], first_day="2026-03-01", last_day="2026-03-15"))
        assert result.frame.height or name == "brand-settlements"
        for row in range(result.frame.height):
            for column in (column.name for column in result.columns if column.kind in EXPLAINED):
                explained(book, result, row, column)
