"""Two derived months of company lunches, after the year and apart from it: brand LUNCH, 2018-01-08 to 2018-02-28.

Nothing here is in the data set. 36 companies pay for their employees' lunches on six kinds of terms, so
that every refusal of credit, limits and funds is to be seen. The figures are drawn from random numbers
with fixed seeds: each run makes the same orders.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from ledger.commands import Command, Debit, Line, Payment, Refund
from reports.demo.brands import brand_records
from reports.demo.complete_journey import CURRENCY, TIME_ZONE

BRAND = "LUNCH"
FIRST, LAST = date(2018, 1, 8), date(2018, 2, 28)
HOLIDAYS = {date(2018, 1, 15), date(2018, 2, 19)}
MONTHLY = (date(2018, 1, 8), date(2018, 2, 1))
WEEKLY = tuple(FIRST + timedelta(days=7 * week) for week in range(8))


@dataclass(frozen=True)
class Terms:
    """What a company agreed on, and how it pays: `pays` on the days `on`. Amounts in dollars."""

    companies: int
    credit: int | None = None
    period_days: int | None = None
    valid_until: date = date(2018, 12, 31)
    a_day: int | None = None
    own_money: int | None = None
    pays: int = 0
    on: tuple[date, ...] = ()
    refunds: bool = False


TERMS = (
    # Enough credit for everything: nothing is declined, and an order in fifty is refunded.
    Terms(8, credit=10_000, period_days=60, pays=2_000, on=(date(2018, 2, 5),), refunds=True),
    # The company pays up to 11.00 a day, the employee the rest, out of 30.00 a month of his own.
    Terms(8, credit=10_000, period_days=60, a_day=11, own_money=30, pays=2_000, on=(date(2018, 2, 5),)),
    # Prepaid, a little short towards the end of some weeks: insufficient funds.
    Terms(8, pays=600, on=WEEKLY),
    # Paid too late: credit overdue from 23 January until the payment of 12 February.
    Terms(5, credit=10_000, period_days=14, pays=4_000, on=(date(2018, 2, 12),)),
    # The contract ended with January: credit expired.
    Terms(3, credit=10_000, period_days=60, valid_until=date(2018, 1, 31)),
    # Small credit, small payments: credit limit exceeded.
    Terms(4, credit=1_000, period_days=60, pays=400, on=WEEKLY),
)

_TREES = ("Amber", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
_TRADES = ("Analytics", "Bearings", "Design", "Freight", "Labs", "Press")
_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Iris", "Jack")


@dataclass(frozen=True)
class Company:
    """A derived company: its number from 1, its terms and how many it employs."""

    number: int
    terms: Terms
    employees: int

    @property
    def account(self) -> str:
        """Return the reference of its party and account."""
        return f"company-{self.number:02}"

    def employee(self, number: int) -> str:
        """Return the reference of an employee's party and account."""
        return f"{self.account}-employee-{number:02}"


def companies() -> list[Company]:
    """Return the companies, the terms one after the other."""
    terms = [terms for terms in TERMS for _ in range(terms.companies)]
    return [
        Company(number, its, employees=8 + int(Random(f"company {number}").random() * 13))
        for number, its in enumerate(terms, start=1)
    ]


def registry() -> Iterator[dict[str, Any]]:
    """Yield the administration lines: brand, parties, accounts, credit terms, links, write-off limits."""
    yield from brand_records([BRAND])
    for company in companies():
        yield from _client(company.account, "legal_entity", _company_name(company.number))
        for number in range(1, company.employees + 1):
            name = f"{_NAMES[number % len(_NAMES)]} {chr(64 + company.number % 26 + 1)}."
            yield from _client(company.employee(number), "individual", name)
        yield from _agreed(company)


def commands() -> Iterator[Command]:
    """Yield the payments, orders and refunds of all companies, in order of time."""
    everything = [command for company in companies() for command in _commands(company)]
    yield from sorted(everything, key=lambda command: (command.at, command.key))


def _client(reference: str, kind: str, name: str) -> Iterator[dict[str, Any]]:
    yield {"type": "party", "reference": reference, "kind": kind, "name": name, "note": "derived for the demo"}
    yield {
        "type": "account",
        "reference": reference,
        "party": reference,
        "currency": CURRENCY,
        "holder": BRAND,
        "contract_number": reference.upper(),
        "contract_date": "2018-01-01",
    }


def _agreed(company: Company) -> Iterator[dict[str, Any]]:
    terms, payer = company.terms, company.account
    if terms.credit is not None:
        yield {
            "type": "credit_terms",
            "account": payer,
            "limit": f"{terms.credit}.00",
            "period_days": terms.period_days,
            "valid_from": "2018-01-01",
            "valid_until": terms.valid_until.isoformat(),
        }
    for number in range(1, company.employees + 1):
        account = company.employee(number)
        yield {"type": "link", "account": account, "payer": payer, "draw": "payer_first", "priority": 1}
        if terms.a_day is not None:
            limit = {"period": "day", "amount": f"{terms.a_day}.00", "count": None}
            yield {"type": "write_off_limit", "payer": payer, "account": account, **limit}


def _company_name(number: int) -> str:
    tree, trade = divmod(number - 1, len(_TRADES))
    return f"{_TREES[tree]} {_TRADES[trade]} Inc"


def _commands(company: Company) -> Iterator[Command]:
    chance = Random(f"orders {company.number}")
    for day in company.terms.on:
        yield _payment(company.account, day, company.terms.pays)
    for number in range(1, company.employees + 1):
        account = company.employee(number)
        for day in MONTHLY if company.terms.own_money else ():
            yield _payment(account, day, company.terms.own_money or 0)
        for day in _working_days():
            if chance.random() < 0.75:
                yield from _order(company, account, day, chance)


def _working_days() -> list[date]:
    days = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
    return [day for day in days if day.weekday() < 5 and day not in HOLIDAYS]


def _payment(account: str, day: date, dollars: int) -> Payment:
    key = f"lunch-money-{account}-{day}"
    amount = Decimal(dollars).quantize(Decimal("0.01"))
    return Payment(key=key, account=account, amount=amount, brand=BRAND, channel="bank", at=_at(day, 9 * 3600))


def _order(company: Company, account: str, day: date, chance: Random) -> Iterator[Command]:
    order = f"{account}-{day}"
    at = _at(day, int((11.5 + 2 * chance.random()) * 3600))
    dish = Decimal(800 + 25 * int(chance.random() * 30)).scaleb(-2)
    discount = Decimal("1.00") if chance.random() < 0.1 else Decimal("0.00")
    lines = [_line(order, "lunch", dish, discount, {"dish": f"set {1 + int(chance.random() * 9)}"})]
    if chance.random() < 0.4:
        lines.append(_line(order, "drink", Decimal("2.25"), Decimal("0.00"), {"dish": "lemonade"}))
    yield Debit(key=f"lunch-{order}", account=account, at=at, lines=tuple(lines))
    if company.terms.refunds and chance.random() < 0.02:
        later = at + timedelta(hours=1)
        yield Refund(key=f"lunch-refund-{order}", debit=f"lunch-{order}", at=later, reason="delivered cold")


def _line(order: str, service: str, gross: Decimal, discount: Decimal, attributes: dict[str, str]) -> Line:
    amount = gross - discount
    return Line(brand=BRAND, service=service, reference=order, amount=amount, gross=gross, discount=discount,
                attributes=attributes)  # fmt: skip


def _at(day: date, seconds: int) -> datetime:
    local = datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), ZoneInfo(TIME_ZONE))
    return local.astimezone(ZoneInfo("UTC"))
