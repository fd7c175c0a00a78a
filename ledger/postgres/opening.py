"""What a book opened with, beside the balances of the system before it.

Opening money is what adjustments of the chart `opening` put on accounts, opening points what was given with the reason
`opening`: by client account and brand, whatever happened since.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from ledger.errors import Failure
from ledger.postgres.database import AnyConnection
from ledger.values.money import amount_of, decimal, minor

COLUMNS = ("account", "brand", "money", "points")
Amounts = dict[tuple[int, str, str], int]
"""Minor units by account, brand, and money or points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One balance of the old system beside what the book opened with."""

    account: int
    reference: str | None
    brand: str
    kind: str
    currency: str
    before: Decimal
    opened: Decimal

    @property
    def difference(self) -> Decimal:
        """Return what the book opened with beyond the old balance."""
        return self.opened - self.before

    def to_json(self) -> dict[str, object]:
        """Return the row as programs read it, amounts as strings."""
        amounts = {name: str(getattr(self, name)) for name in AMOUNTS}
        return {**{name: value for name, value in asdict(self).items() if name not in AMOUNTS}, **amounts}


AMOUNTS = ("before", "opened", "difference")


def sums(rows: Sequence[Opened]) -> list[dict[str, str]]:
    """Return the sums of money and of points by currency."""
    found: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        so_far = found.get((row.kind, row.currency), [Decimal("0.00")] * len(AMOUNTS))
        found[row.kind, row.currency] = [a + getattr(row, name) for a, name in zip(so_far, AMOUNTS, strict=True)]
    return [
        {"kind": kind, "currency": currency, **dict(zip(AMOUNTS, map(str, amounts), strict=True))}
        for (kind, currency), amounts in sorted(found.items())
    ]


def compare(connection: AnyConnection, text: str) -> list[Opened]:
    """Return every balance of the old system's CSV or of the book's opening, by account, brand and kind.

    Raises Failure for a file that is not of these columns, and for an account, brand or amount that cannot be.
    """
    before, opened = _before(connection, text), _opened(connection)
    accounts = {account for account, _, _ in (*before, *opened)}
    rows = connection.execute("SELECT id, reference, currency FROM account WHERE id = ANY(%s)", [list(accounts)])
    known = {number: (reference, currency) for number, reference, currency in rows}
    return [
        Opened(
            account=key[0],
            reference=known[key[0]][0],
            brand=key[1],
            kind=key[2],
            currency=known[key[0]][1],
            before=decimal(before.get(key, 0)),
            opened=decimal(opened.get(key, 0)),
        )
        for key in sorted({*before, *opened})
    ]


def _before(connection: AnyConnection, text: str) -> Amounts:
    brands = {code for (code,) in connection.execute("SELECT code FROM brand")}
    found: Amounts = {}
    numbers: dict[str, int] = {}
    for line, row in _rows(text):
        name, brand = row["account"].strip(), row["brand"].strip()
        if brand not in brands:
            raise Failure(f"line {line}: there is no brand {brand or 'without a code'}")
        if name not in numbers:
            row_ = connection.execute(_NAMED, [name, name]).fetchone()
            if row_ is None:
                raise Failure(f"line {line}: there is no account {name or 'without a name'}")
            numbers[name] = row_[0]
        for kind in ("money", "points"):
            written = (row.get(kind) or "").strip()
            if not written:
                continue
            try:
                amount = minor(amount_of(written))
            except ValueError as error:
                raise Failure(f"line {line}: {kind}: {error}") from None
            key = numbers[name], brand, kind
            if key in found:
                raise Failure(f"line {line}: {kind} of account {name} and brand {brand} are listed twice")
            found[key] = amount
    return found


# By reference first, as everywhere.
_NAMED = """
SELECT id FROM account WHERE kind = 'money' AND (reference = %s OR id::text = %s) ORDER BY reference IS NULL LIMIT 1
"""


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        named = set(reader.fieldnames or ())
        if not {"account", "brand"} <= named or not named & {"money", "points"}:
            raise Failure(f"the first line must name the columns: {', '.join(COLUMNS)}")
        for row in reader:
            if None in row or None in row.values():
                raise Failure(f"line {reader.line_num}: does not have as many values as there are columns")
            yield reader.line_num, row
    except csv.Error as error:
        raise Failure(f"is not CSV after line {reader.line_num}: {error}") from None


def _opened(connection: AnyConnection) -> Amounts:
    rows = connection.execute(
        "SELECT e.source_id, b.code, 'money', -sum(e.amount)::bigint FROM entry e "
        "JOIN account a ON a.id = e.account_id AND a.kind = 'adjustments' JOIN brand b ON b.id = a.brand_id "
        "JOIN account c ON c.id = e.source_id AND c.kind = 'money' WHERE e.chart = 'opening' GROUP BY 1, 2 "
        "UNION ALL SELECT a.money_account_id, b.code, 'points', sum(e.amount)::bigint FROM transaction t "
        "JOIN entry e ON e.transaction_id = t.id JOIN account a ON a.id = e.account_id AND a.kind = 'bonus' "
        "JOIN brand b ON b.id = a.brand_id WHERE t.kind = 'bonus' AND t.reason = 'opening' GROUP BY 1, 2"
    )
    return {(account, brand, kind): amount for account, brand, kind, amount in rows if amount}
