"""Three reports beside SQL over the ledger's own PostgreSQL tables, written by hand without looking at the reports.

    TIFFIN_HOME=… python -m tests.benchmarks.check_sql

Turnover by month, brand-revenue by month, and receivables-aging at the middle and the end of each month, over all
closed days of a home: every row, every figure of money. The ages come from walking the items one by one, where the
report has a formula over running sums. Ends with 1 if any row differs.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import psycopg

import reports
from ledger.errors import Failure
from ledger.postgres import embedded_server
from ledger.settings import Settings
from reports.run import LakeBook
from tests.benchmarks.check_acts import SHOWN, closed_days, months

Row = tuple[Any, ...]

TURNOVER = """
SELECT * FROM (
    SELECT a.id, a.reference, p.reference, p.name, a.kind, a.currency::text,
           coalesce(sum(e.amount) FILTER (WHERE t.business_date < %(since)s), 0) / 100.0 AS opening,
           coalesce(sum(e.amount) FILTER (WHERE t.business_date >= %(since)s AND e.amount > 0), 0) / 100.0,
           -coalesce(sum(e.amount) FILTER (WHERE t.business_date >= %(since)s AND e.amount < 0), 0) / 100.0,
           sum(e.amount) / 100.0,
           count(*) FILTER (WHERE t.business_date >= %(since)s) AS moves
    FROM account a JOIN party p ON p.id = a.party_id JOIN entry e ON e.account_id = a.id
         JOIN transaction t ON t.id = e.transaction_id
    WHERE t.business_date <= %(until)s
    GROUP BY a.id, p.id
) o WHERE opening <> 0 OR moves > 0 ORDER BY 1
"""

# Orders are walked day by day: each that has something left at the end of a day, less each that had before it.
REVENUE = """
WITH line AS (
    SELECT e.*, t.kind, t.business_date, a.brand_id,
           coalesce(c.refers_to, CASE t.kind WHEN 'debit' THEN t.id ELSE t.refers_to END) AS whole,
           s.kind IS NOT DISTINCT FROM 'bonus' AS by_points, s.brand_id AS points_of,
           coalesce(e.service, '') NOT IN ('order', 'preorder', 'dish', 'delivery', 'packaging', '') AS apart
    FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'revenue'
         JOIN transaction t ON t.id = e.transaction_id
         LEFT JOIN transaction c ON c.id = t.refers_to AND c.kind = 'capture' LEFT JOIN account s ON s.id = e.source_id
), stood AS (
    SELECT d.brand_id, d.currency, d.whole, at.last, EXISTS (
        SELECT FROM line l WHERE l.brand_id = d.brand_id AND l.currency = d.currency AND l.whole = d.whole
            AND NOT l.apart AND l.business_date <= at.last
        HAVING sum(l.amount) > 0 OR count(*) > 0 AND NOT bool_or(l.amount <> 0)) AS stands
    FROM (SELECT DISTINCT brand_id, currency, whole FROM line WHERE business_date <= %(until)s) d,
         (VALUES (%(since)s::date - 1), (%(until)s::date)) at (last)
), counted AS (
    SELECT brand_id, currency, sum(CASE WHEN NOT stands THEN 0 WHEN last < %(since)s THEN -1 ELSE 1 END) AS orders
    FROM stood GROUP BY 1, 2
)
SELECT b.code, b.name, to_char(l.business_date, 'YYYY-MM'), l.currency::text, n.orders,
       coalesce(sum(l.gross) FILTER (WHERE l.kind <> 'refund'), 0) / 100.0,
       coalesce(sum(l.discount) FILTER (WHERE l.kind <> 'refund'), 0) / 100.0,
       coalesce(sum(l.amount) FILTER (WHERE l.kind <> 'refund'), 0) / 100.0,
       coalesce(sum(l.vat) FILTER (WHERE l.kind <> 'refund'), 0) / 100.0,
       -coalesce(sum(l.amount) FILTER (WHERE l.kind = 'refund'), 0) / 100.0,
       -coalesce(sum(l.vat) FILTER (WHERE l.kind = 'refund'), 0) / 100.0,
       coalesce(sum(l.amount) FILTER (WHERE by_points), 0) / 100.0,
       coalesce(sum(l.vat) FILTER (WHERE by_points AND points_of = l.brand_id), 0) / 100.0,
       coalesce(sum(l.amount) FILTER (WHERE NOT by_points), 0) / 100.0,
       coalesce(sum(l.vat) FILTER (WHERE NOT (by_points AND points_of = l.brand_id)), 0) / 100.0,
       coalesce(sum(l.amount) FILTER (WHERE l.apart), 0) / 100.0
FROM line l JOIN brand b ON b.id = l.brand_id JOIN counted n ON n.brand_id = l.brand_id AND n.currency = l.currency
WHERE l.business_date BETWEEN %(since)s AND %(until)s
GROUP BY 1, 2, 3, 4, n.orders ORDER BY 1, 3, 4
"""

# What an account owes lies on its last items by due date, each net of what undid it: walked from the last back. An
# item without a due date takes it from the terms recorded first after it that have a period, once these are valid.
WALK = """
CREATE FUNCTION pg_temp.walk(as_of date, known_at timestamptz)
RETURNS TABLE (account bigint, due_on date, unpaid bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    item record; rest bigint;
BEGIN
    account := 0;
    FOR item IN
        WITH mine AS (
            SELECT y.account_id, y.amount, y.due_on, t.id, t.kind, t.business_date, t.recorded_at,
                   CASE WHEN r.kind = 'reverse' THEN r.refers_to ELSE t.refers_to END AS undoes,
                   -sum(y.amount) OVER (PARTITION BY y.account_id) AS owed
            FROM entry y JOIN transaction t ON t.id = y.transaction_id JOIN account a ON a.id = y.account_id
                 LEFT JOIN transaction r ON r.id = t.refers_to
            WHERE a.kind = 'money' AND t.business_date <= as_of
        ), undone AS (
            SELECT account_id, undoes AS id, sum(amount) AS amount
            FROM mine WHERE kind IN ('refund', 'reverse') GROUP BY 1, 2
        )
        SELECT m.account_id, m.owed, -m.amount - coalesce(u.amount, 0) AS charged,
               coalesce(m.due_on, (
                   SELECT CASE WHEN c.valid_from <= as_of THEN m.business_date + c.period_days END FROM credit_terms c
                   WHERE c.account_id = m.account_id AND c.recorded_at > m.recorded_at AND c.recorded_at <= known_at
                     AND c.period_days IS NOT NULL ORDER BY c.id LIMIT 1
               )) AS due
        FROM mine m LEFT JOIN undone u ON u.account_id = m.account_id AND u.id = m.id
        WHERE m.owed > 0 AND m.amount < 0 AND m.kind IN ('debit', 'capture', 'transfer', 'payout', 'adjustment')
        ORDER BY m.account_id, due DESC NULLS FIRST, m.business_date DESC, m.id DESC
    LOOP
        IF item.account_id <> account THEN account := item.account_id; rest := item.owed; END IF;
        unpaid := least(rest, item.charged);
        IF unpaid > 0 THEN due_on := item.due; rest := rest - unpaid; RETURN NEXT; END IF;
    END LOOP;
END $$
"""

AGEING = """
WITH owed AS (
    SELECT w.account, w.unpaid, coalesce(%(as_of)s - w.due_on, 0) AS late
    FROM pg_temp.walk(%(as_of)s, coalesce(
        (SELECT min(closed_at) FROM closing WHERE closed_until >= %(as_of)s), now())) w
), aged AS (
    SELECT account, sum(unpaid) FILTER (WHERE late <= 0) AS not_due,
           sum(unpaid) FILTER (WHERE late BETWEEN 1 AND 30) AS to_30,
           sum(unpaid) FILTER (WHERE late BETWEEN 31 AND 60) AS to_60,
           sum(unpaid) FILTER (WHERE late BETWEEN 61 AND 90) AS to_90,
           sum(unpaid) FILTER (WHERE late BETWEEN 91 AND 120) AS to_120,
           sum(unpaid) FILTER (WHERE late > 120) AS over, sum(unpaid) AS total, max(late) AS late
    FROM owed GROUP BY account
), balance AS (
    SELECT e.account_id, sum(e.amount) AS balance FROM entry e JOIN transaction t ON t.id = e.transaction_id
    WHERE t.business_date <= %(as_of)s GROUP BY e.account_id
)
SELECT a.id, a.reference, p.reference, p.name, a.currency::text,
       coalesce(not_due, 0) / 100.0, coalesce(to_30, 0) / 100.0, coalesce(to_60, 0) / 100.0, coalesce(to_90, 0) / 100.0,
       coalesce(to_120, 0) / 100.0, coalesce(over, 0) / 100.0, coalesce(total, 0) / 100.0,
       greatest(balance, 0) / 100.0, CASE WHEN late > 0 THEN late END
FROM balance b JOIN account a ON a.id = b.account_id AND a.kind = 'money' JOIN party p ON p.id = a.party_id
     LEFT JOIN aged ON aged.account = a.id
WHERE balance <> 0 ORDER BY 1
"""


@dataclass(frozen=True)
class Compared:
    """One report at one time: how many rows SQL gave, and the rows that only one of the two has."""

    what: str
    rows: int
    differ: list[Row]


def _beside(what: str, frame: pl.DataFrame, rows: Sequence[Row]) -> Compared:
    """Set a report's rows beside those of SQL; order and multiplicity count."""
    ours = frame.rows()
    differ = [] if ours == list(rows) else list({*ours} ^ {*rows}) or [("the same rows in another order",)]
    return Compared(what, len(rows), sorted(differ, key=str))


def by_hand(book: LakeBook, connection: psycopg.Connection[Any], first: date, last: date) -> Iterator[Compared]:
    """Compare all three over the months from the first day's to the last day's."""
    connection.execute(WALK)
    for month in months(first, last):
        since = date.fromisoformat(f"{month}-01")
        until = min(last, (since + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        days = {"since": since, "until": until}
        period = {"first_day": since, "last_day": until}
        moved = book.report("turnover", **period).frame
        rows = [row[:-1] for row in connection.execute(TURNOVER, days)]
        yield _beside(f"turnover {month}", moved, rows)
        sold = book.report("brand-revenue", **period, by="month").frame.drop("average")  # a float, rounded
        yield _beside(f"brand-revenue {month}", sold, list(connection.execute(REVENUE, days)))
        for as_of in (min(last, since + timedelta(days=14)), until):
            aged = book.report("receivables-aging", as_of=as_of).frame
            rows = list(connection.execute(AGEING, {"as_of": as_of}))
            yield _beside(f"receivables-aging {as_of}", aged, rows)


def main() -> None:
    """Compare, and print how much was compared and what differs."""
    settings = Settings()
    try:
        book = reports.open(settings.lake_url)
        url = settings.database_url or embedded_server.running(settings.home)
        with psycopg.connect(url) as connection:
            found = list(by_hand(book, connection, *closed_days(book)))
    except Failure as failure:
        sys.exit(str(failure))
    for name in ("turnover", "brand-revenue", "receivables-aging"):
        mine = [one for one in found if one.what.startswith(name)]
        differ = sum(len(one.differ) for one in mine)
        print(f"{name:<18} {len(mine):>3} times, {sum(one.rows for one in mine):>7,} rows, {differ} differ")
    print(*[f"{one.what}: {row}" for one in found for row in one.differ][:SHOWN], sep="\n")
    if any(one.differ for one in found) or not all(one.rows for one in found if "revenue" in one.what):
        sys.exit(1)


if __name__ == "__main__":
    main()
