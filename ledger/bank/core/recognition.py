"""Which entries of a statement the ledger knows already: a movement is posted once, in however many files it comes.

Two entries are one movement when bank account, currency, booking day and amount are the same and

1. the bank gives both the same reference of its own, and neither the payer's account nor the payer's reference differs;
   or
2. one of them has no such reference, and nothing that both contain differs: the payer's reference, account, name, text.
   A text or name that is part of the other is the same, cut shorter. Both must contain something in common, or one must
   contain nothing.

A reference that payers choose never suffices alone; markers such as NONREF are no references; a bank's reference of
less than five figures is a number in the file. Each entry of a statement is at most one movement and each movement
one entry of it, those alike in everything first: of two alike in one statement both are posted (DECISIONS D26).
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from ledger.bank.core.statement import BankEntry, Statement, exact, normal

SERIAL = 5
"""A bank's reference of fewer figures is a number in the file."""

_BETWEEN = re.compile(r"[\W_]+")

Bucket = tuple[str, str, date, Decimal]
Evidence = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Movement:
    """What an entry at the bank is known by; `parts` are the keys of the payments in it, mostly one.

    `evidence` is the bank's reference, the payer's reference, account, name and text, as they are compared.
    `imprint` is the note of a payment imported before movements were kept: all that is known of it.
    """

    bucket: Bucket
    evidence: Evidence
    parts: tuple[str, ...] = ()
    payments: int = 1
    imprint: str = ""

    @property
    def batch(self) -> bool:
        """Return whether it is the sum of several payments."""
        return self.payments > 1


@dataclass
class KnownMovements:
    """The movements of an account that the ledger knows, by account, currency, day and amount."""

    buckets: dict[Bucket, list[Movement]] = field(default_factory=lambda: defaultdict(list))

    def add(self, movements: Iterable[Movement]) -> None:
        """Take up more."""
        for movement in movements:
            self.buckets[movement.bucket].append(movement)


def recognised(statement: Statement, known: KnownMovements) -> tuple[list[tuple[str, Movement | None]], list[Movement]]:
    """Return for each entry its key and the movement that the ledger knows it as, if it does; and the new movements."""
    result: list[tuple[str, Movement | None]] = []
    unknown: list[Movement] = []
    groups = _groups(statement.entries)
    new = [_movement(statement, group) for group in groups]
    by_bucket: dict[Bucket, list[int]] = defaultdict(list)
    for place, movement in enumerate(new):
        by_bucket[movement.bucket].append(place)
    candidates = {bucket: _candidates(bucket, known) for bucket in by_bucket}
    found: dict[int, Movement] = {}
    keys: tuple[str, ...]
    for bucket, places in by_bucket.items():
        found |= _assigned(places, new, candidates[bucket])
    used = {key for movements in candidates.values() for movement in movements for key in movement.parts}
    alike: Counter[Movement] = Counter()
    for place, group in enumerate(groups):
        known_as = found.get(place)
        if known_as is not None:
            # The whole may have been posted as one payment, or the parts that are now reported as a whole.
            keys = known_as.parts if len(known_as.parts) == len(group) else known_as.parts[:1] * len(group)
            result += [(key, known_as) for key in keys]
        else:
            keys = ()
            while not keys or keys[0] in used:
                alike[new[place]] += 1
                keys = _keys(new[place], len(group), alike[new[place]])
            result += [(key, None) for key in keys]
            unknown.append(replace(new[place], parts=keys))
    return result, unknown


def known_movement(
    rows: Sequence[BankEntry], *, account: str, currency: str, keys: Sequence[str], imprint: str
) -> Movement:
    """Return a movement from the ledger's rows of its payments, in order."""
    whole = Statement(account=account, currency=currency, entries=tuple(rows))
    movement = _movement(whole, rows, tuple(keys))
    return replace(movement, imprint=_squeezed(imprint)) if imprint else movement


def keys(statement: Statement) -> list[str]:
    """Return the entries' keys in a ledger that knows nothing yet."""
    return [key for key, _ in recognised(statement, KnownMovements())[0]]


def _candidates(bucket: Bucket, known: KnownMovements) -> list[Movement]:
    """Return the movements of a bucket; of those imported before movements were kept, the account is not known."""
    return [*known.buckets.get(bucket, ()), *known.buckets.get(("", *bucket[1:]), ())]


def _groups(entries: Sequence[BankEntry]) -> list[list[BankEntry]]:
    """Return the entries, the payments of one of the bank's entries together."""
    groups: list[list[BankEntry]] = []
    open_until = Decimal(0)
    for entry in entries:
        if entry.whole is not None and groups and open_until and groups[-1][0].whole == entry.whole:
            groups[-1].append(entry)
        else:
            groups.append([entry])
            open_until = entry.whole or Decimal(0)
        open_until -= entry.amount if entry.whole is not None else 0
    return groups


def _movement(statement: Statement, group: Sequence[BankEntry], parts: tuple[str, ...] = ()) -> Movement:
    first = group[0]
    amount = exact(first.amount if first.whole is None else first.whole)
    payments = max(len(group), first.payments)
    reference = _own_reference(first.bank_reference)
    bucket = (normal(statement.account), statement.currency, first.booked_on, amount)
    if len(group) > 1:
        return Movement(bucket, (reference, "", "", "", ""), parts, payments)
    words = _squeezed(first.name), _squeezed(first.text)
    evidence = (reference, _squeezed(first.end_to_end or first.reference), normal(first.account), *words)
    return Movement(bucket, evidence, parts, payments)


def _own_reference(text: str) -> str:
    squeezed = _squeezed(text)
    return "" if squeezed.isdecimal() and len(squeezed) < SERIAL else squeezed


def _squeezed(text: str) -> str:
    return _BETWEEN.sub("", text.casefold())


def _assigned(places: Sequence[int], new: Sequence[Movement], known: Sequence[Movement]) -> dict[int, Movement]:
    """Return which known movement each entry is: those alike in everything first, then as many as can be."""
    if not known:
        return {}
    found: dict[int, Movement] = {}
    alike: dict[tuple[Evidence, bool], list[Movement]] = defaultdict(list)
    for movement in reversed(known):
        if not movement.imprint:
            alike[movement.evidence, movement.batch].append(movement)
    for place in places:
        same = alike.get((new[place].evidence, new[place].batch))
        if same:
            found[place] = same.pop()
    used = {id(movement) for movement in found.values()}
    rest = [movement for movement in known if id(movement) not in used]
    return found | _most([place for place in places if place not in found], new, rest) if rest else found


def _most(places: Sequence[int], new: Sequence[Movement], known: Sequence[Movement]) -> dict[int, Movement]:
    """Return the largest assignment of entries to movements that may be the same (Kuhn's algorithm)."""
    # One with the same bank's reference is tried before one that only does not contradict.
    edges = {
        place: sorted(
            (n for n, movement in enumerate(known) if _same(new[place], movement)),
            key=lambda n: not (new[place].evidence[0] and new[place].evidence[0] == known[n].evidence[0]),
        )
        for place in places
    }
    owner: dict[int, int] = {}

    def settle(place: int, seen: set[int]) -> bool:
        for n in edges[place]:
            if n not in seen:
                seen.add(n)
                if n not in owner or settle(owner[n], seen):
                    owner[n] = place
                    return True
        return False

    for place in sorted(places, key=lambda place: len(edges[place])):
        settle(place, set())
    return {place: known[n] for n, place in owner.items()}


def _same(new: Movement, known: Movement) -> bool:
    """Return whether two entries of one day and amount may be one movement."""
    if known.imprint:
        return all(part in known.imprint for part in (new.evidence[2], *new.evidence[3:]) if part)
    (reference, theirs, account, *words), (other, others, their_account, *their_words) = new.evidence, known.evidence
    if _differ(theirs, others) or _differ(account, their_account):
        return False
    if reference and other:
        return reference == other
    if new.batch != known.batch:
        return False
    if any(a and b and a not in b and b not in a for a, b in zip(words, their_words, strict=True)):
        return False
    given, given_before = (tuple(bool(part) for part in each.evidence[1:]) for each in (new, known))
    return any(a and b for a, b in zip(given, given_before, strict=True)) or not any(given) or not any(given_before)


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _keys(movement: Movement, parts: int, number: int) -> tuple[str, ...]:
    """Return the keys of a movement's payments: made of what it is known by, and of which of its equals it is."""
    account, currency, day, amount = movement.bucket
    identity = repr([account, currency, str(day), str(amount), *movement.evidence, str(movement.payments), number])
    digest = hashlib.blake2b(identity.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
    key = f"bank:{day:%Y%m%d}:{digest}"
    return (key,) if parts == 1 else tuple(f"{key}:{part}" for part in range(1, parts + 1))
