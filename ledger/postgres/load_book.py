"""Load the part of the book that a batch can touch, with its accounts locked.

Balance rows are locked first, in id order, in a statement of their own; only then is
anything else about the accounts read, so that what is read is what the last writer left.
When the reading shows that more accounts are concerned (payers, bonus accounts, sources
of holds), all locks are released and the batch starts again with all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import count, groupby
from typing import Any
from zoneinfo import ZoneInfo

from ledger.core.accounts import PERIODS, Account, Brand, Limit, Link, Terms, Usage, window
from ledger.core.aging import Balance
from ledger.core.book import Book
from ledger.core.outcomes import Entry
from ledger.core.scope import Scope
from ledger.core.transactions import Hold, HoldPart, Transaction
from ledger.errors import Failure
from ledger.postgres.aging_items import items_in
from ledger.postgres.bulk_sql import Statement, array_of, texts_of
from ledger.postgres.database import AnyConnection, settings_of
from ledger.postgres.locks import PAYMENTS, WRITE_NOTHING
from ledger.postgres.older_legs import facing
from ledger.postgres.wire import exchange
from ledger.postgres.write_book import ENTRY, TRANSACTION

TRANSACTION_COLUMNS = [name for name in TRANSACTION if name != "status"]
ENTRY_COLUMNS = [name for name in ENTRY if name not in ("leg", "currency")]
_TRANSACTION = ", ".join(TRANSACTION_COLUMNS)
_FIELDS = [{"account_id": "account", "business_date": "day"}.get(name, name) for name in TRANSACTION_COLUMNS]
_ENTRY = ", ".join(ENTRY_COLUMNS)


@dataclass(slots=True)
class KnownFacts:
    """What never changes once it is committed, kept from batch to batch."""

    references: dict[str, int] = field(default_factory=dict)
    system: dict[tuple[int, str, str], int] = field(default_factory=dict)
    sold: set[tuple[str, str | None]] = field(default_factory=set)
    related: dict[int, frozenset[int]] = field(default_factory=dict)
    own_accounts: dict[int, tuple[int, str]] = field(default_factory=dict)

    MOST = 200_000

    def remember(self, account: int, related: frozenset[int]) -> None:
        """Note which accounts were concerned besides `account`: the first guess for the next batch (DECISIONS D9)."""
        if len(self.related) > KnownFacts.MOST:
            self.related.clear()
        if related:
            self.related[account] = related
        else:
            self.related.pop(account, None)


def numbers_of(connection: AnyConnection, known: KnownFacts, references: Iterable[str]) -> dict[str, int]:
    """Return the account numbers of the references that exist."""
    references = set(references)
    missing = [reference for reference in references if reference not in known.references]
    if missing:
        if len(known.references) > KnownFacts.MOST:
            known.references.clear()
            missing = list(references)
        [rows] = exchange(connection, ("SELECT reference, id FROM account WHERE reference = ANY(%s)", [missing]))
        known.references.update(rows)
    return known.references


def load(
    connection: AnyConnection,
    known: KnownFacts,
    scope: Scope,
    *,
    lock: bool = True,
    own: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> Book:
    """Return the book of everything that commands in scope can touch, its accounts locked unless `lock` is off.

    Must run in a database transaction at READ COMMITTED; one that is its `own`, in which nothing was done yet, may
    be rolled back and begun again. Raises Failure without `tiffin init`.
    """
    references = numbers_of(connection, known, (account for account in scope.accounts if isinstance(account, str)))
    numbers = [references.get(account) if isinstance(account, str) else account for account in scope.accounts]
    named = frozenset(number for number in numbers if number is not None)
    accounts = named.union(*(known.related.get(account, ()) for account in named))
    while True:
        if lock and not own:
            connection.execute("SAVEPOINT loading")
        book, concerned = _load(connection, known, scope, accounts, lock=lock, meanwhile=meanwhile)
        if concerned <= accounts:
            _remember(known, book, named)
            if lock and not own:
                connection.execute("RELEASE SAVEPOINT loading")
            return book
        # The locks are released: taking more on top would break the order of ids.
        if lock and own:
            connection.rollback()
        elif lock:
            connection.execute("ROLLBACK TO SAVEPOINT loading")
        accounts |= concerned


def _load(
    connection: AnyConnection,
    known: KnownFacts,
    scope: Scope,
    accounts: frozenset[int],
    *,
    lock: bool,
    meanwhile: Callable[[], object] | None,
) -> tuple[Book, frozenset[int]]:
    named, ids = array_of(sorted(accounts)), (scope.ids or len(scope.keys)) if lock else 0
    # Sent together, yet carried out one by one: what is read after the locks is what the last writer left.
    *_, locked, [row] = exchange(
        connection,
        *_settings(connection),
        *([(PAYMENTS, [texts_of(scope.payments)])] if lock and scope.payments else ()),
        (_LOCK if lock else _LOOK, [named]),
        (_READ, [ids, named, texts_of({*scope.keys, *scope.refers})]),
        meanwhile=meanwhile,
    )
    now, zone, currency, closed_until, late_days, brands, alone, numbers, accounts_found, keys = row
    if zone is None:
        raise Failure("there is no book yet: run tiffin init")
    account_rows, found = accounts_found or [], connection.execute(_OF_KEYS, [keys]).fetchall() if keys else []
    book = Book(zone=ZoneInfo(zone), now=now.astimezone(UTC), currency=currency)
    book.closed_until, book.late_days = closed_until, late_days
    book.second_person = {(kind, of): above for kind, of, above in alone or ()}
    book.references = known.references
    book.system = known.system
    book.own_accounts = known.own_accounts
    book.ids = _ids(connection, numbers) if lock else count(-1, -1)
    book.balances = {row[0]: Balance(*row[1:]) for row in locked}
    book.brands = {code: Brand(id_, code, status == "open") for id_, code, status in brands or ()}
    _keep_accounts(book, account_rows)
    expired, limits = _add_terms(connection, book, [row[0] for row in account_rows if row[-1]])
    concerned = _more(connection, book, scope, found, expired)
    concerned |= {bonus for bonuses in book.bonuses.values() for bonus in bonuses}
    concerned |= {account.money_account for account in book.accounts.values() if account.money_account is not None}
    concerned |= {link.payer for links in book.links.values() for link in links}
    concerned.update(book.merged.values())
    _add_limits(connection, book, scope, limits)
    book.fetch_items = items_in(connection)
    return book, frozenset(concerned)


def _remember(known: KnownFacts, book: Book, accounts: frozenset[int]) -> None:
    """Note which accounts were concerned besides those named."""
    for account in accounts & (book.bonuses.keys() | book.links.keys() | known.related.keys()):
        around = {*book.bonuses.get(account, ()), *(link.payer for link in book.links.get(account, ()))}
        known.remember(account, frozenset(around))


def _settings(connection: AnyConnection) -> Iterator[Statement]:
    if setting := settings_of(connection):
        yield setting, []


_BONUSES = """
SELECT money_account_id, id FROM account
WHERE kind = 'bonus' AND money_account_id = ANY(%s::bigint[]) ORDER BY brand_id
"""
_LINKS = """
SELECT account_id, payer_id, draw, priority, brands, share, hours, services, group_name
FROM link WHERE account_id = ANY(%s::bigint[])
"""
_TERMS = """
SELECT account_id, credit_limit, period_days, valid_from, valid_until
FROM credit_terms WHERE account_id = ANY(%s::bigint[]) ORDER BY id
"""
_LIMITS = """
SELECT payer_id, account_id, group_name, period, amount, count
FROM write_off_limit WHERE payer_id = ANY(%s::bigint[]) AND account_id = ANY(%s::bigint[])
"""
_EXPIRED = """
SELECT DISTINCT h.transaction_id FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id
WHERE p.source_id = ANY(%s::bigint[]) AND p.held > 0 AND h.state = 'open' AND h.expires_at <= clock_timestamp()
"""


def _add_terms(connection: AnyConnection, book: Book, ids: list[int]) -> tuple[list[int], list[Any]]:
    """Load what few accounts have: bonus accounts, links, credit terms. Return expired holds and write-off limits."""
    if not ids:
        return [], []
    named = array_of(ids)
    bonuses, links, terms, limits, expired = exchange(
        connection,
        (_BONUSES, [named]),
        (_LINKS, [named]),
        (_TERMS, [named]),
        (_LIMITS, [named, array_of(book.balances)]),
        (_EXPIRED, [named]),
    )
    for money, bonus in bonuses:
        book.bonuses.setdefault(money, []).append(bonus)
    for account, *link in links:
        book.links.setdefault(account, []).append(Link.stored(link))
    for account, *rest in terms:
        book.terms.setdefault(account, []).append(Terms(*rest))
    return [id_ for (id_,) in expired], limits


def _keep_accounts(book: Book, rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        book.accounts[row[0]] = Account._make(row[:-3])
        book.status[row[0]] = row[-2]
        if row[-3] is not None:
            book.merged[row[0]] = row[-3]


def _ids(connection: AnyConnection, numbers: list[int]) -> Iterator[int]:
    """Yield the ids taken with the load, then more as they are needed (holds that ran out take some too)."""
    while True:
        yield from numbers
        [[(numbers,)]] = exchange(connection, (f"SELECT {_NEXT_IDS}", [100]))


_NEXT_IDS = "ARRAY(SELECT nextval('transaction_id_seq') FROM generate_series(1, %s::int))"
# The last column distinguishes the few accounts that have more to load from the many that have not.
_ACCOUNTS = (
    "a.id, a.kind, a.currency, p.name, a.reference, a.party_id, a.brand_id, a.money_account_id, "
    "CASE WHEN a.status = 'closed' THEN (SELECT into_id FROM merged_account m WHERE m.account_id = a.id "
    "ORDER BY transaction_id DESC LIMIT 1) END, a.status, "
    "EXISTS (SELECT FROM link WHERE account_id = a.id) OR EXISTS (SELECT FROM credit_terms WHERE account_id = a.id) "
    "OR EXISTS (SELECT FROM write_off_limit WHERE payer_id = a.id) "
    "OR EXISTS (SELECT FROM hold_part WHERE source_id = a.id AND held > 0) "
    "OR EXISTS (SELECT FROM account b WHERE b.money_account_id = a.id AND b.kind = 'bonus')"
)
_OF_PARTIES = "FROM account a JOIN party p ON p.id = a.party_id WHERE a.id = ANY(%s::bigint[])"
# In one statement, because each one costs the program more than it costs the server.
_READ = (
    "SELECT clock_timestamp(), time_zone, currency, greatest(closed_until, closing), late_days, "
    "(SELECT json_agg(json_build_array(id, code, status)) FROM brand), "
    f"(SELECT json_agg(json_build_array(kind, currency, above)) FROM desk.four_eyes), {_NEXT_IDS}, "
    f"(SELECT json_agg(json_build_array({_ACCOUNTS})) {_OF_PARTIES}), "
    "ARRAY(SELECT key FROM transaction WHERE key = ANY(string_to_array(%s, chr(31)))) "
    "FROM (SELECT 1) one LEFT JOIN book ON true"
)
_OWNERS = "SELECT id, brand_id, kind FROM account WHERE id = ANY(%s::bigint[])"
_OF_KEYS = f"SELECT {_TRANSACTION} FROM transaction WHERE key = ANY(%s)"
_LOOK = (
    "SELECT account_id, balance, held, version, posted_at, open_due, open_day, open_item, open_unpaid, latest_due, "
    "ripens_on FROM balance WHERE account_id = ANY(%s::bigint[])"
)
# Rows are locked in id order: two batches that share accounts would otherwise deadlock.
_LOCK = f"WITH gate AS ({WRITE_NOTHING}) {_LOOK} ORDER BY account_id FOR NO KEY UPDATE"


def _more(connection: AnyConnection, book: Book, scope: Scope, rows: list[Any], expired: list[int]) -> set[int]:
    """Load what the batch refers to and the holds that ran out; return the accounts these concern."""
    if not rows and not expired:
        return set()
    found = [_transaction(row) for row in rows]
    refers = set(scope.refers)
    referred = [t for t in found if t.key in refers and t.code is None]
    holds = {t.id for t in referred if t.kind == "hold"} | set(expired)
    holds |= {t.refers_to for t in referred if t.kind == "capture" and t.refers_to is not None}
    ids, undone = [t.id for t in referred], [t.refers_to for t in referred if t.kind == "reverse"]
    [followers, hold_rows, part_rows, owned, groups] = exchange(
        connection,
        (_FOLLOWING, [[t.id for t in referred if t.kind != "hold"], undone]),
        (_HOLDS, [list(holds)]),
        (_PARTS, [list(holds)]),
        ("SELECT transaction_id, owner FROM owned WHERE transaction_id = ANY(%s)", [ids]),
        (_GROUPS, [[*ids, *holds]]),
    )
    book.owners.update(owned)
    of: dict[int, dict[int, str]] = {}
    for id_, payer, group in groups:
        of.setdefault(id_, {})[payer] = group
    for transaction in referred:
        transaction.groups = of.get(transaction.id, {})
    known = {t.id for t in found}
    following = [t for t in map(_transaction, followers) if t.id not in known]
    for transaction in (*found, *following):
        book.know(transaction)
    _add_entries(connection, book, [*found, *following])
    parts = {hold: [HoldPart(*row[1:]) for row in group] for hold, group in groupby(part_rows, key=lambda row: row[0])}
    for id_, key, account, currency, at, expires_at, state in hold_rows:
        book.keep(Hold(id_, key, account, currency, book.day(at), expires_at, parts[id_], state, of.get(id_, {})))
    concerned = {entry.account for t in (*referred, *following) for entry in t.clients()}
    concerned |= {entry.source for t in referred for entry in t.revenue() if entry.source is not None}
    concerned |= {t.account for t in referred if t.account is not None}
    concerned |= {part.source for rows in parts.values() for part in rows}
    concerned |= {hold.account for hold in book.holds.values()}
    return concerned


# What refers to transactions, what reverses that, and what a reversal reversed.
_FOLLOWING = f"""
WITH RECURSIVE following AS (
    SELECT id, kind FROM transaction WHERE refers_to = ANY(%s) AND status = 'posted'
    UNION ALL
    SELECT t.id, t.kind FROM following f JOIN transaction t ON t.refers_to = f.id
    WHERE f.kind = 'reverse' AND t.status = 'posted'
) SELECT {_TRANSACTION} FROM transaction WHERE id IN (SELECT id FROM following) OR id = ANY(%s) ORDER BY id
"""


_HOLDS = """
SELECT h.transaction_id, t.key, h.account_id, t.currency, coalesce(t.occurred_at, t.posted_at), h.expires_at, h.state
FROM hold h JOIN transaction t ON t.id = h.transaction_id WHERE h.transaction_id = ANY(%s)
"""
_PARTS = """
SELECT hold_id, line, source_id, brand_id, amount, held, service, reference, gross, discount, vat_rate, vat,
    attributes, captured, refunded
FROM hold_part WHERE hold_id = ANY(%s) ORDER BY hold_id, part
"""
_GROUPS = "SELECT transaction_id, account_id, group_name FROM entry_group WHERE transaction_id = ANY(%s)"


def _transaction(row: Sequence[Any]) -> Transaction:
    found = Transaction(**dict(zip(_FIELDS, row, strict=True)))
    found.posted_at = found.posted_at.astimezone(UTC)
    return found


def _add_entries(connection: AnyConnection, book: Book, transactions: list[Transaction]) -> None:
    rows = connection.execute(
        f"SELECT {_ENTRY} FROM entry WHERE transaction_id = ANY(%s) ORDER BY transaction_id, leg",
        [[t.id for t in transactions]],
    ).fetchall()
    by_id = {id_: tuple(Entry(*row[1:]) for row in group) for id_, group in groupby(rows, key=lambda row: row[0])}
    for transaction in transactions:
        transaction.entries = facing(by_id.get(transaction.id, ()))
    own = {entry.account for t in transactions for entry in t.entries if entry.version is None}
    own -= book.own_accounts.keys()
    if own:
        book.own_accounts.update(
            (number, (brand, kind)) for number, brand, kind in connection.execute(_OWNERS, [array_of(own)]).fetchall()
        )
    # An answer repeated names references of accounts that the batch may not name itself.
    strangers = {entry.account for t in transactions for entry in t.clients()}
    strangers |= {
        t.facts[name] for t in transactions if t.facts for name in ("account", "subaccount") if t.facts.get(name)
    }
    strangers -= book.accounts.keys()
    if strangers:
        strange = connection.execute(f"SELECT {_ACCOUNTS} {_OF_PARTIES}", [array_of(strangers)])
        _keep_accounts(book, strange.fetchall())


def _add_limits(connection: AnyConnection, book: Book, scope: Scope, limits: list[Any]) -> None:
    """Load write-off limits and what was used in the windows that the batch can touch."""
    if not limits:
        return
    for payer, account, group, period, amount, times in sorted(limits, key=lambda row: PERIODS.index(row[3])):
        limit = Limit(group or account, period, amount, times)
        book.limits.setdefault(payer, {}).setdefault(limit.account, []).append(limit)
    # A time that nobody named may be moved up to an account's latest entry, so its day counts too.
    latest = (balance.posted_at for balance in book.balances.values() if balance.posted_at)
    days = {book.day(at) for at in (book.now, *scope.times, *latest)}
    days |= {hold.day for hold in book.holds.values()} | {book.happened_on(t) for t in book.transactions.values()}
    rows = connection.execute(
        "SELECT payer_id, account_id, group_name, period, since, amount, count FROM usage "
        "WHERE payer_id = ANY(%s::bigint[]) AND account_id = ANY(%s::bigint[]) AND since = ANY(%s::date[])",
        [
            array_of({row[0] for row in limits}),
            array_of({row[1] for row in limits}),
            array_of({window(period, day) for day in days for period in PERIODS}),
        ],
    )
    book.usage = {
        (payer, group or account, period, since): Usage(*rest) for payer, account, group, period, since, *rest in rows
    }
