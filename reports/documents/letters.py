"""A letter with a paper in it: a whole e-mail as a file, for any mail program to send.

The same paper makes the same bytes. Subject and text are templates, subject first, then an
empty line, so a company can replace them with TIFFIN_TEMPLATES.
"""

from datetime import UTC
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from hashlib import sha256

from jinja2 import TemplateError

from ledger.errors import Failure
from ledger.values.text import printable, readable
from reports.documents.design import Design
from reports.documents.language import language
from reports.documents.names import names
from reports.documents.page import Page
from reports.documents.render import environment
from reports.documents.statement import Statement


def is_address(text: str) -> bool:
    """Return whether this is one address, as bills@example.org or Bills <bills@example.org>."""
    found = getaddresses([text]) if text.isprintable() else []
    who, _, where = found[0][1].rpartition("@") if len(found) == 1 else ("", "", "")
    return bool(who and where) and not set(" \t") & set(who + where)


def letter(paper: Statement, pdf: bytes, design: Design, *, sender: str) -> bytes:
    """Return the e-mail (RFC 5322) that sends a paper to its client.

    Raises Failure when an address or the template is broken.
    """
    page = Page(paper, design.kind, language(design.language), names=names(design.language, design.templates))
    for address in (sender, paper.client.email or ""):
        if not is_address(address):
            raise Failure(f"account {paper.account}: {printable(address)} is not an address")
    try:
        template = environment(design.language, design.templates).get_template("letter.txt")
        text = readable(template.render(page=page, paper=paper, lang=page.lang, digest=sha256(pdf).hexdigest()))
    except TemplateError as error:
        raise Failure(f"the template letter.txt cannot be drawn: {error}") from error
    subject, _, body = text.strip().partition("\n")
    message = EmailMessage(policy=SMTP)
    try:
        message["From"], message["To"] = sender, paper.client.email
        message["Subject"] = subject.strip()
    except (ValueError, IndexError, MessageError) as error:
        either = printable(f"{sender} or {paper.client.email}")
        raise Failure(f"account {paper.account}: {either} is not an address") from error
    message["Date"] = format_datetime(paper.known_at.astimezone(UTC))
    mark = sha256(pdf).hexdigest()[:32]
    message["Message-ID"] = f"<{page.number}.{mark}@{sender.rpartition('@')[2].strip('> ')}>"
    message.set_content(body.strip() + "\n", cte="quoted-printable")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"{page.number}.pdf")
    message.set_boundary(f"=_{mark}")
    return message.as_bytes()
