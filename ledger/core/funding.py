"""Fund a debit or hold: which source pays how much of which line.

Sources are tried in drawing order, and each pays, in line order, the lines it may pay
as much as it can. This greedy rule is the rule: no other assignment is searched for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ledger.core.accounts import DAYS, Account, Limit, Link
from ledger.core.book import Book
from ledger.core.commands import Debit, Hold
from ledger.values.money import WHOLE, minor, plain
from ledger.values.refusals import LEDGER, Facts, Refused

Matrix = list[list[tuple[int, int]]]
"""What each source pays of each line: by line, in drawing order, (source, amount)."""


class Source(NamedTuple):
    """An account that may pay, for which brands (None: all), as what; a payer by its link."""

    account: Account
    brands: frozenset[int] | None
    role: str
    link: Link | None = None


Give = tuple[int, Refused | None]
"""What a source can give of what is wanted of it, and the decline to name if that is less."""


@dataclass(slots=True)
class Need:
    """What is to be funded: amounts and brands by line. Credit goes by the booking, limits by when it happened."""

    account: Account
    command: Debit | Hold
    amounts: list[int]
    brands: list[int]
    at: datetime
    day: date
    happened_at: datetime


def _points_at_most(command: Debit | Hold, issuer: str, brand: str) -> int:
    """Return the most that points may pay of a brand's lines, those of an issuer being the last of them."""
    most = command.bonus_at_most if command.bonus_by_brand is None else command.bonus_by_brand.get(brand)
    if issuer != brand:
        most = (command.bonus_elsewhere or {}).get(issuer, {}).get(brand)
    return 0 if most is None else minor(most)


def _elsewhere(book: Book, command: Debit | Hold) -> Iterator[tuple[int, int]]:
    """Yield whose points may pay which other brand's lines, by their codes."""
    for issuer, brands in sorted((command.bonus_elsewhere or {}).items()):
        known = [book.brands[code].id for code in (issuer, *sorted(brands)) if code in book.brands]
        yield from ((known[0], brand) for brand in known[1:] if issuer in book.brands)


def sources(book: Book, account: Account, elsewhere: Iterable[tuple[int, int]] = ()) -> Iterator[Source]:
    """Yield who may pay for `account`, in drawing order; points of a brand for another's lines after all own."""
    points = {book.accounts[number].brand or 0: book.accounts[number] for number in book.bonuses.get(account.id, ())}
    for brand, bonus in points.items():
        yield Source(bonus, frozenset((brand,)), "bonus")
    for issuer, brand in elsewhere:
        if issuer in points:
            yield Source(points[issuer], frozenset((brand,)), "bonus")
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


def fund(book: Book, need: Need) -> Matrix:
    """Return the matrix line × source that pays everything, or leave with Refused; a free line's source pays 0.

    A payer's share applies to what points left of a line. What share or hours leave out is no
    shortage (DECISIONS D130).
    """
    alone = _alone(book, need)
    if alone is not None:
        return alone
    left = list(need.amounts)
    paid: Matrix = [[] if amount else [(need.account.id, 0)] for amount in left]
    codes = {brand.id: code for code, brand in book.brands.items()} if need.account.id in book.bonuses else {}
    by_brand, by_account = dict.fromkeys(codes, 0), dict.fromkeys(book.bonuses.get(need.account.id, ()), 0)
    at_most = minor(need.command.bonus_at_most) if need.command.bonus_at_most is not None else 0
    short: Refused | None = None
    after_points: list[int] | None = None
    left_out: list[Facts] = []
    for source in sources(book, need.account, _elsewhere(book, need.command)):
        lines = [
            index
            for index, amount in enumerate(left)
            if amount and (source.brands is None or need.brands[index] in source.brands)
        ]
        most_of = left
        if source.role != "bonus":
            after_points = after_points or list(left)
        if source.link is not None and lines:
            lines, most_of, rule = _allowed(book, source.link, need, lines, left, after_points or left)
            left_out += [rule] if rule else []
        wanted = sum([most_of[index] for index in lines])
        if not wanted:
            continue
        if source.role == "bonus":
            [brand], own = source.brands or (0,), source.account
            most = _points_at_most(need.command, codes[own.brand or 0], codes[brand]) - by_brand[brand]
            points = _points(book, own, need.at) - by_account[own.id]
            given = max(0, min(wanted, most, points, at_most - sum(by_brand.values())))
            by_brand[brand] += given
            by_account[own.id] += given
        else:
            given, broken = capacity(book, source, need, wanted)
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
    total = sum(need.amounts)
    facts = short.facts | ({"payers": left_out} if left_out else {})
    raise Refused(short.code, asked=plain(total), offered=plain(total - sum(left)), **facts)


def _allowed(
    book: Book, link: Link, need: Need, lines: list[int], left: list[int], whole: list[int]
) -> tuple[list[int], list[int], Facts | None]:
    """Return the lines that a link lets the payer pay, the most of each, and the rule that left something out."""
    if link.services is not None:
        lines = [index for index in lines if need.command.lines[index].service in link.services]
    if link.when is not None and not link.when.include(at := need.happened_at.astimezone(book.zone)):
        return [], left, {"account": link.payer, "rule": "when", "at": f"{DAYS[at.weekday()]} {at:%H:%M}"}
    if link.share is None:
        return lines, left, None
    most = [min(there, of * link.share // WHOLE) for there, of in zip(left, whole, strict=True)]
    short = any(most[index] < left[index] for index in lines)
    return lines, most, {"account": link.payer, "rule": "share", "share": plain(link.share)} if short else None


def _alone(book: Book, need: Need) -> Matrix | None:
    """Return what the account pays when nobody else pays for it and it can pay everything, as most can."""
    own = need.account.id
    if own in book.links or own in book.bonuses or own in book.limits:
        return None
    if credit_left(book, own, need.at, need.day)[0] < sum(need.amounts):
        return None
    return [[(own, amount)] for amount in need.amounts]


def _points(book: Book, account: Account, at: datetime) -> int:
    if book.status[account.id] != "open":
        return 0
    return max(0, book.balances[account.id].balance - book.held(account.id, at))


def free(book: Book, account: int, at: datetime) -> int:
    """Return balance less held; below zero when credit is used."""
    return book.balances[account].balance - book.held(account, at)


def capacity(book: Book, source: Source, need: Need, wanted: int) -> Give:
    """Return how much of `wanted` the source can give.

    Each rule leaves an amount by itself; a rule that leaves less than was required
    is broken, and of several the first in the order of DECLINES is named.
    """
    account = source.account
    rules = [_credit(book, account, need, wanted)]
    if account.id in book.limits:
        limits = book.limits_of(account.id, need.account.id, source.link and source.link.group)
        rules += [_write_off_limit(book, account, limit, need, wanted) for limit in limits]
    if source.role == "payer" and book.status[account.id] != "open":
        rules.append((0, Refused(f"account_{book.status[account.id]}", **account.facts)))
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


def _credit(book: Book, account: Account, need: Need, wanted: int) -> Give:
    left, code = credit_left(book, account.id, need.at, need.day)
    if left >= wanted:
        return left, None
    facts = short_of(book, account, need.at, need.command.kind, wanted, left)
    terms = book.terms_on(account.id, need.day)
    if code == "credit_expired":
        ended = [t.valid_until for t in book.terms[account.id] if t.valid_until and t.valid_until < need.day]
        facts["valid_until"] = max(ended).isoformat()
    elif code == "credit_overdue" and (first := book.first_unpaid(account.id, need.day)):
        facts |= {"unpaid_since": first[1].isoformat(), "due_on": first[0].isoformat()}
    elif code == "credit_limit_exceeded" and terms:
        facts["credit_limit"] = plain(terms.limit)
    return left, Refused(code, **facts)


def _write_off_limit(book: Book, payer: Account, limit: Limit, need: Need, wanted: int) -> Give:
    used = book.used(payer.id, limit, need.at, book.day(need.happened_at))
    used_up = limit.times is not None and used.count >= limit.times
    left = 0 if used_up else wanted if limit.amount is None else max(0, limit.amount - used.amount)
    if left >= wanted:
        return left, None
    most, so_far = f"{plain(limit.amount or 0)} {payer.currency}", plain(used.amount)
    if used_up:
        most, so_far = f"{limit.times} orders", f"{used.count} orders"
    towards = f" for group {limit.account}" if isinstance(limit.account, str) else f" for {need.account.subject}"
    return left, Refused(
        "write_off_limit_exceeded",
        **payer.facts,
        towards="" if limit.account == payer.id else towards,
        subaccount=need.account.id if limit.account == need.account.id != payer.id else None,
        period=limit.period,
        limit=f"{most} {_A[limit.period]}",
        used=so_far,
        what=need.command.kind,
        drawn=plain(wanted),
        short_by=plain(wanted - left),
    )


_A = {"order": "an order", "day": "a day", "week": "a week", "month": "a month", "total": "in all"}
