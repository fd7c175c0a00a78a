"""Food in both worlds: the same lines on the pure core and on PostgreSQL, which must answer and end alike."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from ledger.core.commands import Bonus
from ledger.food.core import commands as f
from ledger.food.core.bonuses import Program
from ledger.food.core.decide import answer, expire_points
from ledger.food.core.outcomes import REFUSALS
from ledger.food.core.points_of_orders import pay_owed
from ledger.food.core.pricing import Promotion
from ledger.food.core.shop import Shop
from ledger.food.postgres import order_queries
from ledger.food.postgres.post_orders import Desk
from ledger.seam import Seam
from ledger.values.money import is_account_number, minor, plain
from tests.ledger.worlds import MOSCOW, Postgres, Pure, State
from tests.ledger.worlds import _told as told

Record = dict[str, Any]


class PureShop(Pure):
    """A book and a shop in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = (number for number in count(10_000) if is_account_number(number))  # type: ignore[assignment]
        self.book.refusals = REFUSALS
        self.shop = Shop()

    def _account(self, reference: str, party: str, currency: str) -> None:
        super()._account(reference, party, currency)
        number = self.book.references[reference]
        # A party is told by its name here: two accounts of one party are one client.
        self.book.accounts[number] = self.book.accounts[number]._replace(party=sum(party.encode()))

    def _merge(self, account: str, into: str, at: str) -> None:
        old, new = (self.book.references[end] for end in (account, into))
        for client in (old, new):
            expire_points(self.shop, Seam(self.book), client, datetime.fromisoformat(at))
        super()._merge(account, into, at)
        pay_owed(self.shop, Seam(self.book), new)
        party = self.book.accounts[new].party
        assert party is not None
        for order in [order for order in self.shop.orders.values() if order.account == old]:
            counts = order.void_at is None or order.id in self.shop.pending
            for of, by in ((order.party, -counts), (party, counts)):
                self.shop.orders_of[of] = self.shop.orders_of.get(of, 0) + by
                for number, _, _ in order.promotions:
                    used = self.shop.promotion_uses
                    used[number, of] = used.get((number, of), 0) + by
            order.party = party

    def _promotion(self, code: str, kind: str, **given: Any) -> None:
        for name in ("value", "min_order", "max_discount"):
            if given.get(name) is not None:
                given[name] = minor(Decimal(given[name]))
        for name in ("valid_from", "valid_until"):
            if given.get(name) is not None:
                given[name] = date.fromisoformat(given[name])
        shares = given.pop("financed", None) or ()
        given["financed"] = tuple(sorted((each["brand"], minor(Decimal(each["percent"]))) for each in shares))
        self.shop.promotions[code] = Promotion(len(self.shop.promotions) + 1, code, kind, **given)

    def _bonus_program(
        self,
        brand: str,
        accrue_percent: str,
        redeem_percent: str,
        expires_after_days: int | None = None,
        valid_from: str = "2024-01-01",
        valid_until: str | None = None,
        returned_live_days: int = 14,
        spend_at: tuple[str, ...] | list[str] = (),
    ) -> None:
        until = date.fromisoformat(valid_until) if valid_until else None
        self.shop.programs.setdefault(brand, []).append(
            Program(
                brand,
                minor(Decimal(accrue_percent)),
                minor(Decimal(redeem_percent)),
                expires_after_days,
                date.fromisoformat(valid_from),
                until,
                returned_live_days,
                tuple(spend_at),
            )
        )

    def post(self, said: list[State]) -> list[State]:
        """Return what each line is answered."""
        answers = []
        for record in said:
            command = f.parse(record)
            brands = command.brands if isinstance(command, f.Order) else set()
            if (
                isinstance(command, Bonus)
                and command.brand in self.book.brands
                and command.account in self.book.references
            ):
                self.points(command.account, command.brand)
            for brand in sorted(brands & self.shop.programs.keys() & self.book.brands.keys()):
                if command.account in self.book.references:
                    self.points(command.account, brand)
            outcome = answer(self.shop, Seam(self.book), command)
            self.shop.follow(self.book)
            answers.append(told(outcome, self.names(), {t.id: t.key for t in self.book.numbered.values()}))
        return answers

    def expire(self, until: datetime) -> None:
        """Book the points that expired by then."""
        super().book_expired(until)
        self.shop.follow(self.book)
        for money in list(self.book.bonuses):
            expire_points(self.shop, Seam(self.book), money, until)

    def state(self) -> State:
        """Return the ledger's state, with lots, orders and uses."""
        names = self.names()
        state = super().state()
        state["lots"] = {
            names[points.account]: sorted(
                (lot.gone_on or date.max, lot.amount, lot.left) for lot in points.lots.values()
            )
            for points in self.shop.points.values()
            if points.lots
        }
        state["points owed"] = {
            names[points.account]: points.owed for points in self.shop.points.values() if points.owed
        }
        state["orders"] = {
            order.key: (order.status, [line.kept for line in order.lines]) for order in self.shop.orders.values()
        }
        state["used"] = {
            p.code: sum(used for (number, _), used in self.shop.promotion_uses.items() if number == p.id)
            for p in self.shop.promotions.values()
        }
        state["counted"] = {p.code: p.used for p in self.shop.promotions.values() if p.max_uses is not None}
        state["followed"] = {
            names[points.account]: points.version for points in self.shop.points.values() if points.version
        }
        return state


class PostgresShop(Postgres):
    """The same in PostgreSQL, reached as order systems do."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.desk = Desk(self.ledger)

    def administer(self, record: State) -> None:
        """Do what an administration line says."""
        [outcome] = self.desk.administer([f.parse(record)])  # type: ignore[list-item]
        assert outcome.to_json()["status"] == "done", outcome

    def _answers(self, said: Sequence[State], *, quote: bool = False) -> Sequence[Any]:
        done = self.desk.quote if quote else self.desk.post
        return done([f.parse(record) for record in said])  # type: ignore[misc]

    def expire(self, until: datetime) -> None:
        """Book the points that expired by then."""
        self.desk.book_expired(until)

    def bonuses(self, account: str, at: datetime) -> list[Record]:
        """Return what `tiffin balance --at` says of an account's points."""
        [[number]] = self.rows(f"SELECT id FROM account WHERE reference = '{account}'")
        return order_queries.bonuses(self.ledger.connection(), number, at=at)

    def state(self) -> State:
        """Return the ledger's state, with lots, orders and uses."""
        names = self.names()
        state = super().state()
        lots: dict[str, list[Any]] = {}
        for account, *lot in self.rows(
            "SELECT account_id, coalesce(gone_on, '9999-12-31'), amount, points_left FROM bonus_lot ORDER BY 1, 2, 3, 4"
        ):
            lots.setdefault(names[account], []).append(tuple(lot))
        state["lots"] = lots
        state["points owed"] = {
            names[account]: owed
            for account, owed in self.rows("SELECT account_id, sum(amount) FROM bonus_owed GROUP BY 1")
            if owed
        }
        state["orders"] = {
            key: (status, kept)
            for key, status, kept in self.rows(
                "SELECT key, status, array(SELECT kept FROM order_line WHERE order_id = o.id ORDER BY line) "
                "FROM food_order o"
            )
        }
        state["used"] = dict(
            self.rows(
                "SELECT code, (SELECT count(*) FROM promotion_use u JOIN food_order o ON o.id = u.order_id "
                "WHERE promotion_id = p.id AND (given_back_at IS NULL OR o.status = 'placed' AND o.main_id IS NULL)) "
                "FROM promotion p"
            )
        )
        state["counted"] = dict(self.rows("SELECT code, used FROM promotion WHERE max_uses IS NOT NULL"))
        state["followed"] = {names[account]: at for account, at in self.rows("SELECT * FROM bonus_points")}
        return state


class Food:
    """Both worlds at once, at noon of 4 March 2024 in Moscow until told otherwise. Brands sushi and pizza exist."""

    def __init__(self, url: str) -> None:
        self.pure, self.postgres = PureShop(), PostgresShop(url)
        self.worlds: tuple[PureShop | PostgresShop, ...] = (self.pure, self.postgres)
        self.now = datetime(2024, 3, 4, 12, tzinfo=MOSCOW)
        self.keys = 0
        for code in ("sushi", "pizza"):
            self.record(type="brand", code=code)

    def record(self, **line: Any) -> None:
        """Do an administration line in both worlds."""
        for world in self.worlds:
            world.administer(line)

    def client(self, name: str, money: str = "0.00", **terms: Any) -> None:
        """Open an account with money on it."""
        self.record(type="party", reference=name, kind="individual", name=name.capitalize())
        self.record(type="account", reference=name, party=name, currency="RUB")
        if terms:
            self.record(type="credit_terms", account=name, valid_from="2024-01-01", **terms)
        if money != "0.00":
            self.post("payment", account=name, amount=money, brand="sushi")

    def at(self, day: str, hour: str = "12:00") -> None:
        """Let it be that time."""
        self.now = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=MOSCOW)

    def post(self, type_: str, key: str = "", **fields: Any) -> Record:
        """Return what both worlds answer to a command; after a refusal nothing may have moved."""
        self.keys += 1
        line = {"type": type_, "key": key or f"k{self.keys}", "at": self.now.isoformat(), **fields}
        before = [moved(world.state()) for world in self.worlds]
        answers = [*self.pure.post([line]), *self.postgres.post_as_quoted([line])]
        assert answers[0] == answers[1], "the pure core and PostgreSQL differ"
        states = [world.state() for world in self.worlds]
        self.agree(states)
        if answers[0]["status"] != "posted" or answers[0]["replayed"]:
            assert [moved(state) for state in states] == before, "something moved"
        return answers[0]

    def order(self, key: str, account: str = "anna", **fields: Any) -> Record:
        """Place an order."""
        return self.post("order", key, account=account, **fields)

    def agree(self, states: list[State]) -> None:
        """Hold that both worlds stand alike, and that lots agree with balances."""
        pure, postgres = states
        for name in ("balances", "owed", "usage", "holds", "lots", "points owed", "orders"):
            assert pure[name] == postgres[name], name
        for account, lots in postgres["lots"].items():
            balance, held, _ = postgres["balances"][account]
            assert sum(left for _, _, left in lots) == balance - held, f"the lots of {account}"

    def balance(self, account: str) -> str:
        """Return the balance of an account, or `anna sushi points`."""
        return plain(self.postgres.state()["balances"][account][0])


def moved(state: State) -> State:
    """Return what only a posted command may change; expiries by time alone are not its doing."""
    return {name: state[name] for name in ("owed", "orders", "used")} | {
        "balances": {a: b[:2] for a, b in state["balances"].items() if "sushi" not in a and "pizza" not in a}
    }


def dish(sku: str, price: str, quantity: int = 1, brand: str = "sushi") -> Record:
    """Return an item."""
    return {"brand": brand, "sku": sku, "price": price, "quantity": quantity}
