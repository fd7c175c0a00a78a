"""Employers' rules, points, orders, write-offs and late facts of one March: quotes, reports, papers, the desk."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ledger.postgres import desk_queries
from ledger.postgres.database import connect, initialise
from reports.core.result import Result
from reports.documents.design import Design
from reports.documents.papers import statement_of
from reports.documents.render import html
from reports.run import LakeBook
from tests.conftest import made
from tests.reports import mechanisms
from tests.reports.acted import Acted
from tests.reports.standard.test_turnover import figures

MARCH = {"first_day": "2026-03-01", "last_day": "2026-03-31"}
DAYS = date(2026, 3, 1), date(2026, 3, 31)


@pytest.fixture(scope="module")
def march(server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acted]:
    """Return the book after March; what was posted was quoted before, alike."""
    for url in made(server, "tiffin_mechanisms", template_database):
        initialise(url, "Europe/Moscow")
        acted = Acted(url, tmp_path_factory.mktemp("mechanisms"))
        acted.administer(*mechanisms.administration())
        acted.post(*mechanisms.BEFORE, *mechanisms.EMPLOYERS)
        [refused] = acted.post(mechanisms.TOO_MUCH, status="declined")
        assert refused["code"] == "write_off_limit_exceeded"
        acted.post(*mechanisms.POINTS, *mechanisms.ORDERS, *mechanisms.NO_SALE)
        [refused] = acted.post(mechanisms.NOT_LENT, status="declined")
        assert refused["code"] == "credit_limit_exceeded"
        acted.post(*mechanisms.MOVES)
        yield acted
        acted.desk.close()


@pytest.fixture(scope="module")
def book(march: Acted) -> LakeBook:
    """Return March as the lake has it, closed."""
    return march.closed(DAYS[1])


def held(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """Return a report's figures as text; its controls hold."""
    assert [control for control in result.controls if not control.holds] == []
    return figures(result.frame, *columns)


def test_the_budget_of_a_group_is_that_of_when_it_happened(book: LakeBook) -> None:
    """Kitchen: 400 + 600 − 200 in March's budget, 160 of a late fact in February's, and not March's by occurrence."""
    shown = ("group", "spent", "refunded", "drawn", "limit", "used", "left")
    assert held(book.report("subaccounts", **MARCH, by="group"), *shown) == [
        ("Kitchen", "1160.00", "200.00", "960.00", "1000.00", "800.00", "200.00"),
        ("Office", "100.00", "0.00", "100.00", None, None, None),
    ]
    occurred = book.report("subaccounts", **MARCH, by="group", dated_by="occurred")
    assert held(occurred, "group", "drawn") == [("Kitchen", "800.00"), ("Office", "100.00")]
    assert occurred.provisional
    by_hour = book.report("brand-revenue", **MARCH, by="hour", brand="sushi", dated_by="occurred")
    assert [hour for hour, *_ in held(by_hour, "hour")] == [12, 13, 17, 18]


@pytest.mark.parametrize("kind", ["invoice", "act", "services"])
def test_a_payers_papers_say_what_each_group_and_employee_was_charged(book: LakeBook, kind: str) -> None:
    """
    Kitchen 400 − 200 + 600 + 160 = 960.00, VAT 66.66 − 33.33 + 54.55 + 26.66; Office 100.00, VAT 16.67.
    To pay: 1,060.00.
    """
    paper = statement_of(book, "romashka", *DAYS, by="group")
    parts = [(part.name, part.charges, str(part.vat), str(part.amount)) for part in paper.parts]
    assert parts == [("Kitchen", 3, "114.54", "960.00"), ("Office", 1, "16.67", "100.00")]
    by_employee = statement_of(book, "romashka", *DAYS, by="subaccount").parts
    assert [(part.name, str(part.amount)) for part in by_employee] == [
        ("Anna", "360.00"),
        ("Boris", "600.00"),
        ("Clara", "100.00"),
    ]
    assert (paper.summary.to_pay, sum(vat.vat for vat in paper.vat)) == (1060, sum(part.vat for part in paper.parts))
    drawn = html(paper, Design(kind, "en"))  # type: ignore[arg-type]
    for text in ("Kitchen", "Office", "960.00", "1,060.00"):
        assert text in drawn


def test_the_desk_shows_what_each_source_has_left_of_a_line(march: Acted) -> None:
    """Of the dish of e1 half is left of what each paid; the delivery is whole, and Anna's."""
    with connect(march.url) as connection:
        lines = desk_queries.earlier(connection, "e1").lines
        places = desk_queries.earlier(connection, "v2").places
    assert [(line["line"], line["client"], line["amount"], line["refunded"], line["left"]) for line in lines] == [
        (1, "Romashka", 40000, 20000, 20000),
        (1, "Anna", 10000, 5000, 5000),
        (2, "Anna", 10000, 0, 10000),
    ]
    assert [(place["client"], place["brand"], place["left"]) for place in places] == [("Vasilek", "pizza", 40000)]


def test_who_owes_whom_for_points_discounts_and_lunches(book: LakeBook) -> None:
    """
    pizza by sushi  lunch 200 + pizza 150 + service 90 − moved 440 = 0
    pizza by wok    points 200 − 50, of the service's discount 6: 156
    wok by sushi    points given at its expense 300, less 24 of a discount: 276
    """
    due = held(book.report("brand-settlements", **MARCH), "brand", "other", "due")
    assert [row for row in due if not row[2].startswith("-")] == [
        ("pizza", "sushi", "0.00"),
        ("pizza", "wok", "156.00"),
        ("sushi", "pizza", "0.00"),
        ("wok", "sushi", "276.00"),
    ]
    points = book.report("bonuses", **MARCH)
    assert held(points, "brand", "accrued", "redeemed", "expired", "closing") == [
        ("wok", "300.00", "150.00", "150.00", "0.00")
    ]


def test_revenue_and_its_tax(book: LakeBook) -> None:
    """
    sushi  600 + 300 + 700 + 200 + 410 + 20 + 100 less 250 and 50; e1 to e4, q1 and q2 are orders
    pizza  200 + 400 + 90 + 600 of catering less 100, 150 by wok's points; two orders
    VAT    sushi 10 %: 63.64 + 34.91 (of 384.00) + 1.82; 20 %: 83.33 + 16.67 + 50.00 + 33.33 − 41.67
           pizza 20 %: 33.33 + 66.67 − 16.67 + 16.00 (of 96.00) + 100.00
    """
    revenue = book.report("brand-revenue", **MARCH, by="total")
    assert held(revenue, "brand", "orders", "net", "refunds", "bonus", "kept") == [
        ("pizza", 2, "1290.00", "100.00", "150.00", "1040.00"),
        ("sushi", 6, "2330.00", "300.00", "0.00", "2030.00"),
    ]
    vat = book.report("vat", **MARCH)
    assert held(vat, "brand", "vat_rate", "financed", "base", "base_vat") == [
        ("pizza", "20.00", "6.00", "1196.00", "199.33"),
        ("sushi", "10.00", "24.00", "1104.00", "100.37"),
        ("sushi", "20.00", "0.00", "850.00", "141.66"),
        ("sushi", None, "0.00", "100.00", "0.00"),
    ]
    services = book.report("services", **MARCH, brand="pizza")
    assert ("service_fee", "90.00") in held(services, "service", "net")


def test_a_clients_paper_has_tips_weighed_goods_and_a_later_pre_order(book: LakeBook) -> None:
    """Dana: 1,000 − 200 + 50 − 500 − 20 + 50 − 100 = 280.00; VAT of what she paid in money; no point is left."""
    paper = statement_of(book, "dana", *DAYS)
    amounts = [(operation.kind, str(operation.amount)) for operation in paper.operations if operation.amount]
    assert amounts == [
        ("debit", "-200.00"),
        ("refund", "50.00"),
        ("debit", "-500.00"),
        ("debit", "-20.00"),
        ("refund", "50.00"),
        ("capture", "-100.00"),
    ]
    assert (str(paper.summary.opening), str(paper.summary.closing)) == ("1000.00", "280.00")
    assert [(str(vat.rate), str(vat.vat)) for vat in paper.vat] == [
        ("20.00", "41.00"),
        ("10.00", "36.73"),
        ("None", "0.00"),
    ]
    [points] = paper.bonuses
    assert (str(points.accrued), str(points.spent), str(points.closing)) == ("300.00", "300.00", "0.00")
    for language, words in (("en", ("Service fee", "Dishes")), ("ru", ("Сервисный сбор", "Блюда"))):
        drawn = html(paper, Design("services", language))  # type: ignore[arg-type]
        assert "service_fee" not in drawn
        assert all(word in drawn for word in words)
    assert "Refund · Tips" in html(paper, Design("statement", "en"))


def test_a_write_off_and_its_recovery_stand_apart_from_sales(book: LakeBook) -> None:
    """Bad debt 600 less 200, penalty 30, fee 37.50; Vasilek owes the penalty, which is not due before 10 April."""
    balance = book.report("trial-balance", **MARCH, by="account")
    own = held(balance, "brand", "chart", "debit", "credit")
    assert {row for row in own if row[1]} >= {
        ("pizza", "bad_debt", "600.00", "200.00"),
        ("pizza", "penalty", "0.00", "30.00"),
        ("sushi", "fee", "37.50", "0.00"),
        ("wok", "promotion_expense", "30.00", "0.00"),
    }
    items = held(book.report("open-items", as_of=DAYS[1], account="vasilek"), "business_date", "due", "unpaid")
    assert [tuple(map(str, item)) for item in items] == [("2026-03-25", "2026-04-10", "30.00")]
    paper = statement_of(book, "vasilek", *DAYS)
    assert (str(paper.summary.charged), str(paper.summary.paid), str(paper.summary.closing)) == (
        "600.00",
        "200.00",
        "-30.00",
    )
    assert {kind: str(amount) for kind, amount in paper.summary.other} == {"adjustment": "570.00", "reverse": "-200.00"}
    assert [(str(due.due_on), str(due.amount)) for due in paper.dues] == [("2026-04-10", "30.00")]
    corrected = held(book.report("corrections", **MARCH, account="boris"), "kind", "change")
    assert corrected == [("reverse", "-120.00"), ("reverse", "120.00")]


def test_cash_has_arrived_at_each_bank(book: LakeBook) -> None:
    """Sushi 1,500 + 2,462.50 − 440; pizza 200 + 440."""
    cash = book.report("cash-by-channel", as_of=DAYS[1])
    assert held(cash, "brand", "channel", "state", "amount") == [
        ("pizza", "bank", "arrived", "640.00"),
        ("sushi", "bank", "arrived", "3522.50"),
    ]
