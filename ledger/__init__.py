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
    from ledger.core.outcomes import DECLINES, Declined, Done, Invalid, Posted

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


def __getattr__(name: str) -> object:
    # On first use: `tiffin balance` needs none of these, and the models of commands take a while to build.
    for module in ("book", "command_parts", "commands", "decide", "outcomes") if name in __all__ else ():
        found = getattr(import_module(f"ledger.core.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
