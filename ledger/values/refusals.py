"""Refusals: the code, the place and the sentence of every decline of level one.

DECLINES is the one list, in order of precedence: a command that breaks several rules always
gets the first. A sentence is made from the code and the facts alone.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

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

    A decline is kept forever, a name is not: it is looked up when the sentence is made.
    """
    named = dict(facts)
    for fact in ("subject", "towards", "client"):
        found = _ACCOUNT.fullmatch(str(facts.get(fact)))
        name = name_of(int(found[1])) if found else None
        if name:
            named[fact] = f"{facts[fact]} ({name})"
    return named
