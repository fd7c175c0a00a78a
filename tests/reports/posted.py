"""A small book of random commands, posted through the ledger itself: what a random run of three months leaves behind.

Two companies on credit pay for employees, a family has points, one client pays in dollars. Some
commands are declined, as they would be.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg

from ledger.commands import Command, parse
from ledger.post import Ledger
from ledger.records import parse as record
from ledger.registry import bonus_account

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
]  # fmt: skip


def _line(chance: random.Random) -> dict[str, Any]:
    net, discount = chance.randint(0, 20_000), chance.choice((0, 0, 1_050))
    vat = {"vat_rate": "20"} if chance.random() < 0.5 else {}
    money = {"amount": net, "gross": net + discount, "discount": discount}
    written = {name: f"{amount / 100:.2f}" for name, amount in money.items()}
    return {"brand": chance.choice(BRANDS), "service": chance.choice(("order", "delivery")), **written, **vat}


@dataclass
class _Posted:
    """The account of carol's points, and what later commands may refer to."""

    points: int
    charged: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)


def _command(chance: random.Random, key: str, so_far: _Posted) -> dict[str, Any]:
    """Return a random command; what refers to another takes one that was posted."""
    kind = chance.choices(
        ("payment", "debit", "hold", "capture", "refund", "reverse", "transfer", "payout", "adjustment", "bonus"),
        (4, 12, 3, 3, 4, 1, 1, 1, 1, 1),
    )[0]
    account = chance.choice((*PEOPLE, *COMPANIES))
    paid = chance.choice((*PEOPLE, "vega"))  # romashka never pays: its debts grow old
    money = {"account": paid, "amount": f"{chance.randint(1, 80_000) / 100:.2f}", "brand": chance.choice(BRANDS)}
    lines = [_line(chance) for _ in range(chance.randint(1, 3))]
    points = {"bonus_at_most": "40.00"} if account == "carol" else {}
    facts: dict[str, dict[str, Any]] = {
        "payment": {**money, "channel": chance.choice(("card", "bank"))},
        "payout": {**money, "channel": "bank"},
        "adjustment": {**money, "reason": "typing error"},
        "transfer": {"account": paid, "to": "romashka" if paid == "anna" else "anna", "amount": money["amount"]},
        "bonus": {"account": so_far.points, "amount": "50.00", "reason": "accrued"},
        "debit": {"account": account, "lines": lines, **points},
        "hold": {"account": account, "lines": lines, "expires_at": "2025-12-20T00:00:00+03:00", **points},
        "capture": {"hold": chance.choice(so_far.held or ["none"]), "final": chance.random() < 0.5},
        "refund": {"debit": chance.choice(so_far.charged or ["none"])} | chance.choice(({}, {"amount": "7.00"})),
        "reverse": {"transaction": chance.choice(so_far.moved or ["none"]), "reason": "chargeback"},
    }
    return {"type": kind, "key": key, **facts[kind]}


def post_at_random(url: str, commands: int, seed: int = 1) -> list[str]:
    """Post so many commands, spread evenly over the three months; return the statuses of the answers."""
    chance, ledger = random.Random(seed), Ledger(url)
    administered = ledger.administer([record(line) for line in ADMINISTRATION])
    assert [outcome.to_json()["status"] for outcome in administered] == ["done"] * len(ADMINISTRATION)
    so_far = _Posted(_points(ledger.connection()))
    into = {"debit": so_far.charged, "capture": so_far.charged, "hold": so_far.held,
            "payment": so_far.moved, "payout": so_far.moved}  # fmt: skip
    start = datetime(2025, 9, 1, 9, tzinfo=UTC)
    step = (datetime(2025, 11, 30, 18, tzinfo=UTC) - start) / commands
    statuses = []
    for number in range(commands):
        line = _command(chance, f"c{number}", so_far)
        command: Command = parse({**line, "at": (start + step * number).isoformat()})
        statuses.append(ledger.post([command])[0].to_json()["status"])
        if statuses[-1] == "posted" and line["type"] in into:
            into[line["type"]].append(line["key"])
    ledger.close()
    return statuses


def _points(connection: psycopg.Connection[Any]) -> int:
    """Open carol's account for pizza's points; return its number."""
    money = "SELECT a.id, b.id FROM account a, brand b WHERE a.reference = 'carol' AND b.code = 'pizza'"
    row = connection.execute(money).fetchone()
    assert row is not None
    number = bonus_account(connection, *row)
    connection.commit()
    return number
