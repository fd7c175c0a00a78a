"""The desk: post orders and what becomes of them, together with the ledger's own commands, batch by batch.

A batch is one database transaction: balances are locked (in id order), then promotions (in
id order) (DECISIONS D22), then everything is loaded, decided and written, orders, uses, lots and postings
together (DECISIONS D24). Points that expired are booked before their account is touched.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import partial

from ledger.administration.administration_lines import AccountStatus, Record
from ledger.core import commands as c
from ledger.core.commands import scope_of
from ledger.core.outcomes import Declined, Done, Invalid
from ledger.core.scope import Scope
from ledger.food.core import commands as f
from ledger.food.core.decide import Outcome, answer, expire_points
from ledger.food.postgres.shop_store import Named, Programs, changes, foreseen, load_shop
from ledger.food.settings import FoodSettings
from ledger.postgres.database import AnyConnection
from ledger.postgres.load_book import numbers_of
from ledger.postgres.open_accounts import bonus_account
from ledger.postgres.post import Ledger
from ledger.postgres.retries import transaction, uncollected
from ledger.postgres.wire import exchange

PARTS, LEAST = 4, 50
"""A batch is decided in at most this many parts of at least this many commands: the server writes one while the next is
decided, which saves more waiting than the statements of more parts cost."""
CLIENTS_AT_ONCE = 500
"""Whose expired points are booked in one database transaction."""

Buys = tuple[int | str, AbstractSet[str]]
"""An account, and the brands that it orders from."""


class _Stale(Exception):
    """Another delivered or cancelled an order while it was looked up: the batch must be loaded again."""


class Desk:
    """The shell of food over a Ledger: what it posts, and orders. One instance serves one thread."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        ledger.parse = f.parse  # a draft's line may be an order's
        self.preorder_lives = timedelta(hours=FoodSettings().preorder_hours)

    def close(self) -> None:
        """Let the ledger's connection go."""
        self.ledger.close()

    def post(self, commands: Sequence[c.Command]) -> list[Outcome]:
        """Return one outcome per command, in order; all that was accepted is durable by then."""
        return self._run(commands, keep=True)

    def quote(self, commands: Sequence[c.Command]) -> list[Outcome]:
        """Return what `post` would answer now, priced; writes nothing and waits for no lock."""
        return self._run(commands, keep=False)

    def administer(self, records: Sequence[Record]) -> list[Done | Declined | Invalid]:
        """Return one outcome per administration line of either level, in order.

        Points that expired do not keep an account from being closed: they are booked before.
        """
        from ledger.food.postgres.administer import FOOD_RULES  # here, because it loads SQLModel

        for record in records:
            if isinstance(record, AccountStatus) and record.status == "closed":
                self.ledger.retried(partial(self._book_points_of, record.account))
        return self.ledger.administer(records, FOOD_RULES)

    def book_expired(self, until: datetime) -> int:
        """Book the holds and the points that expired at or before `until`, which must be past; return how many.

        Before a cut: lots then agree with the balances of the bonus accounts.
        """
        booked, after = self.ledger.book_expired(until), 0
        while True:
            last, points = self.ledger.retried(partial(self._book_points, until, after))
            booked += points
            if last is None:
                return booked
            after = last

    def _run(self, commands: Sequence[c.Command], *, keep: bool) -> list[Outcome]:
        while commands:
            try:
                with uncollected():
                    return self.ledger.retried(lambda: self._post(commands, keep=keep))
            except _Stale:
                continue
        return []

    def _post(self, commands: Sequence[c.Command], *, keep: bool) -> list[Outcome]:
        connection, food = self.ledger.connection(), any(map(_concerns_food, commands))
        with transaction(connection, keep=keep) as own:
            if not keep:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            scope, programs, opened = scope_of(commands), None, 0
            if food:
                programs, opened = self._foresee(scope, commands, lock=keep)
            posting = self.ledger.posting(
                connection,
                scope,
                lock=keep,
                own=own and not opened,
                meanwhile=lambda: [command.fingerprint for command in commands],
            )
            with posting as p:
                if programs is None and not p.book.bonuses:  # (DECISIONS D82)
                    answers = p.decide_all(commands, scope)
                    if keep:
                        p.write(commit=True)
                    return [*answers]
                if programs is None:
                    programs, _ = foreseen(connection, (), lock=keep)
                shop = load_shop(connection, p.book, commands, programs, lives=self.preorder_lives, lock=keep)
                if not {key for order in shop.orders.values() for key in order.charges} <= {*scope.refers}:
                    raise _Stale
                outcomes: list[Outcome] = []
                size = max(LEAST, -(-len(commands) // PARTS))
                for n in range(0, len(commands), size):
                    outcomes += [answer(shop, p, command) for command in commands[n : n + size]]
                    if keep and n + size < len(commands):
                        p.send()
                if keep:
                    p.write(changes(p.book, shop), commit=True)
        return outcomes

    def _foresee(self, scope: Scope, commands: Sequence[c.Command], *, lock: bool) -> tuple[Programs, int]:
        """Add to the scope what the orders that commands name concern; return programmes, and how many accounts opened.

        Points may have to be given to bonus accounts that do not exist yet: these are opened.
        """
        connection = self.ledger.connection()
        follows = [command.order for command in commands if isinstance(command, f.FollowUp)]
        programs, found = foreseen(connection, follows, lock=lock)
        for order in found:
            scope.accounts.add(order.account)
            scope.refer(*order.charges)
            scope.sell((*order.brands, *order.financers), None)
        codes = {code for command in commands if isinstance(command, f.Order) for code in command.promo_codes}
        if codes:
            [financers] = exchange(connection, (_FINANCERS, [[*codes]]))
            scope.sell((code for (code,) in financers), None)
        scope.ids += 2 * len(follows)
        gifts = [command for command in commands if isinstance(command, c.Bonus)]
        if gifts:
            # Points are followed, and what expired or is owed of them booked, by the client's money account.
            numbers = [gift.account for gift in gifts if isinstance(gift.account, int) and gift.brand is None]
            [clients] = exchange(connection, (_MONEY, [numbers]))
            scope.accounts |= {money for (money,) in clients}
        orders: list[Named | f.Order] = [*found, *(o for o in commands if isinstance(o, f.Order))] if programs else []
        named: list[Buys] = [(order.account, order.brands & programs.keys()) for order in orders]
        named += [(gift.account, {gift.brand}) for gift in gifts if gift.brand is not None]
        return programs, self._open_bonus_accounts(connection, named)

    def _open_bonus_accounts(self, connection: AnyConnection, named: Sequence[Buys]) -> int:
        """See that the clients have bonus accounts for the brands: with a programme that they order from, or named.

        Return how many were opened. In order of account and brand: two batches that open the same accounts would
        otherwise deadlock.
        """
        if not any(brands for _, brands in named):
            return 0
        known = numbers_of(connection, self.ledger.known, [a for a, brands in named if brands and isinstance(a, str)])
        wanted = {
            (number, brand)
            for account, brands in named
            for brand in brands
            if (number := known.get(account) if isinstance(account, str) else account) is not None
        }
        pairs = [[pair[0] for pair in wanted], [pair[1] for pair in wanted]]
        [missing] = exchange(connection, (_UNOPENED, pairs))
        for account, brand in missing:
            bonus_account(connection, account, brand)
        return len(missing)

    def _book_points(self, until: datetime, after: int) -> tuple[int | None, int]:
        """Book what expired of the next clients' points, and let their lots follow.

        Return the last client's account, None when there were none, and how many expiries were booked.
        """
        connection = self.ledger.connection()
        with connection.transaction():
            accounts = [money for (money,) in connection.execute(_BEHIND, [after, until, CLIENTS_AT_ONCE]).fetchall()]
            if not accounts:
                return None, 0
            return accounts[-1], self._expire(connection, Scope({*accounts}, ids=2 * len(accounts)), until)

    def _book_points_of(self, account: int | str) -> None:
        """Book what expired by now of one client's points."""
        connection = self.ledger.connection()
        with connection.transaction():
            self._expire(connection, Scope({account}), datetime.max.replace(tzinfo=UTC))

    def _expire(self, connection: AnyConnection, scope: Scope, until: datetime) -> int:
        programs, _ = foreseen(connection, (), lock=True)
        with self.ledger.posting(connection, scope) as p:
            shop = load_shop(connection, p.book, (), programs, lives=self.preorder_lives)
            at = min(until, p.book.now)
            points = sum(expire_points(shop, p, account, at) for account in sorted(p.book.bonuses))
            p.write(changes(p.book, shop))
        return points


_FINANCERS = "SELECT DISTINCT jsonb_array_elements(financed) ->> 'brand' FROM promotion WHERE code = ANY(%s)"
_MONEY = "SELECT money_account_id FROM account WHERE kind = 'bonus' AND id = ANY(%s)"
_UNOPENED = """
SELECT w.account, r.id FROM unnest(%s::bigint[], %s::text[]) AS w(account, brand)
JOIN brand r ON r.code = w.brand JOIN account m ON m.id = w.account AND m.kind = 'money'
LEFT JOIN account b ON b.kind = 'bonus' AND b.money_account_id = w.account AND b.brand_id = r.id
WHERE b.id IS NULL ORDER BY 1, 2
"""
# Clients with points that the lots are behind with, or with points left that are gone.
_BEHIND = """
SELECT DISTINCT a.money_account_id FROM account a JOIN balance b ON b.account_id = a.id
LEFT JOIN bonus_points p ON p.account_id = a.id
WHERE a.kind = 'bonus' AND a.money_account_id > %s AND (b.version > coalesce(p.version, 0) OR EXISTS (
    SELECT FROM bonus_lot l WHERE l.account_id = a.id AND l.points_left > 0
    AND (l.lapsed > 0 OR l.gone_on <= (%s AT TIME ZONE (SELECT time_zone FROM book))::date)
)) ORDER BY 1 LIMIT %s
"""


def _concerns_food(command: c.Command) -> bool:
    """Return whether a command is food's whoever's account it is on; others are when the account has points."""
    return isinstance(command, f.Order | f.FollowUp | c.Bonus)
