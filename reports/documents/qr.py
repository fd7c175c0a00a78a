"""The code that a phone's bank app reads to pay what is owed.

RUB: ST00012 (GOST R 56042-2014, `2` is UTF-8); EUR: EPC069-12. Other currencies have no
such standard, and a brand without the bank details that one requires gets no code:
a code that pays the wrong account is worse than none.
"""

from decimal import Decimal

import segno
from segno.helpers import make_epc_qr

from ledger.administration.requisites import requisite
from ledger.values.text import readable
from reports.documents.statement import Statement


def payment_code(paper: Statement, amount: Decimal, purpose: str) -> segno.QRCode | None:
    """Return the QR code that pays this amount to the issuer, or None if none can be made."""
    if paper.issuer is None or amount <= 0:
        return None
    if paper.currency == "RUB":
        return _st00012(paper, amount, purpose)
    if paper.currency == "EUR":
        return _epc(paper, amount, purpose)
    return None


def _detail(paper: Statement, *keys: str) -> str | None:
    """Return the first of these requisites that the issuer has, by whichever name."""
    details = dict(paper.issuer.bank_details) if paper.issuer else {}
    return next((value for key in keys if (value := requisite(details, key))), None)


def _st00012(paper: Statement, amount: Decimal, purpose: str) -> segno.QRCode | None:
    assert paper.issuer is not None
    required = {
        "Name": paper.issuer.legal_name[:160],
        "PersonalAcc": _detail(paper, "account"),
        "BankName": _detail(paper, "bank"),
        "BIC": _detail(paper, "bic"),
        "CorrespAcc": _detail(paper, "correspondent_account") or "0",
    }
    if not all(required.values()):
        return None
    optional = {
        "Sum": str(int(amount * 100)),
        "Purpose": purpose[:210],
        "PayeeINN": paper.issuer.tax_id,
        "KPP": _detail(paper, "kpp"),
        "PersAcc": str(paper.account),
    }
    fields = [f"{name}={_plain(value)}" for name, value in (required | optional).items() if value]
    return segno.make("|".join(["ST00012", *fields]), error="m", encoding="utf-8", micro=False)


def _plain(value: str) -> str:
    # The bar divides fields, and the standard has no way to write it inside one.
    return " ".join(readable(value).replace("|", " ").split())


def _epc(paper: Statement, amount: Decimal, purpose: str) -> segno.QRCode | None:
    assert paper.issuer is not None
    iban = _detail(paper, "iban")
    if iban is None or not Decimal("0.01") <= amount <= Decimal("999999999.99"):
        return None
    return make_epc_qr(
        name=_plain(paper.issuer.legal_name)[:70],
        iban=iban,
        amount=amount,
        text=purpose[:140],
        bic=_detail(paper, "bic", "swift"),
    )
