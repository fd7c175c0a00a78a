"""1CClientBankExchange, the Russian exchange between banks and accounting: sections of `key=value`.

The format is 1C's (v8.1c.ru/edi/edi_stnd/100/101.htm). It has no reference of the bank's
own: a document is known by its number, its date and its payer's account. Whether money came
or went is clear from which side is our account.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from ledger.bank.core.statement import BankEntry, Statement, current

SIGN = "1CClientBankExchange"
END = "КонецФайла"
HEADER = ("Кодировка", "ВерсияФормата", "РасчСчет")
_WORDS = """
    КонецФайла СекцияРасчСчет КонецРасчСчет СекцияДокумент КонецДокумента РасчСчет ДатаНачала ДатаКонца
    НачальныйОстаток КонечныйОстаток ВсегоПоступило ВсегоСписано Номер Дата Сумма ДатаСписано ДатаПоступило
    Плательщик ПлательщикСчет ПлательщикРасчСчет ПлательщикИНН Плательщик1 ПлательщикБИК
    Получатель ПолучательСчет ПолучательРасчСчет ПолучательИНН Получатель1 ПолучательБИК
    НазначениеПлатежа НазначениеПлатежа1 НазначениеПлатежа2 НазначениеПлатежа3 НазначениеПлатежа4
    НазначениеПлатежа5 НазначениеПлатежа6 Код Валюта
""".split()
KEYWORDS = {word.casefold(): word for word in _WORDS}
"""What this module reads, by its small letters: some banks write the words in capitals."""
for _side in ("Плательщик", "Получатель"):
    # As Kazakhstan's banks call the same.
    for _theirs, _ours in (("ИИК", "Счет"), ("БИН_ИИН", "ИНН"), ("Наименование", "1")):
        KEYWORDS[f"{_side}{_theirs}".casefold()] = f"{_side}{_ours}"
_CURRENCIES = "810 RUB 643 RUB 840 USD 978 EUR 156 CNY 398 KZT 933 BYN 826 GBP 756 CHF 784 AED 949 TRY".split()
CURRENCIES = dict(zip(_CURRENCIES[::2], _CURRENCIES[1::2], strict=True))
"""What digits 6 to 8 of a Russian account mean."""

Fields = dict[str, str]


@dataclass
class _File:
    head: list[tuple[str, str]] = field(default_factory=list)
    accounts: list[Fields] = field(default_factory=list)
    documents: list[Fields] = field(default_factory=list)


def decoded(content: bytes) -> str:
    """Return the text. Its encoding is the one in which the header's own words can be read, whatever they claim."""
    for encoding in ("cp1251", "utf-8", "cp866"):
        if any(re.search(rb"^\s*" + word.encode(encoding) + b"=", content, re.MULTILINE) for word in HEADER):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise ValueError(f"is not in {encoding}, which its header names, at byte {error.start + 1}") from None
    raise ValueError(f"is {SIGN} without a line such as {HEADER[0]}= in an encoding that banks use")


def read(text: str) -> list[Statement]:
    """Return a statement for each section of one of our accounts. Raises ValueError with one sentence."""
    file = _parsed(text)
    # Without sections of balances, the header still names the accounts.
    days = {key: value for key, value in file.head if key in ("ДатаНачала", "ДатаКонца")}
    accounts = file.accounts or [{**days, "РасчСчет": value} for key, value in file.head if key == "РасчСчет"]
    if not accounts:
        raise ValueError("names none of our accounts: no line РасчСчет=")
    entries: list[list[BankEntry]] = [[] for _ in accounts]
    foreign = []
    for document in file.documents:
        if not any(_own(document, side, accounts) for side in ("Плательщик", "Получатель")):
            foreign.append(f"{_title(document)} is neither from nor to an account of the file")
        for place, entry in _moved(document, accounts):
            entries[place].append(entry)
    if foreign and len(foreign) == len(file.documents):
        raise ValueError(foreign[0])
    statements = [_statement(each, tuple(found)) for each, found in zip(accounts, entries, strict=True)]
    return [replace(statements[0], foreign=tuple(foreign)), *statements[1:]]


def _parsed(text: str) -> _File:
    file = _File()
    section: Fields | None = None
    key = ""
    lines = text.lstrip("\ufeff \r\n").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        name, is_pair, value = line.partition("=")
        name = KEYWORDS.get(name.strip().casefold(), name.strip())
        if name == END:
            break
        if name in ("СекцияРасчСчет", "СекцияДокумент"):
            if section is not None:
                raise ValueError(f"line {number}: {name} begins before the previous section ends")
            section, key = {}, ""
            (file.accounts if name == "СекцияРасчСчет" else file.documents).append(section)
        elif name in ("КонецРасчСчет", "КонецДокумента"):
            section = None
        elif not is_pair and line.strip():
            if section is None or not key:
                raise ValueError(f"line {number} is not key=value: {line[:40]}")
            section[key] += f"\n{line}"  # a purpose of several lines
        elif is_pair and section is not None:
            key, section[name] = name, value.strip()
        elif is_pair:
            file.head.append((name, value.strip()))
    else:
        raise ValueError(f"is cut short: its last line is not {END}")
    if section is not None:
        raise ValueError(f"is cut short: a section is not ended before {END}")
    return file


def _moved(document: Fields, accounts: list[Fields]) -> Iterator[tuple[int, BankEntry]]:
    """Yield which of our accounts a document moves, by its place in the file, and how."""
    own = {sign: _own(document, side, accounts) for side, sign in (("Плательщик", -1), ("Получатель", 1))}
    days = {-1: _day(document, "ДатаСписано"), 1: _day(document, "ДатаПоступило")}
    # Between two accounts of ours the document may come once for each: then each time only one side is dated.
    both = all(own.values()) and any(days.values())
    # An order that the bank has not carried out has its own date only.
    drawn = None if any(days.values()) else _day(document, "Дата")
    for sign, places in own.items():
        day = days[sign] or (None if both else days[-sign] or drawn)
        if places and day is not None:
            yield _on(day, places, accounts), _entry(document, sign, day, pending=drawn is not None)
        elif places and not both:
            raise ValueError(f"{_title(document)} has no date")


def _own(document: Fields, side: str, accounts: list[Fields]) -> list[int]:
    numbers = {document.get(f"{side}Счет"), document.get(f"{side}РасчСчет")} - {None, ""}
    return [place for place, each in enumerate(accounts) if each.get("РасчСчет") in numbers]


def _on(day: date, places: list[int], accounts: list[Fields]) -> int:
    """Return the place of the section of that day: some banks write a section a day."""
    for place in places:
        since, until = _day(accounts[place], "ДатаНачала"), _day(accounts[place], "ДатаКонца")
        if (since is None or since <= day) and (until is None or day <= until):
            return place
    return places[0]


def _entry(document: Fields, sign: int, day: date, *, pending: bool) -> BankEntry:
    other = "Плательщик" if sign > 0 else "Получатель"
    lines = [document.get(f"НазначениеПлатежа{line}", "") for line in range(1, 7)]
    purpose = document.get("НазначениеПлатежа", "").strip() or "\n".join(filter(None, lines))
    name, tax_id = _named(document.get(f"{other}1") or document.get(other, ""))
    payer = document.get("ПлательщикСчет") or document.get("ПлательщикРасчСчет", "")
    return BankEntry(
        booked_on=day,
        value_date=day,
        amount=sign * _amount(document, "Сумма"),
        bank_reference=f"{document.get('Номер', '')} {document.get('Дата', '')} {payer}".strip(),
        name=name,
        tax_id=(document.get(f"{other}ИНН", "").strip("0") and document[f"{other}ИНН"]) or tax_id,
        bank=document.get(f"{other}БИК", ""),
        account=document.get(f"{other}Счет") or document.get(f"{other}РасчСчет", ""),
        reference=document.get("Код", "").strip("0 "),
        text=purpose.strip(),
        pending=pending,
    )


def _named(name: str) -> tuple[str, str]:
    """Return a party's name and the tax number that some banks write before it."""
    found = re.match(r"ИНН\W{0,2}(\d{10}|\d{12})\s+(?=\S)", name)
    return (name[found.end() :], found.group(1)) if found else (name, "")


def _statement(account: Fields, entries: tuple[BankEntry, ...]) -> Statement:
    number = account.get("РасчСчет", "")
    names = ("НачальныйОстаток", "КонечныйОстаток", "ВсегоПоступило", "ВсегоСписано")
    figures = {name: _amount(account, name) if account.get(name) else None for name in names}
    return Statement(
        account=number,
        currency=current(account.get("Валюта", "")) or CURRENCIES.get(number[5:8], number[5:8]),
        entries=entries,
        since=_day(account, "ДатаНачала"),
        until=_day(account, "ДатаКонца"),
        opening=figures["НачальныйОстаток"],
        closing=figures["КонечныйОстаток"],
        reported_in=figures["ВсегоПоступило"],
        reported_out=figures["ВсегоСписано"],
    )


def _title(document: Fields) -> str:
    number, day, amount = (document.get(name, "?") for name in ("Номер", "Дата", "Сумма"))
    return f"document {number} of {day}, {amount},"


def _amount(fields: Fields, name: str) -> Decimal:
    text = fields.get(name, "")
    try:
        # Thousands are parted by blanks (1 700,50), never by points or commas.
        amount = Decimal(re.sub(r"(?<=\d)[\s'](?=\d{3}(?!\d))", "", text).replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{name}={text[:40]} is not an amount") from None
    if not amount.is_finite():
        raise ValueError(f"{name}={text[:40]} is not an amount")
    return amount


def _day(fields: Fields, name: str) -> date | None:
    text = fields.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise ValueError(f"{name}={text[:40]} is not a date, expected DD.MM.YYYY") from None
