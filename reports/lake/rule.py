"""A rule of the ledger that `tiffin verify` tries: one statement over the whole book."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A rule: `sql` returns what breaks it, `problem` names one such row, `count` counts what is checked."""

    name: str
    rule: str
    count: str
    sql: str
    problem: str
