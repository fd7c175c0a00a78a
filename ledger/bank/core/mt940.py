"""MT940 and MT942, SWIFT's customer statement and its interim report of the day.

Fields are recognised by their place in the message, not only by the tag that begins a line: a payer may write
`:20:` in a purpose. Pages (`:60M:`, `:62M:`) are put together; an `:86:` after the closing balance belongs to the
statement; a message without a closing balance, which MT940 requires, is a file that was cut short. The details of
`:86:` are read in the two layouts that have names: German (`166?00…?20…`) and slashes (`/EREF/…/REMI/…`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from ledger.bank.core.statement import MARKERS, BankEntry, Statement, current

_TAG = re.compile(r":(\d{2}[A-Z]?|NS):")
_MESSAGE = re.compile(r"^:20:[^\n]*\n(?::(?:21|13D?|79):[^\n]*\n)*:25P?:", re.MULTILINE)
_AMOUNT = r"(?P<amount>\d[\d.,]*|,\d+)"
_BALANCE = re.compile(rf"(?P<mark>[DC])(?P<day>\d{{6}})(?P<currency>[A-Z]{{3}}){_AMOUNT}\s*", re.ASCII)
_SUM = re.compile(rf"(?P<count>\d*)(?P<currency>[A-Z]{{3}}){_AMOUNT}\s*", re.ASCII)
_LINE = re.compile(
    rf"(?P<value>\d{{6}})(?P<booked>\d{{4}}|\s{{4}})?(?P<mark>[RE]?[DC])(?P<funds>[A-Z])?[\n ]?{_AMOUNT}"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<customer>(?:(?!//)[^\n])*)(?://(?P<bank>[^\n]*))?(?:\n(?P<more>[\s\S]*))?",
    re.ASCII,
)
_BALANCES = dict.fromkeys(("60F", "60M", "62F", "62M", "64", "65"), _BALANCE)
_CHECKED = {**_BALANCES, "61": _LINE, "90D": _SUM, "90C": _SUM}
_HEADER = ("13", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "60F", "60M", "NS")
_POINT = re.compile(r"\d+\.\d{1,2}")
_INN = re.compile(r"\b(?:INN|ИНН)\W{0,3}(\d{12}|\d{10})\b", re.IGNORECASE)
_END = re.compile(r"\n-(?:\}[^\n]*|XXX)?\s*(?:\n(?!:)[^\n]*)*\Z")
CLOSING = {"62F", "62M"}
RETURNS = ("108", "109", "159")
"""German business codes of direct debits and transfers that come back."""
_NEAR_A_YEAR = timedelta(days=330)

_SEPA = """
    EREF KREF MREF CRED DEBT SVWZ ABWA ABWE IBAN BIC PURP COAM OAMT MDAT ORCR ORMR DDAT SQTP RREF
""".split()
_SLASHES = """
    EREF ORDP BENM NAME ID ADDR REMI IBAN BIC TRTP MARF CSID PREF KREF TRCD ISDT CNTP ULTD ULTC ULTB RTRN PURP SVCL
    CDTRREFTP CDTRREF ACCW CHGS OCMT EXCH FX BO BN OR RI
""".split()
# A line may break inside a keyword as well.
_SEPA_KEY = re.compile(r"(?<![A-Za-z])(" + "|".join("\n?".join(key) for key in _SEPA) + r")\n?\+")
_SLASH_KEY = re.compile(r"/\n?(" + "|".join("\n?".join(key) for key in _SLASHES) + r")\n?/")


@dataclass
class _Message:
    """The fields of one message; `lines` pairs each `:61:` with what follows it."""

    fields: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, list[str]]] = field(default_factory=list)


def read(text: str) -> list[Statement]:
    """Return the statements in the file's order, pages put together. Raises ValueError with one sentence."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = [
        found.start() for found in _MESSAGE.finditer(text) if found.start() == 0 or text[found.start() - 1] == "\n"
    ]
    statements: list[Statement] = []
    unfinished = ""
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        message = _message(text[start:end])
        statement = _statement(message)
        if "60M" in message.fields and unfinished == _name(statement):
            statements[-1] = _continued(statements[-1], statement)
        else:
            statements.append(statement)
        unfinished = _name(statement) if "62M" in message.fields else ""
    return statements


def _name(statement: Statement) -> str:
    return f"{statement.account} {statement.number}"


def _continued(first: Statement, page: Statement) -> Statement:
    if first.closing != page.opening:
        raise ValueError(
            f"{first.title} lacks a page: one ends with {first.closing}, the next begins with {page.opening}"
        )
    return replace(first, entries=first.entries + page.entries, closing=page.closing, until=page.until)


def _message(text: str) -> _Message:
    """Return a message's fields. A line that only looks like a field is part of the text that it stands in."""
    message = _Message()
    tag, value = "", [""]
    for line in _END.sub("", text).split("\n"):
        found = _TAG.match(line)
        if found and _begins(found.group(1), line[found.end() :], message, tag):
            _keep(message, tag, "\n".join(value))
            tag, value = found.group(1), [line[found.end() :]]
        else:
            value.append(line)
    _keep(message, tag, "\n".join(value))
    return message


def _begins(tag: str, value: str, message: _Message, current_tag: str) -> bool:
    """Return whether a line begins a field where it stands."""
    if tag in ("86", "NS"):
        return True
    in_text = current_tag in ("86", "NS") and bool(message.lines)
    if tag in _CHECKED:
        right = _CHECKED[tag].match(value) is not None
        if not right and not in_text:
            raise ValueError(f"has a line that is not MT940: :{tag}:{value[:50]}")
        if (
            right
            and tag == "61"
            and any(closing in message.fields or current_tag == closing for closing in ("62F", "62M"))
        ):
            raise ValueError(f"has an entry behind the closing balance: :{tag}:{value[:50]}")
        return right
    return tag in _HEADER and not message.lines and current_tag != "61"


def _keep(message: _Message, tag: str, value: str) -> None:
    value = value.strip("\n")
    if tag == "61":
        message.lines.append((value, []))
    elif tag in ("86", "NS") and message.lines and not CLOSING & message.fields.keys():
        message.lines[-1][1].append(_unnumbered(value) if tag == "NS" else value)
    elif tag in CLOSING and CLOSING & message.fields.keys():
        raise ValueError(f"has two closing balances in one message: {value[:40]}")
    elif tag:
        message.fields.setdefault(tag, value)


def _unnumbered(value: str) -> str:
    """Return the text of a bank's own `:NS:` field, whose lines begin with two figures."""
    return "\n".join(line[2:] if line[:2].isdecimal() else line for line in value.split("\n"))


def _statement(message: _Message) -> Statement:
    fields = message.fields
    account = (fields.get("25") or fields.get("25P") or "").split("\n")[0].strip()
    number = (fields.get("28C") or fields.get("28") or "").split("/")[0].strip().lstrip("0")
    opening, closing = (_balance(fields, *tags) for tags in (("60F", "60M"), ("62F", "62M")))
    if opening is None and closing is None and ("34F" in fields or "13D" in fields):
        return _interim(message, account, number)
    if opening is None or closing is None:
        missing = "closing" if opening else "opening"
        raise ValueError(f"statement {number} of {account} has no {missing} balance: the file may be cut short")
    if opening["currency"] != closing["currency"]:
        raise ValueError(
            f"statement {number} of {account} opens in {opening['currency']}, closes in {closing['currency']}"
        )
    return Statement(
        account=account,
        currency=current(opening["currency"]),
        entries=tuple(_entries(message)),
        number=number,
        since=_day(opening["day"]),
        until=_day(closing["day"]),
        opening=_signed(opening),
        closing=_signed(closing),
    )


def _interim(message: _Message, account: str, number: str) -> Statement:
    """Return an MT942: no balances, but sums of what it reports."""
    floor = re.match(r"[A-Z]{3}", message.fields.get("34F", ""))
    sums = {tag: _SUM.fullmatch(message.fields[tag]) for tag in ("90C", "90D") if tag in message.fields}
    currency = floor.group() if floor else next((found["currency"] for found in sums.values() if found), "")
    entries = tuple(_entries(message))
    days = [entry.booked_on for entry in entries]
    reported = {tag: _amount(found["amount"]) for tag, found in sums.items() if found}
    return Statement(
        account=account,
        currency=current(currency),
        entries=entries,
        number=number,
        interim=True,
        since=min(days, default=None),
        until=max(days, default=None),
        reported_in=reported.get("90C"),
        reported_out=reported.get("90D"),
    )


def _balance(fields: dict[str, str], *tags: str) -> dict[str, str] | None:
    value = next((fields[tag] for tag in tags if tag in fields), None)
    found = _BALANCE.match(value) if value is not None else None
    return found.groupdict() if found else None


def _signed(balance: dict[str, str]) -> Decimal:
    amount = _amount(balance["amount"])
    return -amount if balance["mark"] == "D" else amount


def _amount(text: str) -> Decimal:
    """Return an amount: SWIFT's comma, or a point before one or two decimals, which some banks write."""
    if text.count(",") == 1 and "." not in text:
        return Decimal(text.replace(",", ".").removesuffix("."))
    if text.isdecimal() or _POINT.fullmatch(text):
        return Decimal(text)
    raise ValueError(f"has a line that is not MT940: the amount {text[:40]} can be read in more than one way")


def _entries(message: _Message) -> Iterator[BankEntry]:
    for line, details in message.lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"has a line that is not MT940: :61:{line[:50]}")
        value_date = _day(found["value"])
        mark, amount = found["mark"], _amount(found["amount"])
        # A reversed credit is money out, a reversed debit money in.
        incoming = mark in ("C", "EC", "RD")
        customer = _reference(found["customer"])
        entry = BankEntry(
            booked_on=_booked(found["booked"], value_date),
            value_date=value_date,
            amount=amount if incoming else -amount,
            bank_reference=_reference(found["bank"]),
            end_to_end=customer,
            reversal=mark.startswith("R"),
            pending=mark.startswith("E"),
        )
        yield _detailed(entry, "\n".join(details), (found["more"] or "").strip())


def _detailed(entry: BankEntry, details: str, more: str) -> BankEntry:
    """Return an entry with what its details contain."""
    german = re.match(r"\s*\d{3}([?~<^>])(?=\d{2})", details)
    named = _german(details, german.group(1)) if german else _slashes(details)
    text = named.pop("text", details)
    tax_ids = set(_INN.findall(f"{details} {more}".replace("\n", "")))
    found = {name: _reference(value.replace("\n", "")) for name, value in named.items()}
    return replace(
        entry,
        end_to_end=found.get("end_to_end", "") or entry.end_to_end,
        reference=found.get("reference", ""),
        name=found.get("name", ""),
        account=found.get("account", ""),
        bank=found.get("bank", ""),
        # Of two tax numbers one is perhaps our own: none is taken for the payer's.
        tax_id=tax_ids.pop() if len(tax_ids) == 1 else "",
        text="; ".join(part.strip() for part in (text, more) if part.strip()),
        reversal=entry.reversal or "returned" in named,
        reason=found.get("returned", ""),
    )


def _german(details: str, mark: str) -> dict[str, str]:
    """Return the contents of a `:86:` of numbered fields; a word may be cut at a field's end."""
    fields: dict[str, str] = {}
    # The mark may stand in a text, too: a field begins with two figures.
    for part in re.split(rf"{re.escape(mark)}(?=\d\d)", details.replace("\n", ""))[1:]:
        fields.setdefault(part[:2], part[2:])
    purpose = "\n".join(fields[key] for key in sorted(fields) if key[0] == "2" or key in ("60", "61", "62", "63"))
    named = {"text": purpose, "bank": fields.get("30", ""), "account": fields.get("31", "")}
    named["name"] = fields.get("32", "") + fields.get("33", "")
    keyed = _keyed(_SEPA_KEY, purpose)
    if keyed:
        named["end_to_end"] = keyed.get("EREF", "") or keyed.get("KREF", "")
        for name, key in (("account", "IBAN"), ("bank", "BIC")):
            named[name] = named[name] or keyed.get(key, "")
        remainder = [keyed.get("", ""), keyed.get("SVWZ", ""), keyed.get("ABWA", "")]
        named["text"] = "\n".join(filter(None, remainder)) if "SVWZ" in keyed else purpose
    if fields.get("00"):
        named["text"] = "; ".join(filter(None, (fields["00"], named["text"])))
    if details.lstrip()[:3] in RETURNS:
        named["returned"] = fields.get("34", "")
    return named


def _slashes(details: str) -> dict[str, str]:
    """Return the contents of a `:86:` of `/CODE/` fields; nothing when there is no such code."""
    if not _SLASH_KEY.match(details.lstrip()):
        return {}
    keyed = _keyed(_SLASH_KEY, details.lstrip())
    remittance = keyed.get("REMI", "")
    keys = {"end_to_end": "EREF", "name": "NAME", "account": "IBAN", "bank": "BIC", "reference": "CDTRREF"}
    named = {name: keyed.get(key, "") for name, key in keys.items()}
    if "CNTP" in keyed:  # ING: account, bank, name, city
        parts = [*keyed["CNTP"].replace("\n", "").split("/"), "", "", ""]
        named |= {"account": parts[0], "bank": parts[1], "name": parts[2]}
    kind, _, rest = remittance.partition("/")
    if kind.replace("\n", "") == "STRD":
        named["reference"] = rest.strip("/").split("/")[-1]
    elif kind.replace("\n", "") == "USTD":
        remittance = rest.strip("/")
    ultimate = keyed.get("ULTD", "").replace("NAME/", "").strip("/")
    named["text"] = "; ".join(
        part.strip("/ ") for part in (keyed.get("", ""), remittance, ultimate) if part.strip("/ \n")
    )
    if "RTRN" in keyed:
        named["returned"] = keyed["RTRN"]
    return named


def _keyed(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    """Return what follows each keyword, the first of a name; under "" what stands before them. Empty without any."""
    found = list(pattern.finditer(text))
    if not found:
        return {}
    result = {"": text[: found[0].start()].strip()}
    for each, end in zip(found, [*(following.start() for following in found[1:]), len(text)], strict=True):
        result.setdefault(each.group(1).replace("\n", ""), text[each.end() : end].strip("\n "))
    return result


def _reference(text: str | None) -> str:
    """Return a reference; blank where the bank writes a marker instead of one."""
    text = (text or "").strip()
    return "" if text.strip("+/ ").upper() in MARKERS else text


def _day(text: str) -> date:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        if text[2:4] == "02" and text[4:6] in ("29", "30"):  # banks whose months all have thirty days
            return date(2000 + int(text[:2]), 3, 1) - timedelta(days=1)
        raise ValueError(f"has a line that is not MT940: {text} is not a date") from None


def _booked(text: str | None, value_date: date) -> date:
    """Return the booking day: its year is the one that puts it near the value date."""
    if not (text or "").strip():
        return value_date
    day = _day(f"{value_date:%y}{text}")
    if abs(day - value_date) < _NEAR_A_YEAR:
        return day
    return day.replace(year=day.year + (1 if day < value_date else -1))
