"""Outcomes: the ledger's answers to commands.

DECLINES is the one list of refusals, in order of precedence: a command that breaks
several rules always gets the first. The sentence of a decline is made here, from its
code and facts alone, so a decline read back says what it said at first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, NamedTuple

from ledger.values.money import plain

Facts = dict[str, Any]

DECLINES: dict[str, str] = {
    "key_reused": "key {key} was used before with other content, by transaction {transaction}",
    "account_not_found": "no such account: {asked}",
    "brand_not_found": "no such brand: {brand}",
    "period_closed": "{day} is closed: days up to {closed_until} take no more transactions",
    "too_late": "{occurred_at} is more than {late_days} days before the booking, at {at}",
    "out_of_order": "{at} is before the latest entry of {subject}, of {latest}",
    "account_closed": "{subject} is closed",
    "account_frozen": "{subject} is frozen",
    "currency_mismatch": "{subject} is in {currency}, not in {asked}",
    "payment_not_found": "no {what} with the key {key}",
    "debit_not_found": "no {what} with the key {key}",
    "owned_by_order": "{key} is of order {order}: deliver, cancel or refund_items moves its money",
    "already_reversed": "{what} {key} was reversed before, by transaction {transaction}",
    "reversal_is_final": "{key} is the reversal of reversal {reversed}, which is final",
    "reversal_exceeds_transaction": "reversal exceeds {what} {key}: left {left}{place}, this reversal {asked} {currency}; over by {over_by}",
    "split_required": "{what} {key} is in several places: {places} {currency}; reversing {asked} of it needs a split",
    "refund_exceeds_debit": "refund exceeds debit {key}: {of} {amount}, refunded {refunded}, this refund {asked} {currency}; over by {over_by}",
    "allocation_exceeds_payment": "allocation exceeds payment {key}: amount {amount}, allocated {allocated}, this allocation {asked} {currency}; over by {over_by}",
    "hold_not_found": "no {what} with the key {key}",
    "hold_not_open": "hold {key} is not open: it was {state}",
    "hold_expired": "hold {key} expired at {expires_at}",
    "capture_exceeds_hold": "capture exceeds hold {key}: {of} {amount}, left {left}, this capture {asked} {currency}; over by {over_by}",
    "write_off_limit_exceeded": "write-off limit exceeded on {subject}{towards}: {limit}, used {used}, this {what} {drawn}; short by {short_by}",
    "credit_expired": "credit expired on {subject}: balance {balance}, held {held}, this {what} {drawn}, credit was valid until {valid_until}, {currency}; short by {short_by}",
    "credit_overdue": "credit overdue on {subject}: balance {balance}, held {held}, this {what} {drawn} {currency}, unpaid since {unpaid_since}, due on {due_on}; short by {short_by}",
    "credit_limit_exceeded": "credit limit exceeded on {subject}: balance {balance}, held {held}, this {what} {drawn}, credit limit {credit_limit} {currency}; short by {short_by}",
    "insufficient_funds": "insufficient funds on {subject}: balance {balance}, held {held}, this {what} {drawn} {currency}; short by {short_by}",
    "balance_out_of_range": "balance out of range on {subject}: it would be {balance}, at most {most} {currency} can be kept",
    # Of administration lines:
    "party_not_found": "no such party: {party}",
    "never_changes": "the {what} of {subject} never changes: it is {is}, not {asked}",
    "link_not_allowed": "{subject} cannot pay for {other}: {why}",
    "account_not_empty": "{subject} cannot be closed: {why}",
    "merge_not_allowed": "{subject} cannot be merged into {other}: {why}",
}

NOT_KEPT = frozenset({"key_reused", "out_of_order"})
"""Declines that leave no transaction: the caller may send the key again."""

FUNDS = "write_off_limit_exceeded"
"""The first of the refusals that are about money."""


class Refusals(dict[str, str]):
    """The refusals of one level or several: sentences by code, in order of precedence."""

    @cached_property
    def rank(self) -> dict[str, int]:
        """Return the place of each code: the lower, the earlier it is named."""
        return {code: place for place, code in enumerate(self)}

    def with_these(self, sentences: Mapping[str, str], *, before: str = FUNDS) -> "Refusals":
        """Return these refusals and those of a second level, which take their place before one of these."""
        place = self.rank[before]
        codes = list(self.items())
        return Refusals([*codes[:place], *sentences.items(), *codes[place:]])

    def sentence(self, code: str, facts: Facts) -> str:
        """Return the sentence of a decline; the bare code where another level, not at hand, declined."""
        sentence = self.get(code)
        if sentence and "period_days" in facts:  # declined before debts had due dates
            sentence = sentence.replace("due on {due_on}", "due within {period_days} days")
        if sentence and "merged_into" in facts:
            sentence += ": it was merged into account {merged_into}"
        return sentence.format_map(facts) if sentence else code.replace("_", " ")


LEDGER = Refusals(DECLINES)
"""The refusals of level one. A second level hands in its own, to whoever shows declines (DECISIONS D80)."""


class Refused(Exception):
    """Leaves a rule with the decline that it found; its caller returns that as a value."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


_ACCOUNT = re.compile(r"(?: for )?account (\d+)")


def with_names(facts: Facts, name_of: Callable[[int], str | None]) -> Facts:
    """Return the facts of a decline with their clients' names after the accounts.

    A decline is kept for ever, a name is not: it is looked up when the sentence is made.
    """
    named = dict(facts)
    for fact in ("subject", "towards", "client"):
        found = _ACCOUNT.fullmatch(str(facts.get(fact)))
        name = name_of(int(found[1])) if found else None
        if name:
            named[fact] = f"{facts[fact]} ({name})"
    return named


class Moved(NamedTuple):
    """What a transaction did to one client account. Amounts in minor units."""

    account: int
    reference: str | None
    amount: int
    balance: int
    held: int
    version: int


class Entry(NamedTuple):
    """One leg of a transaction, in the order of the table's columns. Amounts in minor units."""

    account: int
    amount: int
    held: int = 0
    version: int | None = None
    balance_after: int | None = None
    held_after: int | None = None
    subaccount: int | None = None
    source: int | None = None
    line: int | None = None
    service: str | None = None
    reference: str | None = None
    gross: int | None = None
    discount: int | None = None
    vat_rate: Any = None
    vat: int | None = None
    channel: str | None = None
    chart: str | None = None
    attributes: dict[str, Any] | None = None
    due_on: date | None = None


# Not frozen: one is made for every command, and freezing would double that.
@dataclass(slots=True, kw_only=True)
class Posted:
    """A command that was carried out; `accounts` are the client accounts that moved, in drawing order.

    A quote has a transaction below zero: it has no number yet.
    """

    key: str
    transaction: int
    posted_at: datetime
    accounts: tuple[Moved, ...]
    replayed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {
            "key": self.key,
            "status": "posted",
            "transaction": self.transaction if self.transaction > 0 else None,
            "posted_at": shown(self.posted_at),
            "replayed": self.replayed,
            "accounts": [
                {**m._asdict(), "amount": plain(m.amount), "balance": plain(m.balance), "held": plain(m.held)}
                for m in self.accounts
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A command that was refused. Amounts among the facts are plain strings."""

    key: str
    code: str
    facts: Facts
    replayed: bool = False
    refusals: Refusals = field(default_factory=lambda: LEDGER, repr=False, compare=False)
    name_of: Callable[[int], str | None] = field(default=lambda _: None, repr=False, compare=False)

    @property
    def named_facts(self) -> Facts:
        """Return the facts with clients' names, for whoever shows them now."""
        return with_names(self.facts, self.name_of)

    @property
    def message(self) -> str:
        """Return the sentence: the rule, the subject, every number used and the gap."""
        return self.refusals.sentence(self.code, self.named_facts)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        about = {"key": self.key} if self.key else {}
        reason = {"code": self.code, "message": self.message, "facts": self.facts}
        return {**about, "status": "declined", **reason, "replayed": self.replayed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """A command that breaks a rule of form; nothing was kept."""

    message: str
    key: str | None = None
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        where = {"line": self.line} if self.line is not None else {}
        about = {"key": self.key} if self.key else {}
        return {**where, **about, "status": "invalid", "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An administration line that was carried out; `facts` give the id."""

    kind: str
    facts: Facts

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        return {"type": self.kind, "status": "done", **self.facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A line that could not be carried out now; nothing was decided, and it may be sent again."""

    message: str
    key: str | None = None
    kind: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as callers read it."""
        about = {"key": self.key} if self.key else {"type": self.kind}
        return {**about, "status": "failed", "message": self.message}


Outcome = Posted | Declined | Invalid | Done | Failed


def shown(at: datetime) -> str:
    """Return an instant in ISO 8601, UTC, such as "2026-03-02T06:00:01Z"."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
