"""Fund a debit or hold: which source pays how much of which line.

Sources are asked in drawing order, and each pays, in line order, the lines it may pay
as much as it can. This greedy rule is the rule: no other assignment is searched for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ledger.core.accounts import Account, Limit
from ledger.core.book import Book
from ledger.core.money import plain
from ledger.core.outcomes import LEDGER, Facts, Refused

Matrix = list[list[tuple[int, int]]]
"""What each source pays of each line: by line, in drawing order, (source, amount)."""


class Source(NamedTuple):
    """An account that may pay, for which brands (None: all), as what."""

    account: Account
    brands: frozenset[int] | None
    role: str


Give = tuple[int, Refused | None]
"""What a source can give of what it is asked, and the decline to name if that is less."""


@dataclass(slots=True)
class Asked:
    """What is to be funded: amounts and brands by line. Credit goes by the booking, limits by when it happened."""

    account: Account
    amounts: list[int]
    brands: list[int]
    at: datetime
    day: date
    happened_at: datetime
    what: str
    bonus_at_most: int
    bonus_by_brand: dict[int, int] | None = None

    def bonus_of(self, brand: int | None) -> int:
        """Return the most that points of a brand may pay."""
        if self.bonus_by_brand is None or brand is None:
            return self.bonus_at_most
        return min(self.bonus_at_most, self.bonus_by_brand.get(brand, 0))


def sources(book: Book, account: Account) -> Iterator[Source]:
    """Yield who may pay for `account`, in drawing order."""
    for number in book.bonuses.get(account.id, ()):
        bonus = book.accounts[number]
        yield Source(bonus, frozenset((bonus.brand,)) if bonus.brand is not None else frozenset(), "bonus")
    links = book.links.get(account.id, [])
    if len(links) > 1:
        links = sorted(links, key=lambda link: (link.priority, link.payer))
    for link in links:
        if link.draw == "payer_first":
            yield Source(book.accounts[link.payer], link.brands, "payer")
    yield Source(account, None, "own")
    for link in links:
        if link.draw == "own_first":
            yield Source(book.accounts[link.payer], link.brands, "payer")


def fund(book: Book, asked: Asked) -> Matrix:
    """Return the matrix line × source that pays everything, or leave with Refused; a free line's source pays 0."""
    alone = _alone(book, asked)
    if alone is not None:
        return alone
    left = list(asked.amounts)
    paid: Matrix = [[] if amount else [(asked.account.id, 0)] for amount in left]
    bonus_left = asked.bonus_at_most
    short: Refused | None = None
    for source in sources(book, asked.account):
        lines = [
            index for index, amount in enumerate(left)
            if amount and (source.brands is None or asked.brands[index] in source.brands)
        ]  # fmt: skip
        if not lines:
            continue
        wanted = sum([left[index] for index in lines])
        if source.role == "bonus":
            most = min(bonus_left, asked.bonus_of(source.account.brand))
            given = min(wanted, most, _points(book, source.account, asked.at))
            bonus_left -= given
        else:
            given, broken = capacity(book, source, asked, wanted)
            short = short or broken
        for index in lines:
            part = min(left[index], given)
            if part:
                paid[index].append((source.account.id, part))
                left[index] -= part
                given -= part
    if not any(left):
        return paid
    assert short is not None
    total = sum(asked.amounts)
    raise Refused(short.code, asked=plain(total), offered=plain(total - sum(left)), **short.facts)


def _alone(book: Book, asked: Asked) -> Matrix | None:
    """Return what the account pays when nobody else pays for it and it can pay everything, as most can."""
    own = asked.account.id
    if own in book.links or own in book.bonuses or own in book.limits:
        return None
    if credit_left(book, own, asked.at, asked.day)[0] < sum(asked.amounts):
        return None
    return [[(own, amount)] for amount in asked.amounts]


def _points(book: Book, account: Account, at: datetime) -> int:
    if book.status[account.id] != "open":
        return 0
    return max(0, book.balances[account.id].balance - book.held(account.id, at))


def free(book: Book, account: int, at: datetime) -> int:
    """Return balance less held; below zero when credit is used."""
    return book.balances[account].balance - book.held(account, at)


def capacity(book: Book, source: Source, asked: Asked, wanted: int) -> Give:
    """Return how much of `wanted` the source can give.

    Each rule leaves so much when it stands alone; a rule that leaves less than was asked
    is broken, and of several the first in the order of DECLINES is named.
    """
    rules = [_credit(book, source.account, asked, wanted)]
    if source.account.id in book.limits:
        limits = book.limits_of(source.account.id, asked.account.id)
        rules += [_write_off_limit(book, source.account, limit, asked, wanted) for limit in limits]
    status = book.status[source.account.id]
    if source.role == "payer" and status != "open":
        rules.append((0, Refused(f"account_{status}", **source.account.facts)))
    least = min([amount for amount, _ in rules])
    broken = [rule for amount, rule in rules if amount < wanted and rule]
    return max(0, min(least, wanted)), min(broken, key=lambda rule: LEDGER.rank[rule.code], default=None)


def credit_left(book: Book, account: int, at: datetime, day: date) -> tuple[int, str]:
    """Return what balance and credit let an account give, and the code of the rule that stops there."""
    own = free(book, account, at)
    if account not in book.terms:
        return own, "insufficient_funds"
    terms = book.terms_on(account, day)
    if terms is None:
        began = any(terms.valid_from <= day for terms in book.terms[account])
        return own, "credit_expired" if began else "insufficient_funds"
    first = book.first_unpaid(account, day)
    if first and first[0] < day:
        return own, "credit_overdue"
    return max(own, own + terms.limit), "credit_limit_exceeded"


def short_of(book: Book, account: Account, at: datetime, what: str, wanted: int, left: int) -> Facts:
    """Return the facts of a decline for money: `left` of it is there."""
    return {
        **account.facts,
        "currency": account.currency,
        "what": what,
        "balance": plain(book.balances[account.id].balance),
        "held": plain(book.held(account.id, at)),
        "drawn": plain(wanted),
        "short_by": plain(wanted - left),
    }


def _credit(book: Book, account: Account, asked: Asked, wanted: int) -> Give:
    left, code = credit_left(book, account.id, asked.at, asked.day)
    if left >= wanted:
        return left, None
    facts = short_of(book, account, asked.at, asked.what, wanted, left)
    terms = book.terms_on(account.id, asked.day)
    if code == "credit_expired":
        ended = [t.valid_until for t in book.terms[account.id] if t.valid_until and t.valid_until < asked.day]
        facts["valid_until"] = max(ended).isoformat()
    elif code == "credit_overdue" and (first := book.first_unpaid(account.id, asked.day)):
        facts |= {"unpaid_since": first[1].isoformat(), "due_on": first[0].isoformat()}
    elif code == "credit_limit_exceeded" and terms:
        facts["credit_limit"] = plain(terms.limit)
    return left, Refused(code, **facts)


def _write_off_limit(book: Book, payer: Account, limit: Limit, asked: Asked, wanted: int) -> Give:
    used = book.used(payer.id, limit, asked.at, book.day(asked.happened_at))
    used_up = limit.times is not None and used.count >= limit.times
    left = 0 if used_up else wanted if limit.amount is None else max(0, limit.amount - used.amount)
    if left >= wanted:
        return left, None
    most, so_far = f"{plain(limit.amount or 0)} {payer.currency}", plain(used.amount)
    if used_up:
        most, so_far = f"{limit.times} orders", f"{used.count} orders"
    shared = limit.account == payer.id
    return left, Refused(
        "write_off_limit_exceeded",
        **payer.facts,
        towards="" if shared else f" for {asked.account.subject}",
        subaccount=None if shared else asked.account.id,
        period=limit.period,
        limit=f"{most} {_A[limit.period]}",
        used=so_far,
        what=asked.what,
        drawn=plain(wanted),
        short_by=plain(wanted - left),
    )


_A = {"order": "an order", "day": "a day", "week": "a week", "month": "a month", "total": "in all"}
