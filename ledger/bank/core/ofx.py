"""OFX, the exchange format of American and many other banks: version 1 (SGML) and 2 (XML), parsed by ofxtools.

Days are the bank's own, as written, in whatever zone. `FITID` is the bank's reference. An OFX reports the balance at
its end only, so the entries cannot be held against two balances.
"""

import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from ledger.bank.core.statement import BankEntry, Statement, current

HEADER = (
    b"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\n"
    b"COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
)
SIGN = re.compile(rb"\s*(?:OFXHEADER:|<\?OFX\b|<OFX>|<\?xml[^>]*>\s*<\?OFX\b)")


def read(content: bytes) -> list[Statement]:
    """Return the statements of accounts and cards, in the file's order. Raises ValueError with one sentence."""
    from ofxtools.Parser import OFXTree, ParseError

    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("has a DOCTYPE, which no OFX file has")
    if not content.rstrip().upper().endswith(b"</OFX>"):
        raise ValueError("is cut short: it does not end with </OFX>")
    if re.match(rb"\s*<OFX>", content):  # without the header, as some banks write it
        content = HEADER + content
    tree = OFXTree()
    try:
        root = tree.parse(io.BytesIO(content))
    except (ParseError, ValueError, SyntaxError, IndexError, LookupError, AttributeError) as error:
        raise ValueError(f"is not well-formed OFX: {str(error)[:80]}") from None
    found = [each for name in ("STMTRS", "CCSTMTRS") for each in root.iter(name)]
    return [_statement(each) for each in found]


def _statement(node: Element) -> Statement:
    account = _text(node, "BANKACCTFROM/ACCTID", "CCACCTFROM/ACCTID")
    bank = _text(node, "BANKACCTFROM/BANKID")
    entries = tuple(_entries(node))
    closing = _text(node, "LEDGERBAL/BALAMT")
    return Statement(
        account=f"{bank}/{account}" if re.fullmatch(r"\d{8}", bank) and re.fullmatch(r"\d{1,10}", account) else account,
        currency=current(_text(node, "CURDEF")),
        entries=entries,
        since=_day(_text(node, "BANKTRANLIST/DTSTART")),
        until=_day(_text(node, "BANKTRANLIST/DTEND")),
        closing=_amount(closing) if closing else None,
    )


def _entries(node: Element) -> Iterator[BankEntry]:
    for each in node.iterfind("BANKTRANLIST/STMTTRN"):
        posted = _day(_text(each, "DTPOSTED"))
        if posted is None:
            raise ValueError(f"an entry of {_text(each, 'TRNAMT') or 'no amount'} has no date")
        reference = _text(each, "REFNUM", "CHECKNUM")
        reference = reference if reference.strip("0") else ""
        yield BankEntry(
            booked_on=posted,
            value_date=_day(_text(each, "DTAVAIL")) or posted,
            amount=_amount(_text(each, "TRNAMT")),
            bank_reference=_text(each, "FITID"),
            end_to_end=reference,
            name=_text(each, "NAME", "PAYEE/NAME"),
            account=_text(each, "BANKACCTTO/ACCTID", "BANKACCTFROM/ACCTID"),
            bank=_text(each, "BANKACCTTO/BANKID", "BANKACCTFROM/BANKID"),
            text=_text(each, "MEMO"),
        )


def _text(node: Element, *paths: str) -> str:
    return next((text for path in paths if (text := (node.findtext(path) or "").strip())), "")


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{text[:40] or 'nothing'} is not an amount") from None
    if not value.is_finite():
        raise ValueError(f"{text[:40]} is not an amount")
    return value


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day as the bank wrote it
    except ValueError:
        raise ValueError(f"{text[:40]} is not a date") from None
