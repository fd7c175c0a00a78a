"""The state machine of the ledger, with the lake's reports beside the naive model: one moment has one answer.

The pure book's rows are laid out as the lake would hold them, in memory, and the reports are run over them. What
`tiffin balance --at` says in PostgreSQL is held against the same model, in tests/ledger/postgres.
"""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from ledger.values.money import decimal
from reports.documents import build_statement, fetch_facts
from reports.documents.statement import Statement, Summary
from reports.run import LakeBook
from tests.ledger.machine import ACCOUNTS, BRANDS, Machine, Record, accounts
from tests.ledger.model import Moved
from tests.ledger.worlds import MOSCOW
from tests.reports.story_rows import SCHEMAS, Cut, StoryLake

OPENED = datetime(2016, 1, 1, tzinfo=UTC)
EPOCH = date(1970, 1, 1)


class Reported(Machine):
    """After its last step: aging, exposure, open items, settlements and statements are what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: dict[int, datetime] = {}
        self.rows: dict[str, list[Record]] = defaultdict(list)
        self.held_by: dict[str, list[tuple[date, str | None]]] = {name: [(date.min, None)] for name in ACCOUNTS}
        self.ticks = 0

    @initialize(holders=st.lists(st.none() | st.sampled_from(BRANDS), min_size=5, max_size=5))
    def open_contracts(self, holders: list[str | None]) -> None:
        self.held_by = {account: [(date.min, holder)] for account, holder in zip(ACCOUNTS, holders, strict=True)}

    @rule(account=accounts, holder=st.none() | st.sampled_from(BRANDS))
    def change_holder(self, account: str, holder: str | None) -> None:
        self.held_by[account].append((self.day(), holder))

    def administer(self, record: Record) -> None:
        super().administer(record)
        book = self.pure.book
        if record["type"] == "credit_terms":
            number = book.references[record["account"]]
            known = [row for row in self.rows["credit_terms"] if row["account_id"] == number]
            for terms in book.terms[number][len(known) :]:
                self.rows["credit_terms"].append(
                    {
                        "id": len(self.rows["credit_terms"]) + 1,
                        "account_id": number,
                        "recorded_at": self._tick(),
                        "credit_limit": decimal(terms.limit),
                        "period_days": terms.period_days,
                        "valid_from": terms.valid_from,
                        "valid_until": terms.valid_until,
                    }
                )
        elif record["type"] in ("account_status", "merge"):
            self._note()
            self.rows["changes"].append(
                {
                    "id": len(self.rows["changes"]) + 1,
                    "kind": "account_status",
                    "subject": record["account"],
                    "account_id": book.references[record["account"]],
                    "after": json.dumps({"status": record.get("status", "closed")}),
                    "business_date": self.day(),
                    "recorded_at": self._tick(),
                }
            )

    def post(self, record: Record) -> list[Record]:
        said = super().post(record)
        self._note()
        return said

    def _note(self) -> None:
        at = self._tick()
        for transaction in self.pure.book.entered:
            self.recorded.setdefault(transaction.id, at)

    def _tick(self) -> datetime:
        self.ticks += 1
        return self.now.astimezone(UTC) + timedelta(microseconds=self.ticks)

    # ---- the lake of it

    def lake(self) -> LakeBook:
        """Return the book as a lake holds it."""
        book, codes = self.pure.book, {brand.id: brand.code for brand in self.pure.book.brands.values()}
        own = {number: (brand, kind, currency) for (brand, kind, currency), number in book.system.items()}
        rows: dict[str, list[Record]] = {**self.rows, "transactions": [], "entries": []}
        rows["brands"] = [{"id": id_, "code": code, "name": code, "status": "open"} for id_, code in codes.items()]
        rows["parties"] = [
            {"id": n, "reference": name, "kind": "individual", "name": name, "status": "open"}
            for n, name in enumerate(ACCOUNTS, 1)
        ]
        parties = {book.references[row["reference"]]: row["id"] for row in rows["parties"]}
        rows["accounts"] = [
            {"id": number, "kind": kind, "currency": currency, "brand_id": brand, "status": "open", "opened_at": OPENED}
            for number, (brand, kind, currency) in own.items()
        ] + [
            {
                "id": book.references[name],
                "kind": "money",
                "currency": "RUB",
                "party_id": n,
                "reference": name,
                "status": self.model.status[name],
                "opened_at": OPENED,
            }
            for n, name in enumerate(ACCOUNTS, 1)
        ]
        ids = {code: id_ for id_, code in codes.items()}
        changes = [(account, *change) for account, held in self.held_by.items() for change in held]
        rows["holders"] = [
            {
                "id": n,
                "account_id": book.references[account],
                "holder_id": ids.get(holder or ""),
                "recorded_at": OPENED,
                "since": None if since == date.min else since,
            }
            for n, (account, since, holder) in enumerate(changes, 1)
        ]
        for t in book.numbered.values():
            when = {
                "posted_at": t.posted_at.astimezone(UTC),
                "business_date": t.day,
                "month": f"{t.day:%Y-%m}",
                "day_number": (t.day - EPOCH).days,
                "kind": t.kind,
                "refers_to": t.refers_to,
            }
            at = self.recorded.get(t.id, when["posted_at"])
            rows["transactions"].append(
                {
                    **when,
                    "id": t.id,
                    "key": t.key,
                    "status": "posted" if t.code is None else "declined",
                    "code": t.code,
                    "account_id": t.account,
                    "currency": t.currency,
                    "recorded_at": at,
                }
            )
            for leg, e in enumerate(t.entries, 1):
                brand, kind, _ = own.get(e.account, (None, "money", ""))
                facing = own.get(e.source or 0, (None, "money" if e.source else None, ""))[1]
                rows["entries"].append(
                    {
                        **when,
                        "transaction_id": t.id,
                        "leg": leg,
                        "account_id": e.account,
                        "account_kind": kind,
                        "party_id": parties.get(e.account),
                        "brand_id": brand,
                        "currency": "RUB",
                        "recorded_at": at,
                        "amount": decimal(e.amount),
                        "held": decimal(e.held),
                        "version": e.version,
                        "due_on": e.due_on,
                        "channel": e.channel,
                        "chart": e.chart,
                        "balance_after": None if e.balance_after is None else decimal(e.balance_after),
                        "held_after": None if e.held_after is None else decimal(e.held_after),
                        "source_id": e.source,
                        "source_kind": facing,
                        "line": e.line,
                        "subaccount_id": e.subaccount,
                        "gross": None if e.gross is None else decimal(e.gross),
                        "discount": None if e.discount is None else decimal(e.discount),
                    }
                )
        frames = {
            name: pl.DataFrame([{k: v for k, v in row.items() if k in schema} for row in rows.get(name, [])], schema)
            for name, schema in SCHEMAS.items()
        }
        return LakeBook(StoryLake(Cut(1, self.now.astimezone(UTC), self.closed, "Europe/Moscow"), frames))

    # ---- what the reports must say

    def teardown(self) -> None:
        """Hold the reports against the model, as of this evening and of one that is not closed yet."""
        if not self.model.status:
            return
        for day in sorted({self.day(), max(self.closed + timedelta(1), self.day() - timedelta(3))}):
            self.book_expired(datetime.combine(day, time.max, MOSCOW))
        lake = self.lake()
        for day in sorted({self.day(), max(self.closed + timedelta(1), self.day() - timedelta(3))}):
            self._debts_agree(lake, day)
            for length in (0, 4):
                self._statements_agree(lake, day - timedelta(length), day)
        self._settlements_agree(lake)
        self._cash_agrees(lake)

    def _statements_agree(self, lake: LakeBook, since: date, until: date) -> None:
        """Hold statements of a period against the model: what moved, what is owed, what credit is left."""
        before = datetime.combine(since, time.min, MOSCOW) - timedelta(microseconds=1)
        evening = datetime.combine(until, time.max, MOSCOW)
        known = fetch_facts.MadeFrom(lake.cut.taken_at, "Europe/Moscow", True, None, 1)
        names = {number: name for name, number in self.pure.book.references.items() if name in ACCOUNTS}
        for numbers, facts in fetch_facts.groups(lake, sorted(names), since=since, until=until):
            for number in numbers:
                statement = build_statement.statement(facts, number, since=since, until=until, known=known)
                self._statement_agrees(statement, names[number], before, evening)

    def _statement_agrees(self, statement: Statement, name: str, before: datetime, evening: datetime) -> None:
        model, summary, until = self.model, statement.summary, statement.until
        assert summary.opening == decimal(model.balance(name, before)), name
        assert summary.closing == decimal(model.balance(name, evening)), name
        # Of accounts that were merged the model knows whose all is, not whose it was when it was posted.
        if name not in model.merges and name not in model.into.values():
            self._movements_agree(summary, [move for move in model.moves[name] if before < move.at <= evening], name)
        owed = defaultdict[date | None, int](int)
        for _, _, due, unpaid in model.owed(name, until, evening):
            owed[due] += unpaid
        assert {due.due_on: due.amount for due in statement.dues} == {
            day: decimal(unpaid) for day, unpaid in owed.items()
        }, name
        late = sum(unpaid for due, unpaid in owed.items() if due and due < until)
        assert statement.overdue == decimal(late) == sum(age.amount for age in statement.ages if age.days_from), name
        terms = model.in_force(name, until)
        if statement.credit is None:
            assert terms is None, name
        else:
            assert statement.credit.limit == decimal(terms.limit if terms else 0), name
        if until == self.day():
            held = model.held(name, evening)
            assert summary.held == decimal(held), name
            line = terms.limit if terms and not late else 0
            can = max(0, model.balance(name, evening) - held + line)
            assert statement.credit is None or statement.credit.available == decimal(can), name

    def _movements_agree(self, summary: Summary, moves: list[Moved], name: str) -> None:
        moved = defaultdict[str, int](int)
        for move in moves:
            moved[self.pure.book.transactions[move.key].kind] += move.amount
        charged = -sum(moved.pop(kind, 0) for kind in build_statement.CHARGES)
        paid = sum(moved.pop(kind, 0) for kind in build_statement.RECEIPTS)
        assert summary.charged - summary.discounts == decimal(charged), name
        assert (summary.paid, summary.refunds) == (decimal(paid), decimal(moved.pop("refund", 0))), name
        assert sum(amount for _, amount in summary.other) == decimal(sum(moved.values())), name

    def _debts_agree(self, lake: LakeBook, day: date) -> None:
        evening = datetime.combine(day, time.max, MOSCOW)
        names = {number: name for name, number in self.pure.book.references.items()}
        owed = {name: self.model.owed(name, day, evening) for name in ACCOUNTS}
        keys = {key: t.id for key, t in self.pure.book.transactions.items()}
        items = self._rows(lake, "open-items", as_of=day)
        shown = {(names[i["account"]], i["transaction"], i["due"], i["unpaid"]) for i in items}
        assert shown == {
            (name, keys[key], due, decimal(unpaid)) for name in ACCOUNTS for key, _, due, unpaid in owed[name]
        }, day
        aged = {names[row["account"]]: row for row in self._rows(lake, "receivables-aging", as_of=day)}
        for name in ACCOUNTS:
            late = max(((day - due).days for _, _, due, _ in owed[name] if due), default=0)
            total = sum(unpaid for *_, unpaid in owed[name])
            row = aged.get(name, {"total": Decimal(0), "advance": Decimal(0), "days_late": None})
            assert (row["total"], row["days_late"]) == (decimal(total), late if late > 0 else None), (name, day)
            assert row["advance"] == decimal(max(0, self.model.balance(name, evening))), (name, day)
        for row in self._rows(lake, "credit-exposure", as_of=day):
            name = names[row["account"]]
            balance = self.model.balance(name, evening)
            assert row["balance"] == decimal(balance), (name, day)
            in_force = self.model.in_force(name, day)
            assert row["limit"] == decimal(in_force.limit if in_force else 0), (name, day)
            assert (row["overdue"] > 0) == self.model.overdue(name, day, evening), (name, day)
            if day == self.day():
                held = self.model.held(name, evening)
                assert row["held"] == decimal(held), (name, day)
                own, line = balance - held, in_force.limit if in_force else 0
                line = 0 if self.model.overdue(name, day, evening) else line
                can = max(0, own, own + line) if self.model.status[name] == "open" else 0
                assert row["available"] == decimal(can), (name, day)

    def _settlements_agree(self, lake: LakeBook) -> None:
        """Hold who owes whom, from the first day on and as of three periods that add up to it."""
        due = self._owed_between(self.day())
        # A command that was declined for being too early is kept on the book's own day, which may be later.
        first = min([self.day(), *(transaction.day for transaction in self.pure.book.numbered.values())])
        whole = self._due(lake, first, self.day())
        assert whole == {pair: amount for pair, amount in due.items() if amount}
        third = (self.day() - first) // 3
        if third >= timedelta(1):
            parts: dict[tuple[str, str], int] = defaultdict(int)
            for since, until in ((first, first + third), (first + third + timedelta(1), self.day())):
                for pair, amount in self._due(lake, since, until).items():
                    parts[pair] += amount
            assert {pair: amount for pair, amount in parts.items() if amount} == whole

    def _cash_agrees(self, lake: LakeBook) -> None:
        """Hold what each brand has in each channel against the model; nothing declines a move for funds."""
        result = lake.report("cash-by-channel", as_of=self.day())
        wrong = [control.name for control in result.controls if not control.holds]
        assert wrong in ([], ["below_zero"]), wrong
        shown: dict[tuple[str, str], int] = defaultdict(int)
        for row in result.frame.to_dicts():
            shown[row["brand"], row["channel"]] += int(row["amount"] * 100)
        for (brand, place), amount in self.model.own_places.items():
            if place in ("bank", "card"):
                assert shown.pop((brand, place), 0) == amount, (brand, place)
        assert {channel for _, channel in shown} <= {""}

    def _due(self, lake: LakeBook, since: date, until: date) -> dict[tuple[str, str], int]:
        rows = self._rows(lake, "brand-settlements", first_day=since, last_day=until)
        return {(row["brand"], row["other"]): int(row["due"] * 100) for row in rows if row["due"]}

    def _owed_between(self, until: date) -> dict[tuple[str, str], int]:
        """Return what each brand is owed by each other, the plain way, entry by entry."""
        book, due = self.pure.book, defaultdict[tuple[str, str], int](int)
        names = {number: name for name, number in book.references.items()}
        codes = {brand.id: brand.code for brand in book.brands.values()}
        own = {number: codes[brand] for (brand, _, _), number in book.system.items()}

        def holder(account: int, day: date) -> str:
            changes = [code for since, code in self.held_by[names[account]] if since <= day]
            return changes[-1] or "unassigned"

        def owes(debtor: str, creditor: str, amount: int) -> None:
            if debtor != creditor:
                due[creditor, debtor] += amount
                due[debtor, creditor] -= amount

        for t in book.numbered.values():
            legs = [e for e in t.entries if e.account in own]
            for e in legs:
                if e.source in own:  # a move between brands: each side names the other
                    owes(own[e.source], own[e.account], e.amount if own[e.account] < own[e.source] else 0)
                elif e.source is not None:
                    owes(holder(e.source, t.day), own[e.account], e.amount)
            clients = [e for e in t.entries if e.account in names and e.amount]
            if not legs and clients:  # from client to client
                gave, got = sorted(clients, key=lambda e: e.amount)
                owes(holder(gave.account, t.day), holder(got.account, t.day), got.amount)
        for name, changes in self.held_by.items():
            for day in sorted({since for since, _ in changes if since > date.min and since <= until}):
                number = book.references[name]
                before = sum(
                    e.amount for t in book.numbered.values() if t.day < day for e in t.entries if e.account == number
                )
                owes(holder(number, day - timedelta(1)), holder(number, day), before)
        return due

    def _rows(self, lake: LakeBook, name: str, **given: Any) -> list[Record]:
        result = lake.report(name, **given)
        wrong = [control for control in result.controls if not control.holds]
        assert not wrong, (name, given, wrong)
        return result.frame.to_dicts()
