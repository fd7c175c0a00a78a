"""A lake of ten million entries to measure reports on: written in the lake's own schema, by the lake's own writer.

    python -m tests.benchmarks.lakes FOLDER [--entries 10000000]

The rows are made by SQL, not by commands, yet as the ledger would leave them: every kind of transaction, sums that
come to zero, versions without gaps, running balances, so that every control of every report holds (DECISIONS D62). Two hundred
thousand accounts of 120,000 clients (fewer in a small lake), ten brands, two currencies, the year 2025.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from reports.lake import delta, manifest
from reports.lake.manifest import Cut, Manifest
from reports.lake.reader import declared, polars_schema
from reports.lake.schema import TABLES
from reports.lake.storage import Place

ACCOUNTS = 200_000
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
ENTRIES_A_COMMAND = 2.55  # a command with what follows from it
PIECE = 500_000  # rows in one frame

# A brand's own accounts are 101 to 1015, a money account 10,000 + 10·n, its bonus account the next number. `chance` is a number from 0 to 999 that depends on the row and on what it is for.
MADE = """
CREATE MACRO chance(n, what) AS (hash(n * 31 + what) % 1000)::INT;
CREATE MACRO money(cents) AS (cents::BIGINT::DECIMAL(18, 2) / 100)::DECIMAL(18, 2);

CREATE TABLE client AS
SELECT 10_000 + 10 * n AS id, n, CASE WHEN n % 10 = 0 THEN 'USD' ELSE 'RUB' END AS currency, 1 + n * 3 // 5 AS party_id,
       CASE WHEN n % 7 > 0 THEN 1 + n % 10 END AS holder_id, n % 5 = 1 AS with_points, 1 + n // 5 % 10 AS points_of,
       CASE WHEN n % 20 = 3 THEN 10_010 + n // 2000 * 20_000 END AS payer_id  -- of each thousand employees one company
FROM range(1, getvariable('accounts') + 1) r (n);

CREATE TABLE command AS
SELECT i::DOUBLE AS seq, i, CASE WHEN i <= getvariable('accounts') THEN i ELSE (1 + hash(i) % getvariable('accounts'))::BIGINT END AS n,
       CASE WHEN i <= getvariable('accounts') THEN 'payment'
            ELSE CASE WHEN c < 130 THEN 'payment' WHEN c < 860 THEN 'debit' WHEN c < 900 THEN 'hold'
                      WHEN c < 925 THEN 'bonus' WHEN c < 930 THEN 'payout' WHEN c < 935 THEN 'transfer'
                      WHEN c < 940 THEN 'adjustment' WHEN c < 945 THEN 'unknown' ELSE 'declined' END END AS kind,
       1 + chance(i, 2) % 10 AS brand, 1 + chance(i, 3) % 3 AS lines, (100 + hash(i + 5) % 30000)::BIGINT AS cents
FROM range(1, $commands + 1) r (i), LATERAL (SELECT chance(i, 1) AS c);

-- What follows from a command comes a little, or much, later.
CREATE TABLE followed AS
SELECT seq, i, kind, NULL::BIGINT AS root FROM command
UNION ALL
SELECT seq + 500 + hash(i + 9) % 20000, NULL, CASE WHEN chance(i, 4) < 700 THEN 'capture'
       WHEN chance(i, 4) < 850 THEN 'release' ELSE 'expiry' END, i FROM command WHERE kind = 'hold' AND chance(i, 4) < 950
UNION ALL
SELECT seq + 500 + hash(i + 9) % 200000, NULL, 'refund', i FROM command WHERE kind = 'debit' AND chance(i, 4) < 30
UNION ALL
SELECT seq + 500 + hash(i + 9) % 90000, NULL, 'reverse', i
FROM command WHERE kind = 'payment' AND i > getvariable('accounts') AND chance(i, 4) < 10
UNION ALL
SELECT seq + 500 + hash(i + 9) % 90000, NULL, 'allocate', i FROM command WHERE kind = 'unknown' AND chance(i, 4) < 800;

CREATE TABLE numbered AS SELECT row_number() OVER (ORDER BY seq, coalesce(i, root), kind) AS id, * FROM followed;
DROP TABLE followed;

CREATE TABLE tx AS
SELECT t.id, t.kind AS event, r.id AS refers_to, c.n, c.brand, c.lines, c.cents, c.i,
       a.currency, a.id AS account, a.points_of, a.with_points,
       CASE WHEN a.payer_id IS NOT NULL AND chance(c.i, 6) < 600 THEN a.payer_id ELSE a.id END AS source,
       CASE WHEN t.kind IN ('debit') AND a.with_points AND chance(c.i, 7) < 200 THEN least(c.cents // 10, 900)
            ELSE 0 END AS points,
       TIMESTAMPTZ '2025-01-01 00:00:00+03' + INTERVAL 1 SECOND * floor((t.id - 1) * 31535999.0 / (max(t.id) OVER ()))
           AS posted_at
FROM numbered t LEFT JOIN numbered r ON r.i = t.root JOIN command c ON c.i = coalesce(t.i, t.root)
     JOIN client a ON a.n = c.n;
DROP TABLE numbered;
DROP TABLE command;
ALTER TABLE tx ADD COLUMN business_date DATE;
UPDATE tx SET business_date = (posted_at AT TIME ZONE 'Europe/Moscow')::DATE;

CREATE TABLE own AS
SELECT 100 * b + 10 * c.j + k.j AS id, b AS brand_id, k.kind, c.currency FROM range(1, 11) r (b),
     (VALUES (0, 'RUB'), (1, 'USD')) c (j, currency),
     (VALUES (1, 'cash'), (2, 'revenue'), (3, 'bonus_expense'), (4, 'adjustments'), (5, 'unallocated')) k (j, kind);

-- One row a leg: whose account, of what kind, how much, and of a service line the rest.
CREATE TABLE leg AS
WITH line AS (  -- the parts of a debit by line; the last takes the rest
    SELECT t.*, l.line, 1 + (t.brand + l.line - 2) % 10 AS of_brand,
           CASE WHEN l.line < t.lines THEN t.cents // t.lines ELSE t.cents - (t.lines - 1) * (t.cents // t.lines) END
               AS part
    FROM tx t, LATERAL (SELECT unnest(range(1, t.lines + 1)) AS line) l WHERE t.event = 'debit'
), capture AS (SELECT * FROM tx WHERE event = 'capture')
SELECT id, 1 AS leg, account, 'money' AS kind, CASE event
           WHEN 'payment' THEN 8 * cents WHEN 'allocate' THEN cents WHEN 'payout' THEN -cents WHEN 'transfer' THEN -cents
           WHEN 'adjustment' THEN cents - 15000 WHEN 'reverse' THEN -8 * cents WHEN 'capture' THEN -cents ELSE 0 END
           AS amount,
       CASE event WHEN 'hold' THEN cents WHEN 'capture' THEN -cents WHEN 'release' THEN -cents WHEN 'expiry' THEN -cents
           ELSE 0 END AS held,
       NULL::BIGINT AS subaccount, NULL::BIGINT AS source, NULL AS source_kind, NULL::BIGINT AS line, 0 AS discount,
       NULL::BIGINT AS brand
FROM tx WHERE event NOT IN ('debit', 'refund', 'bonus', 'unknown', 'declined')
UNION ALL
SELECT id, 2, NULL, CASE WHEN event = 'allocate' THEN 'unallocated' WHEN event = 'adjustment' THEN 'adjustments' ELSE 'cash'
           END, CASE event WHEN 'payment' THEN -8 * cents WHEN 'payout' THEN cents WHEN 'reverse' THEN 8 * cents
           WHEN 'adjustment' THEN 15000 - cents ELSE -cents END, 0, NULL, account, 'money', NULL, 0, brand
FROM tx WHERE event IN ('payment', 'allocate', 'payout', 'reverse', 'adjustment')
UNION ALL
SELECT id, 2, 10_010 + 10 * ((n + 9) % getvariable('accounts')), 'money', cents, 0, NULL, NULL, NULL, NULL, 0, NULL
FROM tx WHERE event = 'transfer'
UNION ALL
SELECT id, 1, NULL, 'unallocated', cents, 0, NULL, NULL, NULL, NULL, 0, brand FROM tx WHERE event = 'unknown'
UNION ALL
SELECT id, 2, NULL, 'cash', -cents, 0, NULL, NULL, NULL, NULL, 0, brand FROM tx WHERE event = 'unknown'
UNION ALL
SELECT id, 1, account + 1, 'bonus', cents // 5, 0, NULL, NULL, NULL, NULL, 0, NULL
FROM tx WHERE event = 'bonus' AND with_points
UNION ALL
SELECT id, 2, NULL, 'bonus_expense', -(cents // 5), 0, NULL, account + 1, 'bonus', NULL, 0, points_of
FROM tx WHERE event = 'bonus' AND with_points
UNION ALL
SELECT id, 1, source, 'money', points - cents, 0, CASE WHEN source <> account THEN account END, NULL, NULL, NULL, 0, NULL
FROM tx WHERE event = 'debit'
UNION ALL
SELECT id, 1 + line, NULL, 'revenue', CASE WHEN line = 1 THEN part - points ELSE part END, 0, NULL, source, 'money', line,
       CASE WHEN chance(i, 8) < 200 THEN 500 ELSE 0 END, of_brand FROM line
UNION ALL
SELECT id, 2 + lines, account + 1, 'bonus', -points, 0, NULL, NULL, NULL, NULL, 0, NULL
FROM tx WHERE event = 'debit' AND points > 0
UNION ALL
SELECT id, 3 + lines, NULL, 'revenue', points, 0, NULL, account + 1, 'bonus', 1, 0, brand
FROM tx WHERE event = 'debit' AND points > 0
UNION ALL
SELECT id, 2, NULL, 'revenue', cents, 0, NULL, account, 'money', 1, 0, brand FROM capture
UNION ALL
SELECT id, 1, source, 'money', cents // 4, 0, CASE WHEN source <> account THEN account END, NULL, NULL, NULL, 0, NULL
FROM tx WHERE event = 'refund'
UNION ALL
SELECT id, 2, NULL, 'revenue', -(cents // 4), 0, NULL, source, 'money', 1, 0, brand FROM tx WHERE event = 'refund';

CREATE TABLE entry AS
SELECT l.*, t.event AS kind_of, coalesce(l.account, o.id) AS account_id, t.currency
FROM leg l JOIN tx t USING (id) LEFT JOIN own o ON o.brand_id = l.brand AND o.kind = l.kind AND o.currency = t.currency;
DROP TABLE leg;

CREATE TABLE ran AS
SELECT id, leg, row_number() OVER w AS version, sum(amount) OVER w AS balance_after, sum(held) OVER w AS held_after
FROM entry WHERE kind IN ('money', 'bonus')
WINDOW w AS (PARTITION BY account_id ORDER BY id, leg ROWS UNBOUNDED PRECEDING);

CREATE TABLE balance AS
SELECT e.account_id, max(r.version) AS version, sum(e.amount) AS balance, sum(e.held) AS held, max(e.id) AS last
FROM entry e JOIN ran r USING (id, leg) GROUP BY ALL;
CREATE TABLE moved AS SELECT DISTINCT id FROM entry;
"""

_WHEN = """t.posted_at, t.business_date, t.business_date - DATE '1970-01-01' AS day_number,
           strftime(t.business_date, '%Y-%m') AS month, NULL AS value_date"""
_KIND = "CASE t.event WHEN 'unknown' THEN 'payment' WHEN 'declined' THEN 'debit' ELSE t.event END"

_CHANNEL = "['card', 'bank', 'cash'][1 + t.i % 3]"
_PERIOD = "(14 + {n} % 30)::INT"  # days to pay, of account number 10,000 + 10·n

# What is not named is null. `id` bounds the rows of one frame, in appended tables.
ROWS = {
    "transactions": f"""
        SELECT t.id, 'key-' || t.id AS key, {_KIND} AS kind,
               CASE WHEN m.id IS NULL THEN 'declined' ELSE 'posted' END AS status,
               CASE WHEN m.id IS NULL THEN ['insufficient_funds', 'credit_overdue', 'write_off_limit_exceeded'][1 + t.id % 3] END AS code,
               CASE WHEN t.event <> 'unknown' THEN t.account END AS account_id, money(t.cents) AS amount, t.currency,
               {_WHEN}, t.posted_at AS recorded_at,
               CASE WHEN t.event = 'hold' THEN t.posted_at + INTERVAL 30 DAY END AS expires_at, t.refers_to,
               CASE WHEN t.event IN ('payment', 'unknown', 'payout') THEN {_CHANNEL} END AS channel,
               CASE WHEN t.event IN ('adjustment', 'reverse') THEN 'typing error' WHEN t.event = 'bonus' THEN 'accrued' END AS reason,
               CASE WHEN t.event IN ('adjustment', 'reverse') THEN 'o.petrova' END AS by
        FROM tx t LEFT JOIN moved m USING (id) WHERE t.id > $after AND t.id <= $until ORDER BY t.id""",
    "entries": f"""
        SELECT e.id AS transaction_id, e.leg, {_KIND} AS kind, t.refers_to, {_WHEN}, e.account_id, e.kind AS account_kind,
               CASE WHEN e.kind IN ('money', 'bonus') THEN c.party_id END AS party_id,
               CASE WHEN e.kind = 'bonus' THEN c.points_of ELSE e.brand END AS brand_id, e.currency,
               money(e.amount) AS amount, money(e.held) AS held, r.version, money(r.balance_after) AS balance_after,
               money(r.held_after) AS held_after, e.subaccount AS subaccount_id, e.source AS source_id, e.source_kind,
               e.line, CASE WHEN e.kind <> 'revenue' THEN NULL WHEN e.source // 10 % 4 > 0 THEN 'dish'
                            ELSE 'service-' || e.source // 10 % 40 END AS service,
               CASE WHEN e.kind = 'revenue' THEN 'A-' || e.id END AS reference,
               CASE WHEN e.kind = 'revenue' THEN money(e.amount + e.discount) END AS gross,
               CASE WHEN e.kind = 'revenue' THEN money(e.discount) END AS discount,
               CASE WHEN e.kind = 'revenue' THEN 20 END AS vat_rate,
               CASE WHEN e.kind = 'revenue' THEN money(e.amount // 6) END AS vat,
               CASE WHEN e.kind = 'cash' THEN {_CHANNEL} END AS channel,
               CASE WHEN e.kind = 'adjustments' THEN [NULL, 'bad_debt', 'penalty'][1 + e.id % 3] END AS chart,
               CASE WHEN e.kind = 'money' AND e.amount < 0 AND t.event <> 'reverse' AND e.account_id // 10 % 10 = 1
                    THEN t.business_date + {_PERIOD.format(n="(e.account_id // 10 - 1000)")} END AS due_on
        FROM entry e JOIN tx t USING (id) LEFT JOIN ran r ON r.id = e.id AND r.leg = e.leg
             LEFT JOIN client c ON c.id = e.account_id // 10 * 10
        WHERE e.id > $after AND e.id <= $until ORDER BY e.id, e.leg""",
    "attributes": """
        SELECT e.id AS transaction_id, e.leg, 'dish' AS name, 'set ' || e.id % 25 AS value,
               strftime(t.business_date, '%Y-%m') AS month
        FROM entry e JOIN tx t USING (id)
        WHERE e.kind = 'revenue' AND e.id % 10 = 0 AND e.id > $after AND e.id <= $until ORDER BY e.id, e.leg""",
    "lot_changes": """
        SELECT e.id AS transaction_id, e.account_id, e.id AS lot_id, c.points_of AS brand_id, e.currency, money(e.amount) AS amount,
               CASE WHEN e.id % 9 > 0 THEN t.business_date + 30 + (e.id % 150)::INT END AS gone_on, t.business_date,
               strftime(t.business_date, '%Y-%m') AS month
        FROM entry e JOIN tx t USING (id) JOIN client c ON c.id = e.account_id - 1
        WHERE e.kind = 'bonus' AND e.id > $after AND e.id <= $until ORDER BY e.id""",
    "parties": """
        SELECT DISTINCT party_id AS id, 'client-' || party_id AS reference, 'individual' AS kind, 'Client ' || party_id AS name,
               'open' AS status FROM client ORDER BY 1""",
    "brands": """
        SELECT b AS id, 'brand-' || b AS code, 'Brand ' || b AS name, 'open' AS status FROM range(1, 11) r (b)""",
    "accounts": """
        SELECT a.*, money(coalesce(b.balance, 0)) AS balance, money(coalesce(b.held, 0)) AS held,
               coalesce(b.version, 0) AS version, t.posted_at AS latest_posted_at
        FROM (SELECT id, 'money' AS kind, currency, party_id, NULL AS brand_id, NULL AS money_account_id, holder_id,
                     'account-' || n AS reference, 'open' AS status FROM client
              UNION ALL
              SELECT id + 1, 'bonus', currency, party_id, points_of, id, NULL, NULL, 'open' FROM client WHERE with_points) a
             LEFT JOIN balance b ON b.account_id = a.id LEFT JOIN tx t ON t.id = b.last
        UNION ALL
        SELECT id, kind, currency, NULL, brand_id, NULL, NULL, NULL, 'open', NULL, NULL, NULL, NULL FROM own ORDER BY 1""",
    "holders": """
        SELECT -id AS id, id AS account_id, holder_id, TIMESTAMPTZ '2025-01-01' AS recorded_at
        FROM client WHERE holder_id IS NOT NULL ORDER BY 1""",
    "credit_terms": f"""
        SELECT row_number() OVER (ORDER BY id) AS id, id AS account_id, 50000.00 AS credit_limit,
               {_PERIOD.format(n="n")} AS period_days,
               DATE '2025-01-01' AS valid_from, CASE WHEN n % 3 = 0 THEN DATE '2026-01-10' END AS valid_until,
               TIMESTAMPTZ '2025-01-01 00:00:00+03' AS recorded_at
        FROM client WHERE n % 10 = 1 ORDER BY 1""",
    "links": """
        SELECT id AS account_id, payer_id, 'payer_first' AS draw, 1 AS priority FROM client WHERE payer_id IS NOT NULL
        ORDER BY 1""",
    "limits": """
        SELECT payer_id, id AS account_id, 'month' AS period, 5000.00 AS amount FROM client WHERE payer_id IS NOT NULL
        ORDER BY 1, 2""",
    "holds": """
        SELECT h.id AS hold_id, 1 AS part, 1 AS line, h.account AS account_id, h.account AS source_id, h.brand AS brand_id,
               'preorder' AS service, 'A-' || h.id AS reference, money(h.cents) AS amount,
               money(CASE WHEN f.event IS NULL THEN h.cents ELSE 0 END) AS held,
               money(CASE WHEN f.event = 'capture' THEN h.cents ELSE 0 END) AS captured,
               h.posted_at + INTERVAL 30 DAY AS expires_at, f.event IS NULL AS open
        FROM tx h LEFT JOIN tx f ON f.refers_to = h.id AND f.event <> 'refund' WHERE h.event = 'hold' ORDER BY 1""",
    "open_debits": """
        SELECT account_id, last AS transaction_id, t.business_date, money(-balance) AS unpaid
        FROM balance b JOIN tx t ON t.id = b.last WHERE balance < 0 AND account_id > 10_000 AND account_id % 10 = 0
        ORDER BY 1""",
    "changes": """
        SELECT i AS id, ['credit_terms', 'link', 'party', 'account'][1 + i % 4] AS kind, 'account-' || i % getvariable('accounts') AS subject,
               10_010 + 10 * (i % getvariable('accounts')) AS account_id, '{"limit": "1.00"}' AS after, DATE '2025-01-01' + (i % 365)::INT AS business_date,
               TIMESTAMPTZ '2025-01-01 12:00:00+03' + INTERVAL 1 DAY * (i % 365) AS recorded_at, 'o.petrova' AS by
        FROM range(1, getvariable('accounts') * 3 // 2 + 1) r (i)""",
    "closings": """
        SELECT DATE '2025-12-31' AS closed_until, TIMESTAMPTZ '2026-01-01 01:00:00+03' AS closed_at,
               (SELECT max(id) FROM tx) AS last_transaction, 2 AS rules""",
    "orders": """
        SELECT t.id, 'key-' || t.id AS key, t.account AS account_id, c.party_id, t.currency, 'delivered' AS status,
               t.posted_at AS placed_at, t.business_date, t.id AS charged_by, money(t.cents + 200) AS gross, 2.00 AS discount,
               money(t.cents) AS net
        FROM tx t JOIN client c USING (n) WHERE t.event = 'debit' AND chance(t.i, 9) < 200 ORDER BY t.id""",
    "promotions": """
        SELECT p AS id, 'CODE' || p AS code, 'amount' AS kind, 2.00 AS amount, CASE WHEN p % 2 = 0 THEN p END AS brand_id
        FROM range(1, 9) r (p)""",
    "promotion_uses": """
        SELECT t.id AS order_id, 1 + t.id % 8 AS promotion_id, c.party_id, t.currency, t.business_date, t.posted_at AS used_at,
               2.00 AS discount, CASE WHEN t.id % 20 = 0 THEN t.posted_at + INTERVAL 1 DAY END AS given_back_at,
               CASE WHEN t.id % 20 = 0 THEN t.business_date + 1 END AS given_back_on
        FROM tx t JOIN client c USING (n) WHERE t.event = 'debit' AND chance(t.i, 9) < 200 ORDER BY t.id""",
}


def make(folder: Path, entries: int) -> None:
    """Make the lake in a folder, published as one cut that closed the year."""
    place, pinned = Place(str(folder)), {}
    accounts = min(ACCOUNTS, entries // 50)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "making.duckdb")) as connection:
        connection.execute("SET memory_limit = '8GB'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET VARIABLE accounts = {accounts}::BIGINT")
        for statement in MADE.split(";\n"):
            if statement.strip():
                bound = {"commands": round(entries / ENTRIES_A_COMMAND)} if "$commands" in statement else {}
                connection.execute(statement, bound)
        ((last,),) = connection.sql("SELECT max(id) FROM tx").fetchall()
        for table in TABLES:
            pinned[table.name] = delta.write(place, table, _frames(connection, table.name, last), number=1, pinned=None)
    (folder / "making.duckdb").unlink()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    cut = Cut(
        number=1,
        made_by="nightly",
        taken_at=at,
        last_transaction=last,
        last_change=accounts * 3 // 2,
        closes=LAST,
        closed_until=LAST,
        time_zone="Europe/Moscow",
    )
    manifest.publish(place, Manifest(cut=cut, book=at, tables=pinned, totals={}, database=None, previous=None))


def _frames(connection: duckdb.DuckDBPyConnection, name: str, last: int) -> Iterator[pl.DataFrame]:
    """Give a table's rows in frames, as an export does."""
    schema = polars_schema(declared(name))
    if name not in ROWS:
        yield pl.DataFrame(schema=schema)
        return
    bounds = [{}]
    if "$after" in ROWS[name]:
        bounds = [{"after": after, "until": min(after + PIECE, last)} for after in range(0, last, PIECE)]
    for bound in bounds:
        frame = pl.DataFrame(connection.sql(ROWS[name], params=bound).to_arrow_table())
        yield frame.select(
            pl.col(column).cast(type_) if column in frame.columns else pl.lit(None, type_).alias(column)
            for column, type_ in schema.items()
        )


def main() -> None:
    """Make a lake, and say how long it took."""
    parser = argparse.ArgumentParser(description="Make a lake to measure reports on.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=10_000_000)
    given = parser.parse_args()
    started = time.perf_counter()
    make(given.folder, given.entries)
    print(f"{given.folder} in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
