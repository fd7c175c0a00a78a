"""What needs a second person: kinds of commands from an amount on, wherever they come from (DECISIONS D172).

A command that needs one is posted under the key of a draft that another person agreed to; without, it is invalid, and
its key stays free. The database holds the same, by a trigger, for what does not come this way.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from ledger.core import commands as c
from ledger.core.outcomes import Invalid
from ledger.postgres.database import AnyConnection
from ledger.values.money import decimal, minor

if TYPE_CHECKING:
    from ledger.postgres.post import Ledger

Kind = Literal["payout", "adjustment", "reverse", "transfer"]
KINDS: dict[type[c.Command], Kind] = {
    c.Payout: "payout",
    c.Adjustment: "adjustment",
    c.Reverse: "reverse",
    c.Transfer: "transfer",
}
T = TypeVar("T")


def rules(connection: AnyConnection) -> dict[str, int]:
    """Return from which amount on, in minor units, each kind needs a second person."""
    return dict(connection.execute("SELECT kind, above FROM desk.four_eyes").fetchall())


def set_rule(connection: AnyConnection, kind: Kind, above: int | None) -> None:
    """Let a kind need a second person from an amount on, in minor units, or never. The owner's; the caller commits."""
    connection.execute("DELETE FROM desk.four_eyes WHERE kind = %s", [kind])
    if above is not None:
        connection.execute("INSERT INTO desk.four_eyes (kind, above) VALUES (%s, %s)", [kind, above])


def needed(connection: AnyConnection, command: c.Command) -> str | None:
    """Return why a command needs a second person, in a sentence; None if it does not."""
    kind = KINDS.get(type(command))
    above = rules(connection).get(kind) if kind else None
    if kind is None or above is None:
        return None
    amount = _amount(connection, command)
    if amount is not None and abs(amount) < above:
        return None
    return f"{kind}: from {decimal(above)} on it needs a second person, who agrees to it at the desk"


def _amount(connection: AnyConnection, command: c.Command) -> int | None:
    """Return the amount that a command moves; of what is undone whole, what it was. None if that is not known."""
    given = getattr(command, "amount", None)
    if given is not None:
        return minor(given)
    named = getattr(command, "transaction", None)
    row = connection.execute("SELECT amount FROM transaction WHERE key = %s", [named]).fetchone()
    return None if row is None else row[0]


def around(
    ledger: "Ledger", commands: Sequence[c.Command], post: Callable[[Sequence[c.Command]], list[T]]
) -> list[T | Invalid]:
    """Post what needs nobody else, or was agreed to; return one outcome a command, in order."""
    if not any(type(command) in KINDS for command in commands):
        return [*post(commands)]
    back = ledger.retried(lambda: _kept_back(ledger.connection(), commands))
    answers = iter(post([command for place, command in enumerate(commands) if place not in back]))
    return [back[place] if place in back else next(answers) for place in range(len(commands))]


def _kept_back(connection: AnyConnection, commands: Sequence[c.Command]) -> dict[int, Invalid]:
    """Return, by place, what is not posted, and why."""
    back = {}
    with connection.transaction():
        for place, command in enumerate(commands):
            why = needed(connection, command) if type(command) in KINDS else None
            if why and not _agreed(connection, command):
                back[place] = Invalid(message=why, key=command.key)
    return back


def _agreed(connection: AnyConnection, command: c.Command) -> bool:
    """Tell whether another person agreed to this very command, or it was posted before."""
    row = connection.execute(
        "SELECT d.lines -> 0 FROM desk.draft d WHERE d.key = %s AND d.decided_by IS NOT NULL AND d.state <> 'refused'",
        [command.key],
    ).fetchone()
    if row is None:
        answered = connection.execute("SELECT FROM transaction WHERE key = %s", [command.key])
        return answered.fetchone() is not None  # the ledger replays it
    agreed = c.parse({**row[0], "key": command.key})
    return agreed.fingerprint == command.fingerprint
