"""The brands' own accounts: cash, revenue and the like, made per currency on first use."""

from collections.abc import Iterable, Sequence
from itertools import count

from ledger.core.book import Book
from ledger.core.scope import Scope
from ledger.postgres.database import AnyConnection
from ledger.postgres.load_book import KnownFacts
from ledger.postgres.open_accounts import new_number

SYSTEM = ("cash", "revenue", "bonus_expense", "adjustments", "unallocated")

Numbers = dict[tuple[int, str, str], int]
"""Account numbers by brand, kind and currency."""


def missing_accounts(book: Book, known: KnownFacts, scope: Scope) -> list[tuple[int, str]]:
    """Return the brands and currencies, in order, whose own accounts a batch can use and are not known."""
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
    return [pair for pair in sorted(wanted) if (pair[0], "cash", pair[1]) not in known.system]


def open_foreseen(connection: AnyConnection, known: KnownFacts, scope: Scope) -> None:
    """Open the own accounts of brands that are named for the first time, before anything else is done.

    In the currency that is named or the book's; those of accounts' other currencies are found to be missing later.
    """
    new = list({*scope.brands} - known.sold)
    if new:
        codes, currencies = [code for code, _ in new], [currency for _, currency in new]
        pairs = connection.execute(_BRANDS, [codes, currencies]).fetchall()
        open_at_once(connection, known, [pair for pair in pairs if (pair[0], "cash", pair[1]) not in known.system])
        known.sold.update(new)


_BRANDS = """
SELECT DISTINCT b.id, coalesce(w.currency, book.currency)::text
FROM unnest(%s::text[], %s::text[]) AS w(code, currency) JOIN brand b ON b.code = w.code CROSS JOIN book ORDER BY 1, 2
"""


def open_at_once(connection: AnyConnection, known: KnownFacts, missing: Sequence[tuple[int, str]]) -> None:
    """Open what is missing in a database transaction of its own: others find it whatever becomes of this batch."""
    if missing:
        open_accounts(connection, missing)
    connection.commit()
    known.system.update(system_accounts(connection, missing) if missing else {})


def open_accounts(connection: AnyConnection, missing: Iterable[tuple[int, str]]) -> None:
    """Open those of the brands' own accounts that are not there yet, in the caller's database transaction."""
    for brand, currency in missing:
        there = system_accounts(connection, [(brand, currency)])
        for kind in (kind for kind in SYSTEM if (brand, kind, currency) not in there):
            connection.execute(
                "INSERT INTO account (id, kind, currency, brand_id, status) VALUES (%s, %s, %s, %s, 'open') "
                "ON CONFLICT DO NOTHING",
                [new_number(connection), kind, currency, brand],
            )


def system_accounts(connection: AnyConnection, wanted: Iterable[tuple[int, str]]) -> Numbers:
    """Return the brands' own accounts that there are, of these brands and currencies."""
    pairs = list(wanted)
    rows = connection.execute(
        "SELECT brand_id, kind, currency, id FROM account JOIN unnest(%s::bigint[], %s::text[]) AS w(brand, money) "
        "ON brand_id = w.brand AND currency = w.money WHERE party_id IS NULL",
        [[brand for brand, _ in pairs], [currency for _, currency in pairs]],
    )
    return {(brand, kind, currency): number for brand, kind, currency, number in rows.fetchall()}


def placeholders(missing: Iterable[tuple[int, str]]) -> Numbers:
    """Return numbers below zero for accounts that do not exist, as far as a quote needs them."""
    names = ((brand, kind, currency) for brand, currency in missing for kind in SYSTEM)
    return dict(zip(names, count(-1, -1), strict=False))
