"""What `tiffin` speaks with food: orders among the commands, promotions among the records, points in a balance."""

from datetime import datetime
from typing import Any

from psycopg import Connection

from ledger import cli
from ledger.commands import COMMANDS
from ledger.food import commands as f
from ledger.food import queries
from ledger.food.desk import Desk
from ledger.post import Ledger
from ledger.records import RECORDS


def _points(connection: Connection[Any], account: int, at: datetime | None) -> dict[str, Any]:
    return {"bonuses": queries.bonuses(connection, account, at=at)}


def _desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


level = cli.Level(
    parse=f.parse,
    models={**COMMANDS, **f.COMMANDS, **RECORDS, **f.RECORDS},
    desk=_desk,
    standing=_points,
)
"""Both levels: for the top module to put in the place of level one."""
