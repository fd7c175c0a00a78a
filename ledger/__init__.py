"""The ledger. Importing it gives pure names only: commands, the book, decisions, outcomes.

The shell, which needs PostgreSQL, is `ledger.post.Ledger`.
"""

from ledger.core.book import Book
from ledger.core.commands import (
    Adjustment,
    Allocate,
    Bonus,
    Capture,
    Command,
    Debit,
    Hold,
    Line,
    LineAmount,
    Part,
    Payment,
    Payout,
    Refund,
    Release,
    Reverse,
    Share,
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
