"""Points that follow the money: expired ones booked, new ones given on delivery, those of refunded money taken back."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.decide import Seam
from ledger.core.money import decimal
from ledger.core.outcomes import Posted
from ledger.food.core import commands as f
from ledger.food.core.bonuses import Program, accrued, in_force, midnight
from ledger.food.core.order_status import money_of
from ledger.food.core.shop import Accrual, Order, Shop


def expire_points(shop: Shop, seam: Seam, account: int, until: datetime) -> int:
    """Book the points of an account that expired at or before `until`, each at its own time; return how often.

    Holds of points that ran out come first: points that come back from them may have expired, too.
    """
    return sum(_expire(shop, seam, bonus, until) for bonus in seam.book.bonuses.get(account, ()))


def _expire(shop: Shop, seam: Seam, bonus: int, until: datetime) -> int:
    book, points, booked = seam.book, shop.points_of(bonus), 0
    while True:
        ran_out = min((hold.expires_at for hold in book.expired(bonus, until)), default=None)
        due = points.due(book.day(until))
        at = _bookable(book, bonus, due[0].gone_on) if due and due[0].gone_on else None
        if ran_out is not None and (at is None or ran_out <= at):
            seam.expire(bonus, ran_out)
        elif at is not None and at <= until:
            gone = sum(lot.left for lot in due if lot.gone_on == due[0].gone_on)
            seam.decide(
                c.Bonus(key="expiry", account=bonus, amount=decimal(-gone), reason="expired", at=at), until,
                own_key=f"points:{bonus}:{points.version + 1}",
            )  # fmt: skip
            booked += 1
        else:
            return booked
        before = points.version
        shop.follow(book)
        assert points.version > before, f"the expiry of bonus account {bonus} was not booked"


def _bookable(book: Book, bonus: int, gone_on: date) -> datetime:
    """Return when an expiry is booked: at its midnight, but not before the latest entry nor on a closed day."""
    at = midnight(gone_on, book.zone)
    latest = book.balances[bonus].posted_at
    if latest is not None:
        at = max(at, latest)
    if book.closed_until is not None:
        at = max(at, midnight(book.closed_until + timedelta(days=1), book.zone))
    return at


def programs_on(shop: Shop, brands: Iterable[str], day: date) -> Iterator[Program]:
    """Yield the brands' programmes in force on a day."""
    for brand in brands:
        program = in_force(shop.programs.get(brand, ()), day)
        if program is not None:
            yield program


def accrue(shop: Shop, seam: Seam, order: Order, command: f.Deliver) -> None:
    """Give the points that the money paid for each brand's dishes brings (DECISIONS D18)."""
    book = seam.book
    accounts = {book.accounts[bonus].brand: bonus for bonus in book.bonuses.get(order.account, ())}
    for program in programs_on(shop, order.brands, book.transactions[command.key].day):
        points = accrued(money_of(book, order, program.brand), program.accrue)
        if not points:
            continue
        account = accounts[book.brands[program.brand].id]
        _give(seam, order, command, account, points)
        order.accruals[program.brand] = Accrual(account, program.accrue, points)


def take_back(shop: Shop, seam: Seam, order: Order, command: f.FollowUp) -> None:
    """Take back the points that money no longer paid had brought; what the client has not got is noted as shortfall."""
    shop.follow(seam.book)
    for brand, accrual in order.accruals.items():
        stays = accrued(money_of(seam.book, order, brand), accrual.percent)
        due = accrual.points - stays - accrual.taken_back - accrual.shortfall
        taken = min(due, shop.points_of(accrual.account).left)
        if taken > 0:
            _give(seam, order, command, accrual.account, -taken)
            accrual.taken_back += taken
        accrual.shortfall += max(0, due - max(0, taken))
        shop.follow(seam.book)


def _give(seam: Seam, order: Order, command: f.FollowUp, account: int, points: int) -> None:
    given = c.trusted(
        c.Bonus,
        key=command.key,
        at=command.at,
        by=command.by,
        note=command.note,
        account=account,
        amount=decimal(points),
        reason=f"{command.kind} {order.key}",
    )
    outcome = seam.decide(given, sent=command, own_key=f"bonus:{command.key}:{account}")
    assert isinstance(outcome, Posted), outcome
