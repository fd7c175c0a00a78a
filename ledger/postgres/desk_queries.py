"""What a person looks up before deciding: an account and whose it is, an earlier transaction and what is left of it,
money without an account, who pays for whom. As the ledger is now; nothing is locked. Amounts in minor units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict, TypeVar, cast

from psycopg.rows import dict_row

from ledger.errors import Failure
from ledger.postgres.account_queries import find
from ledger.postgres.database import AnyConnection
from ledger.values.money import plain
from ledger.values.text import whole_number

Row = TypeVar("Row")


class ClientAccount(TypedDict):
    """A client's money account; `holder` is a brand's code."""

    number: int
    reference: str | None
    client: str
    currency: str
    status: str
    holder: str | None


class EarlierTransaction(TypedDict):
    """A transaction; `closed` is whether its day is."""

    id: int
    key: str
    kind: str
    status: str
    amount: int | None
    currency: str
    posted_at: datetime
    business_date: date
    account: int | None
    client: str | None
    closed: bool


class Move(TypedDict):
    """What a transaction did to one client's account."""

    account: int
    reference: str | None
    client: str
    amount: int


class Place(TypedDict):
    """Where money of a transaction is: a client's account, or None for `unallocated`, through a brand."""

    account: int | None
    client: str | None
    brand: str
    left: int


class ServiceLine(TypedDict):
    """A line of a debit, or the part of it that one source paid, and what is left of it to refund."""

    line: int
    brand: str
    service: str
    reference: str
    source: int
    client: str | None
    source_kind: str
    amount: int
    refunded: int
    left: int


class Unallocated(TypedDict):
    """A payment, or a refund that nobody got, of which something still has no account; one row per brand.

    `amount` is what came without an account, `left` what allocations and reversals left of it.
    """

    id: int
    key: str
    kind: str
    brand: str
    currency: str
    posted_at: datetime
    business_date: date
    value_date: date | None
    channel: str | None
    note: str | None
    amount: int
    left: int


class LinkedAccounts(TypedDict):
    """Who pays for whom; `brands` are the codes that the payer pays for, None is all of them."""

    payer: int
    payer_name: str
    account: int
    account_name: str
    draw: str
    priority: int
    brands: list[str] | None
    share: int | None
    hours: dict[str, object] | None
    services: list[str] | None
    group_name: str | None


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A transaction and what came of it.

    `moves` are what it, and for a payment what its allocations, did to clients, one row per entry; `lines` its service
    lines, one row per line and source; `reversed_by` is the transaction that undid what was left of it; `waiting` is
    what of it still has no account; `places` are where what is left to reverse is, if it faces clients or nobody.
    """

    facts: EarlierTransaction
    moves: list[Move]
    lines: list[ServiceLine]
    reversed_by: int | None
    waiting: int
    places: list[Place]

    @property
    def left(self) -> int:
        """Return what may still be refunded."""
        return sum(line["left"] for line in self.lines)


def brands(connection: AnyConnection) -> list[str]:
    """Return the codes of the open brands."""
    return [code for (code,) in connection.execute("SELECT code FROM brand WHERE status = 'open' ORDER BY code")]


def account(connection: AnyConnection, name: int | str) -> ClientAccount:
    """Return a client's money account. Raises Failure for an unknown one."""
    (row,) = typed_rows(
        connection,
        ClientAccount,
        "SELECT a.id AS number, a.reference, p.name AS client, a.currency, a.status, b.code AS holder FROM account a "
        "JOIN party p ON p.id = a.party_id LEFT JOIN brand b ON b.id = a.holder_id WHERE a.id = %s",
        [find(connection, name).id],
    )
    return row


def terms(connection: AnyConnection, number: int) -> dict[str, str | None] | None:
    """Return the credit terms that were recorded last of an account, as an administration line has them."""
    row = connection.execute(
        "SELECT credit_limit, period_days, valid_from, valid_until FROM credit_terms WHERE account_id = %s "
        "ORDER BY id DESC LIMIT 1",
        [number],
    ).fetchone()
    if row is None:
        return None
    limit, *others = row
    return {"limit": plain(limit)} | {
        name: None if value is None else str(value)
        for name, value in zip(("period_days", "valid_from", "valid_until"), others, strict=True)
    }


def changes_since(connection: AnyConnection, by: str, kinds: Sequence[str], since: datetime) -> int:
    """Return how many changes of these kinds somebody has made since then."""
    row = connection.execute(
        'SELECT count(*) FROM change WHERE "by" = %s AND kind = ANY(%s) AND recorded_at >= %s', [by, list(kinds), since]
    ).fetchone()
    assert row is not None
    return int(row[0])


def clients(connection: AnyConnection, accounts: Iterable[int]) -> dict[int, str]:
    """Return the names of accounts' clients by account."""
    found = connection.execute(
        "SELECT a.id, p.name FROM account a JOIN party p ON p.id = a.party_id WHERE a.id = ANY(%s)", [list(accounts)]
    )
    return dict(found.fetchall())


def earlier(connection: AnyConnection, number_or_key: str) -> Earlier:
    """Return a transaction by its number or key; a key may look like another transaction's number.

    Raises Failure when there is none.
    """
    number = whole_number(number_or_key)
    found = typed_rows(
        connection,
        EarlierTransaction,
        "SELECT t.id, t.key, t.kind, t.status, t.amount, t.currency, t.posted_at, t.business_date, "
        "t.account_id AS account, p.name AS client, coalesce(t.business_date <= b.closed_until, false) "
        "AS closed FROM transaction t CROSS JOIN book b LEFT JOIN account a ON a.id = t.account_id "
        "LEFT JOIN party p ON p.id = a.party_id WHERE t.key = %(key)s OR t.id = %(number)s "
        "ORDER BY (t.key = %(key)s) DESC LIMIT 1",
        {"key": number_or_key, "number": number},
    )
    if not found:
        raise Failure(f"no transaction has the number or key {number_or_key}")
    later = connection.execute(_LATER, [found[0]["id"]]).fetchall()
    undone = [found[0]["id"], *(id_ for id_, kind, _ in later if kind == "allocate")]
    reversals = [(id_, amount) for id_, kind, amount in later if kind == "reverse" and amount]
    whole = reversals and sum(amount for _, amount in reversals) == found[0]["amount"]
    return Earlier(
        facts=found[0],
        moves=typed_rows(connection, Move, _MOVES, [undone]),
        lines=typed_rows(connection, ServiceLine, _LINES, {"of": found[0]["id"]}),
        reversed_by=reversals[-1][0] if whole else None,
        waiting=sum(row["left"] for row in unallocated(connection, found[0]["id"])),
        places=typed_rows(connection, Place, _PLACES, {"of": found[0]["id"]}),
    )


# What refers to a transaction, and what is left of it: a reversal may have been reversed.
_LATER = """
SELECT id, kind, amount - coalesce((
    SELECT sum(b.amount) FROM transaction b WHERE b.refers_to = t.id AND b.kind = 'reverse' AND b.status = 'posted'
), 0)::bigint FROM transaction t WHERE refers_to = %s AND status = 'posted' ORDER BY id
"""


_MOVES = """
SELECT a.id AS account, a.reference, p.name AS client, e.amount FROM entry e
JOIN account a ON a.id = e.account_id JOIN party p ON p.id = a.party_id
WHERE e.transaction_id = ANY(%s) AND e.version IS NOT NULL ORDER BY e.transaction_id, e.leg
"""
_LINES = """
SELECT line, brand, service, reference, source, client, source_kind, amount, refunded, amount - refunded AS left FROM (
    SELECT e.leg, e.line, b.code AS brand, e.service, e.reference, e.source_id AS source, p.name AS client,
        s.kind AS source_kind, e.amount,
        coalesce((
            SELECT -sum(back.amount) FROM transaction r JOIN entry back ON back.transaction_id = r.id
            WHERE r.refers_to = e.transaction_id AND r.kind = 'refund' AND r.status = 'posted'
            AND back.line = e.line AND back.source_id = e.source_id
        ), 0)::bigint AS refunded
    FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'revenue' JOIN brand b ON b.id = a.brand_id
    LEFT JOIN account s ON s.id = e.source_id LEFT JOIN party p ON p.id = s.party_id
    WHERE e.transaction_id = %(of)s
) lines ORDER BY line, leg
"""


# The brands' legs of a transaction, of its allocations and reversals, and of what undid these, by whom they face.
_PLACES = """
WITH followers AS (
    SELECT id FROM transaction
    WHERE refers_to = %(of)s AND kind IN ('allocate', 'reverse') AND status = 'posted'
), family AS (
    SELECT %(of)s::bigint AS id
    UNION ALL SELECT id FROM followers
    UNION ALL SELECT id FROM transaction
    WHERE refers_to IN (SELECT id FROM followers) AND kind = 'reverse' AND status = 'posted'
), legs AS (
    SELECT e.amount, e.source_id, a.kind, b.code AS brand FROM family f JOIN entry e ON e.transaction_id = f.id
    JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id WHERE e.version IS NULL
), places AS (
    SELECT source_id AS account, brand, amount FROM legs WHERE source_id IS NOT NULL
    UNION ALL SELECT NULL, brand, amount FROM legs WHERE kind = 'unallocated'
)
SELECT l.account, p.name AS client, l.brand, abs(sum(l.amount))::bigint AS left FROM places l
LEFT JOIN account a ON a.id = l.account LEFT JOIN party p ON p.id = a.party_id
WHERE l.account IS NULL OR a.party_id IS NOT NULL
GROUP BY 1, 2, 3 HAVING sum(l.amount) <> 0 ORDER BY l.account NULLS LAST, l.brand
"""


def unallocated(connection: AnyConnection, only: int | None = None) -> list[Unallocated]:
    """Return what still has no account, by brand, oldest first; `only` of one transaction."""
    return typed_rows(connection, Unallocated, _UNALLOCATED, {"only": only})


# Of each transaction its own legs of `unallocated`, those of what allocated or reversed it, and of what undid that.
_UNALLOCATED = """
SELECT t.id, t.key, t.kind, b.code AS brand, t.currency, t.posted_at, t.business_date, t.value_date, t.channel, t.note,
    sum(e.amount) FILTER (WHERE f.id = t.id)::bigint AS amount, sum(e.amount)::bigint AS left
FROM transaction t
CROSS JOIN LATERAL (
    SELECT t.id
    UNION ALL
    SELECT f.id FROM transaction f
    WHERE f.refers_to = t.id AND f.kind IN ('allocate', 'reverse') AND f.status = 'posted'
    UNION ALL
    SELECT g.id FROM transaction f JOIN transaction g ON g.refers_to = f.id
    WHERE f.refers_to = t.id AND f.kind = 'reverse' AND g.kind = 'reverse' AND g.status = 'posted'
) f
JOIN entry e ON e.transaction_id = f.id
JOIN account a ON a.id = e.account_id AND a.kind = 'unallocated' JOIN brand b ON b.id = a.brand_id
WHERE t.status = 'posted' AND (t.kind = 'payment' AND t.account_id IS NULL OR t.kind = 'refund')
AND (%(only)s::bigint IS NULL OR t.id = %(only)s)
AND EXISTS (
    SELECT FROM entry own JOIN account o ON o.id = own.account_id
    WHERE own.transaction_id = t.id AND o.kind = 'unallocated'
)
GROUP BY t.id, b.code HAVING sum(e.amount) > 0 ORDER BY b.code, t.posted_at, t.id
"""


def links(connection: AnyConnection, number: int) -> list[LinkedAccounts]:
    """Return the links of an account, at either end, by payer and priority."""
    return typed_rows(
        connection,
        LinkedAccounts,
        """
        SELECT l.payer_id AS payer, pp.name AS payer_name, l.account_id AS account, ap.name AS account_name, l.draw,
            l.priority, (SELECT array_agg(code ORDER BY code) FROM brand WHERE id = ANY(l.brands)) AS brands,
            l.share, l.hours, l.services, l.group_name
        FROM link l JOIN account pa ON pa.id = l.payer_id JOIN party pp ON pp.id = pa.party_id
        JOIN account aa ON aa.id = l.account_id JOIN party ap ON ap.id = aa.party_id
        WHERE %(account)s IN (l.payer_id, l.account_id) ORDER BY l.payer_id, l.priority, l.account_id
        """,
        {"account": number},
    )


def typed_rows(
    connection: AnyConnection,
    row: type[Row],
    query: str,
    parameters: Sequence[object] | Mapping[str, object] = (),
) -> list[Row]:
    """Return the rows of a query that has the columns of `row`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cast(list[Row], cursor.execute(query, parameters).fetchall())
