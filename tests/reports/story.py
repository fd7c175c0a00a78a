"""A small ledger written in a few lines, as the lake would hold it: balances, versions and sums are consistent.

Times are local to the book; a day alone means noon. Amounts are text or numbers. A line
of a debit is (brand, amount) or a dict with brand, amount, service, reference, gross,
vat, vat_rate, source (a reference; by default the account itself), attributes.
"""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.reports.story_rows import Line, StoryRows


class Story(StoryRows):
    """Tell what happened, then ask `book()`."""

    def payment(self, at: str, account: str, amount: Any, brand: str, *, key: str | None = None, **facts: Any) -> str:
        """Post money into an account."""
        cash = self._system(brand, "cash", self._currency(account))
        legs = [(account, amount, {}), (cash, -Decimal(str(amount)), {})]
        return self._post(at, "payment", legs, key=key, account=account, amount=amount, **facts)

    def split_payment(self, at: str, *parts: tuple[str, Any, str], **facts: Any) -> str:
        """Post money into several accounts: account, amount and brand of each part."""
        into: dict[str, Decimal] = {}
        legs: list[Any] = []
        for account, amount, brand in parts:
            into[account] = into.get(account, Decimal(0)) + Decimal(str(amount))
            source = {"source_id": self.accounts[account]["id"], "source_kind": "money"} if self.names_sources else {}
            legs.append((self._system(brand, "cash", self._currency(account)), -Decimal(str(amount)), source))
        clients = [(account, amount, {}) for account, amount in into.items()]
        return self._post(at, "payment", [*clients, *legs], amount=sum(into.values()), **facts)

    def unknown_payment(
        self, at: str, amount: Any, brand: str, *, currency: str = "RUB", key: str | None = None, **facts: Any
    ) -> str:
        """Post money whose payer is unknown."""
        legs = [
            (self._system(brand, "unallocated", currency), amount, {}),
            (self._system(brand, "cash", currency), -Decimal(str(amount)), {}),
        ]
        return self._post(at, "payment", legs, key=key, amount=amount, currency=currency, **facts)

    def bank(self, day: str, payment: str, brand: str, *, opening: Any = 0) -> None:
        """Let the bank report a payment, in a statement of its own."""
        posted, on = self.keys[payment], date.fromisoformat(day)
        number, amount = len(self.rows["bank_entries"]) + 1, Decimal(str(posted["amount"]))
        of = {
            "id": number,
            "bank_account": f"{brand}-1",
            "brand_id": self.brands[brand],
            "imported_on": on,
            "currency": posted["currency"],
        }
        self.rows["bank_entries"].append(
            of
            | {
                "booked_on": on,
                "amount": amount,
                "reversal": False,
                "transaction_id": posted["id"],
                "business_date": posted["business_date"],
            }
        )
        opening = Decimal(str(opening))
        self.rows["bank_statements"].append(
            of
            | {
                "number": str(number),
                "begun_on": on,
                "ended_on": on,
                "opening": opening,
                "closing": opening + amount,
                "turnover": amount,
            }
        )

    def allocate(self, at: str, payment: str, account: str, amount: Any, brand: str) -> str:
        """Give an unallocated payment its account."""
        unallocated = self._system(brand, "unallocated", self._currency(account))
        legs = [(account, amount, {}), (unallocated, -Decimal(str(amount)), {})]
        return self._post(at, "allocate", legs, refers_to=payment, amount=amount)

    def payout(self, at: str, account: str, amount: Any, brand: str, *, key: str | None = None, **facts: Any) -> str:
        """Pay money out."""
        cash = self._system(brand, "cash", self._currency(account))
        legs = [(account, -Decimal(str(amount)), {}), (cash, amount, {})]
        return self._post(at, "payout", legs, key=key, account=account, amount=amount, **facts)

    def debit(self, at: str, account: str, *lines: Line, key: str | None = None, **facts: Any) -> str:
        """Write off services; each line names the account that pays it."""
        return self._sell(at, "debit", account, [self._line(line, account) for line in lines], key=key, **facts)

    def capture(self, at: str, hold: str, *lines: Line) -> str:
        """Take what was held for these lines."""
        account = self._reference(self.keys[hold]["account_id"])
        return self._sell(at, "capture", account, [self._line(line, account) for line in lines], refers_to=hold)

    def refund(self, at: str, debit: str, *lines: Line) -> str:
        """Give money of a debit or capture back."""
        account = self._reference(self.keys[debit]["account_id"])
        turned = [self._line(line, account) for line in lines]
        for line in turned:
            line.update(
                {name: -line[name] for name in ("amount", "gross", "discount", "vat") if line[name] is not None}
            )
        return self._sell(at, "refund", account, turned, refers_to=debit)

    def hold(
        self, at: str, account: str, amount: Any, expires_at: str, *, brand: str = "sushi", key: str | None = None
    ) -> str:
        """Set money aside."""
        legs = [(account, 0, {"held": Decimal(str(amount))})]
        key = self._post(at, "hold", legs, key=key, account=account, amount=amount, expires_at=self._at(expires_at))
        self.rows["holds"].append(
            {
                "hold_id": self.keys[key]["id"],
                "part": 1,
                "line": 1,
                "account_id": self.accounts[account]["id"],
                "source_id": self.accounts[account]["id"],
                "brand_id": self.brands[brand],
                "service": "preorder",
                "reference": key,
                "amount": Decimal(str(amount)),
                "held": Decimal(str(amount)),
                "captured": Decimal(0),
                "expires_at": self._at(expires_at),
                "open": True,
            }
        )
        return key

    def release(self, at: str, hold: str, amount: Any, *, kind: str = "release") -> str:
        """Give back what was held (kind expiry: by time alone)."""
        account = self._reference(self.keys[hold]["account_id"])
        self._lower(hold, Decimal(str(amount)))
        return self._post(at, kind, [(account, 0, {"held": -Decimal(str(amount))})], refers_to=hold, account=account)

    def transfer(self, at: str, account: str, to: str, amount: Any, **facts: Any) -> str:
        """Move own money between accounts."""
        legs = [(account, -Decimal(str(amount)), {}), (to, amount, {})]
        return self._post(at, "transfer", legs, account=account, amount=amount, **facts)

    def adjustment(self, at: str, account: str, amount: Any, brand: str, **facts: Any) -> str:
        """Correct a balance by hand."""
        other = self._system(brand, "adjustments", self._currency(account))
        legs = [(account, amount, {}), (other, -Decimal(str(amount)), {})]
        return self._post(at, "adjustment", legs, account=account, amount=amount, **facts)

    def bonus(
        self,
        at: str,
        account: str,
        amount: Any,
        *,
        reason: str = "accrued",
        refers_to: str | None = None,
        gone_on: str | None = None,
    ) -> str:
        """Accrue (or with a minus take back or expire) points on a bonus account."""
        self.gone_on = gone_on and date.fromisoformat(gone_on)
        facts = self.accounts[account]
        code = next(code for code, number in self.brands.items() if number == facts["brand_id"])
        expense = self._system(code, "bonus_expense", facts["currency"])
        legs = [(account, amount, {}), (expense, -Decimal(str(amount)), {})]
        return self._post(at, "bonus", legs, account=account, amount=amount, reason=reason, refers_to=refers_to)

    def order(
        self, at: str, key: str, account: str, net: Any, *, code: str, discount: Any, given_back: str | None = None
    ) -> None:
        """Place an order that used a promotion; its debit is marked."""
        facts = self.accounts[account]
        now, off = self._at(at), Decimal(str(discount))
        day = now.astimezone(ZoneInfo(self.time_zone)).date()
        who = {"party_id": facts["party_id"], "currency": facts["currency"], "business_date": day, "discount": off}
        codes = {row["code"]: row["id"] for row in self.rows["promotions"]}
        if code not in codes:
            codes[code] = len(codes) + 1
            self.rows["promotions"].append({"id": codes[code], "code": code, "kind": "amount", "amount": off})
        back = None if given_back is None else self._at(given_back)
        self.rows["orders"].append(
            {
                **who,
                "id": len(self.rows["orders"]) + 1,
                "key": key,
                "account_id": facts["id"],
                "placed_at": now,
                "status": "cancelled" if back else "placed",
                "net": Decimal(str(net)),
                "gross": Decimal(str(net)) + off,
            }
        )
        self.rows["promotion_uses"].append(
            {
                **who,
                "order_id": len(self.rows["orders"]),
                "promotion_id": codes[code],
                "used_at": now,
                "given_back_at": back,
                "given_back_on": None if back is None else back.astimezone(ZoneInfo(self.time_zone)).date(),
            }
        )

    def reverse(self, at: str, key: str, *, sources: bool = False, **facts: Any) -> str:
        """Undo a transaction; with `sources`, its legs name what those of the transaction named."""
        id_ = self.keys[key]["id"]
        kept = ("source_id", "source_kind", "channel", "chart") if sources else ()
        legs = [
            (self._reference(row["account_id"]), -row["amount"], {name: row.get(name) for name in kept})
            for row in self.rows["entries"]
            if row["transaction_id"] == id_
        ]
        return self._post(at, "reverse", legs, refers_to=key, **facts)

    def decline(self, at: str, account: str, amount: Any, code: str, *, kind: str = "debit", **facts: Any) -> str:
        """Refuse a command."""
        return self._post(
            at, kind, [], account=account, amount=amount, status="declined", code=code, facts=json.dumps(facts)
        )

    def terms(
        self,
        account: str,
        limit: Any,
        period_days: int | None,
        valid_from: str,
        valid_until: str | None = None,
        *,
        recorded_at: str = "2016-01-01",
    ) -> None:
        """Set terms of credit."""
        row = {
            "id": len(self.rows["credit_terms"]) + 1,
            "account_id": self.accounts[account]["id"],
            "credit_limit": Decimal(str(limit)),
            "period_days": period_days,
            "valid_from": date.fromisoformat(valid_from),
            "valid_until": valid_until and date.fromisoformat(valid_until),
            "recorded_at": self._at(recorded_at),
        }
        self.rows["credit_terms"].append(row)

    def holder(self, day: str, account: str, brand: str | None) -> None:
        """Let an account become a brand's contract from that day on."""
        self.rows["holders"].append(
            {
                "id": len(self.rows["holders"]) + 1,
                "account_id": self.accounts[account]["id"],
                "holder_id": brand and self.brands[brand],
                "recorded_at": self._at(day),
                "since": date.fromisoformat(day),
            }
        )

    def link(self, account: str, payer: str, draw: str = "payer_first") -> None:
        """Let a payer pay for a subaccount."""
        ids = {"account_id": self.accounts[account]["id"], "payer_id": self.accounts[payer]["id"]}
        self.rows["links"].append({**ids, "draw": draw, "priority": 1})

    def limit(self, payer: str, account: str, period: str, amount: Any = None, count: int | None = None) -> None:
        """Set a write-off limit."""
        ids = {"account_id": self.accounts[account]["id"], "payer_id": self.accounts[payer]["id"]}
        money = None if amount is None else Decimal(str(amount))
        self.rows["limits"].append({**ids, "period": period, "amount": money, "count": count})

    def change(
        self, at: str, kind: str, subject: str, before: Any, after: Any, by: str | None = None, note: str | None = None
    ) -> None:
        """Write a line of the audit log."""
        account = self.accounts.get(subject)
        self.rows["changes"].append(
            {
                "id": len(self.rows["changes"]) + 1,
                "kind": kind,
                "subject": subject,
                "account_id": account and account["id"],
                "before": before and json.dumps(before),
                "after": json.dumps(after),
                "business_date": self._at(at).astimezone(ZoneInfo(self.time_zone)).date(),
                "recorded_at": self._at(at),
                "by": by,
                "note": note,
            }
        )

    def close(self, day: str, *, rules: int = 2) -> None:
        """Close the days up to this one, on the next morning; rules 1 are those from before there were due dates."""
        closed = date.fromisoformat(day)
        at = datetime.combine(closed, time(21), tzinfo=UTC)
        facts = {"closed_until": closed, "closed_at": at, "last_transaction": len(self.rows["transactions"])}
        self.rows["closings"].append({**facts, "rules": rules})
