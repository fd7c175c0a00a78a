"""What an act and an invoice show beyond a statement: the papers that bind somebody.

An act speaks from the issuer's books: its debit is what the client owes. Its opening is the
balance before the period, so it equals the closing of the act before it.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

from ledger.errors import Failure
from reports.documents.language import N_
from reports.documents.page import Page
from reports.documents.printed_rows import Balance, Item, PrintedEntry, total_of
from reports.documents.statement import ZERO, Line


class ActPage(Page):
    """A reconciliation act (акт сверки) in one language."""

    @property
    def intro(self) -> str:
        assert self.issuer is not None
        account = f"{self.paper.account} ({self.contract})" if self.contract else str(self.paper.account)
        return self.lang.text(
            "%(seller)s and %(client)s have reconciled their mutual settlements on account %(account)s "
            "from %(since)s to %(until)s, in %(currency)s."
        ) % {
            "seller": _named(self.issuer.legal_name, self.tax_label, self.issuer.tax_id),
            "client": _named(self.client.legal_name or self.client.name, self.client_tax_label, self.client.tax_id),
            "account": account,
            "since": self.lang.day(self.paper.since),
            "until": self.lang.day(self.paper.until),
            "currency": self.paper.currency,
        }

    @property
    def by_seller(self) -> str:
        assert self.issuer is not None
        return self.lang.text("By the books of %s") % self.issuer.legal_name

    @property
    def by_client(self) -> str:
        return self.lang.text("By the books of %s") % (self.client.legal_name or self.client.name)

    @property
    def opening(self) -> Balance:
        return _balance(self.paper.summary.opening)

    @property
    def closing(self) -> Balance:
        return _balance(self.paper.summary.closing)

    @property
    def entries(self) -> list[PrintedEntry]:
        """Return the operations that moved money; days instead when there are too many."""
        if self.days:
            several = self.lang.text("Operations of the day: %s")
            return [PrintedEntry(self.lang.day(day.on), several % day.count, day.charged, day.received)
                    for day in self.days]  # fmt: skip
        document = self.lang.text("%(what)s, No. %(number)s")
        return [
            PrintedEntry(self.lang.day(one.posted_on),
                  document % {"what": self.headline(one), "number": one.transaction},
                  max(ZERO, -one.amount), max(ZERO, one.amount))
            for one in self.printed
            if one.amount
        ]  # fmt: skip

    @property
    def sentence(self) -> str:
        """Return who owes whom how much, in figures and words."""
        assert self.issuer is not None
        client, seller = self.client.legal_name or self.client.name, self.issuer.legal_name
        closing, on = self.paper.summary.closing, self.lang.day(self.paper.until)
        if not closing:
            return self.lang.text("On %(on)s neither side owes the other anything.") % {"on": on}
        debtor, creditor = (client, seller) if closing < 0 else (seller, client)
        return self.lang.text("On %(on)s %(debtor)s owes %(creditor)s %(amount)s (%(words)s).") % {
            "on": on,
            "debtor": debtor,
            "creditor": creditor,
            "amount": self.lang.priced(abs(closing), self.paper.currency),
            "words": self.lang.words(abs(closing), self.paper.currency),
        }


def _named(name: str, label: str, tax_id: str | None) -> str:
    return f"{name} ({label} {tax_id})" if tax_id else name


def _balance(amount: Decimal) -> Balance:
    return Balance(debit=max(ZERO, -amount), credit=max(ZERO, amount))


class InvoicePage(Page):
    """An invoice for what was charged in the period, less what was refunded."""

    @cached_property
    def items(self) -> list[Item]:
        """Return a row a brand, service and VAT rate, in that order."""
        grouped: dict[tuple[str, str, Decimal | None], list[Line]] = {}
        for operation in self.paper.operations:
            for line in operation.lines:
                grouped.setdefault((line.brand, self.names.service(line.service), line.vat_rate), []).append(line)
        ordered = sorted(grouped.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or Decimal(-1)))
        return [_item(*key, lines) for key, lines in ordered]

    @property
    def gross(self) -> Decimal:
        return sum((item.gross for item in self.items), start=ZERO)

    @property
    def discount(self) -> Decimal:
        return sum((item.discount for item in self.items), start=ZERO)

    @property
    def total(self) -> Decimal:
        return sum((item.amount for item in self.items), start=ZERO)

    @cached_property
    def account_rows(self) -> list[tuple[str, Decimal]]:
        """Return what leads from the balance before the period to what is to pay: plus is owed by the client.

        Each figure comes from its own source: the balance from the entry before the period, services from their
        lines, the rest from the operations. Raises Failure when their sum is not the balance that the ledger
        wrote last.
        """
        sums = self.paper.summary
        before = N_("Debt from before the period") if sums.opening < 0 else N_("Balance before the period")
        rows = [(self.lang.text(before), -sums.opening)] if sums.opening else []
        rows.append((self.lang.text("Services of the period, less refunds"), self.total))
        rows += [(self.lang.text("Paid in the period"), -sums.paid)] if sums.paid else []
        rows += [(self.lang.kind(kind), -amount) for kind, amount in sums.other]
        if (made := total_of(amount for _, amount in rows)) != -sums.closing:
            raise Failure(
                f"account {self.paper.account}: the rows of the invoice make {made}, the client owes {-sums.closing}"
            )
        return rows


def _item(brand: str, service: str, rate: Decimal | None, lines: Sequence[Line]) -> Item:
    return Item(
        name=f"{brand} · {service}" if service else brand,
        count=sum(1 for line in lines if line.gross >= 0),
        gross=sum((line.gross for line in lines), start=ZERO),
        discount=sum((line.discount for line in lines), start=ZERO),
        rate=rate,
        vat=sum((line.vat or ZERO for line in lines), start=ZERO),
        amount=sum((line.amount for line in lines), start=ZERO),
    )
