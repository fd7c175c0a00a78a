"""Points that follow the money: expired ones booked, new ones given on delivery, those of refunded money taken back.

What cannot be taken back is owed. Whatever becomes free on the account, given or coming back, pays it first:
points are given in full and taken at once, as two entries.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.outcomes import Posted
from ledger.food.core import commands as f
from ledger.food.core.bonuses import EXPIRED, OWED, Program, accrued, in_force, midnight
from ledger.food.core.order_status import money_of
from ledger.food.core.shop import Accrual, Order, Shop
from ledger.seam import Seam
from ledger.values.money import decimal
from ledger.values.validation import unchecked


def expire_points(shop: Shop, seam: Seam, account: int, until: datetime) -> int:
    """Book the points of an account that expired at or before `until`, each at its own time; return how often.

    Holds of points that ran out come first: points that come back from them may have expired, too.
    """
    return sum(_expire(shop, seam, bonus, until) for bonus in seam.book.bonuses.get(account, ()))


def _expire(shop: Shop, seam: Seam, bonus: int, until: datetime) -> int:
    book, points, booked = seam.book, shop.points_of(bonus), 0
    while True:
        _pay_owed(shop, seam, bonus, until)
        ran_out = min((hold.expires_at for hold in book.expired(bonus, until)), default=None)
        due = points.due(book.day(until))
        first = due[0].next_gone_on if due else None
        at = _bookable(book, bonus, midnight(first, book.zone)) if first else None
        if ran_out is not None and (at is None or ran_out <= at):
            seam.expire(bonus, ran_out)
        elif at is not None and at <= until:
            gone = sum(lot.gone(book.day(until)) for lot in due if lot.next_gone_on == first)
            seam.decide(
                c.Bonus(key="expiry", account=bonus, amount=decimal(-gone), reason=EXPIRED, at=at),
                until,
                own_key=f"points:{bonus}:{points.version + 1}",
            )
            booked += 1
        else:
            return booked
        before = points.version
        shop.follow(book)
        assert points.version > before, f"the expiry of bonus account {bonus} was not booked"


def _bookable(book: Book, bonus: int, at: datetime) -> datetime:
    """Return when an effect of time alone is booked: then, but not before the latest entry or on a closed day."""
    latest = book.balances[bonus].posted_at
    if latest is not None:
        at = max(at, latest)
    if book.closed_until is not None:
        at = max(at, midnight(book.closed_until + timedelta(days=1), book.zone))
    return at


def pay_owed(shop: Shop, seam: Seam, account: int) -> None:
    """Take what an account's bonus accounts owe from the points that a command made free there, at its time."""
    shop.follow(seam.book)
    for bonus in seam.book.bonuses.get(account, ()):
        _pay_owed(shop, seam, bonus, None)


def _pay_owed(shop: Shop, seam: Seam, bonus: int, until: datetime | None) -> None:
    book, points = seam.book, shop.points_of(bonus)
    amount = min(points.owed, points.left)
    latest = book.balances[bonus].posted_at
    if amount <= 0 or latest is None:
        return
    at = _bookable(book, bonus, latest)
    if until is not None and at > until:
        return
    command = c.Bonus(key="owed", account=bonus, amount=decimal(-amount), reason=OWED, at=at)
    taken = seam.decide(command, max(at, book.now), own_key=f"owed:{bonus}:{points.version + 1}")
    assert isinstance(taken, Posted), taken
    shop.follow(book)
    points.owe(-amount, order=None, by=taken.transaction)


def programs_on(shop: Shop, brands: Iterable[str], day: date) -> Iterator[Program]:
    """Yield the brands' programmes in force on a day."""
    for brand in brands:
        program = in_force(shop.programs.get(brand, ()), day)
        if program is not None:
            yield program


def points_again(paid: Iterable[tuple[str, str, int]]) -> dict[str, Any]:
    """Return the fields of a charge that let points pay at most what they paid: whose, of which brand, amount."""
    sums: dict[tuple[str, str], int] = {}
    for issuer, brand, amount in paid:
        sums[issuer, brand] = sums.get((issuer, brand), 0) + amount
    if not sums:
        return {}
    own = {brand: amount for (issuer, brand), amount in sums.items() if issuer == brand}
    so_far, elsewhere = dict(own), dict[str, dict[str, Decimal]]()
    for (issuer, brand), amount in sorted(sums.items()):
        if issuer != brand:
            so_far[brand] = so_far.get(brand, 0) + amount
            elsewhere.setdefault(issuer, {})[brand] = decimal(so_far[brand])
    return {
        "bonus_at_most": decimal(sum(sums.values())),
        "bonus_by_brand": {brand: decimal(amount) for brand, amount in own.items()},
        "bonus_elsewhere": elsewhere or None,
    }


def accrue(shop: Shop, seam: Seam, order: Order, command: f.Deliver) -> None:
    """Give the points that the money paid for each brand's dishes brings (DECISIONS D18).

    An account that was closed meanwhile gets none.
    """
    book = seam.book
    client = book.successor(order.account)
    if book.status[client] == "closed":
        return
    accounts = {book.accounts[bonus].brand: bonus for bonus in book.bonuses.get(client, ())}
    for program in programs_on(shop, order.brands, book.transactions[command.key].day):
        points = accrued(money_of(book, order, program.brand), program.accrue)
        if points:
            account = accounts[book.brands[program.brand].id]
            lot = _give(seam, order, command, account, points)
            order.accruals[program.brand] = Accrual(account, program.accrue, points, lot=lot)


def take_back(shop: Shop, seam: Seam, order: Order, command: f.FollowUp) -> None:
    """Take back the points that money no longer paid had brought; what the client has not got he owes (DECISIONS D71).

    Those of the order itself come first, and those of them that expired unspent count as taken back.
    """
    book = seam.book
    shop.follow(book)
    for brand, accrual in order.accruals.items():
        account = book.successor(accrual.account)
        points = shop.points_of(account)
        stays = accrued(money_of(book, order, brand), accrual.percent)
        due = max(0, accrual.points - stays - accrual.taken_back - accrual.shortfall)
        own = points.lots.get(accrual.lot) if accrual.lot is not None else None
        gone = min(due, own.expired - accrual.expired) if own else 0
        taken = min(due - gone, points.left)
        if taken:
            _give(seam, order, command, account, -taken, of=accrual.lot)
            shop.follow(book)
        accrual.expired += gone
        accrual.taken_back += gone + taken
        short = due - gone - taken
        accrual.shortfall += short
        if short and book.status[book.successor(order.account)] != "closed":
            points.owe(short, order=order.id, by=book.transactions[command.key].id)


def _give(seam: Seam, order: Order, command: f.FollowUp, account: int, points: int, *, of: int | None = None) -> int:
    """Give points for an order, or, below zero, take them back, those of one lot first; return the transaction."""
    given = unchecked(
        c.Bonus,
        key=command.key,
        at=command.at,
        by=command.by,
        note=command.note,
        account=account,
        amount=decimal(points),
        reason=f"{command.kind} {order.key}",
    )
    own_key = f"bonus:{command.key}:{account}"
    outcome = seam.decide(given, sent=command, own_key=own_key, refers_to=of, owner=order.key)
    assert isinstance(outcome, Posted), outcome
    return outcome.transaction
