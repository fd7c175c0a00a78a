"""Rules of the commands that move money: payment, allocate, payout, transfer, adjustment, move, bonus, mark."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ledger.core import commands as c
from ledger.core import guards as g
from ledger.core.accounts import Account, Brand, Terms
from ledger.core.command_parts import Share, own_place
from ledger.core.guards import Case, Move, Verdict
from ledger.core.outcomes import Entry
from ledger.core.reversals import net_legs, not_reversed
from ledger.core.transactions import Transaction
from ledger.values.money import minor, plain
from ledger.values.refusals import Refused


def payment(case: Case, command: c.Payment) -> Verdict:
    """Bring money into accounts, or to the brand's `unallocated`."""
    parts: Iterable[Share] = command.split or ()
    if command.account is not None:
        parts = (Share(account=command.account, amount=command.amount, brand=command.brand),)
    into = [g.receiver(case, part.account) for part in parts]
    brands = [g.brand_of(case, part.brand or command.brand or "") for part in parts]
    if not into:
        return _unallocated(case, command)
    g.usable(case, *into)
    currency = into[0].currency
    amounts = [minor(part.amount) for part in parts]
    return Verdict(
        account=into[0] if command.account is not None else None,
        amount=minor(command.amount),
        currency=currency,
        moves=g.merged(Move(account.id, amount) for account, amount in zip(into, amounts, strict=True)),
        legs=g.legs_of(
            Entry(g.system(case, brand, "cash", currency), -amount, source=account.id, channel=command.channel or "")
            for account, brand, amount in zip(into, brands, amounts, strict=True)
        ),
    )


def _unallocated(case: Case, command: c.Payment) -> Verdict:
    brand = g.brand_of(case, command.brand or "")
    g.in_open_period(case)
    currency = command.currency or case.book.currency
    amount = minor(command.amount)
    # Facing no client: the owner of the money is not known before its allocation.
    legs = [
        Entry(g.system(case, brand, "unallocated", currency), amount),
        Entry(g.system(case, brand, "cash", currency), -amount, channel=command.channel or ""),
    ]
    return Verdict(None, amount, currency, [], legs)


def allocate(case: Case, command: c.Allocate) -> Verdict:
    """Give an unallocated payment its accounts."""
    into = [g.receiver(case, part.account) for part in command.split]
    g.usable(case, *into)
    payment = g.named(case, command.payment, ("payment", "refund"), "payment_not_found", "unallocated payment")
    pools = _pools(case, payment)
    if any(payment.clients()) if payment.kind == "payment" else not pools:
        raise Refused("payment_not_found", key=command.payment, what="unallocated payment")
    if into[0].currency != payment.currency:
        raise Refused("currency_mismatch", **into[0].facts, currency=into[0].currency, asked=payment.currency)
    not_reversed(case, payment)
    amount = minor(command.amount)
    assert payment.amount is not None and payment.currency is not None
    left = sum(pools.values())
    if amount > left:
        allocated = sum(t.amount or 0 for t in case.book.followed_by(payment, "allocate"))
        of = {"amount": plain(left + allocated), "allocated": plain(allocated)}
        raise g.exceeds("allocation_exceeds_payment", payment, left, amount, **of)
    moves = g.merged(Move(account.id, minor(part.amount)) for account, part in zip(into, command.split, strict=True))
    account = into[0] if len(moves) == 1 else None
    return Verdict(account, amount, payment.currency, moves, list(_out_of(pools, moves)), payment.id)


def _pools(case: Case, payment: Transaction) -> dict[int, int]:
    """Return what of a payment, or of a refund that nobody got, is in brands' `unallocated`."""
    pools: dict[int, int] = {}
    for leg in net_legs(case.book, payment):
        if leg.line is None and case.book.own_account(leg.account)[1] == "unallocated":
            pools[leg.account] = pools.get(leg.account, 0) + leg.amount
    return {account: left for account, left in pools.items() if left}


def _out_of(pools: dict[int, int], moves: Iterable[Move]) -> Iterator[Entry]:
    """Yield the legs that give accounts their money, out of one pool after the other."""
    left = dict(pools)
    for move in moves:
        amount = move.amount
        for account in left:
            part = min(amount, left[account])
            if part:
                left[account] -= part
                amount -= part
                yield Entry(account, -part, source=move.account)


def payout(case: Case, command: c.Payout) -> Verdict:
    """Pay out own money."""
    account = g.account_of(case, command.account)
    brand = g.brand_of(case, command.brand)
    g.usable(case, account, spender=account)
    amount = minor(command.amount)
    g.own_money(case, account, amount)
    cash = g.system(case, brand, "cash", account.currency)
    legs = [Entry(cash, amount, source=account.id, channel=command.channel or "")]
    return Verdict(account, amount, account.currency, [Move(account.id, -amount)], legs)


def transfer(case: Case, command: c.Transfer) -> Verdict:
    """Move own money to another account."""
    account, to = g.account_of(case, command.account), g.account_of(case, command.to)
    g.usable(case, account, to, spender=account)
    amount = minor(command.amount)
    g.own_money(case, account, amount)
    return Verdict(account, amount, account.currency, [Move(account.id, -amount), Move(to.id, amount)], [])


def adjustment(case: Case, command: c.Adjustment) -> Verdict:
    """Correct a balance; never declined for funds."""
    account = g.account_of(case, command.account)
    brand = g.brand_of(case, command.brand)
    g.usable(case, account)
    amount = minor(command.amount)
    own = g.system(case, brand, "adjustments", account.currency)
    legs = [Entry(own, -amount, source=account.id, chart=command.chart)]
    terms = _no_more_credit(case, account) if command.chart == "bad_debt" and amount > 0 else None
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs, terms=terms)


def _no_more_credit(case: Case, account: Account) -> tuple[Terms | None, Terms] | None:
    """Return the terms that a write-off replaces and records: what was written off is not lent again."""
    recorded = case.book.terms.get(account.id, [])
    last = recorded[-1] if recorded else None
    day = case.book.day(case.at)
    if last is not None and last.limit == 0 and last.valid_from <= day and last.valid_until is None:
        return None
    return last, Terms(0, last.period_days if last else None, day)


def move(case: Case, command: c.Move) -> Verdict:
    """Move money between brands' own accounts; never declined for funds, and closed brands may."""
    brand = g.brand_of(case, command.brand, closed=True)
    to_brand = g.brand_of(case, command.to_brand or command.brand, closed=True)
    g.in_open_period(case)
    currency = command.currency or case.book.currency
    amount, fee = minor(command.amount), minor(command.fee or Decimal(0))

    def leg(of: Brand, other: Brand, place: tuple[str | None, str | None], amount: int) -> Entry:
        channel, chart = place
        own = g.system(case, of, "cash" if chart is None else "adjustments", currency)
        # Each side names the other brand, if there is one, by its cash.
        faces = g.system(case, other, "cash", currency) if of != other else None
        return Entry(own, amount, source=faces, reference=command.reference, channel=channel, chart=chart)

    legs = [
        leg(brand, to_brand, own_place(command.from_), amount),
        leg(to_brand, brand, own_place(command.to), fee - amount),
        leg(brand, to_brand, (None, "fee"), -fee),
    ]
    return Verdict(None, amount, currency, [], g.legs_of(legs))


def _bonus_account(case: Case, command: c.Bonus) -> Account:
    if command.brand is None:
        return g.account_of(case, command.account, "bonus")
    money, brand = g.account_of(case, command.account), g.brand_of(case, command.brand)
    for number in case.book.bonuses.get(money.id, ()):
        if case.book.accounts[number].brand == brand.id:
            return case.book.accounts[number]
    raise Refused("account_not_found", asked=f"bonus account of {money.subject} for {brand.code}")


def bonus(case: Case, command: c.Bonus) -> Verdict:
    """Give points, or take them as far as there are any."""
    account = _bonus_account(case, command)
    charged = account.brand if command.charge_to is None else g.brand_of(case, command.charge_to).id
    g.usable(case, account)
    if case.book.status[account.money_account or account.id] == "closed":
        raise g.closed(case.book, case.book.accounts[account.money_account or account.id])
    amount = minor(command.amount)
    if amount < 0:
        g.own_money(case, account, -amount)
    assert charged is not None
    legs = [Entry(g.system(case, charged, "bonus_expense", account.currency), -amount, source=account.id)]
    return Verdict(account, abs(amount), account.currency, [Move(account.id, amount)], legs)


def mark(case: Case, command: c.Mark) -> Verdict:
    """Note an event on an account: an entry of nothing."""
    account = g.account_of(case, command.account or "")
    g.usable(case, account)
    return Verdict(account, 0, account.currency, [Move(account.id, 0)], [])
