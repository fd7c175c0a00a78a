"""The command that a transaction of the lake answered, made again from what it did.

The lake keeps no command as it was sent. Lines come by line number, captures and refunds by
line, a payment's parts by account and brand. Gross, VAT and attributes are left out: no
answer depends on them. Of a declined debit or hold only account and amount are known, so it
is taken as one line of the brand that explains the decline, the account's holder first.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.command_parts import Line, LineAmount, Part, Share, Undone
from ledger.core.decide import decide
from ledger.core.outcomes import Entry
from ledger.core.transactions import Transaction
from ledger.food.core.points_of_orders import points_again
from ledger.values.money import decimal
from reports.replay.history import Happened, Past, Row

FUNDS = ("write_off_limit_exceeded", "credit_expired", "credit_overdue", "credit_limit_exceeded", "insufficient_funds")
"""The refusals that other limits may turn; a command refused for anything else is refused again."""

CHARGES = ("debit", "hold")


def rebuilt_command(past: Past, book: Book, happened: Happened) -> c.Command | None:
    """Return the command; None for a refusal that other limits cannot turn. Its key is the core's."""
    row = happened.row
    if row["code"] is None:
        return _command(happened, _MADE[row["kind"]](past, happened))
    if row["code"] not in FUNDS or row["kind"] not in CHARGES or row["account_id"] is None:
        return None
    holder = past.brands.get(past.accounts[row["account_id"]]["holder_id"])
    brands = sorted(past.brands.values(), key=lambda code: code != holder)
    tried = [_command(happened, _refused(row, brand)) for brand in brands]
    return max(tried, key=lambda command: _explains(book, command, row))  # the first of those that do


def _command(happened: Happened, fields: Iterable[tuple[str, Any]]) -> c.Command:
    common = {"key": happened.key, "occurred_at": happened.row["occurred_at"]}
    return c.KINDS[happened.row["kind"]](**common, **dict(fields))


def _explains(book: Book, command: c.Command, row: Row) -> bool:
    answer = decide(book, command, row["posted_at"])
    return isinstance(answer, Transaction) and answer.code == row["code"]


def _refused(row: Row, brand: str) -> Iterator[tuple[str, Any]]:
    yield "account", row["account_id"]
    yield "lines", (_line(brand, row["amount"]),)
    if row["kind"] == "hold":
        yield "expires_at", row["expires_at"]


def _line(brand: str, amount: Decimal, service: str | None = None) -> Line:
    # A free line needs a gross; how much changes no answer.
    return Line(brand=brand, amount=amount, service=service or "", gross=None if amount else Decimal(1))


def _charge(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    drawn = [(p.line, p.source, past.brands[p.brand], p.amount) for p in happened.parts] or [
        (e.line or 0, e.source or 0, past.brand_of(e.account), e.amount) for e in _services(happened)
    ]
    brands = {line: brand for line, _, brand, _ in drawn}
    services: dict[int, str | None] = {part.line: part.service for part in happened.parts}
    services |= {entry.line or 0: entry.service for entry in _services(happened)}
    amounts = _sums((line, amount) for line, _, _, amount in drawn)
    points = [
        (past.brand_of(s) or "", brand or "", amount) for _, s, brand, amount in drawn if past.kind_of(s) == "bonus"
    ]
    yield "account", happened.row["account_id"]
    yield "due_on", happened.row["due_on"]
    yield "lines", tuple(_line(brands[line], amount, services[line]) for line, amount in sorted(amounts.items()))
    yield from points_again(points).items()
    if happened.row["kind"] == "hold":
        yield "expires_at", happened.row["expires_at"]


def _services(happened: Happened) -> list[Entry]:
    return [entry for entry in happened.entries if entry.line is not None]


def _sums(parts: Iterable[tuple[Any, int]]) -> dict[Any, Decimal]:
    """Return the amount by what stands first in each part of minor units."""
    sums: dict[Any, int] = {}
    for what, amount in parts:
        sums[what] = sums.get(what, 0) + amount
    return {what: decimal(amount) for what, amount in sums.items()}


def _by_line(happened: Happened) -> Iterator[tuple[str, Any]]:
    sums = _sums((entry.line, abs(entry.amount)) for entry in _services(happened))
    yield "lines", tuple(LineAmount(line=line, amount=amount) for line, amount in sorted(sums.items()))


def _capture(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    yield "hold", str(happened.row["refers_to"])
    yield from _by_line(happened)
    yield "final", happened.gives_back


def _refund(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    yield "debit", str(happened.row["refers_to"])
    yield from _by_line(happened)
    if through := _own(past, happened, "unallocated"):
        # What went in and came out again was handed on to a payer.
        yield "closed_to", "payer" if any(leg.amount < 0 for leg in through) else "unallocated"


def closed_then(past: Past, happened: Happened) -> set[int]:
    """Return the accounts that must have been closed: what they had paid was refunded to others."""
    if happened.row["kind"] != "refund":
        return set()
    return {leg.source for leg in _own(past, happened, "unallocated") if leg.amount > 0 and leg.source is not None}


def _release(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    yield "hold", str(happened.row["refers_to"])


def _payment(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    cash = [(past.brand_of(leg.account) or "", -leg.amount) for leg in _own(past, happened, "cash")]
    yield "amount", happened.row["amount"]
    yield "currency", happened.row["currency"]
    if into := [(entry.account, entry.amount) for entry in happened.clients()]:
        yield (
            "split",
            tuple(
                Share(account=account, amount=decimal(amount), brand=brand)
                for account, brand, amount in _paired(into, cash)
            ),
        )
    else:
        yield "brand", cash[0][0]


def _own(past: Past, happened: Happened, kind: str) -> list[Entry]:
    """Return the legs on brands' own accounts of a kind."""
    return [leg for leg in happened.entries if leg.version is None and past.kind_of(leg.account) == kind]


def _paired(into: list[tuple[int, int]], cash: list[tuple[str, int]]) -> Iterator[tuple[int, str, int]]:
    """Yield account, brand, amount with both sides' sums: which brand's money went where is not kept."""
    left = list(cash)
    for account, amount in into:
        while amount:
            brand, there = left.pop(0)
            part = min(amount, there)
            yield account, brand, part
            amount -= part
            if there > part:
                left.insert(0, (brand, there - part))


def _allocate(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    yield "payment", str(happened.row["refers_to"])
    parts = [(entry.account, decimal(entry.amount)) for entry in happened.clients()]
    yield "split", tuple(Part(account=account, amount=amount) for account, amount in parts)


def _payout(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    [leg] = _own(past, happened, "cash")
    yield "account", happened.row["account_id"]
    yield "amount", decimal(leg.amount)
    yield "brand", past.brand_of(leg.account)


def _transfer(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    [gave, took] = sorted(happened.clients(), key=lambda entry: entry.amount)
    yield "account", gave.account
    yield "to", took.account
    yield "amount", decimal(took.amount)


def _adjustment(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    [leg] = _own(past, happened, "adjustments")
    yield from _bonus(past, happened)
    yield "brand", past.brand_of(leg.account)
    yield "chart", leg.chart
    yield "due_on", happened.row["due_on"]


def _bonus(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    [entry] = happened.clients()
    yield "account", entry.account
    yield "amount", decimal(entry.amount)
    yield "reason", "replayed"


def _mark(_: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    [entry] = happened.clients()
    yield "account", entry.account
    yield "reason", "replayed"


def _reverse(past: Past, happened: Happened) -> Iterator[tuple[str, Any]]:
    yield "transaction", str(happened.row["refers_to"])
    yield "amount", happened.row["amount"]
    legs = [leg for leg in happened.entries if leg.version is None]
    places = [((leg.source, past.brand_of(leg.account)), leg.amount) for leg in legs if leg.source is not None]
    unallocated = _own(past, happened, "unallocated")
    sums = _sums([*places, *(((None, past.brand_of(leg.account)), leg.amount) for leg in unallocated)])
    parts = [(place, abs(amount)) for place, amount in sums.items() if amount]
    if len(parts) > 1:
        yield "split", tuple(Undone(account=a, brand=brand, amount=amount) for (a, brand), amount in parts)
    yield "reason", "replayed"


_MADE: dict[str, Callable[[Past, Happened], Iterable[tuple[str, Any]]]] = {
    "payment": _payment,
    "allocate": _allocate,
    "payout": _payout,
    "debit": _charge,
    "hold": _charge,
    "capture": _capture,
    "release": _release,
    "refund": _refund,
    "reverse": _reverse,
    "transfer": _transfer,
    "adjustment": _adjustment,
    "bonus": _bonus,
    "mark": _mark,
}
