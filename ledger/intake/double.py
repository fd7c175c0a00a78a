"""A test double of the ledger: the pure core on a book in memory. It answers as the ledger does, and is then forgotten.

For the tests of order systems: no database, no set-up. It knows level one (no orders of food); administration lines
take effect as they come, with no more checks than their form and that what they name is there.
"""

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from itertools import count
from zoneinfo import ZoneInfo

from ledger.administration import administration_lines as r
from ledger.core.accounts import Account, Brand, Hours, Limit, Link, Terms
from ledger.core.aging import Balance
from ledger.core.book import Book
from ledger.core.commands import Command
from ledger.core.decide import Answer, answer
from ledger.core.outcomes import Declined, Done
from ledger.intake.levels import Level
from ledger.merging import merged
from ledger.postgres.post import Ledger
from ledger.values.money import is_account_number, minor
from ledger.values.refusals import Facts, Refused

OWN_KINDS = ("cash", "revenue", "bonus_expense", "adjustments", "unallocated")
FIRST_NUMBER = 100_000


class Double:
    """A shell over a book in memory."""

    def __init__(self) -> None:
        self._book = Book(zone=ZoneInfo("Europe/Moscow"), now=datetime.now(UTC))
        self._numbers = count(FIRST_NUMBER)
        self._parties: dict[str, int] = {}

    def post(self, commands: Sequence[Command], /) -> list[Answer]:
        """Return one outcome per command, in order."""
        self._book.now = datetime.now(UTC)
        return [answer(self._book, command, self._book.now) for command in commands]

    def quote(self, commands: Sequence[Command], /) -> list[Answer]:
        """Return what `post` would answer."""
        kept, self._book = self._book, deepcopy(self._book)
        try:
            return self.post(commands)
        finally:
            self._book = kept

    def administer(self, records: Sequence[r.Record], /) -> list[Done | Declined]:
        """Return one outcome per administration line, in order."""
        return [self._administered(record) for record in records]

    def _administered(self, record: r.Record) -> Done | Declined:
        try:
            return Done(kind=record.type, facts=getattr(self, f"_{record.type}")(record))
        except Refused as refused:
            return Declined(key="", code=refused.code, facts=refused.facts)

    def _brand(self, record: r.Brand) -> Facts:
        old = self._book.brands.get(record.code)
        number = old.id if old else len(self._book.brands) + 1
        self._book.brands[record.code] = Brand(number, record.code, record.status != "closed")
        for currency in {account.currency for account in self._book.accounts.values()} | {self._book.currency}:
            self._open_own(number, currency)
        return {"code": record.code, "id": number}

    def _party(self, record: r.Party) -> Facts:
        number = self._parties.setdefault(record.reference, len(self._parties) + 1)
        return {"reference": record.reference, "id": number}

    def _account(self, record: r.Account) -> Facts:
        book = self._book
        number = book.references.get(record.reference)
        if number is None:
            party = record.party or ""
            if party not in self._parties:
                raise Refused("party_not_found", party=party)
            number, currency = self._next(), record.currency or book.currency
            book.accounts[number] = Account(number, "money", currency, party, record.reference, self._parties[party])
            book.references[record.reference] = number
            book.status[number] = "open"
            book.balances[number] = Balance()
            for brand in book.brands.values():
                self._open_own(brand.id, currency)
        return {"reference": record.reference, "account": number}

    def _account_status(self, record: r.AccountStatus) -> Facts:
        self._book.status[self._found(record.account)] = record.status
        return self._of(record.account)

    def _merge(self, record: r.Merge) -> Facts:
        old, new = self._found(record.account), self._found(record.into)
        transaction = merged(self._book, old, new, now=datetime.now(UTC), at=record.at, by=record.by, note=record.note)
        return {**self._of(record.account), "into": new, "transaction": transaction.id}

    def _credit_terms(self, record: r.CreditTerms) -> Facts:
        account = self._found(record.account)
        recorded = self._book.terms.get(account, [])
        old = recorded[-1] if recorded else Terms(0, None, date.min)
        given = {name: getattr(record, name) for name in record.model_fields_set & set(Terms._fields)}
        if record.limit is not None:
            given["limit"] = minor(record.limit)
        if (terms := old._replace(**given)) != old:
            self._book.record_terms(account, terms)
        return self._of(record.account)

    def _link(self, record: r.Link) -> Facts:
        payer = self._found(record.payer)
        links = self._book.links.setdefault(self._found(record.account), [])
        links[:] = [link for link in links if link.payer != payer]
        if record.draw is not None:
            brands = None if record.brands is None else frozenset(self._brand_of(code) for code in record.brands)
            share = None if record.share is None else minor(record.share)
            when = Hours.stored(record.when.stored()) if record.when else None
            services = frozenset(record.services) if record.services else None
            links.append(Link(payer, record.draw, record.priority, brands, share, when, services, record.group))
            links.sort(key=lambda link: link.priority)
        return self._of(record.account)

    def _write_off_limit(self, record: r.WriteOffLimit) -> Facts:
        payer = self._found(record.payer)
        of = record.group or (self._found(record.account) if record.account is not None else payer)
        limits = self._book.limits.setdefault(payer, {}).setdefault(of, [])
        limits[:] = [limit for limit in limits if limit.period != record.period]
        if record.amount is not None or record.count is not None:
            amount = None if record.amount is None else minor(record.amount)
            limits.append(Limit(of, record.period, amount, record.count))
        return self._of(record.payer)

    def _of(self, name: int | str) -> Facts:
        number = self._found(name)
        return {"account": number, "reference": self._book.accounts[number].reference}

    def _found(self, name: int | str) -> int:
        number = self._book.references.get(name) if isinstance(name, str) else name
        if number is None or number not in self._book.accounts:
            raise Refused("account_not_found", asked=str(name))
        return number

    def _brand_of(self, code: str) -> int:
        if code not in self._book.brands:
            raise Refused("brand_not_found", brand=code)
        return self._book.brands[code].id

    def _open_own(self, brand: int, currency: str) -> None:
        for kind in OWN_KINDS:
            self._book.system.setdefault((brand, kind, currency), self._next())

    def _next(self) -> int:
        tens = next(self._numbers) * 10
        return next(number for number in range(tens, tens + 10) if is_account_number(number))


def _shell(ledger: Ledger) -> Double:
    return Double()


level = Level(shell=_shell)
"""Level one, answered by a double."""
