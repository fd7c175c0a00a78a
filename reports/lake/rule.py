"""A rule of the ledger that `tiffin verify` tries: one statement over what came after a transaction, or ever."""

from dataclasses import dataclass

AFTER = "transaction_id > %(after)s"
MOVED = f"SELECT account_id FROM entry WHERE version IS NOT NULL AND {AFTER}"


@dataclass(frozen=True)
class Rule:
    """A rule: `sql` returns what breaks it, `problem` names one such row, `count` counts what is checked.

    Both are bound with `after`, a transaction number. `since` stands for `sql` where the whole book was proven before.
    """

    name: str
    rule: str
    count: str
    sql: str
    problem: str
    since: str | None = None
