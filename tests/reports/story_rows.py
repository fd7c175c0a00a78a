"""How a story is kept: rows as the lake would hold them, with balances, versions and sums consistent."""

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from stdnum import luhn

from ledger.core.aging import AGING
from ledger.core.outcomes import Entry
from ledger.food.core.bonuses import Dates, Points
from ledger.values.money import decimal, minor
from reports.lake.schema import TABLES
from reports.run import LakeBook

TYPES = {
    "int": pl.Int64(),
    "text": pl.String(),
    "money": pl.Decimal(18, 2),
    "rate": pl.Decimal(5, 2),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "json": pl.String(),
}
SCHEMAS = {table.name: {column.name: TYPES[column.type] for column in table.columns} for table in TABLES}
Line = tuple[str, Any] | dict[str, Any]


@dataclass(frozen=True)
class Cut:
    """A cut of the story."""

    number: int
    taken_at: datetime
    closed_until: date | None
    time_zone: str


@dataclass(frozen=True)
class StoryLake:
    """The story as a lake in memory."""

    cut: Cut
    frames: dict[str, pl.DataFrame]

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table."""
        return self.frames[name].lazy()


@dataclass
class StoryRows:
    """Who there is, what was written, and how it is read."""

    time_zone: str = "Europe/Moscow"
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    brands: dict[str, int] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[int, Points] = field(default_factory=dict)
    gone_on: date | None = None
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    dates_items: bool = True  # off: as entries were written before there were due dates
    names_sources: bool = True  # off: as legs were written before they named the client account that they face

    # who there is

    def brand(self, code: str, name: str | None = None) -> None:
        """Add a brand."""
        self.brands[code] = len(self.brands) + 1
        self.rows["brands"].append(
            {"id": self.brands[code], "code": code, "name": name or code.title(), "status": "open"}
        )

    def account(
        self,
        reference: str,
        *,
        currency: str = "RUB",
        holder: str | None = None,
        party: str | None = None,
        kind: str = "individual",
    ) -> int:
        """Open a money account, and its client if the client is new; return its number."""
        name = party or reference
        parties = {row["reference"]: row["id"] for row in self.rows["parties"]}
        if name not in parties:
            parties[name] = len(parties) + 1
            row = {
                "id": parties[name],
                "reference": name,
                "kind": kind,
                "name": name.title(),
                "status": "open",
            }
            self.rows["parties"].append(row)
        return self._open(
            reference, kind="money", currency=currency, party_id=parties[name], holder_id=holder and self.brands[holder]
        )

    def bonus_account(self, reference: str, *, of: str, brand: str) -> int:
        """Open a bonus account of a money account."""
        money = self.accounts[of]
        return self._open(
            reference,
            kind="bonus",
            currency=money["currency"],
            party_id=money["party_id"],
            brand_id=self.brands[brand],
            money_account_id=money["id"],
        )

    def _open(self, reference: str, **facts: Any) -> int:
        stem = str(100001 + len(self.accounts))
        number = int(stem + luhn.calc_check_digit(stem))
        client = facts.get("party_id") is not None
        self.accounts[reference] = {
            "id": number,
            "reference": reference if client else None,
            "status": "open",
            "opened_at": datetime(2016, 1, 1, tzinfo=UTC),
            "balance": Decimal(0) if client else None,
            "held": Decimal(0) if client else None,
            "version": 0 if client else None,
            **facts,
        }
        return number

    def _system(self, brand: str, kind: str, currency: str) -> str:
        name = f"{brand}/{kind}/{currency}"
        if name not in self.accounts:
            self._open(name, kind=kind, currency=currency, brand_id=self.brands[brand])
        return name

    def _follow(self, account: dict[str, Any], entry: dict[str, Any]) -> None:
        """Let the lots of points follow an entry, and note what changed; given points are gone on `gone_on`."""
        number, id_ = account["id"], entry["transaction_id"]
        points = self.points.setdefault(number, Points(number))
        points.changed_uses.clear()
        points.enter(
            Entry(number, minor(entry["amount"]), minor(entry["held"]), entry["version"]),
            transaction=id_,
            kind=entry["kind"],
            refers_to=entry["refers_to"],
            dates=Dates(entry["business_date"], self.gone_on, None),
        )
        changes = {id_: points.lots[id_].amount} if id_ in points.lots else {}
        for (_, lot, _), (used, _) in points.changed_uses.items():
            changes[lot] = changes.get(lot, 0) - used
        for lot, amount in changes.items():
            self.rows["lot_changes"].append(
                {
                    "transaction_id": id_,
                    "account_id": number,
                    "lot_id": lot,
                    "brand_id": account["brand_id"],
                    "currency": account["currency"],
                    "amount": decimal(amount),
                    "gone_on": points.lots[lot].gone_on,
                    "business_date": entry["business_date"],
                    "month": entry["month"],
                }
            )

    def _due(self, account: int, kind: str, amount: Decimal, at: datetime, day: date) -> date | None:
        """Return the due date that the ledger writes on an entry: by the terms recorded and in force."""
        terms = [
            row
            for row in self.rows["credit_terms"]
            if row["account_id"] == account
            and row["recorded_at"] <= at
            and row["valid_from"] <= day
            and (row["valid_until"] is None or day <= row["valid_until"])
        ]
        period = terms[-1]["period_days"] if terms and self.dates_items and kind in AGING and amount < 0 else None
        return None if period is None else day + timedelta(days=period)

    def _open_items(self) -> list[dict[str, Any]]:
        """Return what is unpaid the plain way, from the last item back: of items whose terms came in time, if any."""
        found = []
        for account in (each for each in self.accounts.values() if each["kind"] == "money"):
            mine = [row for row in self.rows["entries"] if row["account_id"] == account["id"]]
            unpaid = max(Decimal(0), -account["balance"])
            items = [row for row in mine if row["kind"] in AGING and row["amount"] < 0]
            for item in sorted(items, key=lambda i: (i["due_on"] or date.max, i["version"]), reverse=True):
                back = [r["amount"] for r in mine if r["refers_to"] == item["transaction_id"] and r["amount"] > 0]
                part = min(unpaid, -item["amount"] - sum(back, Decimal(0)))
                unpaid -= part
                if part:
                    row = {name: item[name] for name in ("account_id", "transaction_id", "business_date", "due_on")}
                    found.append({**row, "unpaid": part})
        return found

    # how it is read

    def lake(self) -> StoryLake:
        """Return the story so far as a lake, with a cut at its latest time."""
        rows = {**self.rows, "accounts": list(self.accounts.values())}
        rows["holders"] = [
            {"id": -row["id"], "account_id": row["id"], "holder_id": row["holder_id"], "recorded_at": row["opened_at"]}
            for row in self.accounts.values()
            if row.get("holder_id")
        ] + self.rows["holders"]
        rows["open_debits"] = self._open_items()
        frames = {name: pl.DataFrame(rows.get(name, []), schema=schema) for name, schema in SCHEMAS.items()}
        closed = max((row["closed_until"] for row in self.rows["closings"]), default=None)
        return StoryLake(Cut(1, self.now, closed, self.time_zone), frames)

    def book(self, **cut: Any) -> LakeBook:
        """Return the story so far as an opened book."""
        lake = self.lake()
        return LakeBook(replace(lake, cut=replace(lake.cut, **cut)))

    # how it is written

    def _currency(self, account: str) -> str:
        return str(self.accounts[account]["currency"])

    def _reference(self, number: int) -> str:
        return next(name for name, facts in self.accounts.items() if facts["id"] == number)

    def _at(self, text: str) -> datetime:
        at = datetime.fromisoformat(text if len(text) > 10 else f"{text}T12:00")
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.time_zone))).astimezone(UTC)

    def _line(self, line: Line, account: str) -> dict[str, Any]:
        given = dict(line) if isinstance(line, dict) else {"brand": line[0], "amount": line[1]}
        amount = Decimal(str(given["amount"]))
        gross = Decimal(str(given.get("gross", amount)))
        vat = given.get("vat")
        return {
            "brand": given["brand"],
            "amount": amount,
            "gross": gross,
            "discount": gross - amount,
            "source": given.get("source", account),
            "service": given.get("service", "order"),
            "reference": given.get("reference"),
            "line": given.get("line", 1),
            "vat": None if vat is None else Decimal(str(vat)),
            "vat_rate": given.get("vat_rate") and Decimal(str(given["vat_rate"])),
            "attributes": given.get("attributes"),
        }

    def _sell(self, at: str, kind: str, account: str, lines: list[dict[str, Any]], **facts: Any) -> str:
        paid: dict[str, Decimal] = defaultdict(Decimal)
        for line in lines:
            paid[line["source"]] += line["amount"]
        for amount in paid.values():
            if kind == "capture":
                self._lower(facts["refers_to"], amount, captured=True)
        legs: list[Any] = [
            (
                source,
                -amount,
                {
                    "held": -amount if kind == "capture" else 0,
                    "subaccount_id": self.accounts[account]["id"] if source != account else None,
                },
            )
            for source, amount in paid.items()
        ]
        for line in lines:
            source = self.accounts[line["source"]]
            kept = {
                name: line[name] for name in ("line", "service", "reference", "gross", "discount", "vat", "vat_rate")
            }
            kept |= {
                "source_id": source["id"],
                "source_kind": source["kind"],
                "attributes": line["attributes"] and json.dumps(line["attributes"]),
            }
            legs.append((self._system(line["brand"], "revenue", source["currency"]), line["amount"], kept))
        total = sum((line["amount"] for line in lines), Decimal(0))
        key = self._post(at, kind, legs, account=account, amount=abs(total), **facts)
        for row in self.rows["entries"][-len(lines) :]:
            for name, value in json.loads(row["attributes"] or "{}").items():
                keys = {"transaction_id": row["transaction_id"], "leg": row["leg"], "month": row["month"]}
                self.rows["attributes"].append({**keys, "name": name, "value": str(value)})
        return key

    def _lower(self, hold: str, amount: Decimal, *, captured: bool = False) -> None:
        part = next(row for row in self.rows["holds"] if row["hold_id"] == self.keys[hold]["id"])
        part["held"] -= amount
        part["captured"] += amount if captured else 0
        part["open"] = part["held"] > 0

    def _post(
        self,
        at: str,
        kind: str,
        legs: list[Any],
        *,
        key: str | None = None,
        account: str | None = None,
        amount: Any = None,
        refers_to: str | None = None,
        currency: str | None = None,
        status: str = "posted",
        value_date: str | None = None,
        occurred_at: str | None = None,
        **facts: Any,
    ) -> str:
        posted_at = self._at(at)
        self.now = max(self.now, posted_at)
        day = posted_at.astimezone(ZoneInfo(self.time_zone)).date()
        id_ = len(self.rows["transactions"]) + 1
        when = {
            "posted_at": posted_at,
            "business_date": day,
            "day_number": (day - date(1970, 1, 1)).days,
            "month": f"{day:%Y-%m}",
            "value_date": value_date and date.fromisoformat(value_date),
            "occurred_at": occurred_at and self._at(occurred_at),
            "occurred_on": occurred_at and self._at(occurred_at).astimezone(ZoneInfo(self.time_zone)).date(),
        }
        happened = when["occurred_at"] or posted_at
        when["hour"] = happened.astimezone(ZoneInfo(self.time_zone)).hour
        of = self.accounts[account] if account else {}
        row = {
            "id": id_,
            "key": key or f"{kind}-{id_}",
            "kind": kind,
            "status": status,
            "account_id": of.get("id"),
            "amount": None if amount is None else abs(Decimal(str(amount))),
            "currency": currency or of.get("currency"),
            "recorded_at": posted_at,
            "refers_to": refers_to and self.keys[refers_to]["id"],
            **when,
            **facts,
        }
        self.rows["transactions"].append(row)
        self.keys[row["key"]] = row
        clients = [self.accounts[name] for name, *_ in legs if self.accounts[name].get("party_id") is not None]
        source = {"source_id": clients[0]["id"], "source_kind": clients[0]["kind"]} if len(clients) == 1 else {}
        for leg, (name, change, extra) in enumerate(legs, start=1):
            if self.accounts[name].get("party_id") is None and self.names_sources:
                extra = {**source, **extra}
            self._enter(id_, leg, name, Decimal(str(change)), kind, row["refers_to"], when, extra)
        return str(row["key"])

    def _enter(
        self,
        id_: int,
        leg: int,
        name: str,
        amount: Decimal,
        kind: str,
        refers_to: int | None,
        when: dict[str, Any],
        extra: dict[str, Any],
    ) -> None:
        account = self.accounts[name]
        held = Decimal(str(extra.get("held", 0)))
        entry = {
            "transaction_id": id_,
            "leg": leg,
            "kind": kind,
            "refers_to": refers_to,
            **when,
            "account_id": account["id"],
            "account_kind": account["kind"],
            "party_id": account.get("party_id"),
            "brand_id": account.get("brand_id"),
            "currency": account["currency"],
            "amount": amount,
            **extra,
            "held": held,
        }
        if account.get("party_id") is not None:
            if account["kind"] == "money":
                due_on = self._due(account["id"], kind, amount, when["posted_at"], when["business_date"])
                entry = {"due_on": due_on} | entry
            account["balance"] += amount
            account["held"] += held
            account["version"] += 1
            account["latest_posted_at"] = when["posted_at"]
            entry |= {
                "version": account["version"],
                "balance_after": account["balance"],
                "held_after": account["held"],
            }
        self.rows["entries"].append(entry)
        if account["kind"] == "bonus":
            self._follow(account, entry)
