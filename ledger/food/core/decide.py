"""Decide what an order, a delivery, a cancel or a refund of items means. Nothing here reads a clock or writes.

Every command of an order system answers under its own key with one transaction of the
ledger: the debit, hold, capture, release or refund that it is, or a mark when it moves no
money. What comes with it (points given or taken back, a fee) has keys of the ledger's own.
Before an account is touched, its points that expired are booked, at their expiry.
"""

from ledger.core import commands as c
from ledger.core.book import Book
from ledger.core.decide import Answer, replay
from ledger.core.outcomes import Posted
from ledger.food.core import commands as f
from ledger.food.core.financed import finance
from ledger.food.core.follow_up import follow_up
from ledger.food.core.outcomes import Ordered, ordered
from ledger.food.core.place_order import place
from ledger.food.core.points_of_orders import expire_points as expire_points
from ledger.food.core.points_of_orders import pay_owed
from ledger.food.core.shop import Shop
from ledger.seam import Seam

Outcome = Answer | Ordered


def answer(shop: Shop, seam: Seam, command: c.Command) -> Outcome:
    """Return the outcome of a command of either level and enter what it does into book and shop."""
    known = replay(seam.book, command)
    if known is not None:
        return _repeated(shop, known)
    at = command.at or seam.book.now
    clients = _clients(shop, seam.book, command)
    if at <= seam.book.now:
        for client in clients:
            expire_points(shop, seam, client, at)
    outcome: Outcome
    match command:
        case f.Order():
            outcome = place(shop, seam, command)
        case f.FollowUp():
            outcome = follow_up(shop, seam, command)
        case _:
            outcome = seam.decide(command)
    shop.follow(seam.book)
    if isinstance(outcome, Ordered):
        finance(seam.book, shop.orders[outcome.order["key"]], outcome.transaction)
    if isinstance(outcome, Posted):
        for client in clients:
            pay_owed(shop, seam, client)
    return outcome


def _repeated(shop: Shop, known: Answer) -> Outcome:
    if isinstance(known, Posted) and known.transaction in shop.descriptions:
        return ordered(known, shop.descriptions[known.transaction])
    return known


def _clients(shop: Shop, book: Book, command: c.Command) -> list[int]:
    """Return the money accounts whose points a command may touch."""
    if not book.bonuses:
        return []
    scope = c.scope_of([command])
    touched = [book.references.get(account) if isinstance(account, str) else account for account in scope.accounts]
    for key in scope.refers:
        order, of = shop.orders.get(key), book.transactions.get(key)
        # What was declined concerns nobody; its account is there only if another command of the batch names it.
        touched.append(order.account if order else of.account if of and of.code is None else None)
    touched = [book.successor(number) for number in touched if number is not None]
    accounts = [book.accounts[number] for number in touched if number in book.accounts]
    return sorted({account.money_account or account.id for account in accounts})
