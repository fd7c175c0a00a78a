"""What must be true of every book after every step, in the words of `worlds`."""

from collections import defaultdict
from typing import Any


def check(state: dict[str, Any]) -> None:
    """Hold that sums, running balances, versions, open debits and holds agree, and who faces whom."""
    moves: dict[str, list[tuple[int, int, int, int, int]]] = defaultdict(list)
    for key, (kind, code, _, _, _, entries) in state["transactions"].items():
        assert code is None or not entries, f"{key} was declined and has entries"
        assert sum(entry[1] for entry in entries) == 0, f"{key} does not sum to zero"
        _check_facing(key, kind, entries)
        for account, amount, held, version, balance_after, held_after, *_ in entries:
            if version is not None:
                moves[account].append((version, amount, held, balance_after, held_after))
    for account, (balance, held, version) in state["balances"].items():
        so_far = held_so_far = 0
        for place, (number, amount, change, balance_after, held_after) in enumerate(sorted(moves[account]), 1):
            so_far, held_so_far = so_far + amount, held_so_far + change
            assert (number, balance_after, held_after) == (place, so_far, held_so_far), f"{account} version {number}"
        assert (balance, held, version) == (so_far, held_so_far, len(moves[account])), account
        unpaid = [item[-1] for item in state["owed"].get(account, [])]
        assert all(amount > 0 for amount in unpaid), account
        assert sum(unpaid) == max(0, -balance), f"{account} owes {unpaid} at {balance}"
        set_aside = [
            part[2]
            for status, parts in state["holds"].values()
            for part in parts
            if part[1] == account and (status == "open" or part[2])
        ]
        assert sum(set_aside) == held, f"{account} holds {held}, its holds {set_aside}"


def _check_facing(key: str, kind: str, entries: list[Any]) -> None:
    """Hold that what a client account gained is what brands' legs that face it lost; those facing nobody cancel out.

    A leg that faces another brand names its cash, and the other's legs come to the opposite.
    """
    brands: dict[str, int] = defaultdict(int)
    clients: dict[str, int] = defaultdict(int)
    for account, amount, _, version, _, _, _, source, *_ in entries:
        if version is not None:
            clients[account] += amount
        elif source is not None and source.startswith("cash "):
            clients[" and ".join(sorted((account.split()[-1], source.split()[-1])))] += amount
        elif source is not None:
            clients[source] += amount
        else:
            brands[account.split()[-1]] += amount
    assert not any(brands.values()), f"{key}: legs that face nobody come to {dict(brands)}"
    if kind == "transfer" or all(entry[3] is not None for entry in entries):
        return  # clients face one another
    assert not any(clients.values()), f"{key}: legs and what they face differ by {dict(clients)}"


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Hold that two worlds are in the same state, but for the days of declines, which may be the clock's."""
    for name in one:
        assert _without_days(name, one[name]) == _without_days(name, other[name]), name


def _without_days(name: str, facts: Any) -> Any:
    if name != "transactions":
        return facts
    return {key: (kind, code, code or day, *rest) for key, (kind, code, day, *rest) in facts.items()}
