"""Reverse a transaction, or a part of it: out of which places its money goes back.

What is left of a transaction is its amount less its reversals, each less its own reversal
(a chargeback that was won), which is final. A payment that was allocated is undone where
its money went (DECISIONS D5). A place is a client account and a brand, or the brand's `unallocated`.
"""

from collections.abc import Iterable, Iterator

from ledger.core import commands as c
from ledger.core import guards as g
from ledger.core.book import Book
from ledger.core.guards import Case, Move, Verdict
from ledger.core.outcomes import Entry
from ledger.core.transactions import Transaction
from ledger.values.money import minor, plain, split
from ledger.values.refusals import Refused

KINDS = ("payment", "payout", "transfer", "adjustment", "move", "reverse")
Place = tuple[int | None, int]
"""A client account, or None for `unallocated`, and the id of a brand."""


def _family(book: Book, target: Transaction) -> Iterator[Transaction]:
    """Yield the transaction, its allocations, its reversals and theirs."""
    yield target
    yield from book.followed_by(target, "allocate")
    for reversal in book.followed_by(target, "reverse"):
        yield reversal
        yield from book.followed_by(reversal, "reverse")


def left_of(book: Book, target: Transaction) -> int:
    """Return what of a transaction is not reversed."""
    undone = sum(left_of(book, reversal) for reversal in book.followed_by(target, "reverse"))
    return (target.amount or 0) - undone


def not_reversed(case: Case, target: Transaction) -> None:
    """Check that something of a transaction is left."""
    if left_of(case.book, target) == 0:
        by = [reversal.id for reversal in case.book.followed_by(target, "reverse") if left_of(case.book, reversal)]
        raise Refused("already_reversed", what=target.kind, key=target.key, transaction=by[-1])


def net_legs(book: Book, target: Transaction) -> list[Entry]:
    """Return the brands' legs of a transaction and what followed from it, one a place, without what is undone."""
    return g.legs_of(leg for t in _family(book, target) for leg in _legs(book, t, target))


def _legs(book: Book, t: Transaction, target: Transaction) -> Iterator[Entry]:
    for leg in t.entries:
        if leg.version is None:
            # Legs written before the channel stood on them have their payment's.
            of_before = leg.channel is None and book.own_account(leg.account)[1] == "cash"
            channel = t.channel or target.channel or "" if of_before else leg.channel
            # What was of an account that is merged is by now of the other.
            yield leg._replace(channel=channel, source=leg.source and book.successor(leg.source))


def _net_moves(book: Book, target: Transaction) -> list[Move]:
    family = (entry for t in _family(book, target) for entry in t.clients())
    moved = g.merged(Move(book.successor(entry.account), entry.amount) for entry in family)
    return [move for move in moved if move.amount]


def reverse(case: Case, command: c.Reverse) -> Verdict:
    """Undo what is left of a transaction, or a part of that; may take an account below zero."""
    book = case.book
    what = "payment, payout, transfer, adjustment, move or reversal"
    target = g.named(case, command.transaction, KINDS, "payment_not_found", what)
    reversed_ = book.numbered.get(target.refers_to or 0)
    if reversed_ is not None and reversed_.kind == "reverse":
        raise Refused("reversal_is_final", key=target.key, reversed=reversed_.key)
    left = left_of(book, target)
    amount = left if command.amount is None else minor(command.amount)
    legs, moves = net_legs(book, target), _net_moves(book, target)
    if 0 < amount < left:
        legs, moves = _part(case, command, target, legs, moves, amount)
    if not legs and not moves and target.account is not None:  # a transfer between accounts that are one by now
        moves = [Move(book.successor(target.account), 0)]
    g.usable(case, *(book.accounts[move.account] for move in moves))
    g.in_currency(case, target)
    not_reversed(case, target)
    if amount > left:
        raise _exceeds(target, left, amount)
    assert target.currency is not None
    return Verdict(
        book.accounts[target.account] if target.account is not None else None,
        amount,
        target.currency,
        [move._replace(amount=-move.amount) for move in moves],
        [leg._replace(amount=-leg.amount) for leg in legs],
        target.id,
    )


def _exceeds(target: Transaction, left: int, requested: int, place: str = "") -> Refused:
    facts = {"what": target.kind, "left": plain(left), "place": place}
    return g.exceeds("reversal_exceeds_transaction", target, left, requested, **facts)


def _part(
    case: Case, command: c.Reverse, target: Transaction, legs: list[Entry], moves: list[Move], amount: int
) -> tuple[list[Entry], list[Move]]:
    """Return the part of legs and moves that an amount is (DECISIONS D89)."""
    if not legs:  # a transfer
        return [], [move._replace(amount=amount if move.amount > 0 else -amount) for move in moves]
    places = _places(case.book, legs)
    if not moves and all(account is not None for account, _ in places):  # a move of the brands' own
        return [leg for sign in (1, -1) for leg in _shares([leg for leg in legs if leg.amount * sign > 0], amount)], []
    taken = _taken(case, command, target, places, amount)
    part = [leg for place, much in taken.items() for leg in _legs_at(case.book, legs, place, much)]
    sign = {move.account: 1 if move.amount > 0 else -1 for move in moves}
    return g.legs_of(part), g.merged(
        Move(account, sign[account] * much) for (account, _), much in taken.items() if account is not None
    )


def _shares(legs: list[Entry], amount: int) -> Iterator[Entry]:
    for leg, part in zip(legs, split(amount, [abs(leg.amount) for leg in legs]), strict=True):
        if part:
            yield leg._replace(amount=part if leg.amount > 0 else -part)


def _places(book: Book, legs: Iterable[Entry]) -> dict[Place, int]:
    """Return how much is where."""
    places: dict[Place, int] = {}
    for leg in legs:
        brand, kind = book.own_account(leg.account)
        for place in {(leg.source, brand) if leg.source else None, (None, brand) if kind == "unallocated" else None}:
            if place is not None:
                places[place] = places.get(place, 0) + leg.amount
    return {place: abs(amount) for place, amount in places.items() if amount}


def _taken(
    case: Case, command: c.Reverse, target: Transaction, places: dict[Place, int], amount: int
) -> dict[Place, int]:
    """Return how much is taken out of each place: as the split has it, or of the only one there is."""

    def needs_split(there: Iterable[Place]) -> Refused:
        left = ", ".join(f"{_name(case.book, place)} {plain(places[place])}" for place in there)
        of = {"what": target.kind, "key": target.key, "currency": target.currency}
        return Refused("split_required", **of, asked=plain(amount), places=left)

    if command.split is None:
        if len(places) > 1:
            raise needs_split(places)
        return dict.fromkeys(places, amount)
    taken: dict[Place, int] = {}
    for part in command.split:
        account = None if part.account is None else g.receiver(case, part.account).id
        brand = None if part.brand is None else g.brand_of(case, part.brand, closed=True).id
        there = [place for place in places if place[0] == account and brand in (None, place[1])]
        if len(there) > 1:
            raise needs_split(there)
        place = there[0] if there else (account, brand or 0)
        taken[place] = taken.get(place, 0) + minor(part.amount)
        if taken[place] > places.get(place, 0):
            raise _exceeds(target, places.get(place, 0), taken[place], f" of {_name(case.book, place)}")
    return taken


def _name(book: Book, place: Place) -> str:
    account, brand = place
    code = next((f" through {known.code}" for known in book.brands.values() if known.id == brand), "")
    return f"{'unallocated' if account is None else book.accounts[account].subject}{code}"


def _legs_at(book: Book, legs: list[Entry], place: Place, amount: int) -> Iterator[Entry]:
    """Yield a place's legs as an amount: what faces its account, and what faces nobody in an unallocated payment."""
    account, brand = place
    for leg in legs:
        if book.own_account(leg.account)[0] == brand and leg.source in (account, None):
            yield leg._replace(amount=amount if leg.amount > 0 else -amount)
