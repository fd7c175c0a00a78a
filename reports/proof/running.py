"""What is sealed, computed from the ledger's rows: the state of each account and list after some days."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from typing import Protocol, Self

import polars as pl

from reports.proof import read_rows
from reports.proof.canonical import START, canonical, following

CHUNK = 200_000  # transactions read at once: some hundred megabytes of text


class Reader(Protocol):
    """What answers a query with a frame: a snapshot of the ledger."""

    def frame(self, sql: str) -> pl.DataFrame:
        """Return a query's rows."""
        ...


@dataclass
class State:
    """What a running hash has followed so far: how many rows.

    `balance` and `held` are the sums of an account's entries in minor units, `last` is the last number of a list.
    """

    rows: int = 0
    running: str = START.hex()
    balance: int | None = None
    held: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, value: str | None) -> Self:
        """Return the state in a leaf's value; without one nothing was followed yet."""
        return cls(**json.loads(value)) if value else cls()

    @property
    def value(self) -> str:
        """Return the value of the leaf."""
        return canonical(asdict(self))

    def follow(self, texts: list[str]) -> None:
        """Follow some more rows."""
        running = bytes.fromhex(self.running)
        for text in texts:
            running = following(running, text)
        self.running = running.hex()
        self.rows += len(texts)


@dataclass
class Leaves:
    """The leaves as they were sealed once, and as they become while days and rows are read: `changed` are those."""

    values: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: str) -> None:
        """Give a leaf its value."""
        if self.values.get(name) != value:
            self.values[name] = self.changed[name] = value


def sealed_leaves(reader: Reader, number: int) -> Leaves:
    """Return the leaves as a seal left them; none before the first."""
    if not number:
        return Leaves()
    return Leaves(dict(reader.frame(read_rows.leaves(number)).iter_rows()))


def chunks(reader: Reader, after: date | None, until: date) -> Iterator[tuple[date | None, date]]:
    """Return the days after one and up to another in parts that fit into memory."""
    rows, start, last = 0, after, after
    for day, count in reader.frame(read_rows.days(after, until)).iter_rows():
        if rows and rows + count > CHUNK and last is not None:
            yield start, last
            rows, start = 0, last
        rows, last = rows + count, day
    if rows:
        yield start, until


def read_entries(reader: Reader, past: Leaves, after: date | None, until: date) -> int:
    """Follow the entries of the days after one and up to another; return how many there are."""
    read = 0
    for start, end in chunks(reader, after, until):
        accounts = (
            reader.frame(read_rows.entries(start, end))
            .group_by("account_id", maintain_order=True)
            .agg(pl.col("text"), pl.col("amount", "held").sum())
        )
        for account, texts, amount, held in accounts.iter_rows():
            name = account_leaf(account)
            state = State.of(past.values.get(name))
            state.follow(texts)
            state.balance, state.held = (state.balance or 0) + amount, (state.held or 0) + held
            past.put(name, state.value)
            read += len(texts)
    return read


def read_list(reader: Reader, past: Leaves, name: str, until: int) -> None:
    """Follow what was added to a list, up to a number."""
    state = State.of(past.values.get(name))
    frame = reader.frame(read_rows.listed(name, state.last, until))
    state.follow(frame["text"].to_list())
    state.last = until
    past.put(name, state.value)


def read_states(reader: Reader, past: Leaves) -> None:
    """Hash what may change from day to day as it is now."""
    for name, sql in read_rows.STATES.items():
        texts = reader.frame(sql)["text"].to_list()
        past.put(name, canonical({"rows": len(texts), "hash": sha256("\n".join(texts).encode()).hexdigest()}))


def account_leaf(account: int) -> str:
    """Return the name of an account's leaf."""
    return f"account/{account}"
