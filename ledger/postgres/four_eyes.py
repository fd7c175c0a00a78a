"""What needs a second person: kinds of commands from an amount on, wherever they come from (DECISIONS D172).

A command that needs one is posted under the key of a draft that another person agreed to; without, it is invalid, and
its key stays free. Credit terms have no key: they are the very line that another person agreed to. The database holds
the same, by triggers, for what does not come this way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ledger.administration import administration_lines
from ledger.core.outcomes import Invalid
from ledger.core.transactions import Transaction
from ledger.postgres.database import AnyConnection
from ledger.values.field_types import OWN_KEYS
from ledger.values.money import decimal

Kind = Literal["payout", "adjustment", "bonus", "reverse", "transfer", "refund", "credit_terms"]
Rules = Mapping[tuple[str, str], int | None]
"""By kind and currency: from which amount on, in minor units; None never. A kind that has any rule needs a second
person in every other currency, whatever the amount (DECISIONS D183)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone(Invalid):
    """A command, or a line of credit terms, that needs a second person and has none."""


class NeedsAnother(ValueError):
    """Leaves a rule of administration with why a line needs a second person."""


def rules(connection: AnyConnection) -> Rules:
    """Return what needs a second person."""
    rows = connection.execute("SELECT kind, currency, above FROM desk.four_eyes").fetchall()
    return {(kind, currency): above for kind, currency, above in rows}


def set_rule(connection: AnyConnection, kind: Kind, currency: str, above: int | None) -> None:
    """Let a kind need a second person from an amount on, in minor units, or never, in one currency.

    It is the owner's to set; the caller commits.
    """
    connection.execute(
        "INSERT INTO desk.four_eyes (kind, currency, above) VALUES (%s, %s, %s) "
        "ON CONFLICT (kind, currency) DO UPDATE SET above = excluded.above",
        [kind, currency, above],
    )


def drop_rules(connection: AnyConnection, kind: Kind) -> None:
    """Let a kind never need a second person, in any currency. It is the owner's to set; the caller commits."""
    connection.execute("DELETE FROM desk.four_eyes WHERE kind = %s", [kind])


def why(rules: Rules, kind: str, currency: str | None, amount: int | None) -> str | None:
    """Return why this amount of a kind needs a second person, in a sentence; None if it does not."""
    if all(of != kind for of, _ in rules):
        return None
    above = rules.get((kind, currency or ""), 0)
    if above is None or (amount is not None and abs(amount) < above):
        return None
    return f"{kind}: from {decimal(above)} {currency} on it needs a second person, who agrees to it at the desk"


def held_back(
    connection: AnyConnection, rules: Rules, parse: Callable[[Mapping[str, Any]], object]
) -> Callable[[Transaction], Alone | None]:
    """Return the condition under which a transaction to be posted needs a second person and has none.

    `parse` reads a draft's line, of whichever level.
    """

    def check(transaction: Transaction) -> Alone | None:
        if transaction.key.startswith(OWN_KEYS):
            return None
        sentence = why(rules, transaction.kind, transaction.currency, transaction.amount)
        if sentence is None or _agreed(connection, transaction, parse):
            return None
        return Alone(message=sentence, key=transaction.key)

    return check


def _agreed(connection: AnyConnection, transaction: Transaction, parse: Callable[[Mapping[str, Any]], object]) -> bool:
    """Return whether another person agreed to this very command."""
    row = connection.execute(
        "SELECT d.lines -> 0 FROM desk.draft d WHERE d.key = %s AND d.decided_by IS NOT NULL AND d.state <> 'refused'",
        [transaction.key],
    ).fetchone()
    agreed = parse({**row[0], "key": transaction.key}) if row else None
    return getattr(agreed, "fingerprint", None) == transaction.fingerprint


def check_terms(
    connection: AnyConnection, rules: Rules, line: administration_lines.CreditTerms, *, currency: str, limit: int
) -> None:
    """Raise NeedsAnother for credit terms with such a limit, in minor units, that nobody else agreed to."""
    sentence = why(rules, "credit_terms", currency, limit)
    if sentence is None:
        return
    drafts = connection.execute(
        "SELECT d.lines -> 0 FROM desk.draft d WHERE d.state = 'waiting' AND d.decided_by IS NOT NULL "
        "AND d.lines -> 0 ->> 'type' = 'credit_terms'"
    ).fetchall()
    if all(administration_lines.parse(agreed) != line for (agreed,) in drafts):
        raise NeedsAnother(sentence)
