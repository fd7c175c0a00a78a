"""Random commands of all kinds, at random times, against the naive model."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.core.accounts import DAYS
from ledger.core.aging import NEVER
from ledger.values.money import plain
from tests.ledger.checks import check, same
from tests.ledger.model import Charge, Link, Model, Moved, Terms, Undoable
from tests.ledger.worlds import MOSCOW, Postgres, Pure, open_items

Record = dict[str, Any]
ACCOUNTS = ("anna", "boris", "clara", "lotos", "romashka")
PAYERS, CLIENTS = ("lotos", "romashka"), ("anna", "boris")
BRANDS = ("pizza", "sushi")
GROUPS = ("hall", "kitchen")
OWN_PLACES = ("bank", "card", "tips_paid", "91.02")
"""Channels of cash, and codes of the chart."""
accounts = st.sampled_from(ACCOUNTS)
amounts = st.integers(1, 60) | st.integers(1, 6000)
lines = st.lists(st.tuples(st.sampled_from(BRANDS), st.integers(0, 50) | amounts), min_size=1, max_size=3)
PERIODS = ("day", "week", "month", "total")
AGING = ("debit", "capture", "transfer", "payout", "adjustment")
agreed = st.none() | st.none() | st.integers(-3, 9)
"""How many days from the command's a due date is that is agreed with it."""
late = st.none() | st.none() | st.integers(0, 200)
"""How many hours before its booking something happened."""
LATE_DAYS = 7
hours = st.tuples(
    st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple), st.integers(0, 23), st.integers(0, 23)
)


def named(place: str) -> str:
    """Return a brand's own place as a command names it."""
    return f"chart:{place}" if place == "91.02" else place


class Machine(RuleBasedStateMachine):
    """The pure core beside the model; after each step the book's invariants hold and both agree."""

    def __init__(self) -> None:
        super().__init__()
        self.pure = Pure()
        self.model = Model()
        self.now = datetime(2024, 2, 28, 12, tzinfo=MOSCOW)
        self.closed = date(2024, 2, 27)
        self.number = 0
        self.sent: list[tuple[Record, Record]] = []

    @initialize(opening=st.lists(st.integers(0, 2000), min_size=5, max_size=5))
    def begin(self, opening: list[int]) -> None:
        self.close_until(self.closed)
        for code in BRANDS:
            self.administer({"type": "brand", "code": code})
        for reference, amount in zip(ACCOUNTS, opening, strict=True):
            self.administer(
                {"type": "party", "reference": reference, "kind": "individual", "name": reference.capitalize()}
            )
            self.administer({"type": "account", "reference": reference, "party": reference, "currency": "RUB"})
            self.model.status[reference] = "open"
            if amount:
                self.payment(reference, amount)
        for account in ("anna", "clara", "romashka"):
            self.set_terms(account, 5000, 2, -60, None)
        self.set_link("anna", "romashka", "payer_first", 1, None)
        self.set_link("anna", "lotos", "payer_first", 2, None)
        self.set_limit("romashka", "anna", "day", 3000, 2)

    # ---- what callers say

    def administer(self, record: Record) -> None:
        self.pure.administer(record)

    def send(self, kind: str, key: str = "", **content: Any) -> Record:
        """Return what a new command is answered; a refused one must have moved nothing."""
        self.number += 1
        record = {"type": kind, "key": key or f"k{self.number}", "at": self.now.isoformat(), **content}
        before = self.pure.state()
        [said] = self.post(record)
        if said["status"] == "declined" and said["code"] not in ("key_reused", "out_of_order"):
            before["transactions"][record["key"]] = self.pure.state()["transactions"][record["key"]]
        if said["status"] != "posted":
            assert self.pure.state() == before, "something moved"
        if not key:
            self.sent.append((record, said))
        return said

    def post(self, record: Record) -> list[Record]:
        return self.pure.post([record])

    def day(self) -> date:
        return self.now.date()

    def moved(self, said: Record, of: str | None = None, due: date | None = None) -> dict[str, int]:
        """Tell the model what moved; return it by account. `of` is what is refunded or reversed."""
        changes = {moved["account"]: round(float(moved["amount"]) * 100) for moved in said["accounts"]}
        kind = self.pure.book.transactions[said["key"]].kind
        for account, amount in changes.items():
            ages, known = kind in AGING and amount < 0, len(self.model.terms[account])
            number = sum(map(len, self.model.moves.values()))
            self.model.moves[account].append(
                Moved(said["key"], self.now, self.day(), amount, of, ages, due, known, account, number)
            )
        return changes

    def due(self, days: int | None) -> tuple[date | None, Record]:
        """Return a due date so many days from now, and how a command gives it."""
        due = None if days is None else self.day() + timedelta(days)
        return due, {"due_on": due.isoformat()} if due else {}

    def happened(self, hours: int | None) -> tuple[datetime, Record]:
        """Return the time of so many hours ago, and how a command says when it happened."""
        at = self.now - timedelta(hours=hours or 0)
        return at, {} if hours is None else {"occurred_at": at.isoformat()}

    def in_time(self, happened: datetime) -> bool:
        return (self.day() - happened.date()).days <= LATE_DAYS

    def into(self, account: str) -> str:
        """Return the account that one was merged into, or itself."""
        return self.model.into.get(account, account)

    def is_open(self, *spending: str) -> bool:
        return all(self.model.status[account] == "open" for account in spending)

    def expect(self, said: Record, yes: bool) -> bool:
        assert said["status"] == ("posted" if yes else "declined"), said
        return yes

    @rule(account=accounts, amount=amounts)
    def payment(self, account: str, amount: int) -> None:
        said = self.send("payment", account=account, amount=plain(amount), brand="sushi")
        self.expect(said, True)
        assert self.moved(said) == {self.into(account): amount}
        self.model.undoable[said["key"]] = Undoable({(account, "sushi"): amount})

    @rule(
        parts=st.dictionaries(st.tuples(accounts, st.sampled_from(BRANDS)), st.integers(1, 90), min_size=2, max_size=3)
    )
    def split_payment(self, parts: dict[tuple[str, str], int]) -> None:
        split = [{"account": account, "brand": brand, "amount": plain(n)} for (account, brand), n in parts.items()]
        said = self.send("payment", amount=plain(sum(parts.values())), split=split)
        self.expect(said, True)
        came: dict[str, int] = {}
        for (account, _), amount in parts.items():
            came[self.into(account)] = came.get(self.into(account), 0) + amount
        assert self.moved(said) == came
        self.model.undoable[said["key"]] = Undoable(dict(parts))

    @rule(account=accounts, amount=amounts)
    def payout(self, account: str, amount: int) -> None:
        can = self.is_open(account) and self.model.own(account, self.now) >= amount
        said = self.send("payout", account=account, amount=plain(amount), brand="sushi")
        if self.expect(said, can):
            assert self.moved(said) == {account: -amount}
            self.model.undoable[said["key"]] = Undoable({(account, "sushi"): amount}, -1)

    @rule(account=accounts, to=accounts, amount=amounts)
    def transfer(self, account: str, to: str, amount: int) -> None:
        assume(account != to)
        can = self.is_open(account) and to not in self.model.into and self.model.own(account, self.now) >= amount
        said = self.send("transfer", account=account, to=to, amount=plain(amount))
        if self.expect(said, can):
            assert self.moved(said) == {account: -amount, to: amount}
            self.model.undoable[said["key"]] = Undoable({("", ""): amount}, ends=(account, to))

    @rule(account=accounts, amount=amounts, sign=st.sampled_from((1, -1)), days=agreed)
    def adjustment(self, account: str, amount: int, sign: int, days: int | None) -> None:
        due, by = self.due(days if sign < 0 else None)
        said = self.send("adjustment", account=account, amount=plain(sign * amount), brand="sushi", reason="typo", **by)
        if self.expect(said, account not in self.model.into):
            assert self.moved(said, due=due) == {account: sign * amount}
            self.model.undoable[said["key"]] = Undoable({(account, "sushi"): amount}, sign)

    @rule(
        brands=st.tuples(st.sampled_from(BRANDS), st.sampled_from(BRANDS)),
        way=st.tuples(st.sampled_from(OWN_PLACES), st.sampled_from(OWN_PLACES)),
        amount=amounts,
        fee=st.integers(0, 60),
    )
    def move(self, brands: tuple[str, str], way: tuple[str, str], amount: int, fee: int) -> None:
        ends = list(zip(brands, way, strict=True))
        assume(ends[0] != ends[1] and fee <= amount)
        sides = {"brand": brands[0], "from": named(way[0]), "to_brand": brands[1], "to": named(way[1])}
        said = self.send("move", **sides, amount=plain(amount), fee=plain(fee))
        self.expect(said, True)
        assert said["accounts"] == []
        put = {ends[0]: -amount, ends[1]: amount - fee, (brands[0], "fee"): fee}
        put = {place: much for place, much in put.items() if much}
        self.model.put(put)
        self.model.undoable[said["key"]] = Undoable({("", ""): amount}, put=put)

    def _lines(self, sold: list[tuple[str, int]]) -> list[Record]:
        # What costs nothing is a free dish: it has a gross.
        return [{"brand": brand, "amount": plain(n), "gross": plain(n or 100)} for brand, n in sold]

    @rule(account=accounts, sold=lines, days=agreed, late=late)
    def debit(self, account: str, sold: list[tuple[str, int]], days: int | None, late: int | None) -> None:
        happened, when = self.happened(late)
        drawn = self.model.fund(account, sold, self.now, self.day(), happened)
        due, by = self.due(days)
        said = self.send("debit", account=account, lines=self._lines(sold), **by, **when)
        if self.expect(said, self.in_time(happened) and self.is_open(account) and drawn is not None):
            assert {a: -n for a, n in self.moved(said, due=due).items() if n} == drawn
            assert drawn is not None
            self.model.charges[said["key"]] = Charge(
                account, happened.date(), dict(drawn), groups=self.model.groups(account)
            )
            self.model.takes[said["key"]] = said["key"], dict(drawn)

    @rule(account=accounts, sold=lines, hours=st.sampled_from((1, 5, 24, 72)), days=agreed, late=late)
    def hold(self, account: str, sold: list[tuple[str, int]], hours: int, days: int | None, late: int | None) -> None:
        happened, when = self.happened(late)
        drawn = self.model.fund(account, sold, self.now, self.day(), happened)
        expires_at = self.now + timedelta(hours=hours)
        due, by = self.due(days)
        until = {"expires_at": expires_at.isoformat()}
        said = self.send("hold", account=account, lines=self._lines(sold), **until, **by, **when)
        if self.expect(said, self.in_time(happened) and self.is_open(account) and drawn is not None):
            assert drawn is not None
            self.model.charges[said["key"]] = Charge(
                account, happened.date(), {}, expires_at, True, dict(drawn), due, self.model.groups(account)
            )

    def _pick(self, data: st.DataObject, keys: list[str]) -> str:
        assume(keys)
        return data.draw(st.sampled_from(keys))

    def _holds(self) -> list[str]:
        return [key for key, charge in self.model.charges.items() if charge.expires_at]

    @precondition(lambda self: self._holds())
    @rule(data=st.data(), part=st.none() | amounts, final=st.booleans())
    def capture(self, data: st.DataObject, part: int | None, final: bool) -> None:
        key = self._pick(data, self._holds())
        hold = self.model.charges[key]
        left = sum(hold.held.values())
        can = self._stands(key) and (part or 0) <= left
        content = {"amount": plain(part)} if part else {}
        said = self.send("capture", hold=key, final=final, **content)
        if not self.expect(said, can):
            return
        taken = {account: -amount for account, amount in self.moved(said, due=hold.due).items()}
        assert sum(taken.values()) == (left if part is None else part)
        for source, amount in taken.items():
            hold.drawn[source] = hold.drawn.get(source, 0) + amount
            hold.held[source] = hold.held.get(source, 0) - amount
            assert hold.held[source] >= 0
        self.model.takes[said["key"]] = key, {a: n for a, n in taken.items() if n}
        hold.open = self.pure.state()["holds"][key][0] == "open"
        assert hold.open or final or part is None or not any(hold.held.values())
        assert not (final and hold.open)

    def _stands(self, key: str) -> bool:
        hold = self.model.charges[key]
        return hold.open and hold.expires_at is not None and hold.expires_at > self.now

    @precondition(lambda self: self._holds())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        key = self._pick(data, self._holds())
        if self.expect(self.send("release", hold=key), self._stands(key)):
            self.model.charges[key].open = False

    @precondition(lambda self: self.model.takes)
    @rule(data=st.data(), part=st.none() | amounts)
    def refund(self, data: st.DataObject, part: int | None) -> None:
        key = self._pick(data, list(self.model.takes))
        charge, taken = self.model.takes[key]
        left = sum(taken.values())
        said = self.send("refund", debit=key, **({"amount": plain(part)} if part else {}))
        if self.expect(said, left > 0 and (part or 0) <= left):
            came, names = self.moved(said, of=key), self.pure.names()
            back: dict[str, int] = {}
            for entry in self.pure.book.transactions[said["key"]].revenue():
                assert entry.source is not None
                back[names[entry.source]] = back.get(names[entry.source], 0) - entry.amount
            assert sum(back.values()) == (part or left)
            assert came == {
                into: sum(n for a, n in back.items() if self.into(a) == into) for into in map(self.into, back)
            }
            for source, amount in back.items():
                taken[source] -= amount
                self.model.charges[charge].drawn[source] -= amount
                assert taken[source] >= 0

    @precondition(lambda self: self.model.undoable)
    @rule(data=st.data(), part=st.none() | amounts, split=st.booleans())
    def reverse(self, data: st.DataObject, part: int | None, split: bool) -> None:
        """Reverse what is left of something, or a part of it, which is found in the order of its places."""
        key = self._pick(data, list(self.model.undoable))
        target, there = self.model.undoable[key], self.model.left(key)
        left, taken, rest = sum(there.values()), dict[tuple[str, str], int](), part or sum(there.values())
        for place, amount in there.items():
            taken |= {place: min(rest, amount)} if rest else {}
            rest -= min(rest, amount)
        content: Record = {} if part is None else {"amount": plain(part)}
        whole = part is None or part >= left
        if split and not whole and ("", "") not in taken:
            parts = [{"account": a, "brand": b, "amount": plain(much)} for (a, b), much in taken.items()]
            content["split"] = parts
        code = "split_required" if not whole and len(there) > 1 and not split else None
        code = "reversal_exceeds_transaction" if part is not None and part > left else code
        code = code if left else "already_reversed"
        code = "reversal_is_final" if target.of and self.model.undoable[target.of].of else code
        said = self.send("reverse", transaction=key, reason="chargeback", **content)
        assert said.get("code") == code, said
        if self.expect(said, code is None):
            moved = self.model.reverse(key, said["key"], taken)
            assert self.moved(said, of=self.model.root(key)) == {a: n for a, n in moved.items() if n} or moved

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        record, first = data.draw(st.sampled_from(self.sent))
        assume(first.get("code") not in ("key_reused", "out_of_order") and first["status"] != "invalid")
        now, self.now = self.now, datetime.fromisoformat(record["at"])
        again = self.send(**{"kind": record["type"], **{k: v for k, v in record.items() if k not in ("type", "at")}})
        other = self.send(
            record["type"], **{**{k: v for k, v in record.items() if k not in ("type", "at")}, "note": "x"}
        )
        self.now = now
        assert again == {**first, "replayed": True} if first["status"] == "posted" else again["code"] == first["code"]
        assert other["code"] == "key_reused"

    @rule(account=accounts, amount=amounts, hours=st.integers(1, 100))
    def say_too_early(self, account: str, amount: int, hours: int) -> None:
        now, self.now = self.now, self.now - timedelta(hours=hours)
        latest = self.pure.book.balances[self.pure.book.references[self.into(account)]].posted_at
        closed = self.day() <= self.closed
        if closed or (latest and self.now < latest):
            said = self.send("payment", account=account, amount=plain(amount), brand="sushi")
            assert said["code"] == ("period_closed" if closed else "out_of_order")
        self.now = now

    # ---- time and terms

    @rule(hours=st.sampled_from((1, 2, 6, 24, 100)))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def _owing(self) -> list[tuple[str, date]]:
        """Return the accounts that owe and are not overdue, and the last day of that."""
        owed = [(account, self.model.owed(account, self.day())[:1]) for account in ACCOUNTS]
        return [(account, due) for account, first in owed for _, _, due, _ in first if due and due >= self.day()]

    @precondition(lambda self: self._owing())
    @rule(data=st.data(), late=st.booleans())
    def debit_at_the_edge_of_overdue(self, data: st.DataObject, late: bool) -> None:
        account, due = data.draw(st.sampled_from(self._owing()))
        self.now = max(self.now, datetime.combine(due + timedelta(late), datetime.min.time(), tzinfo=MOSCOW))
        self.debit(account, [("sushi", 1)], None, None)

    @precondition(lambda self: self.closed < self.day() - timedelta(1))
    @rule()
    def close_days(self) -> None:
        # As the nightly cut does: what ran out on the days is booked first.
        midnight = datetime.combine(self.day(), datetime.min.time(), tzinfo=MOSCOW)
        self.book_expired(midnight)
        self.closed = self.day() - timedelta(1)
        self.close_until(self.closed)

    def close_until(self, day: date) -> None:
        self.pure.close(day)

    def book_expired(self, until: datetime) -> None:
        self.pure.book_expired(until)

    @rule(
        account=accounts,
        limit=st.sampled_from((0, 1000, 5000)),
        period=st.none() | st.integers(0, 5),
        since=st.sampled_from((-60, -60, -2, 0, 1, 4)),
        days=st.none() | st.integers(-1, 9),
    )
    def set_terms(self, account: str, limit: int, period: int | None, since: int, days: int | None) -> None:
        assume(account not in self.model.into)
        first = self.day() + timedelta(since)
        until = None if days is None else max(first, self.day() + timedelta(days))
        terms = Terms(limit, period, first, until)
        if self.model.terms[account][-1:] != [terms]:  # said again they are not recorded again
            self.model.terms[account].append(terms)
        valid = {"valid_from": first.isoformat(), "valid_until": until.isoformat() if until else None}
        self.administer(
            {"type": "credit_terms", "account": account, "limit": plain(limit), "period_days": period, **valid}
        )

    @rule(
        account=st.sampled_from(CLIENTS),
        payer=st.sampled_from(PAYERS),
        draw=st.sampled_from(("payer_first", "own_first", None)),
        priority=st.integers(1, 2),
        brands=st.none() | st.sets(st.sampled_from(BRANDS), min_size=1),
        share=st.none() | st.integers(1, 100),
        when=st.none() | hours,
        group=st.none() | st.sampled_from(GROUPS),
    )
    def set_link(
        self,
        account: str,
        payer: str,
        draw: str | None,
        priority: int,
        brands: set[str] | None,
        share: int | None = None,
        when: tuple[tuple[int, ...], int, int] | None = None,
        group: str | None = None,
    ) -> None:
        assume(not {account, payer} & self.model.into.keys())
        days, since, until = when or ((), 0, 0)
        said = {"days": [DAYS[n] for n in days], "from": f"{since:02}:00", "to": f"{until:02}:00"}
        self.administer(
            {
                "type": "link",
                "account": account,
                "payer": payer,
                "draw": draw,
                "priority": priority,
                "brands": sorted(brands) if brands else None,
                "share": str(share) if share else None,
                "when": said if when else None,
                "group": group,
            }
        )
        if draw is None:
            self.model.links.pop((account, payer), None)
        else:
            # Of equal priority the older account comes first, and lotos is older than romashka, as in the alphabet.
            self.model.links[account, payer] = Link(draw, priority, brands, share, when, group)

    @rule(
        payer=st.sampled_from(PAYERS),
        account=st.sampled_from((*CLIENTS, *GROUPS, None)),
        period=st.sampled_from((*PERIODS, "order")),
        amount=st.none() | st.integers(0, 8000),
        count=st.none() | st.integers(0, 3),
    )
    def set_limit(self, payer: str, account: str | None, period: str, amount: int | None, count: int | None) -> None:
        assume(not {account, payer} & self.model.into.keys())
        of = {"group": account} if account in GROUPS else {"account": account or payer}
        self.administer(
            {
                "type": "write_off_limit",
                "payer": payer,
                **of,
                "period": period,
                "amount": None if amount is None else plain(amount),
                "count": count,
            }
        )
        key = payer, account or payer, period
        self.model.limits[key] = amount, count
        if amount is None and count is None:
            del self.model.limits[key]

    @rule(account=accounts, status=st.sampled_from(("open", "frozen")))
    def set_status(self, account: str, status: str) -> None:
        assume(account not in self.model.into)
        self.administer({"type": "account_status", "account": account, "status": status})
        self.model.status[account] = status

    @precondition(lambda self: self.number > 12 and len(self.model.into) < 2)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        """End an account's links and limits, and merge it into another."""
        left = [account for account in ACCOUNTS if account not in self.model.into]
        account = data.draw(st.sampled_from(left))
        into = data.draw(st.sampled_from([other for other in left if other != account]))
        stands = [charge for key, charge in self.model.charges.items() if charge.open and self._stands(key)]
        assume(not any(account in (charge.account, *charge.held) for charge in stands))
        for of, payer in [ends for ends in self.model.links if account in ends]:
            self.set_link(of, payer, None, 1, None)
        for payer, of_, period in [limit for limit in self.model.limits if account in limit[:2]]:
            self.set_limit(payer, None if of_ == payer else of_, period, None, None)
        self.administer({"type": "merge", "account": account, "into": into, "at": self.now.isoformat()})
        self.model.merge(account, into, self.now)

    # ---- what is always so

    @invariant()
    def agrees(self) -> None:
        state, book = self.pure.state(), self.pure.book
        numbers = {key: t.id for key, t in book.transactions.items()}
        check(state)
        for account in self.model.status:
            number = book.references[account]
            assert book.balances[number].balance == self.model.balance(account), account
            assert book.held(number, self.now) == self.model.held(account, self.now), account
            owed = open_items(book.aging(number).as_of(self.day()))
            expected = self.model.owed(account, self.day())
            assert owed == [(numbers[key], day, due or NEVER, unpaid) for key, day, due, unpaid in expected], account
        names = self.pure.names()
        places: dict[tuple[str, str], int] = {}
        for *_, entries in state["transactions"].values():
            for own, amount, *_, channel, chart in entries:
                if channel or chart:
                    place = own.split()[-1], channel or chart
                    places[place] = places.get(place, 0) - amount
        assert {p: n for p, n in places.items() if n} == {p: n for p, n in self.model.own_places.items() if n}
        for payer, by_account in book.limits.items():
            for limit in (limit for limits in by_account.values() for limit in limits if limit.period != "order"):
                used = book.used(payer, limit, self.now, self.day())
                expected = self.model.used(
                    names[payer],
                    limit.account if isinstance(limit.account, str) else names[limit.account],
                    limit.period,
                    self.now,
                    self.day(),
                )
                assert (used.amount, used.count) == expected, (names[payer], limit)

    @invariant()
    def leaves_closed_days_alone(self) -> None:
        days = {t.id: t.day for t in self.pure.book.numbered.values()}
        seen = getattr(self, "_seen", {})
        new = [day for id_, day in days.items() if id_ not in seen]
        assert all(day > getattr(self, "_closed", date.min) for day in new)
        self._seen, self._closed = days, self.closed


class Twin(Machine):
    """The same, and PostgreSQL beside it: batches that grow until something else happens must answer alike."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__()
        self.postgres = postgres
        self.batch: list[Record] = []
        self.answers: list[Record] = []

    def post(self, record: Record) -> list[Record]:
        said = super().post(record)
        self.batch.append(record)
        self.answers += said
        return said

    @rule()
    def flush(self) -> None:
        """Post what was gathered as one batch: outcomes and all that is kept must be the same."""
        batch, answers, self.batch, self.answers = self.batch, self.answers, [], []
        assert self.postgres.post(batch) == answers
        state = self.postgres.state()
        same(self.pure.state(), state)
        check(state)

    @rule()
    def go_on_in_another_process(self) -> None:
        """What a process remembers must not matter."""
        self.flush()
        self.postgres = self.postgres.again()

    def administer(self, record: Record) -> None:
        self.flush()
        super().administer(record)
        self.postgres.administer(record)

    def close_until(self, day: date) -> None:
        self.flush()
        super().close_until(day)
        self.postgres.close(day)

    def book_expired(self, until: datetime) -> None:
        self.flush()
        super().book_expired(until)
        self.postgres.ledger.book_expired(until)

    def teardown(self) -> None:
        self.flush()
        self.postgres.ledger.close()
