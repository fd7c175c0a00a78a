"""Rules of the commands that charge for services: debit, hold, capture, release, refund.

What each source paid of each line, the matrix line × source, is what captures and
refunds follow, whatever the links are by then.
"""

from collections.abc import Iterable
from typing import Any

from ledger.core import commands as c
from ledger.core import guards as g
from ledger.core.accounts import Account
from ledger.core.book import Book
from ledger.core.command_parts import Line
from ledger.core.funding import Need, fund, sources
from ledger.core.guards import Case, Move, Verdict
from ledger.core.outcomes import Entry, shown
from ledger.core.transactions import Hold, HoldPart, Transaction
from ledger.values.money import minor, plain, share, split
from ledger.values.refusals import Refused


def _charge(case: Case, command: c.Debit | c.Hold) -> tuple[Account, list[HoldPart]]:
    """Return the account that is charged and the parts, line × source, that fund the lines of a debit or hold."""
    account = g.account_of(case, command.account)
    brands = [g.brand_of(case, line.brand).id for line in command.lines]
    g.usable(case, account, spender=account)
    amounts = [minor(line.amount) for line in command.lines]
    need = Need(account, command, amounts, brands, case.at, case.book.day(case.at), case.happened_at)
    paid = fund(case.book, need)
    parts: list[HoldPart] = []
    for number, (line, brand, payers) in enumerate(zip(command.lines, brands, paid, strict=True), 1):
        parts += _parts(number, line, brand, payers)
    return account, parts


def _parts(number: int, line: Line, brand: int, payers: list[tuple[int, int]]) -> list[HoldPart]:
    """Return a line's parts by source; gross and VAT are spread as the amounts are."""
    assert line.gross is not None
    gross, vat = minor(line.gross), None if line.vat is None else minor(line.vat)
    if len(payers) == 1:
        return [_part(number, line, brand, *payers[0], gross, vat)]
    amounts = [amount for _, amount in payers]
    vats = [None] * len(amounts) if vat is None else split(vat, amounts)
    return [
        _part(number, line, brand, source, amount, of_gross, of_vat)
        for (source, amount), of_gross, of_vat in zip(payers, split(gross, amounts), vats, strict=True)
    ]


def _part(number: int, line: Line, brand: int, source: int, amount: int, gross: int, vat: int | None) -> HoldPart:
    what, discount = (line.service, line.reference), gross - amount
    return HoldPart(number, source, brand, amount, amount, *what, gross, discount, line.vat_rate, vat, line.attributes)


def _drawn(case: Case, account: Account, parts: list[HoldPart]) -> list[tuple[int, int]]:
    """Return (source, amount) in drawing order; nothing from the account itself when nothing is drawn."""
    drawn: dict[int, int] = {}
    for part in parts:
        if part.amount:
            drawn[part.source] = drawn.get(part.source, 0) + part.amount
    if not drawn:
        return [(account.id, 0)]
    if len(drawn) == 1:
        return list(drawn.items())
    order = (source.account.id for source in sources(case.book, account))
    return [(source, drawn[source]) for source in order if source in drawn]


def _for(book: Book, source: int, account: int) -> int | None:
    """Return the subaccount that a source's entry names: a payer names for whom it paid."""
    return account if source != book.successor(account) and book.accounts[source].kind == "money" else None


def debit(case: Case, command: c.Debit) -> Verdict:
    """Write off services: draw from the sources, credit the brands."""
    account, parts = _charge(case, command)
    drawn = _drawn(case, account, parts)
    moves = [Move(source, -amount, 0, _for(case.book, source, account.id)) for source, amount in drawn]
    legs = [_service(case, part, account.currency, part.amount, part.gross, part.vat) for part in parts]
    amount = sum([part.amount for part in parts])
    return Verdict(account, amount, account.currency, moves, legs, groups=_groups(case, account))


def _groups(case: Case, account: Account) -> dict[int, str]:
    """Return in which group each payer has the account."""
    return {link.payer: link.group for link in case.book.links.get(account.id, ()) if link.group is not None}


def _service(case: Case, part: HoldPart, currency: str, amount: int, gross: int, vat: int | None) -> Entry:
    # By place, without names: one is made for every line of every command.
    own, discount = case.book.system[part.brand, "revenue", currency], gross - amount
    who = None, None, None, None, part.source, part.line, part.service, part.reference
    return Entry(own, amount, 0, *who, gross, discount, part.vat_rate, vat, None, None, part.attributes)


def hold(case: Case, command: c.Hold) -> Verdict:
    """Set money aside at the sources."""
    account, parts = _charge(case, command)
    total = sum(part.amount for part in parts)
    drawn = _drawn(case, account, parts)
    moves = [Move(source, 0, amount, _for(case.book, source, account.id)) for source, amount in drawn]
    return Verdict(account, total, account.currency, moves, [], hold=parts, groups=_groups(case, account))


def _open_hold(case: Case, key: str) -> tuple[Account, Hold]:
    """Return the hold that has the key, open and not run out, and its account."""
    found = g.named(case, key, ("hold",), "hold_not_found", "hold")
    hold = case.book.holds[found.id]
    sources = [part.source for part in hold.parts]
    accounts = [case.book.accounts[number] for number in dict.fromkeys([hold.account, *sources])]
    g.usable(case, *accounts)
    g.not_owned(case, hold)
    ran_out = hold.state == "expired" or (hold.state == "open" and hold.expires_at <= case.at)
    if hold.state != "open" and not ran_out:
        raise Refused("hold_not_open", key=key, state=hold.state)
    if ran_out:
        raise Refused("hold_expired", key=key, expires_at=shown(hold.expires_at))
    return accounts[0], hold


def release_moves(book: Book, hold: Hold) -> list[Move]:
    """Return the moves that give back everything a hold still sets aside."""
    return _moved(Move(part.source, 0, -part.held, _for(book, part.source, hold.account)) for part in hold.parts)


def _moved(moves: Iterable[Move]) -> list[Move]:
    """Return one move an account, without idle ones unless all are."""
    together = g.merged(moves)
    return [move for move in together if move.amount or move.held] or together[:1]


def release(case: Case, command: c.Release) -> Verdict:
    """Give back the whole of what a hold still sets aside."""
    account, hold = _open_hold(case, command.hold)
    total = sum(part.held for part in hold.parts)
    return Verdict(account, total, hold.currency, release_moves(case.book, hold), [], hold.id, groups=hold.groups)


def capture(case: Case, command: c.Capture) -> Verdict:
    """Write off what a hold set aside, from the hold's own sources."""
    account, hold = _open_hold(case, command.hold)
    left = [part.held for part in hold.parts]
    taken = _spread(command, hold, hold.parts, left, "capture_exceeds_hold")
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
        subaccount = _for(case.book, part.source, hold.account)
        moves.append(Move(part.source, -amount, -amount - released, subaccount))
    if not legs and not command.final:
        used_up = [part for part in hold.parts if part.line in named]
        requested = sum(part.amount for part in used_up)
        raise _exceeds("capture_exceeds_hold", hold, f"line {min(named)}", used_up, 0, requested)
    verdict = Verdict(account, sum(taken), hold.currency, _moved(moves), legs, hold.id, groups=hold.groups)
    verdict.takes, verdict.final = takes, command.final
    return verdict


def _slice(gross: int, vat: int | None, before: int, amount: int, of: int) -> tuple[int, int | None]:
    """Return the gross and VAT that go with `amount` after `before` out of `of`; the last slice takes the rest."""
    upto = before + amount

    def part(whole: int) -> int:
        return share(whole, upto, of) - (share(whole, before, of) if before else 0)

    return part(gross), None if vat is None else part(vat)


def _spread(
    command: c.Capture | c.Refund, of: Hold | Transaction, parts: list[Any], left: list[int], code: str
) -> list[int]:
    """Return how much is taken of each part: by line as requested, then by source in proportion to what is left."""
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
                there = [parts[index] for index in lines.get(line, ())]
                raise _exceeds(code, of, f"line {line}", there, left_of.get(line, 0), amount)
    else:
        total = sum(left)
        amount = total if command.amount is None else minor(command.amount)
        if amount > total:
            raise _exceeds(code, of, "amount", parts, total, amount)
        wanted = dict(zip(left_of, split(amount, list(left_of.values())), strict=True))
    taken = [0] * len(parts)
    for line, amount in wanted.items():
        for index, part in zip(lines[line], split(amount, [left[index] for index in lines[line]]), strict=True):
            taken[index] = part
    return taken


def _exceeds(
    code: str, target: Hold | Transaction, of: str, parts: Iterable[HoldPart | Entry], left: int, requested: int
) -> Refused:
    amount = sum(part.amount for part in parts)
    facts = {"amount": plain(amount), "left": plain(left), "refunded": plain(amount - left)}
    return g.exceeds(code, target, left, requested, of=of, **facts)


def refund(case: Case, command: c.Refund) -> Verdict:
    """Give back to each source what it paid, by line; only those that get something need to be usable."""
    debit = g.named(case, command.debit, ("debit", "capture"), "debit_not_found", "debit")
    assert debit.account is not None and debit.currency is not None
    services = list(debit.revenue())
    before = _refunded(case, debit)
    taken, exceeds = _taken_back(command, debit, services, before)
    paid = dict.fromkeys(s.source for s, amount in zip(services, taken, strict=True) if amount and s.source is not None)
    into = {source: _instead_of(case, command, debit, source) for source in paid}
    g.usable(case, *(case.book.accounts[account] for account in dict.fromkeys(into.values()) if account is not None))
    g.in_currency(case, debit)
    g.not_owned(case, debit)
    if exceeds is not None:
        raise exceeds
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
        account = into[s.source]
        if account != s.source:
            # Through the brand's `unallocated`: the line goes on naming who paid it, and each leg whom it faces.
            own = g.system(case, case.book.own_account(s.account)[0], "unallocated", debit.currency)
            legs.append(Entry(own, amount, source=s.source))
            legs += [Entry(own, -amount, source=account)] if account is not None else []
        if account is not None:
            moves.append(Move(account, amount, 0, _for(case.book, account, debit.account)))
    order = {case.book.successor(entry.account): place for place, entry in enumerate(debit.clients())}
    ordered = sorted(_moved(moves), key=lambda move: order[move.account])
    of = case.book.accounts[debit.account]
    return Verdict(of, sum(taken), debit.currency, ordered, legs, debit.id, groups=debit.groups)


def _taken_back(
    command: c.Refund, debit: Transaction, services: list[Entry], before: dict[tuple[int | None, int | None], int]
) -> tuple[list[int], Refused | None]:
    """Return how much of each service is given back, and the refusal if that is more than is left."""
    left = [s.amount - before.get((s.line, s.source), 0) for s in services]
    try:
        taken = _spread(command, debit, services, left, "refund_exceeds_debit")
        if not any(taken):
            whole = sum(s.amount for s in services)
            raise _exceeds("refund_exceeds_debit", debit, "amount", services, 0, whole)
    except Refused as refused:
        return [0] * len(services), refused
    return taken, None


def _instead_of(case: Case, command: c.Refund, debit: Transaction, source: int) -> int | None:
    """Return who gets back what a source paid: itself or its successor; of a closed one, as the command states."""
    into = case.book.successor(source)
    if command.closed_to is None or case.book.status[into] != "closed":
        return into
    if command.closed_to == "unallocated":  # (DECISIONS D90)
        return None
    payers = (case.book.successor(entry.account) for entry in debit.clients() if entry.subaccount == source)
    return next((payer for payer in payers if case.book.status[payer] != "closed"), into)


def _refunded(case: Case, debit: Transaction) -> dict[tuple[int | None, int | None], int]:
    """Return what was refunded of a debit by line and source."""
    refunded: dict[tuple[int | None, int | None], int] = {}
    for entry in (entry for refund in case.book.followed_by(debit, "refund") for entry in refund.revenue()):
        key = entry.line, entry.source
        refunded[key] = refunded.get(key, 0) - entry.amount
    return refunded
