"""What `tiffin` speaks with food: orders among the commands, promotions among the records, points in a balance."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.intake.levels import Level
from ledger.postgres.database import AnyConnection
from ledger.postgres.shell import Shell

if TYPE_CHECKING:
    from ledger.intake.json_lines import Item
    from ledger.postgres.post import Ledger
    from ledger.values.refusals import Refusals


def _parse(fields: dict[str, object]) -> "Item":
    from ledger.food.core.commands import parse

    return parse(fields)


def models() -> Mapping[str, type]:
    """Return the models of the lines of both levels, by type."""
    from ledger.administration.administration_lines import RECORDS
    from ledger.core.commands import COMMANDS
    from ledger.food.core import commands as f

    return {**COMMANDS, **f.COMMANDS, **RECORDS, **f.RECORDS}


def _shell(ledger: "Ledger") -> Shell:
    from ledger.food.postgres.post_orders import Desk

    return Desk(ledger)


def _points(connection: AnyConnection, account: int, at: datetime | None) -> dict[str, object]:
    with connection.transaction():
        bonus_account = "SELECT 1 FROM account WHERE kind = 'bonus' AND money_account_id = %s"
        if connection.execute(bonus_account, [account]).fetchone() is None:
            return {"bonuses": []}
    from ledger.food.postgres import order_queries  # after that: few accounts have points, and it takes a while to load

    return {"bonuses": order_queries.bonuses(connection, account, at=at)}


def _refusals() -> "Refusals":
    from ledger.food.core.outcomes import REFUSALS

    return REFUSALS


level = Level(parse=_parse, models=models, shell=_shell, more=_points, refusals=_refusals)
"""Both levels: for the top module to put in place of level one."""
