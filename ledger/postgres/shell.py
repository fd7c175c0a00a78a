"""What answers lines: the ledger, or a second level over it. Cheap to import."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ledger.administration.administration_lines import Record
    from ledger.core.commands import Command
    from ledger.core.outcomes import Outcome


class Shell(Protocol):
    """What answers lines: a ledger, or a second level over one."""

    def post(self, commands: "Sequence[Command]", /) -> "Sequence[Outcome]":
        """Return one outcome per command, in order."""

    def quote(self, commands: "Sequence[Command]", /) -> "Sequence[Outcome]":
        """Return what `post` would answer."""

    def administer(self, records: "Sequence[Record]", /) -> "Sequence[Outcome]":
        """Return one outcome per administration line, in order."""
