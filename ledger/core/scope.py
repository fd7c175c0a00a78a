"""What commands concern, gathered before they are decided, so that it can be locked and loaded (DECISIONS D79)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Scope:
    """What a posting is opened with. Each command adds what it concerns (`Command.concern`).

    `accounts` are numbers and references, `refers` keys of earlier transactions, `brands` codes with the currency
    if one is named, `credits` the most that each account can be credited, in minor units, `payments` keys of
    payments that are allocated or reversed: these may touch no client account. `ids` is the most
    transactions that there can be.
    """

    accounts: set[int | str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    refers: list[str] = field(default_factory=list)
    brands: set[tuple[str, str | None]] = field(default_factory=set)
    times: list[datetime] = field(default_factory=list)
    credits: dict[int | str, int] = field(default_factory=dict)
    payments: list[str] = field(default_factory=list)
    ids: int = 0

    def credit(self, account: int | str, amount: int) -> None:
        """Add an account that can be credited this amount."""
        self.accounts.add(account)
        self.credits[account] = self.credits.get(account, 0) + amount

    def refer(self, *keys: str) -> None:
        """Add keys of earlier transactions."""
        self.refers += keys

    def sell(self, brands: Iterable[str], currency: str | None) -> None:
        """Add brands, with the currency that the command names."""
        for brand in brands:
            self.brands.add((brand, currency))
