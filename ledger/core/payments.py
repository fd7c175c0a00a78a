"""Rules of the commands that move money: payment, allocate, payout, transfer, adjustment, bonus, mark, reverse."""

from collections.abc import Iterable

from ledger.core import commands as c
from ledger.core.guards import (
    Case,
    Move,
    Verdict,
    account_of,
    brand_of,
    in_currency,
    in_open_period,
    legs_of,
    merged,
    named,
    not_reversed,
    own_money,
    system,
    usable,
)
from ledger.core.money import minor, plain
from ledger.core.outcomes import Entry, Refused


def payment(case: Case) -> Verdict:
    """Bring money into accounts, or to the brand's `unallocated`."""
    command = case.command
    assert isinstance(command, c.Payment)
    parts: Iterable[c.Share] = command.split or ()
    if command.account is not None:
        parts = (c.Share(account=command.account, amount=command.amount, brand=command.brand),)
    into = [account_of(case, part.account) for part in parts]
    brands = [brand_of(case, part.brand or command.brand or "") for part in parts]
    if not into:
        return _unallocated(case, command)
    usable(case, *into)
    currency = into[0].currency
    amounts = [minor(part.amount) for part in parts]
    return Verdict(
        account=into[0] if command.account is not None else None,
        amount=minor(command.amount),
        currency=currency,
        moves=merged(Move(account.id, amount) for account, amount in zip(into, amounts, strict=True)),
        legs=legs_of(
            Entry(system(case, brand, "cash", currency), -amount, source=account.id)
            for account, brand, amount in zip(into, brands, amounts, strict=True)
        ),
    )


def _unallocated(case: Case, command: c.Payment) -> Verdict:
    brand = brand_of(case, command.brand or "")
    in_open_period(case)
    currency = command.currency or case.book.currency
    amount = minor(command.amount)
    # Facing no client: whose money it is, its allocation will tell.
    legs = [
        Entry(system(case, brand, "unallocated", currency), amount),
        Entry(system(case, brand, "cash", currency), -amount),
    ]
    return Verdict(None, amount, currency, [], legs)


def allocate(case: Case) -> Verdict:
    """Give an unallocated payment its accounts."""
    command = case.command
    assert isinstance(command, c.Allocate)
    into = [account_of(case, part.account) for part in command.split]
    usable(case, *into)
    payment = named(case, command.payment, ("payment",), "payment_not_found", "unallocated payment")
    if any(payment.clients()):
        raise Refused("payment_not_found", key=command.payment, what="unallocated payment")
    if into[0].currency != payment.currency:
        raise Refused(
            "currency_mismatch", account=into[0].id, subject=into[0].subject, currency=into[0].currency,
            asked=payment.currency,
        )  # fmt: skip
    not_reversed(case, payment)
    allocated = sum(t.amount or 0 for t in case.book.followers.get(payment.id, ()) if t.kind == "allocate")
    amount = minor(command.amount)
    assert payment.amount is not None and payment.currency is not None
    if allocated + amount > payment.amount:
        raise Refused(
            "allocation_exceeds_payment", key=payment.key, amount=plain(payment.amount), allocated=plain(allocated),
            asked=plain(amount), currency=payment.currency, over_by=plain(allocated + amount - payment.amount),
        )  # fmt: skip
    unallocated = next(entry.account for entry in payment.entries if entry.amount > 0)
    moves = merged(Move(account.id, minor(part.amount)) for account, part in zip(into, command.split, strict=True))
    return Verdict(
        into[0] if len(moves) == 1 else None,
        amount,
        payment.currency,
        moves,
        [Entry(unallocated, -move.amount, source=move.account) for move in moves],
        payment.id,
    )


def payout(case: Case) -> Verdict:
    """Pay out own money."""
    command = case.command
    assert isinstance(command, c.Payout)
    account = account_of(case, command.account)
    brand = brand_of(case, command.brand)
    usable(case, account, spender=account)
    amount = minor(command.amount)
    own_money(case, account, amount)
    legs = [Entry(system(case, brand, "cash", account.currency), amount, source=account.id)]
    return Verdict(account, amount, account.currency, [Move(account.id, -amount)], legs)


def transfer(case: Case) -> Verdict:
    """Move own money to another account."""
    command = case.command
    assert isinstance(command, c.Transfer)
    account, to = account_of(case, command.account), account_of(case, command.to)
    usable(case, account, to, spender=account)
    amount = minor(command.amount)
    own_money(case, account, amount)
    return Verdict(account, amount, account.currency, [Move(account.id, -amount), Move(to.id, amount)], [])


def adjustment(case: Case) -> Verdict:
    """Correct a balance; never declined for funds."""
    command = case.command
    assert isinstance(command, c.Adjustment)
    account = account_of(case, command.account)
    brand = brand_of(case, command.brand)
    usable(case, account)
    amount = minor(command.amount)
    legs = [Entry(system(case, brand, "adjustments", account.currency), -amount, source=account.id)]
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs)


def bonus(case: Case) -> Verdict:
    """Give points, or take them as far as there are any."""
    command = case.command
    assert isinstance(command, c.Bonus)
    account = account_of(case, command.account, "bonus")
    usable(case, account)
    amount = minor(command.amount)
    if amount < 0:
        own_money(case, account, -amount)
    assert account.brand is not None
    legs = [Entry(system(case, account.brand, "bonus_expense", account.currency), -amount, source=account.id)]
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs)


def mark(case: Case) -> Verdict:
    """Note an event on an account: an entry of nothing."""
    command = case.command
    assert isinstance(command, c.Mark)
    account = account_of(case, command.account or "")
    usable(case, account)
    return Verdict(account, 0, account.currency, [Move(account.id, 0)], [])


def reverse(case: Case) -> Verdict:
    """Undo a whole transaction; may take an account below zero."""
    command = case.command
    assert isinstance(command, c.Reverse)
    kinds = ("payment", "payout", "transfer", "adjustment")
    target = named(case, command.transaction, kinds, "payment_not_found", "payment, payout, transfer or adjustment")
    # A payment that was allocated is undone where its money went (DECISIONS D5).
    follows = case.book.followers.get(target.id, ())
    undone = [target, *(t for t in follows if t.kind == "allocate" and t.code is None)]
    moves = merged(Move(entry.account, -entry.amount) for t in undone for entry in t.clients())
    accounts = [case.book.accounts[move.account] for move in moves]
    usable(case, *accounts)
    in_currency(case, target)
    not_reversed(case, target)
    legs = legs_of(leg._replace(amount=-leg.amount) for t in undone for leg in t.entries if leg.version is None)
    assert target.amount is not None and target.currency is not None
    account = case.book.accounts[target.account] if target.account is not None else None
    return Verdict(account, target.amount, target.currency, moves, legs, target.id)
