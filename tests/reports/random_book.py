"""A small book of random commands, posted through the ledger itself: what a random run of three months leaves behind.

Two companies on credit pay for employees, clients order food and have points, one pays in dollars.
Some commands are declined, as they would be.
"""

import random
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.open_accounts import bonus_account
from ledger.postgres.post import Ledger

FIRST, LAST = date(2025, 9, 1), date(2025, 11, 30)
BRANDS = ("sushi", "pizza")
PEOPLE = ("anna", "boris", "carol", "dora")
COMPANIES = ("romashka", "vega")
ADMINISTRATION: list[dict[str, Any]] = [
    *({"type": "brand", "code": code, "name": code.title()} for code in BRANDS),
    *({"type": "party", "reference": name, "kind": "individual", "name": name.title()} for name in PEOPLE),
    *({"type": "party", "reference": name, "kind": "legal_entity", "name": name.title()} for name in COMPANIES),
    *({"type": "account", "reference": name, "party": name, "currency": "RUB", "holder": "sushi"}
      for name in (*PEOPLE[:3], *COMPANIES)),
    {"type": "account", "reference": "dora", "party": "dora", "currency": "USD"},
    {"type": "credit_terms", "account": "romashka", "limit": "3000.00", "period_days": 20, "valid_from": "2025-01-01"},
    {"type": "credit_terms", "account": "vega", "limit": "9000.00", "period_days": None, "valid_from": "2025-01-01"},
    {"type": "credit_terms", "account": "boris", "limit": "500.00", "period_days": 5, "valid_from": "2025-01-01",
     "valid_until": "2025-10-20"},
    {"type": "link", "account": "anna", "payer": "romashka"},
    {"type": "link", "account": "boris", "payer": "vega", "draw": "own_first", "brands": ["sushi"]},
    {"type": "write_off_limit", "payer": "romashka", "account": "anna", "period": "day", "amount": "150.00"},
    {"type": "promotion", "code": "TEN", "kind": "percent", "value": "10"},
    {"type": "bonus_program", "brand": "sushi", "accrue_percent": "10", "redeem_percent": "50", "expires_after_days": 1,
     "valid_from": "2025-01-01"},
]  # fmt: skip


KINDS = {
    "payment": 4,
    "split": 2,
    "unallocated": 1,
    "allocate": 2,
    "debit": 12,
    "hold": 3,
    "capture": 3,
    "release": 1,
    "refund": 4,
    "reverse": 2,
    "transfer": 1,
    "payout": 1,
    "adjustment": 1,
    "bonus": 1,
    "move": 2,
    "order": 4,
    "deliver": 4,
    "cancel": 1,
    "refund_items": 1,
}
"""How often each comes."""


def _line(chance: random.Random) -> dict[str, Any]:
    net, discount = chance.randint(0, 20_000), chance.choice((0, 0, 1_050))
    vat = {"vat_rate": "20"} if chance.random() < 0.5 else {}
    money = {"amount": net, "gross": net + discount, "discount": discount}
    written = {name: f"{amount / 100:.2f}" for name, amount in money.items()}
    return {"brand": chance.choice(BRANDS), "service": chance.choice(("order", "delivery", "tips")), **written, **vat}


@dataclass
class Caller:
    """Says random commands to a book. `posted` has the keys that were posted, by kind, for later ones to refer to."""

    url: str
    chance: random.Random
    posted: dict[str, list[str]] = field(default_factory=dict)
    points: int = 0
    number: int = 0

    def open(self) -> None:
        """Open the book: who there is."""
        self.administer(ADMINISTRATION)
        with closing(Ledger(self.url)) as ledger:
            self.points = _points(ledger.connection())
            # No channel goes below zero, whatever is paid out or sent back.
            fund = {"type": "move", "from": "opening", "amount": "9000000.00", "at": "2025-01-01T09:00:00+03:00"}
            funded = [
                {**fund, "key": f"{brand}-{channel}-{currency}", "brand": brand, "to": channel, "currency": currency}
                for brand in BRANDS
                for channel in ("bank", "card")
                for currency in ("RUB", "USD")
            ]
            statuses = {answer.to_json()["status"] for answer in Desk(ledger).post([parse(line) for line in funded])}
            assert statuses == {"posted"}

    def administer(self, lines: list[dict[str, Any]]) -> None:
        """Carry out lines of administration, all of which must be done."""
        with closing(Ledger(self.url)) as ledger:
            records: list[Any] = [parse(line) for line in lines]
            done = Desk(ledger).administer(records)
            assert {outcome.to_json()["status"] for outcome in done} == {"done"}

    def post(self, commands: int, since: datetime, until: datetime) -> list[str]:
        """Post so many commands, spread evenly over the time; return the statuses of the answers."""
        step = (until - since) / commands
        with closing(Ledger(self.url)) as ledger:
            return [self._say(Desk(ledger), since + step * number) for number in range(commands)]

    def change_holder(self, account: str, holder: str | None, day: date) -> None:
        """Let an account become a brand's contract on a day that the book's clock has behind it."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO change (kind, subject, account_id, before, after, business_date, recorded_at) "
                "SELECT 'account', %(account)s, a.id, jsonb_build_object('holder_id', a.holder_id), "
                "jsonb_build_object('holder_id', b.id), %(day)s, %(day)s::date + interval '12 hours' "
                "FROM account a LEFT JOIN brand b ON b.code = %(holder)s WHERE a.reference = %(account)s",
                {"account": account, "holder": holder, "day": day},
            )
            connection.execute(
                "UPDATE account SET holder_id = (SELECT id FROM brand WHERE code = %s) WHERE reference = %s",
                [holder, account],
            )

    def _say(self, desk: Desk, at: datetime) -> str:
        kind = self.chance.choices(list(KINDS), list(KINDS.values()))[0]
        self.number += 1
        key = f"c{self.number}"
        line = {"type": kind, "key": key, "at": at.isoformat(), **self._facts(kind, at)}
        commands: list[Any] = [parse(line | {"type": "payment"} if kind in ("unallocated", "split") else line)]
        status: str = desk.post(commands)[0].to_json()["status"]
        if status == "posted":
            self.posted.setdefault(kind, []).append(key)
        return status

    def _one(self, *kinds: str) -> str:
        return self.chance.choice([key for kind in kinds for key in self.posted.get(kind, ())] or ["none"])

    def _facts(self, kind: str, at: datetime) -> dict[str, Any]:
        chance = self.chance
        account = chance.choice((*PEOPLE, *COMPANIES))
        paid = chance.choice((*PEOPLE, "vega"))  # romashka never pays: its debts grow old
        amount = f"{chance.randint(1, 80_000) / 100:.2f}"
        money = {"account": paid, "amount": amount, "brand": chance.choice(BRANDS)}
        lines = [_line(chance) for _ in range(chance.randint(1, 3))]
        points = {"bonus_at_most": "40.00"} if account == "carol" else {}
        match kind:
            case "payment":
                day = (at - timedelta(days=chance.randint(0, 9))).date().isoformat()
                return {**money, "channel": chance.choice(("card", "bank"))} | chance.choice(({}, {"value_date": day}))
            case "split":
                parts = [
                    {
                        "account": chance.choice(PEOPLE[:3]),
                        "amount": f"{chance.randint(1, 9_000) / 100:.2f}",
                        "brand": chance.choice(BRANDS),
                    }
                    for _ in range(chance.randint(1, 4))
                ]
                return {"amount": f"{sum(Decimal(part['amount']) for part in parts)}", "split": parts}
            case "unallocated":
                return {"amount": "500.00", "brand": money["brand"]}
            case "allocate":
                return {"payment": self._one("unallocated"), "split": [{"account": "anna", "amount": "75.00"}]}
            case "payout":
                return {**money, "channel": "bank"}
            case "adjustment":
                chart = chance.choice(({}, {"chart": "bad_debt"}, {"chart": "breakage"}))
                return {**money, "amount": chance.choice(("", "-")) + amount, "reason": "typing error", **chart}
            case "transfer":
                return {"account": paid, "to": "romashka" if paid == "anna" else "anna", "amount": amount}
            case "bonus":
                return {"account": self.points, "amount": "50.00", "reason": "accrued"}
            case "debit":
                return {"account": account, "lines": lines, **points}
            case "hold":
                # A cut books what has expired by today's clock: so long after today, or before the next command day.
                expires_at = chance.choice(("2099-12-31T00:00:00+03:00", (at + timedelta(hours=2)).isoformat()))
                return {"account": account, "lines": lines, "expires_at": expires_at, **points}
            case "capture":
                return {"hold": self._one("hold"), "final": chance.random() < 0.5}
            case "release":
                return {"hold": self._one("hold")}
            case "refund":
                return {"debit": self._one("debit", "capture")} | chance.choice(({}, {"amount": "7.00"}))
            case "reverse":
                kinds = ("payment", "split", "unallocated", "payout", "transfer", "adjustment", "move", "reverse")
                undone = self._one(*kinds)
                part = chance.choice(({}, {"amount": "3.00"}, {"amount": "3.00", "split": [{"amount": "3.00"}]}))
                return {"transaction": undone, "reason": "chargeback", **part}
            case "move":
                place = chance.choice(("bank", "card", "tips_paid"))
                other = {"to_brand": chance.choice(BRANDS), "to": place, "fee": chance.choice(("0.00", "1.50", "9.00"))}
                return {"brand": money["brand"], "from": "opening", "amount": "9.00", **other}
            case "order":
                item = {
                    "brand": chance.choice(BRANDS),
                    "sku": "set",
                    "price": "45.50",
                    "quantity": chance.randint(1, 3),
                }
                codes = {"promo_codes": ["TEN"]} if chance.random() < 0.5 else {}
                due = {"due_at": "2099-12-31T00:00:00+03:00"} if chance.random() < 0.3 else {}
                return {"account": account, "items": [item], "bonus_at_most": "20.00", **codes, **due}
            case "refund_items":
                return {"order": self._one("order"), "items": [{"sku": "set", "quantity": 1}]}
        return {"order": self._one("order")}  # deliver, cancel


def post_at_random(url: str, commands: int, seed: int = 1) -> list[str]:
    """Post so many commands, spread evenly over the three months; return the statuses of the answers."""
    caller = Caller(url, random.Random(seed))
    caller.open()
    return caller.post(commands, datetime(2025, 9, 1, 9, tzinfo=UTC), datetime(2025, 11, 30, 18, tzinfo=UTC))


def _points(connection: psycopg.Connection[Any]) -> int:
    """Open carol's account for pizza's points; return its number."""
    money = "SELECT a.id, b.id FROM account a, brand b WHERE a.reference = 'carol' AND b.code = 'pizza'"
    row = connection.execute(money).fetchone()
    assert row is not None
    number = bonus_account(connection, *row)
    connection.commit()
    return number
