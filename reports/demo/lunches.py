"""Two derived months of company lunches, after the year and apart from it: brand LUNCH, 2018-01-08 to 2018-02-28.

Nothing here is in the data set. 36 companies pay for their employees' lunches on six kinds of terms, so
that every refusal of credit, limits and funds can be seen; three promotions, a bonus programme and
pre-orders for the next day show what becomes of an order. The figures are drawn from random numbers
with fixed seeds: each run makes the same orders.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.resources import files
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from ledger.core.commands import Command, Payment
from ledger.food.core.commands import Cancel, Deliver, Delivered, Extra, Item, Order, Refunded, RefundItems
from reports.demo.brands import brand_records
from reports.demo.complete_journey import CURRENCY, TIME_ZONE

BRAND = "LUNCH"
FIRST, LAST = date(2018, 1, 8), date(2018, 2, 28)
NEXT = date(2018, 3, 1)
"""Orders for this day are still open when the months close."""

HOLIDAYS = {date(2018, 1, 15), date(2018, 2, 19)}
MONTHLY = (date(2018, 1, 8), date(2018, 2, 1))
WEEKLY = tuple(FIRST + timedelta(days=7 * week) for week in range(8))
SETS = {f"set-{number}": Decimal(750 + 75 * number).scaleb(-2) for number in range(1, 11)}
LEMONADE = Item(brand=BRAND, sku="lemonade", name="Lemonade", price=Decimal("2.25"))
DELIVERY = Extra(brand=BRAND, amount=Decimal("1.50"))

FOOD = [json.loads(line) for line in files("reports.demo").joinpath("food.jsonl").read_text("utf-8").splitlines()]
"""Promotions and the bonus programme, derived like everything else here."""


@dataclass(frozen=True)
class CompanyTerms:
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
    CompanyTerms(8, credit=10_000, period_days=60, pays=2_000, on=(date(2018, 2, 5),), refunds=True),
    # The company pays up to 11.00 a day, the employee the rest, out of 35.00 a month of his own.
    CompanyTerms(8, credit=10_000, period_days=60, a_day=11, own_money=35, pays=2_000, on=(date(2018, 2, 5),)),
    # Prepaid, a little short towards the end of some weeks: insufficient funds.
    CompanyTerms(8, pays=600, on=WEEKLY),
    # Paid too late: credit overdue from 23 January until the payment of 12 February.
    CompanyTerms(5, credit=10_000, period_days=14, pays=4_000, on=(date(2018, 2, 12),)),
    # The contract ended with January: credit expired.
    CompanyTerms(3, credit=10_000, period_days=60, valid_until=date(2018, 1, 31)),
    # Small credit, small payments: credit limit exceeded.
    CompanyTerms(4, credit=1_000, period_days=60, pays=400, on=WEEKLY),
)

_TREES = ("Amber", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
_TRADES = ("Analytics", "Bearings", "Design", "Freight", "Labs", "Press")
_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Iris", "Jack")


@dataclass(frozen=True)
class Company:
    """A derived company: its number from 1, its terms and how many it employs."""

    number: int
    terms: CompanyTerms
    employees: int

    @property
    def account(self) -> str:
        """Return the reference of its party and account."""
        return f"company-{self.number:02}"

    def employee(self, number: int) -> str:
        """Return the reference of an employee's party and account."""
        return f"{self.account}-employee-{number:02}"


COMPANIES = sum(terms.companies for terms in TERMS)


def companies(most: int = COMPANIES) -> list[Company]:
    """Return the companies, the terms one after the other; of fewer, the first of each terms, then the second."""
    terms = [(place, its) for its in TERMS for place in range(its.companies)]
    numbered = sorted(enumerate(terms, start=1), key=lambda one: one[1][0])[:most]
    return [
        Company(number, its, employees=8 + int(Random(f"company {number}").random() * 13))
        for number, (_, its) in sorted(numbered, key=lambda one: one[0])
    ]


def registry(most: int = COMPANIES) -> Iterator[dict[str, Any]]:
    """Yield the administration lines: brand, promotions, parties, accounts, credit terms, links, write-off limits."""
    yield from brand_records([BRAND])
    yield from FOOD
    for company in companies(most):
        yield from _client(company.account, "legal_entity", _company_name(company.number))
        for number in range(1, company.employees + 1):
            name = f"{_NAMES[number % len(_NAMES)]} {chr(64 + company.number % 26 + 1)}."
            yield from _client(company.employee(number), "individual", name)
        yield from _agreed(company)


def commands(most: int = COMPANIES) -> Iterator[Command]:
    """Yield the payments, orders and what became of them, of the companies, in order of time."""
    everything = [command for company in companies(most) for command in _commands(company)]
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
        yield from _lunches(company, account, chance)


def _lunches(company: Company, account: str, chance: Random) -> Iterator[Command]:
    """Yield what an employee orders: three days in four, one time in six on the working day before."""
    days, first = _working_days(), True
    for before, day in zip([None, *days], [*days, NEXT], strict=True):
        if chance.random() < 0.75:
            early = before is not None and chance.random() < 1 / 6
            if early and before:
                yield from _preorder(account, before, day, chance, first=first)
            elif day != NEXT:
                yield from _order(company, account, day, chance, first=first)
            first = False


def _working_days() -> list[date]:
    days = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
    return [day for day in days if day.weekday() < 5 and day not in HOLIDAYS]


def _payment(account: str, day: date, dollars: int) -> Payment:
    key = f"lunch-money-{account}-{day}"
    amount = Decimal(dollars).quantize(Decimal("0.01"))
    return Payment(key=key, account=account, amount=amount, brand=BRAND, channel="bank", at=_at(day, 9 * 3600))


def _order(company: Company, account: str, day: date, chance: Random, *, first: bool) -> Iterator[Command]:
    """Yield an order of the morning and its delivery after one; an order in fifty comes cold and is paid back."""
    order = f"lunch-{account}-{day}"
    fields = _order_fields(account, day, chance, first=first)
    yield Order(key=order, account=account, at=_between(day, 11.5, 13, chance), **fields)
    at = _between(day, 13.1, 14, chance)
    yield Deliver(key=f"{order}-delivered", order=order, at=at)
    if company.terms.refunds and chance.random() < 0.02:
        cold = Refunded(sku=fields["items"][0].sku, quantity=1)
        later = at + timedelta(hours=1)
        yield RefundItems(key=f"{order}-refund", order=order, at=later, items=(cold,), reason="delivered cold")


def _preorder(account: str, before: date, day: date, chance: Random, *, first: bool) -> Iterator[Command]:
    """Yield an order for the next working day, and its end: most are brought, some cancelled, a few never collected."""
    order = f"lunch-{account}-{day}"
    fields = _order_fields(account, day, chance, first=first)
    placed = _between(before, 15.5, 17, chance)
    yield Order(key=order, account=account, at=placed, due_at=_at(day, 12 * 3600 + 1800), **fields)
    fate = chance.random()
    brought, cancelled = _between(day, 13.1, 14, chance), _between(day, 9.5, 11, chance)
    if day == NEXT or fate < 0.03:
        return
    if fate < 0.12:
        fee = Decimal("2.00") if fate < 0.06 else Decimal("0.00")
        yield Cancel(key=f"{order}-cancelled", order=order, at=cancelled, fee=fee, reason="not at work")
    elif fate < 0.2 and len(fields["items"]) > 1:
        food = Delivered(sku=fields["items"][0].sku, quantity=1)  # the lemonade had run out
        yield Deliver(key=f"{order}-delivered", order=order, at=brought, items=(food,))
    else:
        yield Deliver(key=f"{order}-delivered", order=order, at=brought)


def _order_fields(account: str, day: date, chance: Random, *, first: bool) -> dict[str, Any]:
    """Return what an order consists of: a set, perhaps lemonade and delivery, a code, the points to spend."""
    sku = chance.choice(list(SETS))
    items = [Item(brand=BRAND, sku=sku, name=sku.replace("-", " ").capitalize(), price=SETS[sku])]
    if chance.random() < 0.4:
        items.append(LEMONADE)
    delivery = DELIVERY if chance.random() < 0.25 else None
    codes = []
    if first and chance.random() < 0.5:
        codes = ["WELCOME"]
    elif chance.random() < 0.08:
        codes = ["LUNCH10"]
    if delivery and day >= date(2018, 2, 1) and chance.random() < 0.4:
        codes.append("FEBRUARY")
    # One employee in three lets points go by.
    saves = account[-1] not in "369" and chance.random() < 0.15
    return {
        "items": tuple(items),
        "delivery": delivery,
        "promo_codes": tuple(codes),
        "bonus_at_most": Decimal("2.00") if saves else None,
    }


def _between(day: date, since: float, until: float, chance: Random) -> datetime:
    """Return a time of a day, to the second, between two hours."""
    return _at(day, int((since + (until - since) * chance.random()) * 3600))


def _at(day: date, seconds: int) -> datetime:
    local = datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), ZoneInfo(TIME_ZONE))
    return local.astimezone(ZoneInfo("UTC"))
