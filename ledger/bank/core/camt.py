"""camt.052, 053 and 054 of ISO 20022, any version: the report of the day, the statement, the notification.

Pending entries (PDNG, INFO, FUTR) are read as such: they are not in the balances. A batch whose parts have amounts
that sum to it is its parts, else one entry of `payments` payments.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from ledger.bank.core.statement import MARKERS, ZERO, BankEntry, Statement, current

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt."
KINDS = {"053": "*/Stmt", "052": "*/Rpt", "054": "*/Ntfctn"}
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)
SHORTEST_REFERENCE = 5
"""A shorter `NtryRef` is a number in the file."""

Node = Any  # lxml has no types of its own


def read(content: bytes) -> list[Statement]:
    """Return the statements in the file's order. Raises ValueError with one sentence."""
    # No entity is resolved and no network used; the library's own limits of depth and of one text stay on.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError(f"is not well-formed XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise ValueError("has a DOCTYPE, which no camt file has")
    name = etree.QName(root)
    kind = (name.namespace or "").removeprefix(NAMESPACE)[:3]
    if name.localname != "Document" or not (name.namespace or "").startswith(NAMESPACE) or kind not in KINDS:
        raise ValueError(
            f"is not a camt.052, camt.053 or camt.054: it is {name.localname} of {name.namespace or 'no namespace'}"
        )
    for node in root.iter():
        node.tag = etree.QName(node).localname
    return [_statement(node, interim=kind != "053") for node in root.iterfind(KINDS[kind])]


def _statement(node: Node, *, interim: bool) -> Statement:
    # The balances of a day that is not over are of some moment, not of these entries.
    opening, closing = (None, None) if interim else (_balance(node, OPENING), _balance(node, CLOSING))
    currencies = [node.findtext("Acct/Ccy") or "", *(amount.get("Ccy", "") for amount in node.iterfind("*/Amt"))]
    currency = next((each.strip() for each in currencies if each.strip()), "")
    # A balance in another currency does not concern this one.
    for balance in (opening, closing):
        if balance is not None and balance.get("Ccy") != currency:
            raise ValueError(f"{_title(node)}: a balance is in {balance.get('Ccy')}, the account in {currency}")
    entries = tuple(part for entry in node.iterfind("Ntry") for part in _entries(entry, currency))
    days = [entry.booked_on for entry in entries] if interim else []
    statement = Statement(
        account=_text(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        currency=current(currency),
        entries=entries,
        number=_text(node, "ElctrncSeqNb", "LglSeqNb", "Id"),
        since=_day(node, "FrToDt/FrDtTm", "FrToDt/FrDt") or min(days, default=None),
        until=_day(node, "FrToDt/ToDtTm", "FrToDt/ToDt") or max(days, default=None),
        opening=None if opening is None else _signed(opening),
        closing=None if closing is None else _signed(closing),
        interim=interim,
    )
    sums = {"in": _sum(node, "TxsSummry/TtlCdtNtries/Sum"), "out": _sum(node, "TxsSummry/TtlDbtNtries/Sum")}
    if interim and sums["in"] != statement.money_in and _with_pending(statement, 1) == sums["in"]:
        sums["in"] = None  # the sum includes what is pending
    if interim and sums["out"] != statement.money_out and _with_pending(statement, -1) == sums["out"]:
        sums["out"] = None
    return replace(statement, reported_in=sums["in"], reported_out=sums["out"])


def _with_pending(statement: Statement, sign: int) -> Decimal:
    return sum((sign * entry.amount for entry in statement.entries if sign * entry.amount > 0), ZERO)


def _title(node: Node) -> str:
    return f"statement {_text(node, 'Id')}"


def _balance(node: Node, codes: tuple[str, ...]) -> Node | None:
    found = {_text(balance, "Tp/CdOrPrtry/Cd"): balance.find("Amt") for balance in node.iterfind("Bal")}
    return next((found[code] for code in codes if found.get(code) is not None), None)


def _sum(node: Node, path: str) -> Decimal | None:
    text = _text(node, path)
    return _decimal(text) if text else None


def _entries(node: Node, currency: str) -> list[BankEntry]:
    amount = node.find("Amt")
    if amount is None:
        raise ValueError("an entry has no amount")
    if amount.get("Ccy") != currency:
        raise ValueError(f"an entry of {amount.text} {amount.get('Ccy')} is on an account in {currency}")
    whole = _signed(amount)
    parts = node.findall("NtryDtls/TxDtls")
    of_parts = [part.find("Amt") if part.find("Amt") is not None else part.find("AmtDtls/TxAmt/Amt") for part in parts]
    amounts = [_signed(each, whole < 0) for each in of_parts if each is not None and each.get("Ccy") == currency]
    if len(parts) > 1 and len(amounts) == len(parts) and sum(amounts) == whole:
        return [_entry(node, part, each, whole=whole) for part, each in zip(parts, amounts, strict=True)]
    payments = max(len(parts), sum(_count(batch) for batch in node.iterfind("NtryDtls/Btch")))
    if payments > 1:
        return [_entry(node, None, whole, payments=payments)]
    return [_entry(node, parts[0] if parts else None, whole)]


def _count(batch: Node) -> int:
    text = _text(batch, "NbOfTxs")
    return int(text) if text.isdecimal() else 0


def _entry(
    node: Node, part: Node | None, amount: Decimal, *, payments: int = 1, whole: Decimal | None = None
) -> BankEntry:
    booked, value = _day(node, "BookgDt/Dt", "BookgDt/DtTm"), _day(node, "ValDt/Dt", "ValDt/DtTm")
    if booked is None and value is None:
        raise ValueError(f"an entry of {amount} has no date")
    within = part if part is not None else etree.Element("TxDtls")
    side = "Dbtr" if amount > 0 else "Cdtr"
    number = _text(node, "NtryRef")
    texts = [*within.iterfind("RmtInf/Ustrd"), *within.iterfind("RmtInf/Strd/AddtlRmtInf")]
    further = [within.find("AddtlTxInf"), node.find("AddtlNtryInf")]
    ultimate = _text(within, f"RltdPties/Ultmt{side}/Nm", f"RltdPties/Ultmt{side}/Pty/Nm")
    name = _text(within, f"RltdPties/{side}/Nm", f"RltdPties/{side}/Pty/Nm")
    documents = [_text(each, "Nb") for each in within.iterfind("RmtInf/Strd/RfrdDocInf")]
    about = [
        "\n".join(text.text.strip() for text in texts if text.text),
        ", ".join(filter(None, documents)),
        f"for {ultimate}" if ultimate and ultimate != name else "",
        *(text.text.strip() for text in further if text is not None and text.text),
    ]
    return BankEntry(
        booked_on=booked or value or date.min,
        value_date=value or booked or date.min,
        amount=amount,
        bank_reference=_text(node, "AcctSvcrRef")
        or ("" if whole is not None else _text(within, "Refs/AcctSvcrRef", "Refs/TxId"))
        or (number if len(number) >= SHORTEST_REFERENCE else ""),
        end_to_end=_text(within, "Refs/EndToEndId"),
        reference=_text(within, "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef"),
        name=name or ultimate,
        tax_id=_tax_id(within, side),
        account=_text(within, f"RltdPties/{side}Acct/Id/IBAN", f"RltdPties/{side}Acct/Id/Othr/Id"),
        bank=_text(
            within,
            f"RltdAgts/{side}Agt/FinInstnId/BICFI",
            f"RltdAgts/{side}Agt/FinInstnId/BIC",
            f"RltdAgts/{side}Agt/FinInstnId/ClrSysMmbId/MmbId",
        ),
        text="; ".join(filter(None, about)),
        payments=payments,
        whole=whole,
        reversal=_text(node, "RvslInd") in ("true", "1") or _returned(node, within),
        reason=_text(within, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
        pending=_text(node, "Sts/Cd", "Sts") not in ("BOOK", ""),
    )


def _returned(node: Node, part: Node) -> bool:
    """Return whether an entry is a payment that comes back."""
    families = [_text(each, "BkTxCd/Domn/Fmly/SubFmlyCd") for each in (part, node)]
    return part.find("RtrInf") is not None or "RRTN" in families


def _tax_id(node: Node, side: str) -> str:
    for kind in ("OrgId", "PrvtId"):
        for path in (f"RltdPties/{side}/Id/{kind}/Othr", f"RltdPties/{side}/Pty/Id/{kind}/Othr"):
            for other in node.iterfind(path):
                if _text(other, "SchmeNm/Cd", "SchmeNm/Prtry").upper() in ("TXID", "INN", "ИНН"):
                    return _text(other, "Id")
    return ""


def _text(node: Node, *paths: str) -> str:
    """Return the first text that is there; blank also where the bank states that nothing was provided."""
    for path in paths:
        text = (node.findtext(path) or "").strip()
        if text:
            return "" if text.upper() in MARKERS else text
    return ""


def _signed(amount: Node, out: bool | None = None) -> Decimal:
    """Return an amount with the sign of the mark beside it, or else of `out`."""
    parent = amount.getparent()
    mark = _text(parent, "CdtDbtInd") if parent is not None else ""
    if mark not in ("CRDT", "DBIT") and out is None:
        raise ValueError(f"{amount.text} is neither CRDT nor DBIT")
    value = _decimal(amount.text or "")
    return -value if mark == "DBIT" or (not mark and out) else value


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text.strip()[:40] or 'nothing'} is not an amount") from None
    if not value.is_finite():
        raise ValueError(f"{text.strip()[:40]} is not an amount")
    return value


def _day(node: Node, *paths: str) -> date | None:
    text = _text(node, *paths)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])  # a day as the bank wrote it, in whatever zone
    except ValueError:
        raise ValueError(f"{text[:40]} is not a date") from None
