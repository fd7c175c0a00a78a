"""Two worlds that the same commands run on: the pure core in memory, and PostgreSQL.

Both tell their state in the same words (references and keys, never numbers), so that
they can be compared, and so that "nothing moved" is one comparison.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.core.accounts import Account, Brand, Hours, Limit, Link, Terms, Usage, window
from ledger.core.aging import NEVER, Ages, Balance
from ledger.core.book import Book
from ledger.core.decide import answer, expiry
from ledger.core.outcomes import Declined, Posted
from ledger.merging import merged
from ledger.postgres.open_accounts import bonus_account
from ledger.postgres.post import Ledger
from ledger.postgres.system_accounts import SYSTEM
from ledger.values.money import is_account_number, minor

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2025, 6, 1, tzinfo=UTC)
"""The pure world's clock: later than anything a story tells."""

PERIODS = ("order", "day", "week", "month", "total")
State = dict[str, Any]


def open_items(ages: Ages) -> list[tuple[int, date, date, int]]:
    """Return transaction, business date, due date and what is unpaid of each open item that a book in memory has."""
    state = ages.state
    first = (state.open_due, state.open_day, state.open_item)
    return [
        (item.transaction, item.day, item.due_on, unpaid)
        for item in ages.items
        if state.open_item and item.key >= first and (unpaid := state.open_unpaid if item.key == first else item.amount)
    ]


class Pure:
    """A book in memory."""

    def __init__(self, zone: ZoneInfo = MOSCOW) -> None:
        self.book = Book(zone=zone, now=NOW)
        self._numbers = count(1001)

    def administer(self, record: State) -> None:
        """Do what an administration line says."""
        getattr(self, f"_{record['type']}")(**{name: value for name, value in record.items() if name != "type"})

    def post(self, said: Sequence[State]) -> list[State]:
        """Return what each command is answered, in the words of both worlds."""
        outcomes = [answer(self.book, commands.parse(record), self.book.now) for record in said]
        keys = {t.id: t.key for t in self.book.numbered.values()}
        return [_told(outcome, self.names(), keys) for outcome in outcomes]

    def close(self, until: date) -> None:
        """Close all days up to one."""
        self.book.closed_until = until

    def book_expired(self, until: datetime) -> None:
        """Book all holds that ran out by then."""
        ran_out = [hold for hold in self.book.holds.values() if hold.state == "open" and hold.expires_at <= until]
        for hold in sorted(ran_out, key=lambda hold: (hold.expires_at, hold.id)):
            self.book.enter(expiry(self.book, hold))

    def points(self, account: str, brand: str) -> int:
        """Return the number of the bonus account, opened on first use."""
        book, money = self.book, self.book.references[account]
        for number in book.bonuses.get(money, ()):
            if book.accounts[number].brand == book.brands[brand].id:
                return number
        number = next(self._numbers) * 10 + 0
        number = next(n for n in range(number, number + 10) if is_account_number(n))
        of = book.accounts[money]
        book.accounts[number] = Account(
            number, "bonus", of.currency, of.name, brand=book.brands[brand].id, money_account=money
        )
        book.status[number] = "open"
        book.balances[number] = Balance()
        book.bonuses.setdefault(money, []).append(number)
        book.bonuses[money].sort(key=lambda n: book.accounts[n].brand or 0)
        return number

    def names(self) -> dict[int, str]:
        """Return what the worlds call each account."""
        book = self.book
        codes = {brand.id: brand.code for brand in book.brands.values()}
        named = {number: f"{kind} {codes[brand]}" for (brand, kind, _), number in book.system.items()}
        for account in book.accounts.values():
            money = book.accounts.get(account.money_account or 0)
            named[account.id] = f"{money.reference}.{codes[account.brand]}" if money else account.reference  # type: ignore
        return named

    def state(self) -> State:
        """Return everything that commands can move."""
        book, named = self.book, self.names()
        keys = {
            t.id: _key(t.key, book.holds[t.refers_to].key if t.kind == "expiry" else "", named)  # type: ignore[index]
            for t in book.numbered.values()
        }
        return {
            "balances": {named[a]: (b.balance, b.held, b.version) for a, b in book.balances.items()},
            "owed": {
                named[a]: [(keys[id_], day, _due(due_on), unpaid) for id_, day, due_on, unpaid in items]
                for a, ages in book.ages.items()
                if (items := open_items(ages))
            },
            "usage": {
                (named[payer], account if isinstance(account, str) else named[account], period, since): (
                    u.amount,
                    u.count,
                )
                for (payer, account, period, since), u in book.usage.items()
                if u.amount or u.count
            },
            "holds": {
                hold.key: (hold.state, [(p.line, named[p.source], p.held, p.captured, p.refunded) for p in hold.parts])
                for hold in book.holds.values()
            },
            "transactions": {
                keys[t.id]: (
                    t.kind,
                    t.code,
                    t.day,
                    t.amount,
                    t.currency,
                    [
                        (
                            named[e.account],
                            e.amount,
                            e.held,
                            e.version,
                            e.balance_after,
                            e.held_after,
                            named.get(e.subaccount or 0),
                            named.get(e.source or 0),
                            e.line,
                            e.gross,
                            e.discount,
                            e.vat,
                            e.channel,
                            e.chart,
                        )
                        for e in t.entries
                    ],
                )
                for t in book.numbered.values()
            },
        }

    def _brand(self, code: str, status: str = "open") -> None:
        old = self.book.brands.get(code)
        brand = Brand(old.id if old else len(self.book.brands) + 1, code, status == "open")
        self.book.brands[code] = brand
        for currency in ("RUB", "USD"):
            for kind in SYSTEM:
                self.book.system.setdefault((brand.id, kind, currency), next(self._numbers))

    def _party(self, **_: Any) -> None:
        """Parties are told by their accounts here."""

    def _account(self, reference: str, party: str, currency: str) -> None:
        number = next(self._numbers)
        self.book.accounts[number] = Account(number, "money", currency, party.capitalize(), reference)
        self.book.references[reference] = number
        self.book.status[number] = "open"
        self.book.balances[number] = Balance()

    def _account_status(self, account: str, status: str) -> None:
        self.book.status[self.book.references[account]] = status

    def _merge(self, account: str, into: str, at: str) -> None:
        old, new = (self.book.references[end] for end in (account, into))
        for bonus in list(self.book.bonuses.get(old, ())):
            brand = self.book.accounts[bonus].brand
            self.points(into, next(b.code for b in self.book.brands.values() if b.id == brand))
        merged(self.book, old, new, now=self.book.now, at=datetime.fromisoformat(at))

    def _credit_terms(self, account: str, **given: Any) -> None:
        recorded = self.book.terms.setdefault(self.book.references[account], [])
        if "limit" in given:
            given["limit"] = _minor(given["limit"])
        for name in ("valid_from", "valid_until"):
            if given.get(name):
                given[name] = date.fromisoformat(given[name])
        first = Terms(0, None, date.min)
        terms = (recorded[-1] if recorded else first)._replace(**given)
        if recorded[-1:] != [terms]:
            self.book.record_terms(self.book.references[account], terms)

    def _link(
        self,
        account: str,
        payer: str,
        draw: str | None,
        priority: int = 1,
        brands: list[str] | None = None,
        share: str | None = None,
        when: State | None = None,
        services: list[str] | None = None,
        group: str | None = None,
    ) -> None:
        links = self.book.links.setdefault(self.book.references[account], [])
        number = self.book.references[payer]
        links[:] = [link for link in links if link.payer != number]
        if draw is not None:
            ids = None if brands is None else frozenset(self.book.brands[code].id for code in brands)
            links.append(
                Link(
                    number,
                    draw,
                    priority,
                    ids,
                    _minor(share) if share else None,
                    Hours.stored(when) if when else None,
                    frozenset(services) if services else None,
                    group,
                )
            )

    def _write_off_limit(
        self, payer: str, period: str, account: str | None = None, group: str | None = None, **given: Any
    ) -> None:
        number = self.book.references[payer]
        of = group or self.book.references[account or payer]
        limits = self.book.limits.setdefault(number, {}).setdefault(of, [])
        known = next((limit for limit in limits if limit.period == period), None)
        limits[:] = [limit for limit in limits if limit is not known]
        amount, times = (known.amount, known.times) if known else (None, None)
        if "amount" in given:
            amount = None if given["amount"] is None else _minor(given["amount"])
        times = given.get("count", times)
        if amount is None and times is None:
            self.book.usage = {key: u for key, u in self.book.usage.items() if key[:3] != (number, of, period)}
            return
        limits.append(Limit(of, period, amount, times))
        limits.sort(key=lambda limit: PERIODS.index(limit.period))
        if known is None and period != "order":
            self._start_usage(number, of, period)

    def _start_usage(self, payer: int, account: int | str, period: str) -> None:
        for t in list(self.book.numbered.values()):
            of = (payer, t.account, t.groups.get(payer))
            if t.code is not None or t.kind not in ("debit", "hold") or account not in of:
                continue
            if t.kind == "debit" and t.refers_to is not None:
                continue  # it counts with the charge that it goes beyond
            left = self.book.drawn_by(t.id, payer)
            since = window(period, self.book.happened_on(t))
            usage = self.book.usage.setdefault((payer, account, period, since), Usage())
            usage.amount += left
            usage.count += left > 0


class Postgres:
    """A book in PostgreSQL, reached as every caller does."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger(url)

    def administer(self, record: State) -> None:
        """Do what an administration line says."""
        [outcome] = self.ledger.administer([administration.parse(record)])
        assert outcome.to_json()["status"] == "done", outcome

    def post(self, said: Sequence[State]) -> list[State]:
        """Return what each command is answered, in the words of both worlds."""
        return self._in_words(self._answers(said))

    def post_as_quoted(self, said: Sequence[State]) -> list[State]:
        """Return what each command is answered; a quote must have said the same before."""
        quoted = self._answers(said, quote=True)
        answers = self._answers(said)
        before, after = self._in_words(quoted), self._in_words(answers)
        for one, other in zip(before, after, strict=True):
            for moved, then in zip(one.get("accounts", ()), other.get("accounts", ()), strict=False):
                moved["account"] = moved["account"] or then["account"]  # the quote opened it, and nobody else
            assert one == other, "the quote and the posting differ"
        return after

    def _answers(self, said: Sequence[State], *, quote: bool = False) -> Sequence[Any]:
        done = self.ledger.quote if quote else self.ledger.post
        return done([commands.parse(record) for record in said])

    def _in_words(self, outcomes: Sequence[Any]) -> list[State]:
        named, keys = _Named(self.names()), dict(self.rows("SELECT id, key FROM transaction"))
        return [_told(outcome, named, keys) for outcome in outcomes]

    def close(self, until: date) -> None:
        """Close all days up to one."""
        with self.ledger.connection() as connection, connection.transaction():
            connection.execute("UPDATE book SET closed_until = %s", [until])
        self.ledger.close()

    def again(self) -> "Postgres":
        """Return the same book as another process would see it."""
        self.ledger.close()
        return type(self)(self.ledger.url)

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query."""
        connection = self.ledger.connection()
        with connection.transaction():
            return connection.execute(query).fetchall()

    def points(self, account: str, brand: str) -> int:
        """Return the number of the bonus account, opened on first use."""
        connection = self.ledger.connection()
        with connection.transaction():
            row = connection.execute(
                "SELECT a.id, b.id FROM account a, brand b WHERE a.reference = %s AND b.code = %s", [account, brand]
            ).fetchone()
            assert row is not None
            return bonus_account(connection, *row)

    def names(self) -> dict[int, str]:
        """Return what the worlds call each account."""
        names = (
            "SELECT a.id, coalesce(a.reference, m.reference || '.' || b.code, a.kind || ' ' || b.code) FROM account a "
            "LEFT JOIN account m ON m.id = a.money_account_id LEFT JOIN brand b ON b.id = a.brand_id"
        )
        return dict(self.rows(names))

    def state(self) -> State:
        """Return everything that commands can move."""
        named = self.names()
        holds = dict(self.rows("SELECT id, key FROM transaction WHERE kind = 'hold'"))
        keys = {
            id_: _key(key, holds[of] if kind == "expiry" else "", named)
            for id_, key, of, kind in self.rows("SELECT id, key, refers_to, kind FROM transaction")
        }
        owed: dict[str, list[Any]] = {}
        for account, transaction, day, due_on, unpaid in self.rows(
            "SELECT account_id, transaction_id, business_date, due_on, unpaid FROM open_debit "
            "ORDER BY 1, due_on NULLS LAST, business_date, transaction_id"
        ):
            owed.setdefault(named[account], []).append((keys[transaction], day, due_on, unpaid))
        parts: dict[int, list[Any]] = {}
        for hold, line, source, *rest in self.rows(
            "SELECT hold_id, line, source_id, held, captured, refunded FROM hold_part ORDER BY hold_id, part"
        ):
            parts.setdefault(hold, []).append((line, named[source], *rest))
        entries: dict[int, list[Any]] = {}
        for (
            id_,
            account,
            amount,
            held,
            version,
            balance,
            held_after,
            sub,
            source,
            line,
            gross,
            discount,
            vat,
            *place,
        ) in self.rows(
            "SELECT transaction_id, account_id, amount, held, version, balance_after, held_after, subaccount_id, "
            "source_id, line, gross, discount, vat, channel, chart FROM entry ORDER BY transaction_id, leg"
        ):
            entries.setdefault(id_, []).append(
                (
                    named[account],
                    amount,
                    held,
                    version,
                    balance,
                    held_after,
                    named.get(sub),
                    named.get(source),
                    line,
                    gross,
                    discount,
                    vat,
                    *place,
                )
            )
        return {
            "balances": {
                named[account]: tuple(rest)
                for account, *rest in self.rows("SELECT account_id, balance, held, version FROM balance")
            },
            "owed": owed,
            "usage": {
                (named[payer], group or named[account], period, since): (amount, times)
                for payer, account, group, period, since, amount, times in self.rows(
                    "SELECT payer_id, account_id, group_name, period, "
                    "coalesce(nullif(since, '-infinity'), '0001-01-01'), amount, count "
                    "FROM usage WHERE amount <> 0 OR count <> 0"
                )
            },
            "holds": {
                keys[id_]: (state, parts[id_]) for id_, state in self.rows("SELECT transaction_id, state FROM hold")
            },
            "transactions": {
                keys[id_]: (kind, code, day, amount, currency, entries.get(id_, []))
                for id_, kind, code, day, amount, currency in self.rows(
                    "SELECT id, kind, code, business_date, amount, currency FROM transaction"
                )
            },
        }


class _Named(dict[int, str | None]):
    def __missing__(self, number: int) -> None:
        """Return no name: a quote's new account is there no more."""


def _due(due_on: date) -> date | None:
    return None if due_on == NEVER else due_on


def _told(outcome: Any, named: Mapping[int, str | None], keys: dict[int, str]) -> State:
    """Return an outcome in the words of both worlds: accounts by name, transactions by key."""
    said: State = outcome.to_json()
    if isinstance(outcome, Posted):
        said["accounts"] = [{**moved, "account": named[moved["account"]]} for moved in said["accounts"]]
        said.pop("transaction")
    said["message"] = said.get("message", "").split("; it is ")[0]  # the worlds' clocks differ
    if isinstance(outcome, Declined):
        facts = said["facts"] = dict(said["facts"])
        for name in ("account", "subaccount", "merged_into"):
            if facts.get(name) is not None:
                facts[name] = named[facts[name]]
        if "payers" in facts:
            facts["payers"] = [{**rule, "account": named[rule["account"]]} for rule in facts["payers"]]
        if "transaction" in facts:
            number, facts["transaction"] = facts["transaction"], keys[facts["transaction"]]
            said["message"] = said["message"].replace(f"transaction {number}", f"transaction {keys[number]}")
        for number, name in named.items():
            called = re.compile(rf"account {number}\b( \([^)]*\))?")
            said["message"] = called.sub(f"account {name}", said["message"])
            for fact, value in facts.items():
                if isinstance(value, str):
                    assert "(" not in value or fact not in ("subject", "towards", "client"), f"a name for ever: {value}"
                    facts[fact] = called.sub(f"account {name}", value)
    return said


def _key(key: str, hold: str, named: dict[int, str]) -> str:
    merged = re.fullmatch(r"tiffin:merge:(\d+)", key)
    return f"merge of {named[int(merged[1])]}" if merged else f"expiry of {hold}" if hold else key


def _minor(amount: str) -> int:
    return minor(Decimal(amount))
