"""A bank's CSV, read by a layout that is kept for each account at a bank: which column is what.

Dates are ISO or with points (31.12.2026) unless the layout has a `date_format`. The sign of the decimals is the
layout's, or the one that the amounts themselves show; where they may be read in two ways the file is refused.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from ledger.bank.core.statement import BankEntry, Statement, current
from ledger.values.money import is_currency

COLUMNS = {
    "date": "booking date",
    "amount": "amount, money out negative",
    "money_in": "money in",
    "money_out": "money out",
    "value_date": "value date",
    "name": "the other side's name",
    "account": "its account",
    "bank": "its bank",
    "tax_id": "its tax number",
    "text": "purpose",
    "bank_reference": "the bank's own reference",
    "end_to_end": "the payer's reference",
    "balance": "balance after the entry",
    "currency": "currency",
}
"""What a column may be, and what that is."""
OPTIONS = ("date_format", "decimal")
DECIMALS = (",", ".")
DELIMITERS = ";,\t|"
_SOME_DAY = date(2013, 12, 11)
FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%Y.%m.%d")


@dataclass(frozen=True)
class Layout:
    """How the CSV files of one account are read: the headers of what `COLUMNS` names, currency, `OPTIONS`.

    Raises ValueError for what is not known or missing.
    """

    currency: str
    columns: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in COLUMNS]
        if unknown:
            raise ValueError(f"{unknown[0]} is not a column of a statement: {', '.join(COLUMNS)}")
        if unknown := [name for name in self.options if name not in OPTIONS]:
            raise ValueError(f"{unknown[0]} is not an option of a layout: {', '.join(OPTIONS)}")
        if "date" not in self.columns:
            raise ValueError("a layout needs the column of the date")
        if ("amount" in self.columns) == bool({"money_in", "money_out"} & self.columns.keys()):
            raise ValueError("a layout needs the column of the amount, or those of money_in and money_out")
        if self.options.get("decimal", ",") not in DECIMALS:
            raise ValueError(f"decimal is , or . and not {self.options['decimal']}")
        if not is_currency(self.currency):
            raise ValueError(f"{self.currency or 'nothing'} is not an ISO 4217 currency with two decimals")
        form = self.options.get("date_format", FORMATS[0])
        try:
            parted = datetime.strptime(_SOME_DAY.strftime(form), form).date() == _SOME_DAY  # noqa: DTZ007 - a day
        except (ValueError, re.error):
            parted = False
        if not parted:
            raise ValueError(f"date_format {form} has no day, month and year, such as %d/%m/%Y")

    def stored(self) -> dict[str, str]:
        """Return it as one flat object, as `restored` takes it."""
        columns = {f"column:{name}": header for name, header in self.columns.items()}
        return {"currency": self.currency, **columns, **{f"option:{name}": v for name, v in self.options.items()}}

    @classmethod
    def restored(cls, stored: Mapping[str, str]) -> Self:
        """Return a layout from what `stored` made."""
        parts: dict[str, dict[str, str]] = {"column": {}, "option": {}}
        for name, value in stored.items():
            kind, _, key = name.partition(":")
            parts.setdefault(kind, {})[key] = value
        return cls(stored["currency"], parts["column"], parts["option"])


def headers(text: str) -> list[str]:
    """Return the headers that a file seems to have: its first line with the most cells that are not blank."""
    tables = [list(_cells(_lines(text), mark)) for mark in DELIMITERS]
    widest = max(tables, key=lambda rows: (min(max(map(len, rows), default=0), 50), len(rows)))
    most = max((sum(map(bool, row)) for row in widest), default=0)
    return next((row for row in widest if sum(map(bool, row)) == most), [])


def _lines(text: str) -> list[str]:
    """Return the lines with their ends: a cell in quotes may have several, and its breaks count (DECISIONS D66)."""
    return list(io.StringIO(text.lstrip("\ufeff"), newline=None))


def _cells(lines: Sequence[str], mark: str) -> Iterator[list[str]]:
    """Yield the cells of each row. Raises ValueError for what no CSV has, such as a cell of a megabyte."""
    try:
        for row in csv.reader(lines, delimiter=mark):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise ValueError(f"is not CSV: {error}") from None


def read(text: str, account: str, layout: Layout) -> list[Statement]:
    """Return the one statement of a file. Raises ValueError with one sentence."""
    rows = list(_rows(text, layout))
    if not rows:
        raise ValueError("has no entry below its headers")
    decimal = layout.options.get("decimal") or _decimal_of(rows, layout)
    entries = [_entry(row, layout, decimal) for row in rows]
    opening = closing = None
    if "balance" in layout.columns:
        balances = [_amount(row["balance"], decimal) for row in rows]
        entries, opening, closing = _in_order(entries, balances)
    days = [entry.booked_on for entry in entries]
    statement = Statement(account=account, currency=current(layout.currency), entries=tuple(entries))
    return [replace(statement, since=min(days), until=max(days), opening=opening, closing=closing)]


def _rows(text: str, layout: Layout) -> Iterator[dict[str, str]]:
    """Yield the cells of each entry by what they are."""
    wanted = list(layout.columns.values())
    lines = _lines(text)
    for number, line in enumerate(lines):
        for mark in DELIMITERS:
            cells = next(_cells([line], mark), [])
            if all(name in cells for name in wanted):
                twice = [name for name in wanted if cells.count(name) > 1]
                if twice:
                    raise ValueError(f"has two columns {twice[0]}")
                places = {what: cells.index(name) for what, name in layout.columns.items()}
                yield from _below(lines[number + 1 :], mark, places, layout)
                return
    missing = [name for name in wanted if name not in text]
    raise ValueError(f"has no line with the headers {', '.join(missing or wanted)}")


def _below(lines: Sequence[str], mark: str, places: Mapping[str, int], layout: Layout) -> Iterator[dict[str, str]]:
    below = False
    for row in _cells(lines, mark):
        if not any(row):
            below = True
            continue
        found = {what: row[place] if place < len(row) else "" for what, place in places.items()}
        if below and not any(letter.isdecimal() for letter in found["date"]):
            continue  # a line of sums or remarks, an empty line below the entries
        if layout.columns.get("currency") and current(found["currency"]) != current(layout.currency):
            raise ValueError(f"an entry is in {found['currency'] or 'no currency'}, the account in {layout.currency}")
        yield found


def _entry(row: Mapping[str, str], layout: Layout, decimal: str) -> BankEntry:
    booked = _day(row["date"], layout)
    if "amount" in row:
        amount = _amount(row["amount"], decimal)
    else:
        came, went = (_amount(row.get(name) or "0", decimal) for name in ("money_in", "money_out"))
        amount = came - abs(went)
    return BankEntry(
        booked_on=booked,
        value_date=_day(row["value_date"], layout) if row.get("value_date") else booked,
        amount=amount,
        bank_reference=row.get("bank_reference", ""),
        end_to_end=row.get("end_to_end", ""),
        name=row.get("name", ""),
        account=row.get("account", ""),
        bank=row.get("bank", ""),
        tax_id=row.get("tax_id", ""),
        text=row.get("text", ""),
    )


def _day(text: str, layout: Layout) -> date:
    for form in [layout.options["date_format"]] if "date_format" in layout.options else FORMATS:
        for written in (text, text[:10]):  # a time of day may follow
            try:
                return datetime.strptime(written, form).date()  # noqa: DTZ007 - a day as the bank wrote it
            except ValueError:
                continue
    raise ValueError(f"{text[:40] or 'nothing'} is not a date: set its form with date_format, such as %d/%m/%Y")


def _decimal_of(rows: Sequence[Mapping[str, str]], layout: Layout) -> str:
    """Return the sign of the decimals that the amounts show. Raises ValueError where they show two, or none."""
    names = [name for name in ("amount", "money_in", "money_out", "balance") if name in layout.columns]
    cells = [row[name] for row in rows for name in names]
    shown = {found.group(1) for cell in cells if (found := re.search(r"([.,])\d{1,2}\D*$", cell))}
    if len(shown) == 1:
        return shown.pop()
    if not shown and not any("," in cell or "." in cell for cell in cells):
        return "."
    raise ValueError("has amounts that can be read in two ways: set decimal to , or .")


def _amount(text: str, decimal: str) -> Decimal:
    plain = re.sub(r"[^\d.,+()-]", "", text.replace("\u2212", "-"))  # without blanks, signs of money, apostrophes
    negative = plain.startswith(("-", "(")) or plain.endswith("-")
    plain = plain.strip("+-()")
    whole, _, cents = plain.partition(decimal)
    thousands = "." if decimal == "," else ","
    whole = whole.replace(thousands, "") if re.fullmatch(rf"\d{{1,3}}(\{thousands}\d{{3}})+", whole) else whole
    if not re.fullmatch(r"\d+", whole or "0") or not re.fullmatch(r"\d*", cents):
        raise ValueError(f"{text[:40] or 'nothing'} is not an amount")
    value = Decimal(f"{whole or 0}.{cents or 0}")
    return -value if negative else value


def _in_order(entries: list[BankEntry], balances: Sequence[Decimal]) -> tuple[list[BankEntry], Decimal, Decimal]:
    """Return the entries, oldest first, and the balances before and after them; the file may begin with the newest."""
    for order in (1, -1):
        ordered, after = entries[::order], balances[::order]
        if all(after[n - 1] + ordered[n].amount == after[n] for n in range(1, len(after))):
            return ordered, after[0] - ordered[0].amount, after[-1]
    raise ValueError("has balances that do not follow from its amounts")
