"""What `tiffin` speaks with food: orders among the commands, promotions among the records, points in a balance."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from ledger.cli import commands
from ledger.core.administration import RECORDS
from ledger.core.commands import COMMANDS
from ledger.food.core import commands as f
from ledger.food.postgres import order_queries
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.post import Ledger


def _points(connection: Connection[Any], account: int, at: datetime | None) -> dict[str, Any]:
    return {"bonuses": order_queries.bonuses(connection, account, at=at)}


def _desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


level = commands.Level(
    parse=f.parse,
    models={**COMMANDS, **f.COMMANDS, **RECORDS, **f.RECORDS},
    desk=_desk,
    standing=_points,
)
"""Both levels: for the top module to put in the place of level one."""
