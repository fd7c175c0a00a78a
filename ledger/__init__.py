"""The ledger. Importing it gives pure names only: commands, the book, decisions, outcomes.

The shell, which needs PostgreSQL, is `ledger.post.Ledger`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.core.book import Book
    from ledger.core.command_parts import Line, LineAmount, Part, Share
    from ledger.core.commands import (
        Adjustment,
        Allocate,
        Bonus,
        Capture,
        Command,
        Debit,
        Hold,
        Payment,
        Payout,
        Refund,
        Release,
        Reverse,
        Transfer,
    )
    from ledger.core.decide import answer
    from ledger.core.outcomes import Declined, Done, Invalid, Posted
    from ledger.values.refusals import DECLINES

__all__ = [
    "DECLINES",
    "Adjustment",
    "Allocate",
    "Bonus",
    "Book",
    "Capture",
    "Command",
    "Debit",
    "Declined",
    "Done",
    "Hold",
    "Invalid",
    "Line",
    "LineAmount",
    "Part",
    "Payment",
    "Payout",
    "Posted",
    "Refund",
    "Release",
    "Reverse",
    "Share",
    "Transfer",
    "answer",
]


_MODULES = ("core.book", "core.command_parts", "core.commands", "core.decide", "core.outcomes", "values.refusals")


def __getattr__(name: str) -> object:
    # On first use: `tiffin balance` needs none of these, and the models of commands take a while to build.
    for module in _MODULES if name in __all__ else ():
        found = getattr(import_module(f"ledger.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
