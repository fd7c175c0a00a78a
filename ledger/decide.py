"""Decide what a command means for the book. Nothing here reads a clock or writes.

Rules are tried in the order of outcomes.DECLINES, so a command that breaks several
always gets the same answer. `decide` leaves the book as it is; `answer` also enters
what was decided, so that the next command of the batch sees it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ledger import commands as c
from ledger.book import Account, Book, Brand, Hold, HoldPart, Transaction
from ledger.fund import Asked, Short, free, fund, sources
from ledger.money import minor, plain, share, split
from ledger.outcomes import Declined, Entry, Facts, Invalid, Posted, shown


class Refused(Exception):
    """Leaves a rule with the decline it found; never leaves this module."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Move(NamedTuple):
    """A change of one client account."""

    account: int
    amount: int
    held: int = 0
    subaccount: int | None = None


@dataclass(slots=True)
class Case:
    """One command before the book, at its time."""

    book: Book
    command: c.Command
    at: datetime
    explicit: bool


@dataclass(slots=True)
class Verdict:
    """What a posted command does: moves of clients, legs of brands, and what belongs to its kind."""

    account: Account | None
    amount: int
    currency: str
    moves: list[Move]
    legs: list[Entry]
    refers_to: int | None = None
    hold: list[HoldPart] | None = None
    takes: list[tuple[int, int]] | None = None
    final: bool = False


def answer(book: Book, command: c.Command, now: datetime) -> Posted | Declined | Invalid:
    """Return the outcome of one command and enter what it does into the book.

    A key that the book knows is answered as it was, or refused when the content differs.
    """
    known = book.transactions.get(command.key)
    if known is not None:
        if known.fingerprint == c.fingerprint(command):
            return book.outcome(known, replayed=True)
        return Declined(key=command.key, code="key_reused", facts={"key": command.key, "transaction": known.id})
    decided = decide(book, command, now)
    if isinstance(decided, Invalid):
        return decided
    if decided.kept:
        book.enter(decided)
    return book.outcome(decided)


def decide(book: Book, command: c.Command, now: datetime) -> Transaction | Invalid:
    """Return the transaction that a command is, posted or declined, not yet entered.

    `now` is the booking time of a command that names none; it is moved up to the latest
    entry of the accounts concerned. A time after `now` is invalid.
    """
    if command.at is not None and command.at > now:
        return Invalid(key=command.key, message=f"at: {shown(command.at)} is in the future; it is {shown(now)}")
    case = Case(book, command, command.at or now, command.at is not None)
    try:
        verdict = RULES[command.kind](case)
        if isinstance(command, c.Hold) and command.expires_at <= case.at:
            late = f"expires_at: {shown(command.expires_at)} is not after the booking time, {shown(case.at)}"
            return Invalid(key=command.key, message=late)
        return _posted(case, verdict)
    except Refused as refused:
        return _declined(case, refused, now)


# ---- what all commands share


def _transaction(case: Case, at: datetime, **rest: Any) -> Transaction:
    command = case.command
    return Transaction(
        key=command.key,
        kind=command.kind,
        fingerprint=c.fingerprint(command),
        posted_at=at,
        day=case.book.day(at),
        value_date=command.value_date,
        expires_at=getattr(command, "expires_at", None),
        channel=getattr(command, "channel", None),
        reason=getattr(command, "reason", None),
        by=command.by,
        note=command.note,
        **rest,
    )


def _declined(case: Case, refused: Refused, now: datetime) -> Transaction:
    # A decline must not appear on a closed day, whose reports are the same for ever.
    at = now if refused.code == "period_closed" else case.at
    amount = getattr(case.command, "amount", None)
    asked = getattr(case.command, "account", None)
    number = case.book.references.get(asked) if isinstance(asked, str) else asked
    account = case.book.accounts.get(number) if number is not None else None
    return _transaction(
        case,
        at,
        code=refused.code,
        facts=refused.facts,
        account=account.id if account else None,
        amount=minor(amount) if amount is not None else None,
        currency=account.currency if account else case.command.currency,
    )


def _posted(case: Case, verdict: Verdict) -> Transaction:
    for move in verdict.moves:
        _in_order(case, case.book.accounts[move.account])
    running: dict[int, tuple[int, int, int]] = {}
    expiries = _expiries(case, verdict.moves, running)
    entries = [*_numbered(case.book, verdict.moves, running), *verdict.legs]
    return _transaction(
        case,
        case.at,
        account=verdict.account.id if verdict.account else None,
        amount=verdict.amount,
        currency=verdict.currency,
        refers_to=verdict.refers_to,
        entries=tuple(entries),
        expiries=tuple(expiries),
        hold=verdict.hold,
        takes=verdict.takes,
        final=verdict.final,
    )


def _numbered(book: Book, moves: Iterable[Move], running: dict[int, tuple[int, int, int]]) -> Iterable[Entry]:
    """Yield client entries with version and running balance; `running` carries them between transactions."""
    for account, amount, held, subaccount in moves:
        if account in running:
            balance_now, held_now, version = running[account]
        else:
            state = book.balances[account]
            balance_now, held_now, version = state.balance, state.held, state.version
        balance_now, held_now, version = balance_now + amount, held_now + held, version + 1
        running[account] = balance_now, held_now, version
        yield Entry(account, amount, held, version, balance_now, held_now, subaccount)


def _expiries(case: Case, moves: Iterable[Move], running: dict[int, tuple[int, int, int]]) -> list[Transaction]:
    """Return the holds that ran out on the accounts moved, each as a transaction at its own time."""
    ran_out = {hold.id: hold for move in moves for hold in case.book.expired(move.account, case.at)}
    ordered = sorted(ran_out.values(), key=lambda hold: (hold.expires_at, hold.id))
    return [expiry(case.book, hold, running) for hold in ordered]


def expiry(book: Book, hold: Hold, running: dict[int, tuple[int, int, int]] | None = None) -> Transaction:
    """Return the transaction that books a hold's expiry, at `expires_at`, on all its sources."""
    moves = _merged(_release_moves(hold))
    return Transaction(
        key=f"{c.OWN_KEYS}expiry:{hold.id}",
        kind="expiry",
        posted_at=hold.expires_at,
        day=book.day(hold.expires_at),
        account=hold.account,
        amount=-sum(move.held for move in moves),
        currency=hold.currency,
        refers_to=hold.id,
        entries=tuple(_numbered(book, moves, {} if running is None else running)),
    )


def _merged(moves: Iterable[Move]) -> list[Move]:
    """Return one move an account, in order of first appearance."""
    merged: dict[int, Move] = {}
    for move in moves:
        so_far = merged.get(move.account)
        merged[move.account] = (
            move
            if so_far is None
            else so_far._replace(amount=so_far.amount + move.amount, held=so_far.held + move.held)
        )
    return list(merged.values())


def _legs(amounts: Iterable[tuple[int, int]]) -> list[Entry]:
    """Return one leg a system account."""
    merged: dict[int, int] = {}
    for account, amount in amounts:
        merged[account] = merged.get(account, 0) + amount
    return [Entry(account, amount) for account, amount in merged.items()]


# ---- guards, in the order of DECLINES


def _account(case: Case, asked: int | str, kind: str = "money") -> Account:
    number = case.book.references.get(asked) if isinstance(asked, str) else asked
    account = case.book.accounts.get(number) if number is not None else None
    if account is None or account.kind != kind:
        what = f"reference {asked}" if isinstance(asked, str) else f"number {asked}"
        raise Refused("account_not_found", asked=what if kind == "money" else f"{kind} account, {what}")
    return account


def _brand(case: Case, code: str) -> Brand:
    brand = case.book.brands.get(code)
    if brand is None or not brand.open:
        raise Refused("brand_not_found", brand=code if brand is None else f"{code} (closed)")
    return brand


def _period(case: Case) -> None:
    closed = case.book.closed_until
    if closed is not None and case.book.day(case.at) <= closed:
        day = case.book.day(case.at).isoformat()
        raise Refused("period_closed", day=day, closed_until=closed.isoformat())


def _in_order(case: Case, account: Account) -> None:
    """Hold that the account has no later entry; a time that nobody named is moved up instead."""
    latest = case.book.balances[account.id].posted_at
    if latest is None or case.at >= latest:
        return
    if case.explicit:
        raise Refused(
            "out_of_order",
            at=shown(case.at),
            account=account.id,
            subject=account.subject,
            latest=shown(latest),
        )
    case.at = latest


def _usable(case: Case, *accounts: Account, spends: bool) -> None:
    """Hold the guards that concern accounts: order of time, status, currency."""
    _period(case)
    for account in accounts:
        _in_order(case, account)
    for code, refused in (
        ("account_closed", {"closed"}),
        ("account_frozen", {"frozen"} if spends else set()),
    ):
        for account in accounts:
            if case.book.status[account.id] in refused:
                raise Refused(code, account=account.id, subject=account.subject)
    wanted = case.command.currency or (accounts[0].currency if accounts else None)
    for account in accounts:
        if account.currency != wanted:
            raise Refused(
                "currency_mismatch", account=account.id, subject=account.subject, currency=account.currency,
                asked=wanted,
            )  # fmt: skip


def _system(case: Case, brand: Brand | int, kind: str, currency: str) -> int:
    return case.book.system[brand if isinstance(brand, int) else brand.id, kind, currency]


def _named(case: Case, key: str, kinds: tuple[str, ...], code: str, what: str) -> Transaction:
    """Return the posted transaction of one of `kinds` that has the key."""
    _period(case)
    found = case.book.transactions.get(key)
    if found is None or found.kind not in kinds or found.code is not None:
        raise Refused(code, key=key, what=what)
    return found


def _reversal(case: Case, of: Transaction) -> Transaction | None:
    follows = case.book.followers.get(of.id, ())
    return next((t for t in follows if t.kind == "reverse" and t.code is None), None)


def _not_reversed(case: Case, target: Transaction) -> None:
    by = _reversal(case, target)
    if by is not None:
        raise Refused("already_reversed", what=target.kind, key=target.key, transaction=by.id)


# ---- one rule a command


def _payment(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Payment)
    parts: Iterable[c.Share] = command.split or ()
    if command.account is not None:
        parts = (c.Share(account=command.account, amount=command.amount, brand=command.brand),)
    into = [_account(case, part.account) for part in parts]
    brands = [_brand(case, part.brand or command.brand or "") for part in parts]
    if not into:
        return _unallocated(case, command)
    _usable(case, *into, spends=False)
    currency = into[0].currency
    amounts = [minor(part.amount) for part in parts]
    return Verdict(
        account=into[0] if command.account is not None else None,
        amount=minor(command.amount),
        currency=currency,
        moves=_merged(Move(account.id, amount) for account, amount in zip(into, amounts, strict=True)),
        legs=_legs(
            (_system(case, brand, "cash", currency), -amount) for brand, amount in zip(brands, amounts, strict=True)
        ),
    )


def _unallocated(case: Case, command: c.Payment) -> Verdict:
    brand = _brand(case, command.brand or "")
    _period(case)
    currency = command.currency or case.book.currency
    amount = minor(command.amount)
    legs = _legs(
        [
            (_system(case, brand, "unallocated", currency), amount),
            (_system(case, brand, "cash", currency), -amount),
        ]
    )
    return Verdict(None, amount, currency, [], legs)


def _allocate(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Allocate)
    into = [_account(case, part.account) for part in command.split]
    payment = _named(case, command.payment, ("payment",), "payment_not_found", "unallocated payment")
    if any(payment.clients()):
        raise Refused("payment_not_found", key=command.payment, what="unallocated payment")
    _usable(case, *into, spends=False)
    if into[0].currency != payment.currency:
        raise Refused(
            "currency_mismatch", account=into[0].id, subject=into[0].subject, currency=into[0].currency,
            asked=payment.currency,
        )  # fmt: skip
    _not_reversed(case, payment)
    allocated = sum(t.amount or 0 for t in case.book.followers.get(payment.id, ()) if t.kind == "allocate")
    amount = minor(command.amount)
    assert payment.amount is not None and payment.currency is not None
    if allocated + amount > payment.amount:
        raise Refused(
            "allocation_exceeds_payment", key=payment.key, amount=plain(payment.amount), allocated=plain(allocated),
            asked=plain(amount), currency=payment.currency, over_by=plain(allocated + amount - payment.amount),
        )  # fmt: skip
    unallocated = next(entry.account for entry in payment.entries if entry.amount > 0)
    moves = _merged(Move(account.id, minor(part.amount)) for account, part in zip(into, command.split, strict=True))
    return Verdict(
        into[0] if len(moves) == 1 else None,
        amount,
        payment.currency,
        moves,
        [Entry(unallocated, -amount)],
        payment.id,
    )


def _payout(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Payout)
    account = _account(case, command.account)
    brand = _brand(case, command.brand)
    _usable(case, account, spends=True)
    amount = minor(command.amount)
    _own_money(case, account, amount)
    legs = [Entry(_system(case, brand, "cash", account.currency), amount)]
    return Verdict(account, amount, account.currency, [Move(account.id, -amount)], legs)


def _own_money(case: Case, account: Account, amount: int) -> None:
    own = free(case.book, account.id, case.at)
    if own >= amount:
        return
    raise Refused(
        "insufficient_funds", asked=plain(amount), offered=plain(max(0, own)), account=account.id,
        subject=account.subject, balance=plain(case.book.balances[account.id].balance),
        held=plain(case.book.held(account.id, case.at)), what=case.command.kind, drawn=plain(amount),
        currency=account.currency, short_by=plain(amount - own),
    )  # fmt: skip


def _transfer(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Transfer)
    account, to = _account(case, command.account), _account(case, command.to)
    _usable(case, account, to, spends=False)
    if case.book.status[account.id] == "frozen":
        raise Refused("account_frozen", account=account.id, subject=account.subject)
    amount = minor(command.amount)
    _own_money(case, account, amount)
    return Verdict(account, amount, account.currency, [Move(account.id, -amount), Move(to.id, amount)], [])


def _adjustment(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Adjustment)
    account = _account(case, command.account)
    brand = _brand(case, command.brand)
    _usable(case, account, spends=False)
    amount = minor(command.amount)
    legs = [Entry(_system(case, brand, "adjustments", account.currency), -amount)]
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs)


def _bonus(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Bonus)
    account = _account(case, command.account, "bonus")
    _usable(case, account, spends=False)
    amount = minor(command.amount)
    if amount < 0:
        _own_money(case, account, -amount)
    assert account.brand is not None
    legs = [Entry(_system(case, account.brand, "bonus_expense", account.currency), -amount)]
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs)


def _charge(case: Case) -> tuple[Account, list[HoldPart]]:
    """Return the account asked and the parts, line × source, that fund the lines of a debit or hold."""
    command = case.command
    assert isinstance(command, c.Debit | c.Hold)
    account = _account(case, command.account)
    brands = [_brand(case, line.brand).id for line in command.lines]
    _usable(case, account, spends=True)
    at_most = minor(command.bonus_at_most) if command.bonus_at_most is not None else 0
    amounts = [minor(line.amount) for line in command.lines]
    paid = fund(case.book, Asked(account, amounts, brands, case.at, case.book.day(case.at), command.kind, at_most))
    if isinstance(paid, Short):
        raise Refused(paid.code, **paid.facts)
    payers: list[list[tuple[int, int]]] = [[] for _ in command.lines]
    for line, source, amount in paid:
        payers[line].append((source, amount))
    return account, [
        part
        for number, line in enumerate(command.lines, 1)
        for part in _parts(number, line, brands[number - 1], payers[number - 1] or [(account.id, 0)])
    ]


def _parts(number: int, line: c.Line, brand: int, payers: list[tuple[int, int]]) -> Iterable[HoldPart]:
    """Yield a line's parts by source; gross and VAT are spread as the amounts are."""
    assert line.gross is not None
    amounts = [amount for _, amount in payers]
    grosses = split(minor(line.gross), amounts)
    vats = [None] * len(amounts) if line.vat is None else split(minor(line.vat), amounts)
    for (source, amount), gross, vat in zip(payers, grosses, vats, strict=True):
        yield HoldPart(
            number, source, brand, amount, amount, line.service, line.reference, gross, gross - amount,
            line.vat_rate, vat, line.attributes,
        )  # fmt: skip


def _drawn(account: Account, parts: list[HoldPart], sources: Iterable[int]) -> list[tuple[int, int, int | None]]:
    """Return (source, amount, subaccount) in drawing order; the account itself when nothing is drawn."""
    drawn: dict[int, int] = dict.fromkeys(sources, 0)
    for part in parts:
        if part.amount:
            drawn[part.source] = drawn.get(part.source, 0) + part.amount
    return [
        (source, amount, account.id if source != account.id else None)
        for source, amount in (drawn or {account.id: 0}).items()
        if amount or not any(drawn.values())
    ]


def _order(case: Case, account: Account, parts: list[HoldPart]) -> list[int]:
    """Return the sources of the parts in drawing order."""
    used = {part.source for part in parts if part.amount}
    if used <= {account.id}:
        return [account.id]
    return [source.account.id for source in sources(case.book, account) if source.account.id in used]


def _debit(case: Case) -> Verdict:
    account, parts = _charge(case)
    drawn = _drawn(account, parts, _order(case, account, parts))
    return Verdict(
        account,
        sum(part.amount for part in parts),
        account.currency,
        [Move(source, -amount, 0, _for(case, source, sub)) for source, amount, sub in drawn],
        [
            _service(case, part, account.currency, part.amount, part.gross, part.vat)
            for part in parts
        ],
    )  # fmt: skip


def _for(case: Case, source: int, subaccount: int | None) -> int | None:
    """Return the subaccount a payer's entry names; a client's own bonus account names none."""
    return subaccount if case.book.accounts[source].kind == "money" else None


def _service(case: Case, part: HoldPart, currency: str, amount: int, gross: int, vat: int | None) -> Entry:
    return Entry(
        _system(case, part.brand, "revenue", currency), amount, source=part.source, line=part.line,
        service=part.service, reference=part.reference, gross=gross, discount=gross - amount,
        vat_rate=part.vat_rate, vat=vat, attributes=part.attributes,
    )  # fmt: skip


def _hold(case: Case) -> Verdict:
    account, parts = _charge(case)
    drawn = _drawn(account, parts, _order(case, account, parts))
    total = sum(part.amount for part in parts)
    moves = [Move(source, 0, amount, _for(case, source, sub)) for source, amount, sub in drawn]
    return Verdict(account, total, account.currency, moves, [], hold=parts)


def _open_hold(case: Case, key: str) -> tuple[Account, Hold]:
    """Return the hold that has the key, open and not run out, and its account."""
    found = _named(case, key, ("hold",), "hold_not_found", "hold")
    hold = case.book.holds[found.id]
    accounts = [case.book.accounts[number] for number in dict.fromkeys([hold.account, *_sources(hold)])]
    for account in accounts:
        _in_order(case, account)
    _usable(case, *accounts, spends=False)
    ran_out = hold.state == "expired" or (hold.state == "open" and hold.expires_at <= case.at)
    if hold.state != "open" and not ran_out:
        raise Refused("hold_not_open", key=key, state=hold.state)
    if ran_out:
        raise Refused("hold_expired", key=key, expires_at=shown(hold.expires_at))
    return accounts[0], hold


def _sources(hold: Hold) -> list[int]:
    return [part.source for part in hold.parts]


def _release_moves(hold: Hold) -> Iterable[Move]:
    for part in hold.parts:
        yield Move(part.source, 0, -part.held, hold.account if part.source != hold.account else None)


def _release(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Release)
    account, hold = _open_hold(case, command.hold)
    moves = _own_last(case, _merged(_release_moves(hold)))
    return Verdict(account, sum(part.held for part in hold.parts), hold.currency, moves, [], hold.id)


def _own_last(case: Case, moves: list[Move]) -> list[Move]:
    """Return the moves without idle ones (unless all are), bonus accounts naming no subaccount."""
    moved = [move for move in moves if move.amount or move.held] or moves[:1]
    return [move._replace(subaccount=_for(case, move.account, move.subaccount)) for move in moved]


def _capture(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Capture)
    account, hold = _open_hold(case, command.hold)
    left = [part.held for part in hold.parts]
    taken = _spread(
        command, hold.parts, left, "capture_exceeds_hold",
        Facts(key=hold.key, currency=hold.currency, originally=[part.amount for part in hold.parts]),
    )  # fmt: skip
    whole = command.lines is None and command.amount is None
    named = {line.line for line in command.lines or ()}
    legs: list[Entry] = []
    takes: list[tuple[int, int]] = []
    moves: list[Move] = []
    for index, (part, amount) in enumerate(zip(hold.parts, taken, strict=True)):
        # A free line is captured once: with the whole, or when it is named.
        free_line = part.amount == 0 and part.captured is None and (whole or part.line in named)
        if amount or free_line:
            before = part.captured or 0
            gross, vat = _slice(part.gross, part.vat, before, amount, part.amount)
            legs.append(_service(case, part, hold.currency, amount, gross, vat))
            takes.append((index, amount))
        released = part.held - amount if command.final else 0
        subaccount = hold.account if part.source != hold.account else None
        moves.append(Move(part.source, -amount, -amount - released, subaccount))
    return Verdict(
        account, sum(taken), hold.currency, _own_last(case, _merged(moves)), legs, hold.id, takes=takes,
        final=command.final,
    )  # fmt: skip


def _slice(gross: int, vat: int | None, before: int, amount: int, of: int) -> tuple[int, int | None]:
    """Return the gross and VAT that go with `amount` after `before` out of `of`; the last slice takes the rest."""
    upto = before + amount

    def part(whole: int) -> int:
        return share(whole, upto, of) - (share(whole, before, of) if before else 0)

    return part(gross), None if vat is None else part(vat)


def _spread(command: c.Capture | c.Refund, parts: list[Any], left: list[int], code: str, facts: Facts) -> list[int]:
    """Return how much is taken of each part: by line as asked, then by source in proportion to what is left."""
    lines: dict[int, list[int]] = {}
    for index, part in enumerate(parts):
        lines.setdefault(part.line, []).append(index)
    left_of = {line: sum(left[index] for index in indices) for line, indices in lines.items()}
    if command.lines is not None:
        wanted = {
            line.line: minor(line.amount) if line.amount is not None else left_of.get(line.line, 0)
            for line in command.lines
        }
        for line, amount in wanted.items():
            if line not in lines or amount > left_of[line]:
                _exceeds(code, facts, f"line {line}", lines.get(line, []), left_of.get(line, 0), amount)
    else:
        total = sum(left)
        amount = total if command.amount is None else minor(command.amount)
        if amount > total:
            _exceeds(code, facts, "amount", range(len(parts)), total, amount)
        wanted = dict(zip(left_of, split(amount, list(left_of.values())), strict=True))
    taken = [0] * len(parts)
    for line, amount in wanted.items():
        for index, part in zip(lines[line], split(amount, [left[index] for index in lines[line]]), strict=True):
            taken[index] = part
    return taken


def _exceeds(code: str, facts: Facts, of: str, indices: Iterable[int], left: int, asked: int) -> None:
    amount = sum(facts["originally"][index] for index in indices)
    raise Refused(
        code, key=facts["key"], of=of, amount=plain(amount), left=plain(left), refunded=plain(amount - left),
        asked=plain(asked), currency=facts["currency"], over_by=plain(asked - left),
    )  # fmt: skip


def _refund(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Refund)
    debit = _named(case, command.debit, ("debit", "capture"), "debit_not_found", "debit")
    assert debit.account is not None and debit.currency is not None
    services = list(debit.revenue())
    numbers = dict.fromkeys([debit.account, *(s.source for s in services if s.source is not None)])
    accounts = [case.book.accounts[number] for number in numbers]
    _usable(case, *accounts, spends=False)
    before = _refunded(case, debit)
    left = [s.amount - before.get((s.line, s.source), 0) for s in services]
    facts = Facts(key=debit.key, currency=debit.currency, originally=[s.amount for s in services])
    taken = _spread(command, services, left, "refund_exceeds_debit", facts)
    if not any(taken):
        _exceeds("refund_exceeds_debit", facts, "amount", range(len(services)), 0, sum(facts["originally"]))
    moves: list[Move] = []
    legs: list[Entry] = []
    for s, amount in zip(services, taken, strict=True):
        if not amount:
            continue
        assert s.source is not None and s.gross is not None
        gross, vat = _slice(s.gross, s.vat, before.get((s.line, s.source), 0), amount, s.amount)
        legs.append(
            s._replace(amount=-amount, gross=-gross, discount=amount - gross, vat=None if vat is None else -vat)
        )
        subaccount = debit.account if s.source != debit.account else None
        moves.append(Move(s.source, amount, 0, subaccount))
    order = {entry.account: place for place, entry in enumerate(debit.clients())}
    merged = sorted(_own_last(case, _merged(moves)), key=lambda move: order[move.account])
    return Verdict(accounts[0], sum(taken), debit.currency, merged, legs, debit.id)


def _refunded(case: Case, debit: Transaction) -> dict[tuple[int | None, int | None], int]:
    """Return what was refunded of a debit by line and source."""
    refunded: dict[tuple[int | None, int | None], int] = {}
    for follower in case.book.followers.get(debit.id, ()):
        if follower.kind == "refund" and follower.code is None:
            for entry in follower.revenue():
                key = entry.line, entry.source
                refunded[key] = refunded.get(key, 0) - entry.amount
    return refunded


def _reverse(case: Case) -> Verdict:
    command = case.command
    assert isinstance(command, c.Reverse)
    kinds = ("payment", "payout", "transfer", "adjustment")
    target = _named(case, command.transaction, kinds, "payment_not_found", "payment, payout, transfer or adjustment")
    # A payment that was allocated is undone where its money went.
    follows = case.book.followers.get(target.id, ())
    undone = [target, *(t for t in follows if t.kind == "allocate" and t.code is None)]
    moves = _merged(Move(entry.account, -entry.amount) for t in undone for entry in t.clients())
    accounts = [case.book.accounts[move.account] for move in moves]
    _usable(case, *accounts, spends=False)
    _not_reversed(case, target)
    legs = _legs((entry.account, -entry.amount) for t in undone for entry in t.entries if entry.version is None)
    assert target.amount is not None and target.currency is not None
    account = case.book.accounts[target.account] if target.account is not None else None
    return Verdict(account, target.amount, target.currency, moves, [leg for leg in legs if leg.amount], target.id)


RULES: dict[str, Callable[[Case], Verdict]] = {
    "payment": _payment,
    "allocate": _allocate,
    "payout": _payout,
    "debit": _debit,
    "hold": _hold,
    "capture": _capture,
    "release": _release,
    "refund": _refund,
    "reverse": _reverse,
    "transfer": _transfer,
    "adjustment": _adjustment,
    "bonus": _bonus,
}
"""The rule of each kind of command: returns what it does, or leaves with the decline it found."""
