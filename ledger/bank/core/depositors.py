"""Payers who bring our own money to the bank: acquirers, and whoever deposits couriers' cash.

What comes from them is no payment of a client: it was booked as paid when the client paid, into the channel that it now
leaves. So their money is moved from that channel to the bank, less their fee (DECISIONS D151).
"""

from dataclasses import dataclass
from decimal import Decimal

from ledger.bank.core.statement import BankEntry, Statement, exact, note
from ledger.core.commands import Move
from ledger.values.field_types import TEXT_LENGTH
from ledger.values.money import MOST, decimal

BANK = "bank"


@dataclass(frozen=True, kw_only=True)
class Depositor:
    """A payer's bank account, the brand whose money it brings, the channel that this leaves, and its fee in percent.

    Without a fee what arrives is what leaves the channel: the fee is moved when it is known.
    """

    payer: str
    brand: str
    channel: str
    fee_percent: Decimal | None = None

    def sent(self, arrived: Decimal) -> tuple[Decimal, Decimal]:
        """Return what left the channel and the fee in it, by what arrived; 985.00 at 1.5 % are 1000.00 less 15.00."""
        if not self.fee_percent:
            return arrived, Decimal("0.00")
        sent = (arrived * 100 / (100 - self.fee_percent)).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        return (sent, sent - arrived) if sent <= decimal(MOST) else (arrived, Decimal("0.00"))


def move(entry: BankEntry, statement: Statement, depositor: Depositor, *, key: str, by: str | None) -> Move:
    """Return the command that takes an entry's money out of its channel and into the bank."""
    amount, fee = depositor.sent(exact(entry.amount))
    return Move(
        key=key,
        brand=depositor.brand,
        from_=place(depositor.channel),
        to=place(BANK),
        amount=amount,
        fee=fee or None,
        currency=statement.currency,
        value_date=entry.value_date,
        note=note(entry, TEXT_LENGTH) or None,
        by=by,
        reference=entry.bank_reference or None,
    )


def place(channel: str) -> str:
    """Return how a command names a channel, so that it is no code of the chart."""
    return channel if channel.startswith("channel:") else f"channel:{channel}"
