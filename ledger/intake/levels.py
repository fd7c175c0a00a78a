"""What a door speaks: level one alone, or with a second level over it, which the top module puts in its place.

Modules that only some doors need are imported where they are used: `tiffin balance` must start fast. Everything here is
a function of a module, so that a level can be handed to another process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.postgres.database import AnyConnection
from ledger.postgres.shell import Shell

if TYPE_CHECKING:
    from ledger.intake.json_lines import Item
    from ledger.postgres.post import Ledger
    from ledger.values.refusals import Refusals


def _parse(fields: dict[str, object]) -> "Item":
    from ledger.intake.json_lines import parse_item

    return parse_item(fields)


def _models() -> "Mapping[str, type]":
    from ledger.administration.administration_lines import RECORDS
    from ledger.core.commands import COMMANDS

    return {**COMMANDS, **RECORDS}


def _shell(ledger: "Ledger") -> Shell:
    return ledger


def _more(connection: AnyConnection, account: int, at: datetime | None) -> dict[str, object]:
    return {}


def _refusals() -> "Refusals":
    from ledger.values.refusals import LEDGER

    return LEDGER


@dataclass(frozen=True)
class Level:
    """What the commands speak.

    `parse` reads a line's JSON object, `models` are the lines by type, `shell` answers them, `more` is what else a
    balance has: fields by name. `refusals` are its declines.
    """

    parse: "Callable[[dict[str, object]], Item]" = _parse
    models: Callable[[], Mapping[str, type]] = _models
    shell: "Callable[[Ledger], Shell]" = _shell
    more: Callable[[AnyConnection, int, datetime | None], dict[str, object]] = _more
    refusals: "Callable[[], Refusals]" = _refusals
