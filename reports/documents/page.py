"""What a template shows: a `Statement` put into words, rows and sums. Pure; no figure is new here.

Kinds: `statement` for the client to read, `act` for two accountants to sign, `invoice` to
be paid. An act and an invoice bind somebody, so they need an issuer; a statement of an
account that no brand holds is drawn without one and states it.
"""

import re
from decimal import Decimal
from functools import cached_property
from itertools import groupby

from markupsafe import Markup

from ledger.administration.requisites import key_of, requisite
from ledger.errors import Failure
from reports.documents.design import Kind
from reports.documents.language import N_, Language
from reports.documents.names import Names
from reports.documents.names import names as names_in
from reports.documents.printed_rows import Day, PrintedDue, PrintedPart, PrintedRow, by_brand, day_of
from reports.documents.qr import payment_code
from reports.documents.russian import CALCULATED, is_sole_trader, registration_label, short_name
from reports.documents.statement import Age, Client, Due, Issuer, Operation, Statement, total_of

PREFIX = {"statement": "S", "act": "A", "invoice": "I", "services": "D"}
MOST_OPERATIONS = 1000
ACCENT = "#1f4e79"
_SHADES = ("shade-0", "shade-1", "shade-2", "shade-3", "shade-4", "shade-5")
_BANK = {
    "bank": N_("Bank"),
    "account": N_("Bank account"),
    "bic": N_("BIC"),
    "correspondent_account": N_("Correspondent account"),
    "inn": N_("INN"),
    "kpp": N_("KPP"),
    "ogrn": N_("OGRN"),
    "iban": N_("IBAN"),
    "swift": N_("SWIFT"),
    "routing": N_("Routing number"),
}
_TAX = {"RU": "ИНН", "BY": "УНП", "KZ": "БИН"}


def paper_number(paper: Statement, kind: Kind) -> str:
    """Return the paper's number: the same account, period and kind always have the same; `.2` is a second edition."""
    number = f"{PREFIX[kind]}-{paper.account}-{paper.period}"
    return number if paper.edition == 1 else f"{number}.{paper.edition}"


class Page:
    """One paper in one language, as the templates need it."""

    def __init__(
        self, paper: Statement, kind: Kind, lang: Language, *, names: Names | None = None, logo: str | None = None
    ) -> None:
        if kind != "statement" and paper.issuer is None:  # (DECISIONS D46)
            what = "an act of services" if kind == "services" else f"an {kind}"
            raise Failure(f"account {paper.account} has no holder: {what} must name a seller")
        self.paper, self.kind, self.lang, self.logo = paper, kind, lang, logo
        self.names = names or names_in(lang.code)

    @property
    def issuer(self) -> Issuer | None:
        return self.paper.issuer

    @property
    def client(self) -> Client:
        return self.paper.client

    @property
    def accent(self) -> str:
        """Return the brand's colour; a colour that is not one does not reach the style sheet."""
        colour = self.issuer.colour if self.issuer else None
        return colour if colour and re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else ACCENT

    @property
    def number(self) -> str:
        return paper_number(self.paper, self.kind)

    @property
    def heading(self) -> str:
        names = {
            "statement": N_("Account statement"),
            "act": N_("Reconciliation act"),
            "invoice": N_("Invoice"),
            "services": N_("Act of services rendered"),
        }
        return self.lang.text(names[self.kind])

    @property
    def when(self) -> str:
        return self.lang.period(self.paper.since, self.paper.until, month=self.paper.is_month)

    @property
    def title(self) -> str:
        return f"{self.heading} {self.number}, {self.when}"

    @property
    def footer(self) -> str:
        who = self.issuer.name if self.issuer else self.client.name
        return f"{self.number} · {who}"

    @property
    def tax_label(self) -> str:
        return self._tax_label(self.issuer.country if self.issuer else None)

    @property
    def client_tax_label(self) -> str:
        return self._tax_label(self.client.country or (self.issuer.country if self.issuer else None))

    def _tax_label(self, country: str | None) -> str:
        # A country's own name for its tax number is clearer than the general word, where the reader reads it.
        return _TAX.get(country or "", "") if self.lang.code == "ru" and country in _TAX else self.lang.text("Tax ID")

    @property
    def bank(self) -> list[tuple[str, str]]:
        """Return the bank details with their labels; a name that is not known is its own label.

        Who signs, the place and the ground of no VAT stand elsewhere.
        """
        found = []
        for name, value in self.issuer.bank_details if self.issuer else ():
            key = key_of(name)
            if key == "ogrn" and self.lang.code == "ru":
                found.append((registration_label(value), value))
            elif key is None or key in _BANK:
                found.append((self.lang.text(_BANK[key]) if key else name, value))
        return found

    def requisite(self, key: str) -> str:
        """Return a requisite of the issuer by its key, whatever its name is there; empty if there is none."""
        return requisite(dict(self.issuer.bank_details), key) or "" if self.issuer else ""

    @property
    def russian(self) -> bool:
        """Return whether the paper is a Russian company's in Russian: then its forms are those of Russia."""
        return self.lang.code == "ru" and self.issuer is not None and self.issuer.country in (None, "RU")

    @property
    def client_name(self) -> str:
        return self.client.legal_name or self.client.name

    @property
    def short_seller(self) -> str:
        return short_name(self.issuer.legal_name) if self.issuer else ""

    @property
    def short_client(self) -> str:
        return short_name(self.client_name)

    @property
    def issued_on(self) -> str:
        """Return the date of issue: the last day of the period, so that it is the same whenever it is printed."""
        return self.lang.day(self.paper.until)

    @property
    def signers(self) -> list[tuple[str, str, str, bool]]:
        """Return who signs an act: side, name if known, company, and whether it has a seal."""
        names = {"act": ("Сторона 1", "Сторона 2")}.get(self.kind, ("Исполнитель", "Заказчик"))
        return [
            (names[0], self.requisite("director"), self.short_seller, True),
            (names[1], "", self.short_client, self.client.kind == "legal_entity"),
        ]

    @property
    def sole_trader(self) -> bool:
        return self.issuer is not None and is_sole_trader(self.issuer.tax_id)

    def vat_rate(self, rate: Decimal | None) -> str:
        """Return a VAT rate as papers print it; the calculated ones as the fraction that they are."""
        if rate is None:
            return self.lang.text("without VAT")
        return CALCULATED.get(rate) or self.lang.percent(rate)

    @property
    def contract(self) -> str | None:
        """Return the contract in words, or None."""
        number, on = self.paper.contract_number, self.paper.contract_date
        if not number:
            return None
        if on is None:
            return self.lang.text("Contract %s") % number
        return self.lang.text("Contract %(number)s of %(date)s") % {"number": number, "date": self.lang.day(on)}

    @property
    def verdict(self) -> str:
        closing = self.paper.summary.closing
        if closing < 0:
            return self.lang.text("To pay")
        return self.lang.text("Balance in your favour") if closing > 0 else self.lang.text("Nothing to pay")

    @property
    def standing(self) -> Decimal:
        return abs(self.paper.summary.closing)

    @property
    def to_pay(self) -> Decimal:
        return self.paper.summary.to_pay

    @cached_property
    def dues(self) -> list[PrintedDue]:
        """Return what of the sum to pay is due when; its sum is the sum to pay."""
        return [PrintedDue(self._due(due), due.amount, due.days_late > 0) for due in self.paper.dues]

    def _due(self, due: Due) -> str:
        if due.due_on is None:
            return self.lang.text("No due date was agreed")
        label = N_("Was due by %s") if due.days_late > 0 else N_("To be paid by %s")
        return self.lang.text(label) % self.lang.day(due.due_on)

    @property
    def code(self) -> Markup | None:
        """Return the payment code as an SVG with its text alternative, or None."""
        found = payment_code(self.paper, self.to_pay, self.purpose)
        if found is None:
            return None
        title = self.lang.text("Code to pay %s in your bank’s app") % self.lang.priced(self.to_pay, self.paper.currency)
        drawing = found.svg_inline(border=0, omitsize=True, svgversion=1.1, title=title)
        # With its namespace, a picture is one by the rules of XML too.
        return Markup(drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))

    @property
    def purpose(self) -> str:
        return self.lang.text("Payment to account %(account)s, %(number)s") % {
            "account": self.paper.account,
            "number": self.number,
        }

    @cached_property
    def charged(self) -> Decimal:
        return total_of(-operation.amount for operation in self.paper.operations if operation.amount < 0)

    @cached_property
    def received(self) -> Decimal:
        return total_of(operation.amount for operation in self.paper.operations if operation.amount > 0)

    @cached_property
    def figure_width(self) -> int:
        """Return the width in mm that the longest figure of the paper needs in a column of figures."""
        sums = self.paper.summary
        balances = (operation.balance for operation in self.paper.operations)
        figures = (sums.opening, sums.charged, sums.closing, self.charged, self.received, *balances)
        written = [self.lang.money(amount) for amount in (min(figures), max(figures))]
        # At 8.5 points a digit is 1.72 mm wide, what groups and divides them at most half of that.
        digits = max(sum(letter.isdigit() for letter in text) for text in written)
        others = max(sum(not letter.isdigit() for letter in text) for text in written)
        return max(19, round(1.72 * digits + 0.95 * others + 3.5))

    @property
    def unpaid(self) -> Decimal:
        return total_of(age.amount for age in self.paper.ages)

    @property
    def strip(self) -> list[PrintedPart]:
        """Return the ageing strip, empty when nothing is unpaid."""
        if not self.unpaid:
            return []
        return [
            PrintedPart(self._band(age), age.amount, round(100 * age.amount / self.unpaid), shade)
            for age, shade in zip(self.paper.ages, _SHADES, strict=True)
        ]

    def _band(self, age: Age) -> str:
        if age.days_from is None:
            return self.lang.text("not due")
        return f"{age.days_from}–{age.days_to}" if age.days_to is not None else f"{age.days_from}+"

    @property
    def known(self) -> str:
        """Return what the paper was made from."""
        at = self.lang.instant(self.paper.known_at, self.paper.time_zone)
        if self.paper.provisional:
            return self.lang.text("Cut %(number)s, %(at)s") % {"number": self.paper.cut, "at": at}
        closed = re.sub(r"(No\.|№) ", "\\1\u00a0", self.lang.text("Closed %(at)s, after No. %(number)s"))
        return closed % {"at": at, "number": self.paper.last_transaction}

    @property
    def vat_amount(self) -> Decimal:
        return total_of(row.amount for row in self.paper.vat)

    @property
    def vat_total(self) -> Decimal:
        return total_of(row.vat for row in self.paper.vat)

    @property
    def rows(self) -> list[PrintedRow]:
        """Return the operations as rows."""
        zone = self.paper.time_zone
        rows = []
        for one in self.printed:
            when = self.lang.day(one.posted_on), self.lang.time(one.posted_at, zone)
            rows.append(PrintedRow(one, *when, self.headline(one), self.detail(one)))
        return rows

    @cached_property
    def printed(self) -> list[Operation]:
        """Return the operations that a client is shown: not the marks, which move nothing."""
        return [one for one in self.paper.operations if one.kind != "mark"]

    @property
    def days(self) -> list[Day]:
        """Return sums by day when there are too many operations to list, else nothing."""
        if len(self.printed) <= MOST_OPERATIONS:
            return []
        by_day = groupby(self.printed, key=lambda operation: operation.posted_on)
        return [day_of(on, list(operations)) for on, operations in by_day]

    @property
    def summarised(self) -> str:
        count = len(self.printed)
        return self.lang.text(
            "%(count)s operations, summed by day; each one is in the files embedded in this document."
        ) % {"count": self.lang.count(count)}

    def headline(self, operation: Operation) -> str:
        """Return what happened, in a line: kind, service and its number, for whom."""
        served = dict.fromkeys((self.names.service(line.service), line.reference) for line in operation.lines)
        named = [self._numbered(*one) for one in served if any(one)]
        parts = [self.lang.kind(operation.kind), *(named if len(named) == 1 else [])]
        if operation.subaccount is not None and operation.subaccount != self.paper.account:
            parts.append(self.lang.text("for %s") % (operation.subaccount_name or operation.subaccount))
        if operation.held and not operation.amount:
            parts.append(self.lang.money(abs(operation.held)))
        return " · ".join(parts)

    def _numbered(self, name: str, reference: str) -> str:
        number = f"{self.lang.text('No.')}\u00a0{reference}" if reference else ""
        return f"{name} {number}".strip()

    def detail(self, operation: Operation) -> str:
        """Return brands with their amounts, the discount, and the remarks on the operation."""
        brands = by_brand(operation.lines)
        alone = len(brands) == 1
        parts = [name if alone else f"{name}\u00a0{self.lang.money(abs(amount))}" for name, amount in brands]
        discount = total_of(line.discount for line in operation.lines)
        if discount:
            parts.append(self.lang.text("discount %s") % self.lang.money(abs(discount)))
        remarks = (self.names.channel(operation.channel), self.names.reason(operation.reason), operation.note)
        # A line never begins with what divides.
        return "\u00a0· ".join([*parts, *(text for text in remarks if text)])

    @property
    def colophon(self) -> str:
        data = self.lang.text("The figures are embedded in this document as JSON and CSV.")
        at = self.lang.text("Times are in the zone %s.") % self.paper.time_zone
        return f"{data} {at}"
