"""A made-up company of five brands, seeded: what its callers send over some weeks, and what its banks report.

Twenty clients pay by card or to a courier, each into the brand they like; some payments are disputed, in vain. Three
companies pay for lunches of their employees within shares, hours, groups and limits, on credit; one has caterings by
agreed dates, too, of which a part is written off and comes after all. Orders of one or two brands, some with
promotions, discounts, extras, points or due later, some told late, are delivered, some by weight, amended, cancelled
for a fee or not, refunded in part. Two clients turn out to have registered twice.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ledger.bank.core.statement import BankEntry, Statement

Line = dict[str, Any]
MOSCOW = ZoneInfo("Europe/Moscow")
BRANDS = ("sushi", "pizza", "wok", "bakery", "tea")
ACCOUNTS = {brand: f"4070281000000000{number:04}" for number, brand in enumerate(BRANDS, 11)}
ACQUIRER, COLLECTION = "40702810900000000901", "40702810900000000902"
COMPANIES = {"romashka-01": "sushi", "vasilek-02": "pizza", "lotos-03": "tea"}
FEE = Decimal("1.80")
TWICE = {"client-18": "client-0", "client-19": "client-1"}


class Company:
    """What is sent, by a seed; the same seed sends the same."""

    def __init__(self, *, days: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.first = datetime.now(MOSCOW).date() - timedelta(days=days + 1)
        self.days = [self.first + timedelta(days=n) for n in range(days)]
        self.clients = [f"client-{n}" for n in range(20)]
        self.employees = {f"employee-{n}": company for n, company in enumerate([*COMPANIES] * 4)}

    def administration(self) -> Iterator[Line]:
        """Yield brands, clients, companies and their rules."""
        for brand, account in ACCOUNTS.items():
            details = {"account": account}
            yield {"type": "brand", "code": brand, "legal_name": f"{brand.title()} LLC", "bank_details": details}
        for name in (*self.clients, *COMPANIES, *self.employees):
            kind = "legal_entity" if name in COMPANIES else "individual"
            holder = COMPANIES.get(name) or self.chance.choice(BRANDS)
            yield {"type": "party", "reference": name, "kind": kind, "name": name}
            yield {"type": "account", "reference": name, "party": name, "currency": "RUB", "holder": holder}
        since = self.first.isoformat()
        for name in COMPANIES:
            yield {
                "type": "credit_terms",
                "account": name,
                "limit": "9000000.00",
                "period_days": 30,
                "valid_from": since,
            }
            yield {"type": "write_off_limit", "payer": name, "group": "sales", "period": "week", "amount": "9000.00"}
        for number, (name, company) in enumerate(self.employees.items()):
            rules: Line = {"group": "sales" if number % 4 < 2 else "office"}
            if number % 3 == 0:
                rules |= {"share": "80", "when": {"from": "10:00", "to": "17:00"}}
            yield {"type": "link", "account": name, "payer": company, **rules}
            limit = {"period": "day", "amount": "600.00"}
            yield {"type": "write_off_limit", "payer": company, "account": name, **limit}
        for brand, spend_at in (("sushi", None), ("tea", ["bakery", "wok"])):
            yield {
                "type": "bonus_program",
                "brand": brand,
                "accrue_percent": "10",
                "redeem_percent": "30",
                "expires_after_days": 60,
                "valid_from": since,
                "spend_at": spend_at,
            }
        financed = [{"brand": "tea", "percent": "30"}, {"brand": "wok", "percent": "33.33"}]
        ten = {"kind": "percent", "value": "10", "stackable": True, "financed": financed}
        yield {"type": "promotion", "code": "TEN", **ten}
        yield {"type": "promotion", "code": "FIRST", "kind": "amount", "value": "100.00", "first_order_only": True}

    def commands(self) -> list[Line]:
        """Return everything that is posted, in order of time."""
        sent: list[tuple[datetime, int, Line]] = []

        def send(at: datetime, line: Line) -> None:
            sent.append((at, len(sent), {**line, "at": at.astimezone(UTC).isoformat()}))

        welcome = datetime.combine(self.first, time(8), MOSCOW)
        for name in self.clients:
            given = {"account": name, "brand": "tea", "amount": "150.00", "reason": "welcome", "charge_to": "pizza"}
            send(welcome, {"type": "bonus", "key": f"w-{name}", **given})
        for day in self.days:
            for _ in range(self.chance.randint(8, 14)):
                at = datetime.combine(day, time(self.chance.randint(9, 21), self.chance.randint(0, 59)), MOSCOW)
                self._order(send, at)
        self._caterings(send)
        for day in self.days[len(self.days) // 2 :]:  # until nothing is held on them any more
            for account, into in TWICE.items():
                send(datetime.combine(day, time(5), MOSCOW), {"type": "merge", "account": account, "into": into})
        sent.sort(key=lambda one: one[:2])
        return [line for _, _, line in sent]

    def _caterings(self, send: Any) -> None:
        """Let a company have caterings; of one a part is written off, which stops its credit, and comes in half."""
        times = [datetime.combine(day, time(12), MOSCOW) for day in self.days]
        for number, at in enumerate(times[1::7]):
            line = {"brand": self.chance.choice(BRANDS), "service": "catering", "amount": "800.00", "vat_rate": "20"}
            due_on = (at + timedelta(days=10)).date().isoformat()
            debit = {"type": "debit", "key": f"catering-{number}", "account": "lotos-03", "lines": [line]}
            send(at, {**debit, "due_on": due_on})
        then = times[len(times) * 2 // 3 :]
        corrected = {"type": "adjustment", "account": "lotos-03", "brand": "tea"}
        send(then[0], {**corrected, "key": "lost", "amount": "400.00", "chart": "bad_debt", "reason": "insolvent"})
        send(then[1], {**corrected, "key": "fine", "amount": "-25.00", "chart": "penalty", "reason": "late"})
        send(then[2], {"type": "reverse", "key": "found", "transaction": "lost", "amount": "200.00", "reason": "paid"})
        paid = {"type": "payment", "key": "found-paid", "account": "lotos-03", "amount": "200.00", "brand": "tea"}
        send(then[2], {**paid, "channel": "card"})

    def _disputed(self, send: Any, at: datetime, payment: str) -> None:
        """Let a part of a payment be charged back, and the dispute be won."""
        if at + timedelta(days=4) < datetime.combine(self.days[-1], time(), MOSCOW):
            undone = {"type": "reverse", "key": f"v-{payment}", "transaction": payment, "reason": "chargeback"}
            send(at + timedelta(days=1), {**undone, "amount": "250.00"})
            won = {"type": "reverse", "key": f"w-{payment}", "transaction": f"v-{payment}", "reason": "won"}
            send(at + timedelta(days=4), won)

    def _order(self, send: Any, at: datetime) -> None:
        chance, key = self.chance, f"o{self.chance.getrandbits(60)}"
        account = chance.choice([*self.clients, *self.employees])
        brands = chance.sample(BRANDS, chance.choice((1, 1, 2)))
        items = [
            {
                "brand": brand,
                "sku": "set",
                "price": f"{chance.randint(9000, 60000) / 100:.2f}",
                "vat_rate": rate,
                "quantity": chance.randint(1, 3),
            }
            for brand, rate in zip(brands, ("10", "20"), strict=False)
        ]
        if chance.random() < 0.8:
            channel = chance.choice(("card", "card", "cash"))
            payment = {"account": account, "amount": f"{chance.randint(500, 3000)}.00", "brand": brands[0]}
            send(at, {"type": "payment", "key": f"p-{key}", "channel": channel, **payment})
            if channel == "card" and chance.random() < 0.03:
                self._disputed(send, at, f"p-{key}")
        for item in items:
            if chance.random() < 0.1:
                item["discount"] = "15.00"
        order = {"account": account, "items": items, "promo_codes": chance.choice(([], [], ["TEN"], ["FIRST"]))}
        if chance.random() < 0.4:
            order["delivery"] = {"brand": brands[0], "amount": "99.00", "vat_rate": "20"}
        if chance.random() < 0.5:
            order["bonus_at_most"] = f"{chance.randint(10, 300)}.00"
        if chance.random() < 0.2:
            tips = {"service": "tips", "brand": brands[0], "amount": "40.00"}
            fee = {"service": "service_fee", "brand": brands[-1], "amount": "19.00", "vat_rate": "20"}
            order["extras"] = [tips, {**fee, "discountable": True}]
        if chance.random() < 0.05:
            order["occurred_at"] = (at - timedelta(hours=chance.randint(1, 100))).astimezone(UTC).isoformat()
        later = timedelta(minutes=chance.randint(20, 90))
        if chance.random() < 0.2:
            order["due_at"] = (at + timedelta(hours=5)).astimezone(UTC).isoformat()
            later = timedelta(hours=5)
        send(at, {"type": "order", "key": key, **order})
        if "due_at" in order and chance.random() < 0.3:
            later, due_at = timedelta(hours=9), (at + timedelta(hours=8)).astimezone(UTC).isoformat()
            send(at + timedelta(hours=1), {"type": "amend", "key": f"a-{key}", "order": key, "due_at": due_at})
        fate = chance.random()
        if fate < 0.82:
            weighed = {"items": [self._weighed(item) for item in items]} if chance.random() < 0.2 else {}
            send(at + later, {"type": "deliver", "key": f"d-{key}", "order": key, **weighed})
            if fate < 0.1:
                refund = {"items": [{"sku": "set", "brand": brands[0], "quantity": 1}]}
                send(
                    at + later + timedelta(hours=1), {"type": "refund_items", "key": f"r-{key}", "order": key, **refund}
                )
            elif fate < 0.15:
                send(
                    at + later + timedelta(hours=2),
                    {"type": "refund_items", "key": f"r-{key}", "order": key, "amount": "50.00"},
                )
        elif fate < 0.95:
            fee = {"fee": "150.00", "fee_brand": brands[0]} if fate < 0.88 else {}
            send(at + later / 2, {"type": "cancel", "key": f"c-{key}", "order": key, **fee})

    def _weighed(self, item: Line) -> Line:
        """Return what was delivered of an item, up to a tenth more or less than its price."""
        price = Decimal(item["price"]) * item["quantity"] * self.chance.randint(90, 110) / 100
        named = {name: item[name] for name in ("brand", "sku", "quantity")}
        return {**named, "amount": str(price.quantize(Decimal("0.01")))}


def deposits(paid: dict[tuple[str, str, date], Decimal], owed: dict[str, Decimal], last: date) -> Iterator[Statement]:
    """Yield each brand's statement: what acquirer and collection bring of what was `paid`, and what companies pay.

    `paid` is by brand, channel and day, and comes week by week, card payments less the fee.
    """
    entries: dict[str, list[BankEntry]] = defaultdict(list)
    weeks: dict[tuple[str, str, date], Decimal] = defaultdict(Decimal)
    for (brand, channel, day), amount in paid.items():
        weeks[brand, channel, day - timedelta(days=day.weekday())] += amount
    for (brand, channel, monday), amount in sorted(weeks.items()):
        day = min(monday + timedelta(days=7), last)
        fee = (amount * FEE / 100).quantize(Decimal("0.01")) if channel == "card" else Decimal(0)
        payer = ACQUIRER if channel == "card" else COLLECTION
        entries[brand].append(
            _entry(day, amount - fee, len(entries[brand]), account=payer, name=channel, text="deposit")
        )
    for company, amount in owed.items():
        of = entries[COMPANIES[company]]
        of.append(_entry(last, amount, len(of), name=company, text=f"lunches, account {company}"))
    for brand, each in entries.items():
        each.sort(key=lambda entry: entry.booked_on)
        total = sum((entry.amount for entry in each), Decimal(0))
        yield Statement(
            account=ACCOUNTS[brand],
            currency="RUB",
            entries=tuple(each),
            number="1",
            since=each[0].booked_on,
            until=last,
            opening=Decimal("0.00"),
            closing=total,
        )


def _entry(day: date, amount: Decimal, number: int, **more: Any) -> BankEntry:
    return BankEntry(booked_on=day, value_date=day, amount=amount, bank_reference=f"B-{number:06}", **more)
