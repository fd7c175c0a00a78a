"""The year of baskets as administration lines and commands, in order of time.

Keys come from the data (`basket-31198570044`), so playing it again replays and posts nothing twice.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from ledger.core.command_parts import Line
from ledger.core.commands import Command, Debit, Payment
from reports.demo.brands import brand_records
from reports.demo.complete_journey import CURRENCY, OTHER

_CENT = Decimal("0.01")


def registry(brands: pl.DataFrame, households: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the lines that make the brands, and each household's party and account."""
    yield from brand_records([*brands["brand"], OTHER])
    for household, holder in households.select("household_id", "holder").iter_rows():
        reference = _account(household)
        yield {
            "type": "party",
            "reference": reference,
            "kind": "individual",
            "name": f"Household {household}",
        }
        yield {
            "type": "account",
            "reference": reference,
            "party": reference,
            "currency": CURRENCY,
            "holder": holder,
            "contract_number": f"H-{household}",
            "contract_date": "2017-01-01",
        }


def commands(baskets: pl.DataFrame, households: pl.DataFrame) -> Iterator[Command]:
    """Yield a debit for each basket, before it the payment that it needs, if any, at the same moment."""
    holders = dict(households.select("household_id", "holder").iter_rows())
    for basket in baskets.iter_rows(named=True):
        if basket["top_up"]:
            yield Payment(
                key=f"top-up-{basket['basket_id']}",
                account=_account(basket["household_id"]),
                amount=basket["top_up"] * _CENT,
                brand=holders[basket["household_id"]],
                channel="card",
                at=basket["at"],
            )
        yield Debit(
            key=f"basket-{basket['basket_id']}",
            account=_account(basket["household_id"]),
            at=basket["at"],
            lines=tuple(_lines(basket)),
        )


def _lines(basket: dict[str, Any]) -> Iterator[Line]:
    for brand, gross, discount, amount in zip(
        basket["brand"], basket["gross"], basket["discount"], basket["lines"], strict=True
    ):
        yield Line(
            brand=brand,
            service="order",
            reference=str(basket["basket_id"]),
            amount=amount * _CENT,
            gross=gross * _CENT,
            discount=discount * _CENT,
        )


def _account(household: int) -> str:
    return f"household-{household}"
