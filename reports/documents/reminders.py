"""A dunning round: letters that remind debtors of what is overdue, written into the outbox, one an account and day.

They are letters, not papers: they carry no number, and no register has them. What was sent is in the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import polars as pl
from jinja2 import TemplateError

from ledger.errors import Failure, reason
from ledger.values.dates import date_or_none
from ledger.values.text import printable, readable
from reports.documents.language import language
from reports.documents.letters import is_address
from reports.documents.manifest import write_whole
from reports.documents.render import environment
from reports.lookups import client_accounts
from reports.run import LakeBook


@dataclass(frozen=True)
class OverdueItem:
    """What is unpaid of one document since its due date."""

    due: date
    unpaid: Decimal
    document: str


@dataclass(frozen=True)
class Debtor:
    """An account with something overdue: whose it is, how much and for how long, and who asks for it."""

    account: int
    client: str
    email: str | None
    issuer: str
    currency: str
    late: Decimal
    days_late: int
    items: Sequence[OverdueItem]


def debtors(book: LakeBook, as_of: date, currency: str | None = None) -> list[Debtor]:
    """Return who is overdue at the end of a day, the largest amount first; without a currency, of every one.

    Raises Failure when a control of what is unpaid does not hold.
    """
    result = book.report("open-items", as_of=as_of, currency=currency)
    if not result.holds:
        raise Failure("no letters: a control of open-items does not hold")
    items = result.frame.filter(pl.col("days_late") > 0)
    issuers = book.brands.select(holder_id="id", issuer=pl.coalesce("legal_name", "name"))
    whose = client_accounts(book).join(issuers, on="holder_id", how="left")
    facts = {
        row["account"]: row
        for row in whose.select("account", "client", "email", "issuer").collect().iter_rows(named=True)
    }
    found = []
    for (account,), rows in items.sort("account", "due", "transaction").group_by("account", maintain_order=True):
        of = facts[account]
        listed = [OverdueItem(row["due"], row["unpaid"], row["key"]) for row in rows.iter_rows(named=True)]
        late = sum((item.unpaid for item in listed), Decimal(0))
        days, money = int(rows["days_late"].max()), rows["currency"][0]  # type: ignore[arg-type]
        found.append(
            Debtor(int(str(account)), of["client"], of["email"], of["issuer"] or "", money, late, days, listed)
        )
    return sorted(found, key=lambda debtor: (-debtor.late, debtor.account))


def reminder(debtor: Debtor, as_of: date, *, code: str, templates: Path | None = None) -> tuple[str, str]:
    """Return subject and text of a letter in a language. Raises Failure when the template is broken."""
    try:
        template = environment(code, templates).get_template("reminder.txt")
        text = readable(template.render(debtor=debtor, as_of=as_of, lang=language(code)))
    except TemplateError as error:
        raise Failure(f"the template reminder.txt cannot be drawn: {error}") from error
    subject, _, body = text.strip().partition("\n")
    return subject.strip(), body.strip() + "\n"


def write_reminder(
    outbox: Path, debtor: Debtor, as_of: date, *, sender: str, by: str, code: str, templates: Path | None = None
) -> bool:
    """Write a debtor's letter of today; return False, and write nothing, where it is there already.

    Raises Failure when an address or the template is broken, or the folder cannot be written to.
    """
    file = outbox / f"{debtor.account}-{datetime.now(UTC):%Y-%m-%d}.eml"
    if file.exists():
        return False
    for address in (sender, debtor.email or ""):
        if not is_address(address):
            raise Failure(f"account {debtor.account}: {printable(address)} is not an address")
    subject, body = reminder(debtor, as_of, code=code, templates=templates)
    message = EmailMessage(policy=SMTP)
    try:
        message["From"], message["To"], message["Subject"] = sender, debtor.email, subject
        message["X-Tiffin-By"] = by
    except (ValueError, IndexError, MessageError) as error:
        raise Failure(f"account {debtor.account}: {printable(str(error))}") from error
    message["Date"] = format_datetime(datetime.now(UTC))
    message.set_content(body, cte="quoted-printable")
    try:
        outbox.mkdir(parents=True, exist_ok=True)
        write_whole(file, message.as_bytes())
    except OSError as error:
        raise Failure(f"cannot write into {outbox}: {reason(error)}") from None
    return True


def reminded(outbox: Path) -> dict[int, date]:
    """Return on which day each account was reminded last."""
    last: dict[int, date] = {}
    for file in outbox.glob("*.eml"):
        account, _, written = file.stem.partition("-")
        day = date_or_none(written)
        if account.isdecimal() and day is not None:
            last[int(account)] = max(day, last.get(int(account), day))
    return last
