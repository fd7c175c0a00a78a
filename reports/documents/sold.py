"""What was sold in a period, as rows of an invoice or an act of services: by seller, service and VAT rate. Pure.

What another brand served on the account is sold by that brand, the principal, through the holder, its agent: its rows
and its VAT stand apart (НК РФ ст. 156, 169: an agent's own VAT is on its fee alone).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from ledger.administration.requisites import requisite
from reports.documents.page import Page
from reports.documents.printed_rows import InvoiceItem
from reports.documents.statement import ZERO, Issuer, PaidLine, Vat, total_of, vat_by_rate


@dataclass(frozen=True)
class Section:
    """The rows of one seller: the issuer itself, or a principal for whom it acts."""

    seller: Issuer | None
    principal: bool
    items: list[InvoiceItem]
    vat: tuple[Vat, ...]

    @property
    def amount(self) -> Decimal:
        return total_of(item.amount for item in self.items)

    @property
    def ground(self) -> str | None:
        """Return why the seller's services carry no VAT, if its requisites state it."""
        return requisite(dict(self.seller.bank_details), "without_vat") if self.seller else None


class SoldPage(Page):
    """A paper that lists services by kind, less refunds."""

    @cached_property
    def sections(self) -> list[Section]:
        """Return the issuer's own rows first, then each principal's, by code."""
        principals = {one.code: one for one in self.paper.principals}
        by_seller: dict[str, list[PaidLine]] = {"": []}
        for operation in self.paper.operations:
            for line in operation.lines:
                by_seller.setdefault(line.brand_code if line.brand_code in principals else "", []).append(line)
        return [
            Section(principals.get(code, self.issuer), code in principals, self._items(lines), vat_by_rate(lines))
            for code, lines in sorted(by_seller.items())
            if lines
        ]

    @cached_property
    def items(self) -> list[InvoiceItem]:
        """Return the rows of all sections, in order."""
        return [item for section in self.sections for item in section.items]

    @property
    def with_vat(self) -> bool:
        """Return whether any row has a VAT rate."""
        return any(item.rate is not None for item in self.items)

    @property
    def gross(self) -> Decimal:
        return total_of(item.gross for item in self.items)

    @property
    def discount(self) -> Decimal:
        return total_of(item.discount for item in self.items)

    @property
    def total(self) -> Decimal:
        return total_of(item.amount for item in self.items)

    def _items(self, lines: Sequence[PaidLine]) -> list[InvoiceItem]:
        grouped: dict[tuple[str, str, Decimal | None], list[PaidLine]] = {}
        for line in lines:
            grouped.setdefault((line.brand, self.names.service(line.service), line.vat_rate), []).append(line)
        ordered = sorted(grouped.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or Decimal(-1)))
        # What was given back whole is no row, but for the discount of a free dish.
        items = [_item(*key, rows) for key, rows in ordered]
        return [item for item in items if item.amount or item.gross or item.vat]


def _item(brand: str, service: str, rate: Decimal | None, lines: Sequence[PaidLine]) -> InvoiceItem:
    amount = total_of(line.amount for line in lines)
    quantity, price = _quantity(lines, amount)
    return InvoiceItem(
        name=f"{brand} · {service}" if service else brand,
        service=service,
        count=sum(1 for line in lines if line.gross >= 0),
        quantity=quantity,
        price=price,
        gross=total_of(line.gross for line in lines),
        discount=total_of(line.discount for line in lines),
        rate=rate,
        vat=total_of(line.vat or ZERO for line in lines),
        amount=amount,
    )


def _quantity(lines: Sequence[PaidLine], amount: Decimal) -> tuple[int, Decimal]:
    """Return how many of one price make the amount, and the price; where prices differ, once the whole."""
    counts = Counter(abs(line.amount) for line in lines)
    ((price, _), *others) = counts.most_common()
    quantity = sum(1 if line.gross >= 0 else -1 for line in lines)
    return (quantity, price) if not others and quantity > 0 and quantity * price == amount else (1, amount)
