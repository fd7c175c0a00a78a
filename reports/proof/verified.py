"""What `tiffin verify` has read of the sealed days, and what it is to read next.

Kept in the lake beside the seals. It only limits how much is read: whoever forges it is found when the month is read.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from pydantic import BaseModel, PrivateAttr, ValidationError

from reports.lake.storage import Place
from reports.proof.seal import Sealed

FILE = "verified.json"
BUDGET = 2_000_000
"""Entries that `tiffin verify` reads again beside what is new: all of a small book, some seconds of a large one."""

QUARTER = timedelta(days=80)
"""In this time every closed month is read again, however large the book."""


class Verified(BaseModel):
    """`number` and `hash` are the last seal whose days were read, `months` when each closed month was read last."""

    number: int = 0
    hash: str | None = None
    months: dict[str, datetime] = {}
    all_since: datetime | None = None
    _first: int = PrivateAttr(default=0)

    @property
    def first_read(self) -> int:
        """Return the number of the first seal that was read in this run, 0 for none."""
        return self._first

    def through(self, chain: Sequence[Sealed]) -> int:
        """Return the number of the last verified seal, 0 when the ledger has another one."""
        same = 0 < self.number <= len(chain) and chain[self.number - 1].hash == self.hash
        return self.number if same else 0

    def parts(self, chain: Sequence[Sealed], budget: int | None, month: str | None) -> Iterator[tuple[str, int, int]]:
        """Return what to read: the month's name, and numbers of its first and last seal to read."""
        months = [
            (name, [sealed.seal.number for sealed in part])
            for name, part in groupby(chain, key=lambda sealed: sealed.seal.day[:7])
        ]
        if month is not None:
            months = [(name, numbers) for name, numbers in months if name == month]
        new = self.through(chain)
        left, never, now = budget, datetime.min.replace(tzinfo=UTC), datetime.now(UTC)
        due = months_due([now - self.months.get(name, never) for name, numbers in months if numbers[-1] <= new])
        wanted: list[tuple[str, int, int]] = []
        for name, numbers in sorted(months, key=lambda part: (part[1][-1] <= new, self.months.get(part[0], never))):
            first = numbers[0]
            if numbers[-1] > new and month is None:
                rest = _entries(chain, first, new) if first <= new else 0
                if left is not None and rest > left:
                    first = new + 1
                elif left is not None:
                    left -= rest
            elif self.all_since and self.months.get(name, never) >= self.all_since:
                continue
            elif left is not None:
                left -= _entries(chain, first, numbers[-1])
                due -= 1
                if left < 0 and due < 0:
                    break
            wanted.append((name, first, numbers[-1]))
        self._first = min((first for _, first, _ in wanted), default=0)
        yield from wanted

    def note(self, name: str) -> None:
        """Note that a month was read, and holds."""
        self.months[name] = datetime.now(UTC)

    def reach(self, last: Sealed) -> None:
        """Note that everything new up to a seal was read, and holds."""
        self.number, self.hash = last.seal.number, last.hash


def months_due(ages: Sequence[timedelta]) -> int:
    """Return how many of the months that were read longest ago are to be read now, so that none gets older.

    Spread evenly, one in n months is as old as a quarter, two are as old as n - 1 nths of it, and so on.
    """
    n = len(ages)
    return max((sum(age >= QUARTER * part / n for age in ages) - (n - part) for part in range(1, n + 1)), default=0)


def _entries(chain: Sequence[Sealed], first: int, last: int) -> int:
    return chain[last - 1].seal.entries - (chain[first - 2].seal.entries if first > 1 else 0)


def load_verified(place: Place) -> Verified:
    """Return what was read; nothing where that is not known."""
    try:
        return Verified.model_validate_json(place.read(FILE) or b"{}")
    except ValidationError:
        return Verified()


def read_through(sealed: Sealed) -> Verified:
    """Return what was read when everything up to a seal was, now."""
    return Verified(number=sealed.seal.number, hash=sealed.hash, months={sealed.seal.day[:7]: datetime.now(UTC)})


def keep_verified(place: Place, verified: Verified) -> None:
    """Keep what was read."""
    place.write(FILE, verified.model_dump_json(indent=1).encode())
