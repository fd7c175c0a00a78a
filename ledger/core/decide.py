"""Decide what a command means for the book. Nothing here reads a clock or writes.

Rules are tried in the order of refusals.DECLINES, so a command that breaks several
always gets the same answer. `decide` leaves the book as it is; `answer` also enters
what was decided, so that the next command of the batch sees it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ledger.core import charges, payments, reversals
from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.guards import Case, Move, Verdict, in_order
from ledger.core.outcomes import Declined, Entry, Invalid, Posted, shown
from ledger.core.transactions import Hold, Transaction
from ledger.values.field_types import OWN_KEYS
from ledger.values.money import LARGEST_BALANCE, minor, plain
from ledger.values.refusals import Refused

Answer = Posted | Declined | Invalid
Rule = Callable[[Case, Any], Verdict]


def answer(book: Book, command: c.Command, now: datetime) -> Answer:
    """Return the outcome of one command and enter what it does into the book.

    A key that the book knows is answered as it was, or refused when the content differs. Kinds of command that
    are a second level's, or the ledger's own, are invalid.
    """
    if command.kind not in c.COMMANDS:
        return Invalid(key=command.key, message=f"type: {command.kind} is not a command of the ledger")
    known = replay(book, command)
    return known or entered(book, decide(book, command, now))


def replay(book: Book, command: c.Command) -> Posted | Declined | None:
    """Return the first answer to a key that the book knows, or the refusal of other content under it."""
    known = book.transactions.get(command.key)
    if known is None:
        return None
    if known.fingerprint == command.fingerprint:
        return book.outcome(known, replayed=True)
    return Declined(key=command.key, code="key_reused", facts={"key": command.key, "transaction": known.id})


def entered(book: Book, decided: Transaction | Invalid) -> Answer:
    """Enter a decision into the book and return its outcome; what lacks a second person is not entered."""
    if isinstance(decided, Invalid):
        return decided
    if book.held_back and decided.code is None and (alone := book.held_back(decided)):
        return alone
    if decided.kept:
        book.enter(decided)
    return book.outcome(decided)


def decide(
    book: Book, command: c.Command, now: datetime, *, sent: c.Command | None = None, rule: Rule | None = None
) -> Transaction | Invalid:
    """Return the transaction that a command is, posted or declined, not yet entered.

    `rule` is that of a kind that is no caller's. `now` is the booking time of a command that names none; it is moved
    up to the latest entry of the accounts concerned. A time after `now` is invalid.
    """
    if command.at is not None and command.at > now:
        return Invalid(key=command.key, message=f"at: {shown(command.at)} is in the future; it is {shown(now)}")
    if command.occurred_at is not None and command.occurred_at > (command.at or now):
        late = f"occurred_at: {shown(command.occurred_at)} is after the booking time, {shown(command.at or now)}"
        return Invalid(key=command.key, message=late)
    case = Case(book, command, command.at or now, command.at is not None, sent)
    rule = rule or RULES[command.kind]
    try:
        verdict = rule(case, command)
        while _moved_up(case, verdict):
            verdict = rule(case, command)
        if isinstance(command, c.Hold) and command.expires_at <= case.at:
            late = f"expires_at: {shown(command.expires_at)} is not after the booking time, {shown(case.at)}"
            return Invalid(key=command.key, message=late)
        if isinstance(command, c.Bonus) and command.expires_on and command.expires_on < case.book.day(case.at):
            late = f"expires_on: {command.expires_on} is before the day of booking, {case.book.day(case.at)}"
            return Invalid(key=command.key, message=late)
        return _posted(case, verdict)
    except Refused as refused:
        return _declined(case, refused, now)


def _moved_up(case: Case, verdict: Verdict) -> bool:
    """Return whether an account that only the rule found (a payer) has a later entry, so that the time moved up."""
    before = case.at
    for move in verdict.moves:
        in_order(case, case.book.accounts[move.account])
    return case.at > before


def _transaction(case: Case, at: datetime) -> Transaction:
    """Return what a transaction takes over from its command as it stands."""
    command = case.command
    transaction = Transaction(
        key=command.key,
        kind=command.kind,
        fingerprint=(case.sent or command).fingerprint,
        posted_at=at,
        day=case.book.day(at),
        value_date=command.value_date,
        by=command.by,
        note=command.note,
        occurred_at=command.occurred_at,
    )
    if isinstance(command, c.Bonus) and command.expires_on is not None:
        transaction.expires_at = case.book.ends(command.expires_on)
    for name in _OWN_FIELDS.get(command.kind, ()):
        setattr(transaction, name, getattr(command, name))
    return transaction


def _declined(case: Case, refused: Refused, now: datetime) -> Transaction:
    closed = case.book.closed_until
    # A decline must not appear on a closed day, whose reports are the same forever (DECISIONS D4).
    at = now if closed is not None and case.book.day(case.at) <= closed else case.at
    amount = getattr(case.command, "amount", None)
    name = getattr(case.command, "account", None)
    number = case.book.references.get(name) if isinstance(name, str) else name
    account = case.book.accounts.get(number) if number is not None else None
    transaction = _transaction(case, at)
    transaction.code, transaction.facts = refused.code, refused.facts
    transaction.account = account.id if account else None
    transaction.amount = minor(amount) if amount is not None else None
    transaction.currency = account.currency if account else case.command.currency
    return transaction


def _posted(case: Case, verdict: Verdict) -> Transaction:
    running: dict[int, tuple[int, int, int]] = {}
    transaction = _transaction(case, case.at)
    if case.book.holding:
        transaction.expiries = tuple(_expiries(case, verdict.moves, running))
    transaction.account = verdict.account.id if verdict.account else None
    transaction.amount, transaction.currency = verdict.amount, verdict.currency
    transaction.refers_to = verdict.refers_to
    transaction.entries = (*_numbered(case.book, transaction, verdict.moves, running), *verdict.legs)
    transaction.hold, transaction.takes, transaction.final = verdict.hold, verdict.takes, verdict.final
    transaction.terms = verdict.terms
    if verdict.groups:
        transaction.groups = {
            m.account: verdict.groups[m.account] for m in verdict.moves if m.account in verdict.groups
        }
    return transaction


def _numbered(
    book: Book, transaction: Transaction, moves: Iterable[Move], running: dict[int, tuple[int, int, int]]
) -> list[Entry]:
    """Return client entries with version, running balance and due date.

    `running` carries balances and versions between transactions.
    """
    entries = []
    for account, amount, held, subaccount in moves:
        if account in running:
            balance_now, held_now, version = running[account]
        else:
            state = book.balances[account]
            balance_now, held_now, version = state.balance, state.held, state.version
        balance_now, held_now, version = balance_now + amount, held_now + held, version + 1
        if not -LARGEST_BALANCE <= balance_now <= LARGEST_BALANCE:
            of = book.accounts[account]
            money = {"balance": plain(balance_now), "most": plain(LARGEST_BALANCE)}
            raise Refused("balance_out_of_range", **of.facts, currency=of.currency, **money)
        running[account] = balance_now, held_now, version
        entry = Entry(account, amount, held, version, balance_now, held_now, subaccount)
        due_on = book.due_on(account, transaction) if amount < 0 else None
        entries.append(entry if due_on is None else entry._replace(due_on=due_on))
    return entries


def _expiries(case: Case, moved: Iterable[Move], running: dict[int, tuple[int, int, int]]) -> list[Transaction]:
    """Return the holds that ran out on the accounts moved, each as a transaction at its own time.

    A hold's expiry moves all its sources, so their expired holds go with it: entries of an
    account are in order of time.
    """
    ran_out: dict[int, Hold] = {}
    accounts = [move.account for move in moved]
    while accounts:
        for hold in case.book.expired(accounts.pop(), case.at):
            if hold.id not in ran_out:
                ran_out[hold.id] = hold
                accounts += [part.source for part in hold.parts]
    ordered = sorted(ran_out.values(), key=lambda hold: (hold.expires_at, hold.id))
    return [expiry(case.book, hold, running) for hold in ordered]


def expiry(book: Book, hold: Hold, running: dict[int, tuple[int, int, int]] | None = None) -> Transaction:
    """Return the transaction that books a hold's expiry, at `expires_at`, on all its sources.

    The end of a hold that set nothing aside is not looked for before other entries, and so may come after them.
    """
    given_back = charges.release_moves(book, hold)
    at = max(hold.expires_at, *(book.balances[move.account].posted_at or hold.expires_at for move in given_back))
    transaction = Transaction(
        key=f"{OWN_KEYS}expiry:{hold.id}",
        kind="expiry",
        posted_at=at,
        day=book.day(at),
        account=hold.account,
        amount=-sum(move.held for move in given_back),
        currency=hold.currency,
        refers_to=hold.id,
        groups=hold.groups,
    )
    transaction.entries = tuple(_numbered(book, transaction, given_back, {} if running is None else running))
    return transaction


RULES: dict[str, Rule] = {
    "payment": payments.payment,
    "allocate": payments.allocate,
    "payout": payments.payout,
    "transfer": payments.transfer,
    "adjustment": payments.adjustment,
    "move": payments.move,
    "bonus": payments.bonus,
    "mark": payments.mark,
    "reverse": reversals.reverse,
    "debit": charges.debit,
    "hold": charges.hold,
    "capture": charges.capture,
    "release": charges.release,
    "refund": charges.refund,
}
"""The rule of each kind of command: returns what it does, or leaves with the decline it found."""

_OWN_FIELDS = {
    kind: [name for name in ("expires_at", "due_on", "channel", "reason") if name in command.__dataclass_fields__]
    for kind, command in c.KINDS.items()
}
"""What the transaction keeps of some kinds of command only."""
