"""Fund a debit or hold: which source pays how much of which line.

Sources are asked in drawing order, and each pays, in line order, the lines it may pay
as much as it can. This greedy rule is the rule: no other assignment is searched for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ledger.core.accounts import DAYS, Account, Limit, Link
from ledger.core.book import Book
from ledger.core.commands import Line
from ledger.core.money import WHOLE, plain
from ledger.core.outcomes import LEDGER, Facts

Matrix = list[list[tuple[int, int]]]
"""What each source pays of each line: by line, in drawing order, (source, amount)."""


class Source(NamedTuple):
    """An account that may pay, for which brands (None: all), as what; a payer by its link."""

    account: Account
    brands: frozenset[int] | None
    role: str
    link: Link | None = None


class Short(NamedTuple):
    """Why the sources together cannot pay: a decline."""

    code: str
    facts: Facts


class Give(NamedTuple):
    """What a source can give of what it is asked, and the rule to name if that is less."""

    amount: int
    broken: Short | None


@dataclass(slots=True)
class Asked:
    """What is to be funded: amounts and brands by line. Credit goes by the booking, limits by when it happened."""

    account: Account
    amounts: list[int]
    brands: list[int]
    at: datetime
    day: date
    happened_at: datetime
    lines: Sequence[Line]
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
            yield Source(book.accounts[link.payer], link.brands, "payer", link)
    yield Source(account, None, "own")
    for link in links:
        if link.draw == "own_first":
            yield Source(book.accounts[link.payer], link.brands, "payer", link)


def fund(book: Book, asked: Asked) -> Matrix | Short:
    """Return the matrix line × source that pays everything, or why it cannot be paid; a free line's source pays 0.

    A payer's share is of what points left of a line. That and its hours are no shortage of it (DECISIONS D130).
    """
    alone = _alone(book, asked)
    if alone is not None:
        return alone
    left = list(asked.amounts)
    paid: Matrix = [[] if amount else [(asked.account.id, 0)] for amount in left]
    bonus_left = asked.bonus_at_most
    short: Short | None = None
    after_points: list[int] | None = None
    left_out: list[Facts] = []
    for source in sources(book, asked.account):
        lines = [
            index for index, amount in enumerate(left)
            if amount and (source.brands is None or asked.brands[index] in source.brands)
        ]  # fmt: skip
        most_of = left
        if source.role != "bonus":
            after_points = after_points or list(left)
        if source.link is not None and lines:
            lines, most_of, rule = _allowed(book, source.link, asked, lines, left, after_points or left)
            left_out += [rule] if rule else []
        wanted = sum([most_of[index] for index in lines])
        if not wanted:
            continue
        if source.role == "bonus":
            most = min(bonus_left, asked.bonus_of(source.account.brand))
            given = min(wanted, most, _points(book, source.account, asked.at))
            bonus_left -= given
        else:
            given, broken = capacity(book, source, asked, wanted)
            short = short or broken
        for index in lines:
            part = min(most_of[index], given)
            if part:
                paid[index].append((source.account.id, part))
                left[index] -= part
                given -= part
    if not any(left):
        return paid
    assert short is not None
    total = sum(asked.amounts)
    facts: Facts = {"asked": plain(total), "offered": plain(total - sum(left)), **short.facts}
    return Short(short.code, facts | ({"payers": left_out} if left_out else {}))


def _allowed(
    book: Book, link: Link, asked: Asked, lines: list[int], left: list[int], whole: list[int]
) -> tuple[list[int], list[int], Facts | None]:
    """Return the lines that a link lets the payer pay, the most of each, and the rule that left something out."""
    if link.services is not None:
        lines = [index for index in lines if asked.lines[index].service in link.services]
    if link.when is not None and not link.when.include(at := asked.happened_at.astimezone(book.zone)):
        return [], left, {"account": link.payer, "rule": "when", "at": f"{DAYS[at.weekday()]} {at:%H:%M}"}
    if link.share is None:
        return lines, left, None
    most = [min(there, of * link.share // WHOLE) for there, of in zip(left, whole, strict=True)]
    short = any(most[index] < left[index] for index in lines)
    return lines, most, {"account": link.payer, "rule": "share", "share": plain(link.share)} if short else None


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
        rules += [
            _write_off_limit(book, source.account, limit, asked, wanted)
            for limit in book.limits_of(source.account.id, asked.account.id, source.link and source.link.group)
        ]
    if source.role == "payer" and book.status[source.account.id] != "open":
        facts = {"account": source.account.id, "subject": source.account.subject}
        rules.append(Give(0, Short(f"account_{book.status[source.account.id]}", facts)))
    least = min([rule.amount for rule in rules])
    if least >= wanted:
        return Give(wanted, None)
    broken = [rule.broken for rule in rules if rule.amount < wanted and rule.broken]
    return Give(max(0, least), min(broken, key=lambda short: LEDGER.rank[short.code]) if broken else None)


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


def _credit(book: Book, account: Account, asked: Asked, wanted: int) -> Give:
    left, code = credit_left(book, account.id, asked.at, asked.day)
    if left >= wanted:
        return Give(left, None)
    facts: Facts = {
        "account": account.id,
        "subject": account.subject,
        "currency": account.currency,
        "what": asked.what,
        "balance": plain(book.balances[account.id].balance),
        "held": plain(book.held(account.id, asked.at)),
        "drawn": plain(wanted),
        "short_by": plain(wanted - left),
    }
    terms = book.terms_on(account.id, asked.day)
    if code == "credit_expired":
        ended = [t.valid_until for t in book.terms[account.id] if t.valid_until and t.valid_until < asked.day]
        facts["valid_until"] = max(ended).isoformat()
    elif code == "credit_overdue":
        first = book.first_unpaid(account.id, asked.day)
        assert first
        facts |= {"unpaid_since": first[1].isoformat(), "due_on": first[0].isoformat()}
    elif code == "credit_limit_exceeded":
        assert terms
        facts["credit_limit"] = plain(terms.limit)
    return Give(left, Short(code, facts))


def _write_off_limit(book: Book, payer: Account, limit: Limit, asked: Asked, wanted: int) -> Give:
    used = book.used(payer.id, limit, asked.at, book.day(asked.happened_at))
    by_amount = wanted if limit.amount is None else max(0, limit.amount - used.amount)
    used_up = limit.times is not None and used.count >= limit.times
    left = 0 if used_up else min(wanted, by_amount)
    if left >= wanted:
        return Give(left, None)
    said, so_far = (
        (f"{limit.times} orders {_A[limit.period]}", f"{used.count} orders")
        if used_up
        else (f"{plain(limit.amount or 0)} {payer.currency} {_A[limit.period]}", plain(used.amount))
    )
    towards = f" for group {limit.account}" if isinstance(limit.account, str) else f" for {asked.account.subject}"
    if limit.account == payer.id:
        towards = ""
    facts: Facts = {
        "account": payer.id,
        "subject": payer.subject,
        "towards": towards,
        "subaccount": asked.account.id if limit.account == asked.account.id != payer.id else None,
        "period": limit.period,
        "limit": said,
        "used": so_far,
        "what": asked.what,
        "drawn": plain(wanted),
        "short_by": plain(wanted - left),
    }
    return Give(left, Short("write_off_limit_exceeded", facts))


_A = {"order": "an order", "day": "a day", "week": "a week", "month": "a month", "total": "in all"}
