"""Write what a batch decided: transactions, entries, and the state they leave, one statement or COPY each.

Transactions go in by key order, so that two writers racing with the same keys wait for each
other and do not deadlock (where a batch is written in parts, they may, and one tries again).
Usage, holds and aging items are written as they stand at the end of the batch; entries move
the balances themselves, in the database.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter

from ledger.core.accounts import Terms
from ledger.core.book import Book
from ledger.core.transactions import Transaction
from ledger.postgres.bulk_sql import (
    Insert,
    Moments,
    Row,
    Rows,
    Statement,
    array_of,
    at_once,
    columns,
    json_text,
    source_of,
)
from ledger.postgres.database import AnyConnection
from ledger.postgres.wire import COMMIT, run, settle
from ledger.values.money import plain

TRANSACTION = columns(
    "id bigint, key text, fingerprint bytea, kind text, status text, code text, facts jsonb, account_id bigint, "
    "amount bigint, currency text, posted_at timestamptz, business_date date, value_date date, "
    "expires_at timestamptz, due_on date, refers_to bigint, channel text, reason text, by text, note text, "
    "occurred_at timestamptz"
)
ENTRY = columns(
    "transaction_id bigint, leg smallint, currency text, account_id bigint, amount bigint, held bigint, "
    "version bigint, balance_after bigint, held_after bigint, subaccount_id bigint, source_id bigint, "
    "line smallint, service text, reference text, gross bigint, discount bigint, vat_rate numeric, vat bigint, "
    "channel text, chart text, attributes jsonb, due_on date"
)
TERMS = columns(
    "account_id bigint, credit_limit bigint, period_days integer, valid_from date, valid_until date, by text, note text"
)
CHANGE = columns(
    "kind text, subject text, account_id bigint, before jsonb, after jsonb, business_date date, by text, note text"
)
OWNED = columns("transaction_id bigint, owner text")
HOLD = columns("transaction_id bigint, account_id bigint, expires_at timestamptz, state text")
HOLD_PART = columns(
    "hold_id bigint, part smallint, line smallint, source_id bigint, brand_id bigint, amount bigint, held bigint, "
    "captured bigint, refunded bigint, service text, reference text, gross bigint, discount bigint, "
    "vat_rate numeric, vat bigint, attributes jsonb"
)
BALANCE = columns(
    "account_id bigint, open_due date, open_day date, open_item bigint, open_unpaid bigint, latest_due date, "
    "ripens_on date"
)
USAGE = columns(
    "payer_id bigint, account_id bigint, group_name text, period text, since date, amount bigint, count integer"
)
ENTRY_GROUP = columns("transaction_id bigint, account_id bigint, group_name text")
UNPAID_PLACE = columns(
    "account_id bigint, version bigint, transaction_id bigint, open_due date, open_day date, open_item bigint, "
    "latest_due date, ripens_on date"
)
AGING_ITEM = columns("transaction_id bigint, account_id bigint, business_date date, due_on date, amount bigint")


Work = Insert | Statement


def send(connection: AnyConnection, book: Book, *, since: int = 0) -> int:
    """Send the transactions entered into the book as of the one numbered `since`; return how many there are now.

    The server may still be taking them in: what is sent next waits for that.
    """
    part = book.entered[since:]
    run(connection, _inserted(part))
    return len(book.entered)


def _inserted(part: list[Transaction]) -> Iterator[Work]:
    yield Insert("transaction", TRANSACTION, _transactions(part))
    yield Insert("entry", ENTRY, _entries(part))


def write(
    connection: AnyConnection, book: Book, also: Iterable[Work] = (), *, since: int = 0, commit: bool = False
) -> None:
    """Write what was entered into the book since it was loaded, and what is `also` to be; forget that it was new.

    Transactions before the one numbered `since` were sent already. With `commit` the database transaction ends.
    """
    works: Iterable[Work] = chain(_inserted(book.entered[since:]), _state(book))
    if not since and len(book.entered) == 1:
        works = [at_once(works)]
    run(connection, chain(works, _terms(book), also, [COMMIT] if commit else ()))
    settle(connection)
    book.entered.clear()
    book.changed_holds.clear()
    book.changed_ages.clear()
    book.places.clear()
    book.paid_items.clear()
    for ages in book.ages.values():
        ages.changed.clear()
    book.changed_usage.clear()


def _state(book: Book) -> Iterator[Work]:
    """Yield the statements that write the state at the end of the batch; none reads what another writes."""
    yield _update_balances(_balances(book))
    yield Insert("owned", OWNED, [(t.id, t.owner) for t in book.entered if t.owner is not None and t.code is None])
    groups = [(t.id, payer, group) for t in book.entered if t.groups for payer, group in t.groups.items()]
    yield Insert("entry_group", ENTRY_GROUP, groups)
    yield from _holds(book)
    yield from _items(book)
    yield Insert("unpaid_place", UNPAID_PLACE, book.places)
    yield Insert("usage", USAGE, list(_usage(book)), key=("payer_id", "account_id", "group_name", "period", "since"))


def _transactions(entered: list[Transaction]) -> Rows:
    written = Moments()
    rows: list[Row] = []
    for t in sorted(entered, key=attrgetter("key")):
        answer = "posted" if t.code is None else "declined", t.code, json_text(t.facts)
        days = written[t.posted_at], t.day, t.value_date, t.expires_at, t.due_on
        more = t.refers_to, t.channel, t.reason, t.by, t.note, written[t.occurred_at]
        rows.append((t.id, t.key, t.fingerprint, t.kind, *answer, t.account, t.amount, t.currency, *days, *more))
    return rows


def _entries(entered: list[Transaction]) -> Rows:
    texts: dict[int, str | None] = {}  # lines of orders share their attributes
    rows: list[Row] = []
    for t in entered:
        for leg, entry in enumerate(t.entries, 1):
            if (attributes := entry.attributes) is None:
                rows.append((t.id, leg, t.currency, *entry))
                continue
            text = texts.get(id(attributes)) or texts.setdefault(id(attributes), json_text(attributes))
            rows.append((t.id, leg, t.currency, *entry[:-2], text, entry.due_on))
    return rows


def _balances(book: Book) -> Rows:
    """Return what entries do not move themselves, as they do balance, held, version and time (DECISIONS D95)."""
    changed = ((account, book.balances[account]) for account in book.changed_ages)
    return [
        (account, b.open_due, b.open_day, b.open_item, b.open_unpaid, b.latest_due, b.ripens_on)
        for account, b in changed
    ]


def _update_balances(rows: Rows) -> Statement:
    names, source, parameters = source_of(BALANCE, rows)
    sets = ", ".join(f"{name} = n.{name}" for name in names if name != "account_id")
    return (
        f"UPDATE balance b SET {sets} FROM {source} AS n({', '.join(names)}) WHERE b.account_id = n.account_id",
        parameters,
    )


def _holds(book: Book) -> Iterable[Work]:
    holds = [book.holds[number] for number in book.changed_holds]
    yield Insert("hold", HOLD, [(h.id, h.account, h.expires_at, h.state) for h in holds], key=("transaction_id",))
    parts: list[Row] = []
    for hold_id, number, p in ((h.id, *part) for h in holds for part in enumerate(h.parts, 1)):
        of = p.line, p.source, p.brand, p.amount, p.held, p.captured, p.refunded, p.service, p.reference
        parts.append((hold_id, number, *of, p.gross, p.discount, p.vat_rate, p.vat, json_text(p.attributes)))
    yield Insert("hold_part", HOLD_PART, parts, key=("hold_id", "part"))


def _items(book: Book) -> Iterator[Work]:
    """Write new items, and those that changed, apart: to look for what is not there costs half an INSERT more."""
    entered = {t.id for t in book.entered}
    new: list[Row] = []
    changed: list[Row] = []
    touched = [(account, ages.changed.values()) for account, ages in book.ages.items()]
    for account, items in (*book.paid_items.items(), *touched):
        for item in items:
            row = item.transaction, account, item.day, item.due_on, item.amount
            (new if item.transaction in entered else changed).append(row)
    yield Insert("aging_item", AGING_ITEM, new)
    yield Insert("aging_item", AGING_ITEM, changed, key=("transaction_id", "account_id"))


def _terms(book: Book) -> Iterator[Work]:
    """Write the credit terms that write-offs recorded, as administration writes them."""
    recorded = [(t, *t.terms) for t in book.entered if t.terms is not None]
    yield Insert(
        "credit_terms",
        TERMS,
        [
            (t.account, after.limit, after.period_days, after.valid_from, after.valid_until, t.by, t.note)
            for t, _, after in recorded
        ],
    )
    if waiting := [t.account for t, _, after in recorded if after.period_days is not None]:
        yield _WAIT_FOR, [array_of(waiting)]
    changes: list[Row] = []
    for t, before, after in recorded:
        assert t.account is not None
        subject = book.accounts[t.account].reference or str(t.account)
        terms_json = (json_text(None if terms is None else _as_changed(terms)) for terms in (before, after))
        changes.append(("credit_terms", subject, t.account, *terms_json, t.day, t.by, t.note))
    yield Insert("change", CHANGE, changes)


# As administration does: items without a due date that wait for no terms yet take theirs from these.
_WAIT_FOR = """
UPDATE aging_item i SET terms_id = (SELECT max(id) FROM credit_terms c WHERE c.account_id = i.account_id)
WHERE i.account_id = ANY(%s::bigint[]) AND i.due_on = '9999-12-31' AND i.terms_id IS NULL
"""


def _as_changed(terms: Terms) -> dict[str, object]:
    return {**terms._asdict(), "limit": plain(terms.limit)}


def _usage(book: Book) -> Iterable[Row]:
    for key in book.changed_usage:
        (payer, of, *window), usage = key, book.usage[key]
        account, group = (payer, of) if isinstance(of, str) else (of, "")
        yield payer, account, group, *window, usage.amount, usage.count
