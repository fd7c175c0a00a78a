"""Hold the ledger against its seals: the chain, the copies, the map, and the rows of sealed days.

Each seal's rows can be read again by themselves, from the leaves that the seal before it left. So what came since the
last verified seal is read always, and of the closed months those that were read longest ago, as many as are wanted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger.errors import Failure
from reports.lake.checks import CheckResult, found
from reports.lake.extract import Snapshot
from reports.lake.manifest import Manifest
from reports.lake.storage import Place
from reports.proof import read_rows
from reports.proof.canonical import canonical
from reports.proof.guards import guards_in_force
from reports.proof.running import Leaves, State, read_entries, read_list, read_states, sealed_leaves
from reports.proof.seal import FILE, Sealed, chain_problems
from reports.proof.seal_file import kept_seals
from reports.proof.sparse_map import SparseMap
from reports.proof.take_seal import seals
from reports.proof.verified import Verified


@dataclass
class SealChecks:
    """Checks of one snapshot of the ledger. `copies` are files of seals, by name."""

    url: str
    ledger: Snapshot
    copies: dict[str, Sequence[Sealed]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the seals."""
        self.chain = seals(self.ledger)

    def guards(self) -> CheckResult:
        """Compare triggers, functions and checks with what the migrations make."""
        guards = guards_in_force(self.url)
        return found(
            "guards",
            "triggers, functions, keys and checks are as this version's migrations make them",
            checked=guards.compared,
            problems=guards.problems,
        )

    def seals(self, place: Place, manifest: Manifest | None, verified: int) -> CheckResult:
        """Check the chain, and that the lake and each copy have the same seals; `verified` is the last known seal."""
        problems = list(chain_problems(self.chain))
        copies, known = dict(self.copies), verified
        try:
            kept = kept_seals(place)
            copies[place.address(FILE)], known = kept, max(len(kept), verified)
        except Failure as failure:
            problems.append(str(failure))
        for name, copy in copies.items():
            problems += self._unlike(name, copy)
        pointed = manifest.seal.number if manifest and manifest.seal else 0
        if manifest and pointed < known:
            problems.append(
                f"the pointer names cut {manifest.cut.number} with seal {pointed}, one with seal {known} was published"
            )
        if manifest and manifest.seal:
            there = {sealed.hash for sealed in self.chain[: manifest.seal.number]}
            if manifest.seal.hash not in there:
                problems.append(
                    f"cut {manifest.cut.number} was published with seal {manifest.seal.number} of {manifest.seal.day}, "
                    f"{manifest.seal.hash[:16]}, which is not in the ledger"
                )
        problems += self._closings()
        return found(
            "seals",
            "each seal follows from the one before, and ledger, lake and copies have the same",
            checked=len(self.chain),
            problems=problems,
        )

    def _unlike(self, name: str, copy: Sequence[Sealed]) -> Iterator[str]:
        for sealed in copy:
            if problem := sealed.problem:
                yield f"{name}: seal {sealed.seal.number}: {problem}"
                continue
            number = sealed.seal.number
            ours = self.chain[number - 1] if number <= len(self.chain) else None
            if ours is None:
                yield f"seal {number} of {sealed.seal.day} in {name} is not in the ledger"
            elif ours.hash != sealed.hash:
                yield f"seal {number} of {sealed.seal.day} is {sealed.short} in {name} and {ours.short} in the ledger"
            elif (ours.public_key, ours.signature) != (sealed.public_key, sealed.signature):
                yield f"seal {number} of {sealed.seal.day} is signed otherwise in {name} than in the ledger"

    def _closings(self) -> Iterator[str]:
        if not self.chain:
            return
        sealed = {(s.seal.day, s.seal.closed_at, s.seal.last_transaction) for s in self.chain}
        rows = self.ledger.frame(
            "SELECT to_char(closed_until, 'YYYY-MM-DD') AS day, (extract(epoch FROM closed_at) * 1000000)::bigint, "
            f"last_transaction FROM closing WHERE closed_until >= '{self.chain[0].seal.day}'"
        )
        closed = set(rows.iter_rows())
        for day, _, last in sorted(sealed ^ closed):
            yield f"the closing of {day}, up to transaction {last}, is not the one that was sealed"

    def map(self, number: int) -> Iterator[str]:
        """Return a sentence unless the leaves that a seal left have its root."""
        if not number:
            return
        past, seal = sealed_leaves(self.ledger, number), self.chain[number - 1].seal
        if (SparseMap(past.values).root, len(past.values)) != (seal.root, seal.leaves):
            yield f"seal {number} of {seal.day}: the sealed states of accounts and lists are not those that it covers"

    def days(self, first: int, last: int) -> tuple[int, list[str]]:
        """Read the rows of some seals again; return how many entries, and a sentence for each leaf that differs."""
        past = sealed_leaves(self.ledger, first - 1)
        problems: list[str] = []
        read = 0
        for sealed in self.chain[first - 1 : last]:
            seal = sealed.seal
            after = self.chain[seal.number - 2].seal.until if seal.number > 1 else None
            left = self._left(seal.number)
            before = dict(past.values)
            past.changed.clear()
            read += read_entries(self.ledger, past, after, seal.until)
            for name in read_rows.LISTS:
                read_list(self.ledger, past, name, State.of(left.get(name, before.get(name))).last or 0)
            names = {name for name in (*left, *past.changed) if name not in (*read_rows.STATES, "guards")}
            for name in sorted(names, key=lambda name: (name.startswith("account/"), name)):
                due = left.get(name, before.get(name))
                if past.values.get(name) != due:
                    problems.append(_altered(name, seal.day, before.get(name), due, past.values.get(name)))
                    if due is not None:
                        past.values[name] = due
                    else:
                        past.values.pop(name)
            past.values.update({name: value for name, value in left.items() if name not in names})
        return read, problems

    def _left(self, number: int) -> dict[str, str]:
        rows = self.ledger.frame(f"SELECT name, value FROM seal_leaf WHERE seal_number = {number}")
        return dict(rows.iter_rows())

    def states(self) -> CheckResult:
        """Compare what may change with how it was sealed, as long as no change was recorded since."""
        last = self.chain[-1].seal if self.chain else None
        if last is None:
            return found("sealed-states", _STATES, checked=0, problems=[])
        sealed, now = sealed_leaves(self.ledger, last.number), Leaves()
        read_states(self.ledger, now)
        same = self.ledger.last_change == last.last_change
        names = [name for name in read_rows.STATES if same or name == "settings"]
        problems = [
            f"the {name} are not as they were sealed on {last.day}, and no change was recorded since"
            for name in names
            if sealed.values.get(name) != now.values.get(name)
        ]
        return found("sealed-states", _STATES, checked=len(names), problems=problems)

    def read(
        self, verified: Verified, budget: int | None, month: str | None, noted: Callable[[], None]
    ) -> Iterator[CheckResult]:
        """Read sealed days again: new ones, and months read longest ago while they are within a budget of entries.

        Each part that holds is noted, and kept by `noted`: a run that is stopped is gone on with.
        """
        total, problems, done = 0, [], []
        maps = {verified.through(self.chain), len(self.chain)}
        for name, first, last in verified.parts(self.chain, budget, month):
            maps.add(first - 1)
            entries, wrong = self.days(first, last)
            total += entries
            problems += wrong
            done.append(name)
            if not wrong:
                verified.note(name)
                noted()
        if self.chain and not problems and month is None:
            verified.reach(self.chain[-1])
        yield found(
            "sealed-map",
            "the sealed states of accounts and lists have the root of their seal",
            checked=len(maps),
            problems=[problem for number in sorted(maps) for problem in self.map(number)],
        )
        since = self.chain[verified.first_read - 1].seal.day if self.chain and verified.first_read else "nothing"
        yield found(
            "sealed-days",
            f"the rows of sealed days are those that were sealed, read back to {since}",
            checked=total,
            problems=problems,
        )


_STATES = "settings and promotions are as they were sealed, where no change was recorded since"


def _altered(name: str, day: str, before: str | None, due: str | None, now: str | None) -> str:
    was, is_, start = State.of(due), State.of(now), State.of(before)
    if not name.startswith("account/"):
        return f"{name}: of those sealed on {day}, {was.rows - start.rows}, one was altered, removed or added"
    account = name.removeprefix("account/")
    versions = f"version {was.rows}" if was.rows <= start.rows + 1 else f"versions {start.rows + 1} to {was.rows}"
    if due is None:
        return f"account {account} was not sealed up to {day}, and has {is_.rows} entries up to then now"
    if is_.rows != was.rows:
        what = f"{is_.rows} entries up to then, {was.rows} were sealed"
    elif is_.balance != was.balance:
        what = f"balance {money(is_.balance)}, {money(was.balance)} was sealed"
    else:
        what = "other content than was sealed"
    return f"account {account}, {versions}, of days closed on {day}: {what}"


def money(minor: int | None) -> str:
    """Return minor units as money."""
    return f"{(minor or 0) / 100:.2f}" if abs(minor or 0) < 10**13 else canonical({"minor": minor})
