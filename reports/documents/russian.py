"""What Russian papers need beyond the words: names and labels as accountants there write them. Pure.

The forms are templates/ru/*.html, drawn in Russian for sellers of Russia. None is prescribed; their fields are those
of public samples, their sentences are our own:

- счёт на оплату: the bank's box (БИК, correspondent and settlement account, ИНН, КПП), seller and buyer with their ИНН,
  КПП and address, ground, rows with unit, quantity, price and sum, VAT, number of rows and sum, the sum in words,
  director, chief accountant, seal: blanker.ru/note/kak-sostavit-schyot-na-oplatu-pravila-rekvizity-primery.
- акт сверки: date and place, both sides with their representatives, contract, opening balance, operations of both
  books, turnover, closing balance, signatures and seals: www.kakprosto.ru/kak-15867-kak-provodit-sverki.
- акт об оказании услуг: what a source document must have (402-ФЗ of 06.12.2011, ст. 9 ч. 2): its name and date, who
  made it, what was done, measured in kind and in money, positions, names and signatures:
  df35.ru/akt-vypolnennyh-rabot-obrazec-skacat-word.
- VAT: rates by НК РФ ст. 164 п. 2, 3 and 8, the calculated ones of advances (22/122) by п. 4 there.
"""

import re
from decimal import Decimal

RATES = (22, 20, 18, 10, 7, 5)
CALCULATED = {(Decimal(100 * rate) / (100 + rate)).quantize(Decimal("0.01")): f"{rate}/{100 + rate}" for rate in RATES}
"""The rates that take VAT out of a sum with VAT, as percent and as the law writes them."""

_FORMS = (
    (r"публичное\s+акционерное\s+общество", "ПАО"),
    (r"непубличное\s+акционерное\s+общество", "АО"),
    (r"закрытое\s+акционерное\s+общество", "ЗАО"),
    (r"открытое\s+акционерное\s+общество", "ОАО"),
    (r"акционерное\s+общество", "АО"),
    (r"общество\s+с\s+ограниченной\s+ответственностью", "ООО"),
    (r"индивидуальный\s+предприниматель", "ИП"),
    (r"автономная\s+некоммерческая\s+организация", "АНО"),
)


def short_name(name: str) -> str:
    """Return a company's name with the short word for its legal form, which needs no case: ООО «Ромашка»."""
    for form, short in _FORMS:
        found = re.match(rf"{form}\b", name, re.IGNORECASE)
        if found:
            return f"{short} {name[found.end() :].strip()}"
    return name


def registration_label(number: str) -> str:
    """Return what a state registration number is called: ОГРНИП of a sole trader has 15 digits, ОГРН 13."""
    return "ОГРНИП" if len(number) == 15 else "ОГРН"


def is_sole_trader(tax_id: str | None) -> bool:
    """Return whether an ИНН is a person's: twelve digits, not ten."""
    return tax_id is not None and len(tax_id) == 12 and tax_id.isdigit()
