"""The shell's front door: `from ledger.post import Ledger`. It needs PostgreSQL; the pure names are in `ledger`."""

from ledger.postgres.post import Answer, Ledger, Posting

__all__ = ["Answer", "Ledger", "Posting"]
