"""Random streams of all commands of both levels, and all that a book holds, in words that do not depend on ids."""

import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ledger.postgres.database import connect
from tests.ledger.worlds import MOSCOW

Record = dict[str, Any]
CLIENTS = ("anna", "boris", "clara")
PAYERS = ("acme", "lotos")
BRANDS = ("sushi", "pizza")


def opening() -> Iterator[Record]:
    """Yield what is there before: clients, companies that pay for them, credit, limits, promotions, programmes."""
    for brand in BRANDS:
        yield {"type": "brand", "code": brand}
    for name in (*CLIENTS, *PAYERS):
        yield {"type": "party", "reference": name, "kind": "individual", "name": name.capitalize()}
        yield {"type": "account", "reference": name, "party": name, "currency": "RUB"}
    for name, limit in (("anna", "100.00"), ("acme", "900.00"), ("clara", "50.00")):
        yield {"type": "credit_terms", "account": name, "limit": limit, "period_days": 3, "valid_from": "2024-01-01"}
    hours = {"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "21:00"}
    for name, payer, draw, rules in (
        ("anna", "acme", "payer_first", {"group": "hall"}),
        ("boris", "acme", "payer_first", {"group": "hall", "share": "66.67", "when": hours}),
        ("boris", "lotos", "own_first", {"services": ["dish", ""]}),
    ):
        yield {"type": "link", "account": name, "payer": payer, "draw": draw, **rules}
    yield {"type": "write_off_limit", "payer": "acme", "group": "hall", "period": "month", "amount": "1500.00"}
    yield {"type": "write_off_limit", "payer": "acme", "account": "anna", "period": "day", "amount": "120.00"}
    yield {"type": "write_off_limit", "payer": "acme", "period": "week", "amount": "700.00", "count": 40}
    yield {"type": "promotion", "code": "TEN", "kind": "percent", "value": "10", "max_uses": 9, "stackable": True}
    yield {"type": "promotion", "code": "TEN", "financed": [{"brand": "pizza", "percent": "33.33"}]}
    yield {"type": "promotion", "code": "FIVE", "kind": "amount", "value": "5.00", "stackable": True}
    yield {"type": "promotion", "code": "FIRST", "kind": "percent", "value": "20", "first_order_only": True}
    for brand, days in (("sushi", 2), ("pizza", None)):
        yield {
            "type": "bonus_program",
            "brand": brand,
            "accrue_percent": "10",
            "redeem_percent": "50",
            "expires_after_days": days,
            "valid_from": "2024-01-01",
            "spend_at": ["pizza"] if brand == "sushi" else [],
        }


class Stream:
    """A stream of commands in order of time; most are posted, some are declined."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at = datetime(2024, 1, 1, tzinfo=MOSCOW)
        self.keys: dict[str, list[str]] = {}

    def commands(self, number: int) -> list[Record]:
        """Return so many commands."""
        return [self.command(n) for n in range(number)]

    def command(self, number: int) -> Record:
        """Return one command."""
        self.at += timedelta(minutes=self.chance.choice((0, 0, 1, 60, 500)))
        kind = self.chance.choice(KINDS)
        key = f"{kind}-{number}"
        record = {"type": kind, "key": key, "at": self.at.isoformat(), **getattr(self, f"_{kind}")()}
        if kind in ("debit", "hold", "order", "payment") and self.chance.random() < 0.2:
            record["occurred_at"] = (self.at - timedelta(hours=self.chance.randint(0, 190))).isoformat()
        self.keys.setdefault(kind, ["none"]).append(key)
        return record

    def one(self, *names: str) -> str:
        """Return one of these."""
        return self.chance.choice(names)

    def amount(self, most: int = 9000) -> str:
        """Return an amount."""
        return f"{self.chance.randint(1, most) / 100:.2f}"

    def earlier(self, *kinds: str) -> str:
        """Return the key of one of the latest commands of these kinds."""
        return self.chance.choice([key for kind in kinds for key in self.keys.get(kind, ["none"])[-6:]])

    def lines(self) -> list[Record]:
        """Return service lines of one or two brands, some of them free."""
        sold = [(brand, self.amount()) for brand in BRANDS[: self.chance.randint(1, 2)]]
        return [{"brand": b, "amount": self.one(a, a, "0.00"), "gross": a, "vat_rate": "10"} for b, a in sold]

    def _payment(self) -> Record:
        brand, amount = self.one(*BRANDS), self.amount(20_000)
        if self.chance.random() < 0.2:
            return {"amount": amount, "brand": brand}
        return {"account": self.one(*CLIENTS, *PAYERS), "amount": amount, "brand": brand, "channel": "card"}

    def _allocate(self) -> Record:
        return {"payment": self.earlier("payment"), "split": [{"account": self.one(*CLIENTS), "amount": self.amount()}]}

    def _payout(self) -> Record:
        return {"account": self.one(*CLIENTS), "amount": self.amount(), "brand": self.one(*BRANDS)}

    def _debit(self) -> Record:
        points = {"bonus_at_most": self.amount(900)} if self.chance.random() < 0.4 else {}
        agreed = {"due_on": (self.at + timedelta(days=5)).date().isoformat()} if self.chance.random() < 0.2 else {}
        return {"account": self.one(*CLIENTS), "lines": self.lines(), **points, **agreed}

    def _hold(self) -> Record:
        until = self.at + timedelta(hours=self.chance.choice((1, 5, 70)))
        return {**self._debit(), "expires_at": until.isoformat()}

    def _capture(self) -> Record:
        return {
            "hold": self.earlier("hold", "order"),
            "final": self.chance.random() < 0.5,
            **({"amount": self.amount(2000)} if self.chance.random() < 0.5 else {}),
        }

    def _release(self) -> Record:
        return {"hold": self.earlier("hold")}

    def _refund(self) -> Record:
        part = {"amount": self.amount(3000)} if self.chance.random() < 0.6 else {}
        return {"debit": self.earlier("debit", "capture", "order"), **part}

    def _reverse(self) -> Record:
        part = {"amount": self.amount(3000)} if self.chance.random() < 0.3 else {}
        undone = self.earlier("payment", "payout", "transfer", "adjustment", "move", "reverse")
        return {"transaction": undone, "reason": "undone", **part}

    def _move(self) -> Record:
        brands = {"brand": self.one(*BRANDS), "to_brand": self.one(*BRANDS)}
        return {
            **brands,
            "from": self.one("card", "tips_paid"),
            "to": self.one("bank", "netting"),
            "amount": self.amount(),
        }

    def _transfer(self) -> Record:
        account, to = self.chance.sample((*CLIENTS, *PAYERS), 2)
        return {"account": account, "to": to, "amount": self.amount()}

    def _adjustment(self) -> Record:
        sign = self.one("", "-")
        return {
            "account": self.one(*CLIENTS, *PAYERS),
            "amount": sign + self.amount(),
            "brand": self.one(*BRANDS),
            "reason": "typo",
        }

    def _bonus(self) -> Record:
        until = {"expires_on": (self.at + timedelta(days=4)).date().isoformat()} if self.chance.random() < 0.5 else {}
        given = {"account": self.one(*CLIENTS), "brand": self.one(*BRANDS), "charge_to": self.one(*BRANDS)}
        return {**given, "amount": self.amount(2000), "reason": "late", **until}

    def _amend(self) -> Record:
        due_at = self.at + timedelta(hours=self.chance.choice((1, 30)))
        return {"order": self.earlier("order"), "due_at": due_at.isoformat()}

    def _order(self) -> Record:
        brands = BRANDS[: self.chance.randint(1, 2)]
        more: Record = {"delivery": {"brand": brands[0], "amount": "9.99"}} if self.chance.random() < 0.3 else {}
        if self.chance.random() < 0.3:
            tips = {"service": "tips", "brand": brands[0], "amount": self.amount(900)}
            fee = {"service": "fee", "brand": brands[-1], "amount": "5.55", "vat_rate": "20", "discountable": True}
            more["extras"] = [tips, fee]
        if self.chance.random() < 0.5:
            more["due_at"] = (self.at + timedelta(hours=self.chance.choice((2, 20)))).isoformat()
        return {
            "account": self.one(*CLIENTS),
            "bonus_at_most": self.amount(900),
            "promo_codes": self.chance.choice(([], ["TEN"], ["TEN", "FIVE"], ["FIRST"])),
            "items": [{"brand": b, "sku": "a", "price": self.amount(6000), "quantity": 2} for b in brands],
            **more,
        }

    def _deliver(self) -> Record:
        weighed = {"amount": self.amount(9000)} if self.chance.random() < 0.5 else {}
        items = {"items": [{"sku": "a", "quantity": 1, "brand": "sushi", **weighed}]}
        return {"order": self.earlier("order"), **(items if self.chance.random() < 0.4 else {})}

    def _cancel(self) -> Record:
        return {"order": self.earlier("order"), "fee": self.one("0.00", "5.00", "5000.00"), "fee_brand": "pizza"}

    def _refund_items(self) -> Record:
        if self.chance.random() < 0.3:
            return {"order": self.earlier("order"), "extras": ["tips"]}
        return {"order": self.earlier("order"), "items": [{"sku": "a", "brand": "sushi", "quantity": 1}]}


KINDS = """
    payment payment payment allocate payout debit debit hold hold capture release refund reverse move transfer
    adjustment order order order deliver deliver cancel refund_items bonus amend
""".split()

CLOCKS = {"recorded_at", "opened_at", "initialised_at", "closed_at", "incarnation", "xid"}
"""Columns that the server's clock, its count or chance fills."""


def rows(url: str) -> dict[str, list[str]]:
    """Return the rows of every table, sorted; accounts by name, transactions by key, own keys and facts likewise."""
    with connect(url) as connection:
        accounts = dict(
            connection.execute(
                "SELECT a.id, coalesce(a.reference, m.reference || '.' || b.code, a.kind || ' ' || b.code || ' ' || "
                "a.currency) FROM account a LEFT JOIN account m ON m.id = a.money_account_id "
                "LEFT JOIN brand b ON b.id = a.brand_id"
            ).fetchall()
        )
        keys = dict(connection.execute("SELECT id, key FROM transaction").fetchall())
        tables = connection.execute(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'alembic_version' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found: dict[str, list[str]] = {}
        for table, columns in tables:
            kept = [column for column in columns if column not in CLOCKS]
            quoted = ", ".join(f'"{column}"' for column in kept)
            words = _Words(accounts, keys)
            if table == "transaction":  # what the ledger makes for itself names accounts by number
                quoted = quoted.replace('"fingerprint"', "CASE WHEN key NOT LIKE 'tiffin:%' THEN fingerprint END")
            found[table] = sorted(
                json.dumps(
                    {name: words.of(table, name, value) for name, value in zip(kept, row, strict=True)}, default=str
                )
                for row in connection.execute(f'SELECT {quoted} FROM "{table}"')
            )
    return found


class _Words:
    """What stands in place of numbers that depend on when they were taken."""

    def __init__(self, accounts: dict[int, str], keys: dict[int, str]) -> None:
        self.accounts, self.keys = accounts, keys

    def of(self, table: str, name: str, value: Any) -> Any:
        """Return a column's value in words."""
        if name in OF_ACCOUNTS or (table, name) == ("account", "id"):
            return self.accounts.get(value, value)
        if name in OF_TRANSACTIONS or (name == "id" and table in ("transaction", "food_order")):
            return self.key(self.keys.get(value, value))
        if name == "id" and table in ("change", "credit_terms", "bonus_program"):
            return None
        if name == "key":
            return self.key(value)
        return self.facts(value) if isinstance(value, dict) else value

    def key(self, key: Any) -> Any:
        """Return a key; the ledger's own have numbers in them."""
        if not isinstance(key, str) or not key.startswith("tiffin:"):
            return key
        kind, _, rest = key.removeprefix("tiffin:").partition(":")
        if kind in ("expiry", "fee", "surplus"):  # the second part of a refund is named by the step's own key
            return f"{kind} {self.keys[int(rest)] if rest.isdecimal() else rest}"
        first, _, last = rest.rpartition(":")
        return (
            f"{kind} {self.accounts[int(first)]} {last}"
            if kind in ("points", "owed")
            else f"{first} {self.accounts[int(last)]}"
        )

    def _word(self, found: re.Match[str]) -> str:
        number = int(found[0])
        return self.accounts.get(number) or self.keys.get(number, found[0])

    def facts(self, facts: Record) -> Record:
        """Return a decline's facts, or what an order's answer says."""
        named = {"account", "subaccount", "payer"}
        said: Record = {}
        for name, value in facts.items():
            if name in CLOCKS:
                continue
            if name in named and isinstance(value, int):
                said[name] = self.accounts[value]
            elif name == "transaction":
                said[name] = self.keys[value]
            elif isinstance(value, str):
                said[name] = re.sub(r"(?<=account )\d+", self._word, value)
            else:
                said[name] = value
        return said


OF_ACCOUNTS = {"account_id", "source_id", "payer_id", "subaccount_id", "money_account_id"}
OF_TRANSACTIONS = {
    "open_item",
    "extended_by",
    "transaction_id",
    "refers_to",
    "order_id",
    "hold_id",
    "lot_id",
    "changed_by",
    "main_id",
}
