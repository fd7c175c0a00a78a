"""What if limits had been other: a month's commands replayed through the ledger's own rules, in memory.

Two books go through the month. The first enters what the ledger did, and before each
command gives its own answer: that must be what the ledger answered (`unlike` lists where it is not,
because links, limits or a freeze changed since). The second has the other limits and answers
for itself. What a client would have done after another answer nobody knows: the commands stay (DECISIONS D53).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from ledger.core.book import Book
from ledger.core.commands import Command, Debit
from ledger.core.decide import decide, expiry
from ledger.core.outcomes import Invalid
from ledger.core.transactions import Transaction
from ledger.errors import Failure
from ledger.merging import hand_over, merged
from ledger.surplus import surplus
from ledger.values.dates import month_days
from ledger.values.money import decimal
from reports.replay.history import Happened, Limits, Past, Row, recorded, times
from reports.replay.rebuilt_commands import CHARGES, closed_then, rebuilt_command
from reports.run import LakeBook

MONEY = pl.Decimal(18, 2)
COLUMNS: dict[str, pl.DataType] = {
    "transaction": pl.Int64(),
    "key": pl.String(),
    "posted_at": pl.Datetime("us", "UTC"),
    "business_date": pl.Date(),
    "kind": pl.String(),
    "account": pl.Int64(),
    "reference": pl.String(),
    "currency": pl.String(),
    "amount": MONEY,
    "before": pl.String(),
    "after": pl.String(),
    "shifted": MONEY,
    "effect": pl.String(),
}


@dataclass(frozen=True)
class WhatIf:
    """What differs with other limits.

    `differing` has one row per transaction: before and after are decline codes, null for posted;
    shifted is what other accounts pay instead. Its effect is declined, let_through,
    other_reason, paid_otherwise, or follows (not a debit or hold: it changes because one did).
    `unlike` has the same columns: where the replay with the limits as they are gives another
    answer than the ledger gave. `answered` counts the commands replayed.
    """

    differing: pl.DataFrame
    unlike: pl.DataFrame
    answered: int

    @property
    def at_stake(self) -> pl.DataFrame:
        """Return effect, currency, count, accounts, amount, shifted: the money of debits and holds that differ."""
        return (
            self.differing.filter(pl.col("effect") != "follows")
            .group_by("effect", "currency")
            .agg(
                count=pl.len().cast(pl.Int64),
                accounts=pl.col("account").n_unique().cast(pl.Int64),
                amount=pl.col("amount").sum().cast(MONEY),
                shifted=pl.col("shifted").sum().cast(MONEY),
            )
            .sort("effect", "currency")
        )


def scaled(lake: LakeBook, *, credit: Decimal = Decimal(1), write_off: Decimal = Decimal(1)) -> Limits:
    """Return every credit limit, at whatever time it was valid, and every write-off limit's amount times a factor.

    Raises Failure for a factor below zero.
    """
    if credit < 0 or write_off < 0:
        raise Failure("a factor of limits cannot be negative")
    limits = lake.limits.filter(pl.col("amount").is_not_null()).collect()
    return Limits(
        {},
        {
            (row["payer_id"], row["group_name"] or row["account_id"], row["period"]): times(row["amount"], write_off)
            for row in limits.iter_rows(named=True)
        },
        credit_factor=credit,
        factor_of=frozenset(lake.credit_terms.collect()["account_id"]),
    )


def what_if(lake: LakeBook, month: str, limits: Limits) -> WhatIf:
    """Replay a month ("YYYY-MM") of the accounts whose limits are given, and of all connected with them.

    Raises Failure when the month is no month or an account is unknown.
    """
    _check(lake, month, limits)
    past = Past(lake, month, limits.accounts)
    book, other = past.book(), past.book(limits)
    differing: list[Row] = []
    unlike: list[Row] = []
    answered = 0
    for happened in past.happened:
        before = recorded(book, happened)
        if before.kind == "merge":
            account, into = before.clients()[0].account, before.account or 0
            merged(other, account, into, now=before.posted_at)
            book.enter(before)
            hand_over(book, account, into)
            continue
        if happened.row["month"] < month:
            other.enter(recorded(other, happened))
        elif happened.row["kind"] == "expiry":
            _expire(other, happened)
        elif command := rebuilt_command(past, book, happened):
            answered += 1
            closed = closed_then(past, happened)
            of = happened.row["refers_to"] if before.kind == "debit" else None
            again, after = (_decide(each, command, before.posted_at, closed, beyond=of) for each in (book, other))
            if _differs(before, again):
                unlike.append(_row(past, happened, before, again))
            if _differs(again, after):
                differing.append(_row(past, happened, again, after))
            if isinstance(after, Transaction):
                other.enter(after)
        book.enter(before)
    frames = [pl.DataFrame(rows, COLUMNS, orient="row") for rows in (differing, unlike)]
    return WhatIf(frames[0], frames[1], answered)


def _decide(
    book: Book, command: Command, at: datetime, closed: set[int], *, beyond: int | None = None
) -> Transaction | Invalid:
    """Return the answer with these accounts closed, which are open in the book that is replayed.

    `beyond` is the charge that a debit is the surplus of.
    """
    before = {account: book.status[account] for account in closed}
    book.status.update(dict.fromkeys(closed, "closed"))
    charge = book.transactions.get(str(beyond))
    if charge is not None and charge.code is None and isinstance(command, Debit):
        answer = surplus(book, command, charge.id, at)
    else:
        answer = decide(book, command, at)
    book.status.update(before)
    return answer


def _check(lake: LakeBook, month: str, limits: Limits) -> None:
    month_days(month)
    known = lake.accounts.filter(pl.col("party_id").is_not_null()).select("id").collect()["id"]
    for account in sorted(limits.accounts.difference(known)):
        raise Failure(f"there is no account {account}")


def _drawn(answer: Transaction) -> dict[int, tuple[int, int]]:
    """Return by client account what moved and what was held."""
    return {entry.account: (entry.amount, entry.held) for entry in answer.clients()}


def _differs(one: Transaction | Invalid, two: Transaction | Invalid) -> bool:
    if isinstance(one, Invalid) or isinstance(two, Invalid):
        return type(one) is not type(two)
    return one.code != two.code or (one.code is None and _drawn(one) != _drawn(two))


def _expire(book: Book, happened: Happened) -> None:
    """Book an expiry, unless it was booked already, or the hold was never placed or used up before."""
    placed = book.transactions.get(str(happened.row["refers_to"]))
    hold = book.holds.get(placed.id) if placed else None
    if hold and hold.state == "open":
        book.enter(expiry(book, hold))


def _row(past: Past, happened: Happened, before: Transaction | Invalid, after: Transaction | Invalid) -> Row:
    row, codes = happened.row, [_code(before), _code(after)]
    account = past.accounts.get(row["account_id"], {})
    return {
        "transaction": row["id"],
        "key": row["key"],
        "posted_at": row["posted_at"],
        "business_date": row["business_date"],
        "kind": row["kind"],
        "account": row["account_id"],
        "reference": account.get("reference"),
        "currency": row["currency"],
        "amount": row["amount"],
        "before": codes[0],
        "after": codes[1],
        "shifted": decimal(_shifted(before, after)),
        "effect": _effect(row["kind"], *codes),
    }


def _code(answer: Transaction | Invalid) -> str | None:
    return "invalid" if isinstance(answer, Invalid) else answer.code


def _effect(kind: str, before: str | None, after: str | None) -> str:
    if kind not in CHARGES:
        return "follows"
    if before is None:
        return "paid_otherwise" if after is None else "declined"
    return "let_through" if after is None else "other_reason"


def _shifted(before: Transaction | Invalid, after: Transaction | Invalid) -> int:
    """Return how much is drawn from accounts that gave less before, when both were posted."""
    if isinstance(before, Invalid) or isinstance(after, Invalid) or before.code or after.code:
        return 0
    was = {account: held - amount for account, (amount, held) in _drawn(before).items()}
    now = {account: held - amount for account, (amount, held) in _drawn(after).items()}
    return sum(max(0, now.get(account, 0) - was.get(account, 0)) for account in now)
