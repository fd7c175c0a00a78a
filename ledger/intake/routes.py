"""Which writer posts a line: a payer and those it pays for go one way. A matter of speed, and of order.

What a line names is read without understanding it, so that the writer can be found that will.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from ledger.intake.writer_process import SentLine
from ledger.postgres.database import AnyConnection, connect

REMEMBERED = 1_000_000
REMEMBERED_KEYS = 100_000

Name = int | str


class Route(NamedTuple):
    """What a command names, by which its way is found: accounts, keys of earlier transactions, its own key."""

    accounts: tuple[Name, ...] = ()
    refers: tuple[str, ...] = ()
    key: str = ""
    kind: str = ""


_ACCOUNTS = ("account", "payer", "to", "into")
_REFERS = ("hold", "debit", "payment", "transaction", "order")


def named(sent: SentLine) -> Route:
    """Return what a line is and names: nothing but its key if it is no JSON object."""
    try:
        record: Any = from_json(sent.body)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return Route(key=sent.key or "")
    places, split = [record], record.get("split")
    if isinstance(split, list):
        places += [part for part in split if isinstance(part, dict)]
    names = [place.get(field) for place in places for field in _ACCOUNTS]
    refers = [record.get(field) for field in _REFERS]
    kind, key = record.get("type"), record.get("key")
    return Route(
        accounts=tuple([name for name in names if type(name) is int or type(name) is str]),
        refers=tuple([name for name in refers if type(name) is str]),
        key=(key if isinstance(key, str) else "") or sent.key or "",
        kind=kind if isinstance(kind, str) else "",
    )


class Routes:
    """The writers of the accounts seen so far. A route once given stays."""

    def __init__(self, url: str, writers: int) -> None:
        self._url, self._writers = url, writers
        self._accounts: dict[Name, int] = {}
        self._keys: OrderedDict[str, int] = OrderedDict()
        self._connection: AnyConnection | None = None

    def known(self, route: Route) -> bool:
        """Return whether a command's way is known: unless its first account was never seen."""
        return not route.accounts or route.accounts[0] in self._accounts

    def spread(self, route: Route) -> bool:
        """Return whether a line names accounts of several writers, or some that were never seen."""
        if len(route.accounts) < 2:
            return False
        writers = {self._accounts.get(name) for name in route.accounts}
        return len(writers) > 1 or None in writers

    def learn(self, routes: Sequence[Route]) -> None:
        """Find the writers of accounts seen for the first time."""
        new = {name for route in routes for name in route.accounts} - self._accounts.keys()
        if not new:
            return
        if len(self._accounts) > REMEMBERED:
            self._accounts.clear()
        try:
            rows = self._looked_up(new)
        except BaseException:
            self.close()
            raise
        for number, reference, payers in rows:
            group = [number, *payers]
            routed = [self._accounts[member] for member in group if member in self._accounts]
            # Of a number the last digit is a check digit.
            writer = routed[0] if routed else (payers[0] if payers else number) // 10 % self._writers
            for name in (*group, *([reference] if reference else ())):
                self._accounts.setdefault(name, writer)

    def give(self, route: Route) -> int:
        """Return the writer of a line, whether or not its accounts could be looked up."""
        writer = next((self._accounts[name] for name in route.accounts if name in self._accounts), None)
        if writer is None:
            writer = next((self._keys[name] for name in route.refers if name in self._keys), None)
        if writer is None:
            # Of an account that could not be looked up, too, all lines go one way: in order.
            writer = hash((*route.accounts, *route.refers, route.key)[0]) % self._writers
        if route.key:
            self._keys[route.key] = writer
            if len(self._keys) > REMEMBERED_KEYS:
                self._keys.popitem(last=False)
        return writer

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _looked_up(self, new: Iterable[Name]) -> list[tuple[int, str | None, list[int]]]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, autocommit=True)
        numbers = [name for name in new if isinstance(name, int) and abs(name) < 2**63]
        references = [name for name in new if isinstance(name, str) and "\0" not in name and name.isprintable()]
        return self._connection.execute(_GROUPS, [numbers, references]).fetchall()


_GROUPS = """
SELECT a.id, a.reference, array_remove(array_agg(l.payer_id ORDER BY l.priority), NULL)
FROM account a LEFT JOIN link l ON l.account_id = coalesce(a.money_account_id, a.id)
WHERE a.id = ANY(%s) OR a.reference = ANY(%s) GROUP BY a.id
"""
