"""How far a month is closed, as the ledger has it now: expired holds, later postings, closed days, who worked on it."""

from datetime import date, datetime
from typing import TypedDict

from ledger.postgres.database import AnyConnection
from ledger.postgres.desk_queries import typed_rows


class MonthInLedger(TypedDict):
    """What the ledger knows of a month.

    `expired` counts holds that expired by its end and are not booked yet, `later` what was posted on its days after
    the cut. `closed_at` and `seal` are of the closing that closed its last day. `allocated_by` and `decided_by` are who
    last allocated a payment, and decided on a draft. `is_owner`: this login may close days and publish cuts.
    """

    expired: int
    later: int
    closed_until: date | None
    closed_at: datetime | None
    seal: int | None
    signed: bool
    allocated_by: str | None
    allocated_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    is_owner: bool


def month_in_ledger(connection: AnyConnection, first: date, last: date, *, cut: int) -> MonthInLedger:
    """Return what the ledger knows of the month from `first` to `last`; `cut` is the last transaction of the cut."""
    (row,) = typed_rows(connection, MonthInLedger, _MONTH, {"first": first, "last": last, "cut": cut})
    return row


_MONTH = """
SELECT
    (SELECT count(*) FROM hold WHERE state = 'open'
        AND expires_at <= least(clock_timestamp(), (%(last)s + 1)::timestamp AT TIME ZONE b.time_zone)) AS expired,
    (SELECT count(*) FROM transaction WHERE id > %(cut)s AND business_date BETWEEN %(first)s AND %(last)s) AS later,
    b.closed_until, closed.closed_at, seal.number AS seal, seal.signature IS NOT NULL AS signed,
    allocated.who AS allocated_by, allocated.changed_at AS allocated_at, decided.decided_by, decided.decided_at,
    pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'public.book'::regclass), 'USAGE') AS is_owner
FROM book b
LEFT JOIN LATERAL (
    SELECT closed_at FROM closing WHERE closed_until >= %(last)s ORDER BY closed_until LIMIT 1
) closed ON true
LEFT JOIN LATERAL (SELECT number, signature FROM seal WHERE day >= %(last)s ORDER BY day LIMIT 1) seal ON true
LEFT JOIN LATERAL (
    SELECT who, changed_at FROM desk.draft WHERE form LIKE 'allocate%%' AND state = 'answered'
    ORDER BY changed_at DESC LIMIT 1
) allocated ON true
LEFT JOIN LATERAL (
    SELECT decided_by, decided_at FROM desk.draft WHERE decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT 1
) decided ON true
"""
