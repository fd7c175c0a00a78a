"""Many consistent rows of a ledger at once, for tests of volume: written by SQL, not by commands.

Accounts take turns. Each starts with a payment, then come debits of two service lines, every
twentieth of one transaction is declined. Every tenth account is in USD, the others in RUB.
"""

from datetime import date

import psycopg
from stdnum import luhn

PAYMENT = 100_000_000

_BRANDS = """
INSERT INTO brand (id, code, name, status) OVERRIDING SYSTEM VALUE
VALUES (1, 'sushi', 'Sushi House', 'open'), (2, 'wok', 'Wok', 'open')
"""

_SYSTEM = """
INSERT INTO account (id, kind, currency, brand_id, status)
SELECT b.id * 100 + 10 * c.n + k.n, k.kind, c.currency, b.id, 'open'
FROM brand b, (VALUES (1, 'RUB'), (2, 'USD')) c (n, currency),
     (VALUES (1, 'cash'), (2, 'revenue')) k (n, kind)
"""

_PARTIES = """
INSERT INTO party (id, reference, kind, name, status) OVERRIDING SYSTEM VALUE
SELECT n, 'client-' || n, 'individual', 'Client ' || n, 'open' FROM generate_series(1, %(accounts)s) n
"""

_TRANSACTIONS = """
INSERT INTO transaction (id, key, fingerprint, kind, status, code, facts, account_id, amount, currency,
                         posted_at, business_date, channel)
SELECT first + t, 'key-' || first + t, '\\x00', CASE WHEN payment THEN 'payment' ELSE 'debit' END,
       CASE WHEN declined THEN 'declined' ELSE 'posted' END, CASE WHEN declined THEN 'insufficient_funds' END,
       CASE WHEN declined THEN '{"short_by": "1.00"}'::jsonb END,
       a.id, CASE WHEN payment THEN %(payment)s ELSE 200 + t %% 800 END, a.currency,
       at, (at AT TIME ZONE b.time_zone)::date, CASE WHEN payment THEN 'card' END
FROM book b CROSS JOIN
     (SELECT coalesce(max(id), 0) AS first FROM transaction) f CROSS JOIN
     generate_series(1, %(transactions)s) t CROSS JOIN
     LATERAL (SELECT t <= %(accounts)s AND first = 0 AS payment) p CROSS JOIN
     LATERAL (SELECT NOT payment AND t %% 20 = 0 AS declined) d CROSS JOIN
     LATERAL (SELECT %(since)s::date::timestamp AT TIME ZONE b.time_zone
                     + interval '1 day' * %(days)s * (t - 1)::float8 / %(transactions)s AS at) w CROSS JOIN
     (SELECT id, currency, row_number() OVER (ORDER BY party_id) AS n FROM account WHERE kind = 'money') a
WHERE a.n = 1 + (t - 1) %% %(accounts)s
ORDER BY t
"""

_ENTRIES = """
WITH moved AS (
    SELECT t.id, t.kind, t.currency, t.account_id, c.amount,
           b.version + row_number() OVER w AS version,
           b.balance + sum(c.amount) OVER w AS balance_after,
           1 + t.id %% 2 AS brand
    FROM transaction t JOIN balance b USING (account_id),
         LATERAL (SELECT CASE WHEN t.kind = 'payment' THEN t.amount ELSE -t.amount END AS amount) c
    WHERE t.status = 'posted' AND t.id > %(last)s
    WINDOW w AS (PARTITION BY t.account_id ORDER BY t.id ROWS UNBOUNDED PRECEDING)
)
INSERT INTO entry (transaction_id, leg, account_id, currency, amount, version, balance_after, held_after,
                   held, source_id, line, service, reference, gross, discount, vat_rate, vat, attributes)
SELECT id, 1, account_id, currency, amount, version, balance_after, 0,
       0, null::bigint, null::smallint, null::text, null::text, null::bigint, null::bigint, null::numeric,
       null::bigint, null::jsonb
FROM moved
UNION ALL
SELECT m.id, 2, a.id, m.currency, -m.amount, null, null, null,
       0, null, null, null, null, null, null, null, null, null
FROM moved m JOIN account a ON a.brand_id = m.brand AND a.kind = 'cash' AND a.currency = m.currency
WHERE m.kind = 'payment'
UNION ALL
SELECT m.id, 1 + l.line, a.id, m.currency, l.amount, null, null, null,
       0, m.account_id, l.line, 'order', 'A-' || m.id, l.amount + 50, 50, 20.00, l.amount / 6,
       CASE WHEN m.id %% 10 = 0 THEN '{"dish": "set 4", "spicy": true}'::jsonb END
FROM moved m CROSS JOIN LATERAL (VALUES (1, 100), (2, -m.amount - 100)) l (line, amount)
JOIN account a ON a.brand_id = m.brand AND a.kind = 'revenue' AND a.currency = m.currency
WHERE m.kind = 'debit'
ORDER BY 1, 2
"""

_ITEMS = """
INSERT INTO aging_item (transaction_id, account_id, business_date, due_on, amount)
SELECT e.transaction_id, e.account_id, t.business_date, '9999-12-31', -e.amount
FROM entry e JOIN transaction t ON t.id = e.transaction_id
WHERE e.version IS NOT NULL AND e.amount < 0 AND e.transaction_id > %(last)s
"""

_BALANCES = """
UPDATE balance b SET balance = l.balance_after, version = l.version, posted_at = t.posted_at
FROM (SELECT DISTINCT ON (account_id) * FROM entry WHERE version IS NOT NULL AND transaction_id > %(last)s
      ORDER BY account_id, version DESC) l
JOIN transaction t ON t.id = l.transaction_id
WHERE b.account_id = l.account_id
"""


def add_accounts(url: str, accounts: int) -> None:
    """Write two brands, so many clients and an account for each. Only in a fresh book."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # rows as commands would leave them
        connection.execute(_BRANDS)
        connection.execute(_SYSTEM)
        connection.execute(_PARTIES, {"accounts": accounts})
        with connection.cursor().copy(
            "COPY account (id, kind, currency, party_id, holder_id, reference, status) FROM STDIN"
        ) as copy:
            for n in range(1, accounts + 1):
                number = 1_000_000 + n
                currency = "RUB" if n % 10 else "USD"
                copy.write_row(
                    (
                        number * 10 + int(luhn.calc_check_digit(str(number))),
                        "money",
                        currency,
                        n,
                        1 + n % 2,
                        f"account-{n}",
                        "open",
                    )
                )
        connection.execute(
            "INSERT INTO balance (account_id, balance, held, version) "
            "SELECT id, 0, 0, 0 FROM account WHERE kind = 'money'"
        )


def add_transactions(url: str, transactions: int, *, since: date, days: int) -> None:
    """Write so many transactions, spread evenly over the days; payments first in a fresh book.

    Roughly 2.8 entries come for each transaction.
    """
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        row = connection.execute("SELECT coalesce(max(id), 0) FROM transaction").fetchone()
        accounts = connection.execute("SELECT count(*) FROM balance").fetchone()
        if row is None or accounts is None:
            raise AssertionError("aggregates always have a row")
        given = {
            "transactions": transactions,
            "accounts": accounts[0],
            "since": since,
            "days": days,
            "payment": PAYMENT,
            "last": row[0],
        }
        connection.execute(_TRANSACTIONS, given)
        connection.execute(_ENTRIES, given)
        connection.execute(_ITEMS, given)
        connection.execute(_BALANCES, given)
        connection.execute("SELECT setval('transaction_id_seq', (SELECT max(id) FROM transaction))")
