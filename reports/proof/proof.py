"""A proof: every entry of an account of some days, and how it stood before and after them. Pure.

The last state is proven by a path to the root of a seal. Running hashes lead to it over the entries and over no others:
that none is missing, added or altered follows from it. The entry before the first day is one of them, so that it is
proven, too, that none stands between.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any  # of JSON that is read, everything may be wrong

from ledger.errors import Failure
from reports.proof.canonical import canonical
from reports.proof.running import State, account_leaf
from reports.proof.seal import Sealed
from reports.proof.sparse_map import Path, root_by

FORM = 1
COLUMNS = """
    version transaction leg kind posted_at date amount held balance_after held_after hash
""".split()
"""What a row of a proof has, in the order of an entry's canonical form; the account comes before."""

Row = dict[str, int | str]


@dataclass(frozen=True)
class MapPlace:
    """An account's place in the map of a seal. `value` is None before its first entry."""

    sealed: Sealed
    value: str | None
    path: Path

    def problem(self, account: int) -> str | None:
        """Return why this does not prove the account's state, None when it does."""
        seal = self.sealed.seal
        if self.sealed.problem:
            return f"seal {seal.number} of {seal.day}: {self.sealed.problem}"
        if root_by(self.path, account_leaf(account), self.value) != seal.root:
            return f"the account's state on {seal.day} is not the one that was sealed"
        return None


@dataclass(frozen=True)
class Proof:
    """Entries of an account of the days since one until another, and what proves them.

    `start` is the state before the first row, None for nothing yet. It is proven by a seal of days before, `before`, or
    by a first row that is the last one before the days. The rows end with the last one that the seal covers.
    """

    account: int
    since: str
    until: str
    start: str | None
    before: MapPlace | None
    after: MapPlace
    rows: tuple[tuple[int | str, ...], ...]

    @property
    def entries(self) -> list[Row]:
        """Return the rows by name."""
        return [dict(zip(COLUMNS, row, strict=True)) for row in self.rows]

    @property
    def proven(self) -> list[Row]:
        """Return the rows of the requested days."""
        return [row for row in self.entries if self.since <= str(row["date"]) <= self.until]

    @property
    def opening(self) -> int:
        """Return the balance before the first day, in minor units."""
        before = State.of(self.start).balance or 0
        return before + sum(int(row["amount"]) for row in self.entries if str(row["date"]) < self.since)

    @property
    def closing(self) -> int:
        """Return the balance after the last day, in minor units."""
        return self.opening + sum(int(row["amount"]) for row in self.proven)


def problems(proof: Proof, seals: Sequence[Sealed] | None) -> Iterator[str]:
    """Return a sentence for each thing that is not proven; `seals` are those of a copy, None where there is none."""
    for place in (proof.before, proof.after):
        if place and (problem := place.problem(proof.account)):
            yield problem
        elif place and seals is not None:
            yield from _unlike(place.sealed, seals)
    seal, before = proof.after.sealed.seal, proof.before
    if seal.day < proof.until:
        yield f"seal {seal.number} is of {seal.day}: the days until {proof.until} are not sealed by it"
    state = State.of(proof.start)
    if before and (before.value != proof.start or before.sealed.seal.day >= proof.since):
        yield f"the state before {proof.since} is not the one sealed on {before.sealed.seal.day}"
    elif state.rows and not before and (not proof.rows or str(proof.entries[0]["date"]) >= proof.since):
        yield f"the last entry before {proof.since} is missing: others may be, too"
    state.follow([canonical({"account": proof.account, **row}) for row in proof.entries])
    if proof.rows:
        state.balance = (state.balance or 0) + sum(int(row["amount"]) for row in proof.entries)
        state.held = (state.held or 0) + sum(int(row["held"]) for row in proof.entries)
    if proof.after.value != (state.value if state.rows else None):
        where = _first_broken(proof.entries) or "one is missing or altered"
        yield f"the entries do not lead to the state sealed on {seal.day}: {where}"


def _first_broken(rows: list[Row]) -> str | None:
    """Return which entry does not follow from the one before it; None where each does."""
    ordered = sorted(rows, key=lambda row: int(row["version"]))
    for before, row in pairwise(ordered):
        if row["version"] != int(before["version"]) + 1:
            return f"version {int(before['version']) + 1} is missing, or version {row['version']} altered"
        for figure, left in (("amount", "balance_after"), ("held", "held_after")):
            if int(row[left]) != int(before[left]) + int(row[figure]):
                return f"version {row['version']} of {row['date']} does not follow from the one before it"
    return None


def _unlike(sealed: Sealed, seals: Sequence[Sealed]) -> Iterator[str]:
    seal = sealed.seal
    copy = next((one for one in seals if one.seal.number == seal.number), None)
    if copy is None:
        yield f"seal {seal.number} of {seal.day} is not among the seals of the copy"
    elif copy.hash != sealed.hash:
        yield f"seal {seal.number} of {seal.day} is {sealed.short} here and {copy.short} in the copy"


def as_json(proof: Proof) -> bytes:
    """Return a proof as JSON; its entries stand by columns, which packs them a tenth smaller."""
    facts = {"proof": FORM, "account": proof.account, "since": proof.since, "until": proof.until, "start": proof.start}
    facts |= {"before": _written(proof.before), "after": _written(proof.after)}
    facts["entries"] = {name: [row[at] for row in proof.rows] for at, name in enumerate(COLUMNS)}
    return canonical(facts).encode()


def _written(place: MapPlace | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {"seal": json.loads(place.sealed.as_line()), "value": place.value, "path": asdict(place.path)}


def read_proof(content: bytes, name: str) -> Proof:
    """Return the proof that JSON holds. Raises Failure when it is none, or of a newer form."""
    try:
        facts = json.loads(content)
        if facts["proof"] != FORM:
            raise Failure(f"{name} is a proof of form {facts['proof']}, this version of Tiffin reads form {FORM}")
        entries = facts["entries"]
        if list(entries) != COLUMNS:
            raise ValueError
        rows = tuple(zip(*entries.values(), strict=True))
        days = str(facts["since"]), str(facts["until"])
        before = _place(facts["before"]) if "before" in facts else None
        proof = Proof(int(facts["account"]), *days, facts.get("start"), before, _place(facts["after"]), rows)
        _ = proof.entries, proof.closing, State.of(proof.start), State.of(proof.after.value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Failure(f"{name} is not a proof") from None
    return proof


def _place(facts: Any) -> MapPlace:
    seal, path = facts["seal"], facts["path"]
    sealed = Sealed(canonical(seal["seal"]), str(seal["hash"]), seal.get("public_key"), seal.get("signature"))
    _ = sealed.seal.root
    other = (str(path["other"][0]), str(path["other"][1])) if path.get("other") else None
    return MapPlace(sealed, facts.get("value"), Path(tuple(path["beside"]), other))
