"""The brands' own accounts: cash, revenue and the like, made per currency on first use."""

from itertools import count

from ledger.core.book import Book
from ledger.core.scope import Scope
from ledger.postgres.database import connect
from ledger.postgres.load_book import Known
from ledger.postgres.open_accounts import new_number

SYSTEM = ("cash", "revenue", "bonus_expense", "adjustments", "unallocated")


def add_system_accounts(url: str, book: Book, known: Known, scope: Scope, *, make: bool) -> None:
    """See that the brands' own accounts exist in the currencies that the batch can use.

    Unless they may be made, the book gets placeholders below zero for those that do not exist yet.
    """
    currencies = {book.currency, *(account.currency for account in book.accounts.values())}
    named = [(book.brands[code].id, currency) for code, currency in scope.brands if code in book.brands]
    wanted = {(brand, currency) for brand, currency in named if currency}
    wanted |= {(brand, currency) for brand, _ in named for currency in currencies}
    wanted |= {(a.brand, a.currency) for a in book.accounts.values() if a.kind == "bonus" and a.brand is not None}
    # A capture names no brand: its hold does.
    wanted |= {(part.brand, hold.currency) for hold in book.holds.values() for part in hold.parts}
    # A refund, a reversal and an allocation name none either: what they are about does.
    own = {(leg.account, t.currency) for t in book.numbered.values() for leg in t.entries if leg.version is None}
    wanted |= {(book.own_accounts[account][0], currency) for account, currency in own if currency}
    missing = [pair for pair in sorted(wanted) if (pair[0], "cash", pair[1]) not in known.system]
    for brand, currency in missing:
        known.system.update(system_accounts(url, brand, currency, make=make))
    if not make:
        placeholders = ((brand, kind, currency) for brand, currency in missing for kind in SYSTEM)
        book.system = dict(zip(placeholders, count(-1, -1), strict=False)) | known.system


def system_accounts(url: str, brand: int, currency: str, *, make: bool = True) -> dict[tuple[int, str, str], int]:
    """Return a brand's own accounts in a currency by (brand, kind, currency); they are made on first use if `make`.

    They are committed on a connection of their own, so a batch that fails later leaves them, empty.
    """
    select = "SELECT kind, id FROM account WHERE brand_id = %s AND currency = %s AND party_id IS NULL"
    with connect(url) as connection:
        rows = dict(connection.execute(select, [brand, currency]).fetchall())
        for kind in SYSTEM:
            if make and kind not in rows:
                connection.execute(
                    "INSERT INTO account (id, kind, currency, brand_id, status) VALUES (%s, %s, %s, %s, 'open') "
                    "ON CONFLICT DO NOTHING",
                    [new_number(connection), kind, currency, brand],
                )
        rows = dict(connection.execute(select, [brand, currency]).fetchall())
    return {(brand, kind, currency): number for kind, number in rows.items()}
