"""What acts and an invoice show beyond a statement: the papers that bind somebody.

An act of reconciliation speaks from the issuer's books: its debit is what the client owes. Its opening is the
balance before the period, so it equals the closing of the act before it.
"""

from decimal import Decimal
from functools import cached_property

from ledger.errors import Failure
from reports.documents.language import N_
from reports.documents.page import Page
from reports.documents.printed_rows import BalanceRow, PrintedEntry
from reports.documents.sold import SoldPage
from reports.documents.statement import ZERO, total_of


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
            "client": _named(self.client_name, self.client_tax_label, self.client.tax_id),
            "account": account,
            "since": self.lang.day(self.paper.since),
            "until": self.lang.day(self.paper.until),
            "currency": self.paper.currency,
        }

    @property
    def by_seller(self) -> str:
        return self.lang.text("By the books of %s") % self.short_seller

    @property
    def by_client(self) -> str:
        return self.lang.text("By the books of %s") % self.short_client

    @property
    def opening(self) -> BalanceRow:
        return _balance(self.paper.summary.opening)

    @property
    def closing(self) -> BalanceRow:
        return _balance(self.paper.summary.closing)

    @property
    def entries(self) -> list[PrintedEntry]:
        """Return the operations that moved money; days instead when there are too many."""
        if self.days:
            several = self.lang.text("Operations of the day: %s")
            return [
                PrintedEntry(self.lang.day(day.on), several % day.count, day.charged, day.received) for day in self.days
            ]
        document = self.lang.text("%(what)s, No. %(number)s")
        return [
            PrintedEntry(
                self.lang.day(one.posted_on),
                document % {"what": self.headline(one), "number": one.transaction},
                max(ZERO, -one.amount),
                max(ZERO, one.amount),
            )
            for one in self.printed
            if one.amount
        ]

    @property
    def debtor(self) -> str:
        return self.short_client if self.paper.summary.closing < 0 else self.short_seller

    @property
    def creditor(self) -> str:
        return self.short_seller if self.paper.summary.closing < 0 else self.short_client

    @property
    def sentence(self) -> str:
        """Return who owes whom how much, in figures and words. Names stand where no language declines them."""
        on = self.lang.day(self.paper.until)
        if not self.paper.summary.closing:
            return self.lang.text("On %(on)s neither side owes the other anything.") % {"on": on}
        return self.lang.text("Owed on %(on)s: %(amount)s (%(words)s). Debtor: %(debtor)s. Creditor: %(creditor)s.") % {
            "on": on,
            "debtor": self.debtor,
            "creditor": self.creditor,
            "amount": self.lang.priced(self.standing, self.paper.currency),
            "words": self.lang.words(self.standing, self.paper.currency),
        }


def _named(name: str, label: str, tax_id: str | None) -> str:
    return f"{name} ({label} {tax_id})" if tax_id else name


def _balance(amount: Decimal) -> BalanceRow:
    return BalanceRow(debit=max(ZERO, -amount), credit=max(ZERO, amount))


class InvoicePage(SoldPage):
    """An invoice (счёт на оплату) for what the account owes at the end, with the services of the period."""

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
                f"account {self.paper.account}: the rows of the invoice add up to {made}, "
                f"but the client owes {-sums.closing}"
            )
        return rows


class ServicesPage(SoldPage):
    """An act of services rendered (акт об оказании услуг): what was done in the period, for both sides to sign."""
