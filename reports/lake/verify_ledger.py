"""Check the ledger against its own rules: one statement a rule, in one snapshot.

The guards in the database refuse to write what breaks these rules; here they are proven
on what is there, for whoever is superuser can go behind the guards. A rule is tried on the whole book, or on what came
after a transaction up to which it was proven: seals hold that nothing before has changed since (DECISIONS D196).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ledger.postgres.database import connect
from reports.lake.checks import CheckResult, found
from reports.lake.food_rules import FOOD
from reports.lake.noted_changes import NOTED
from reports.lake.rule import AFTER, MOVED, Rule

# What was taken back of which transaction; a reversal of a reversal counts with what was reversed first.
_BACK = """WITH back AS (
               SELECT coalesce(r.refers_to, t.refers_to) AS id, t.id AS by FROM transaction t
               LEFT JOIN transaction r ON r.id = t.refers_to AND r.kind = 'reverse'
               WHERE t.kind IN ('refund', 'reverse') AND t.status = 'posted'
           )"""
_BACK_SINCE = """WITH new AS (SELECT * FROM transaction WHERE id > %(after)s), target AS (
               SELECT id FROM new UNION
               SELECT coalesce(r.refers_to, t.refers_to) FROM new t
               LEFT JOIN transaction r ON r.id = t.refers_to AND r.kind = 'reverse'
               WHERE t.kind IN ('refund', 'reverse')
               UNION SELECT i.transaction_id FROM aging_item i JOIN merged_account m
               ON i.account_id IN (m.account_id, m.into_id) WHERE m.transaction_id > %(after)s
           ), back AS (
               SELECT g.id, t.id AS by FROM target g JOIN transaction t ON t.refers_to = g.id
               WHERE t.kind IN ('refund', 'reverse') AND t.status = 'posted'
               UNION ALL
               SELECT g.id, t.id FROM target g JOIN transaction r ON r.refers_to = g.id AND r.kind = 'reverse'
               JOIN transaction t ON t.refers_to = r.id
               WHERE t.kind IN ('refund', 'reverse') AND t.status = 'posted'
           )"""


def _aging_items(back: str, of: str = "> %(after)s") -> str:
    return f"""{back}, successor AS (
               SELECT DISTINCT ON (account_id) account_id, into_id FROM merged_account
               ORDER BY account_id, transaction_id DESC
           ), undone AS (
               SELECT b.id, coalesce(m.into_id, e.account_id) AS account_id, sum(e.amount) AS amount
               FROM back b JOIN entry e ON e.transaction_id = b.by AND e.version IS NOT NULL
                    LEFT JOIN successor m ON m.account_id = e.account_id GROUP BY 1, 2
           ), item AS (
               SELECT t.id, c.account_id, t.business_date, c.due_on, c.amount - coalesce(u.amount, 0) AS amount
               FROM transaction t JOIN (
                   SELECT e.transaction_id, coalesce(m.into_id, e.account_id) AS account_id, -sum(e.amount) AS amount,
                          min(e.due_on) AS due_on
                   FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'money'
                        LEFT JOIN successor m ON m.account_id = e.account_id
                   WHERE e.version IS NOT NULL AND e.amount < 0 AND e.transaction_id {of} GROUP BY 1, 2
               ) c ON c.transaction_id = t.id
                    LEFT JOIN undone u ON u.id = t.id AND u.account_id = c.account_id
               WHERE t.kind IN ('debit', 'capture', 'transfer', 'payout', 'adjustment') AND t.id {of})
           SELECT coalesce(i.id, g.transaction_id) AS id, coalesce(i.account_id, g.account_id) AS account_id,
                  i.amount, g.amount AS amount_kept, g.due_on
           FROM item i FULL JOIN (SELECT * FROM aging_item WHERE transaction_id {of}) g
                ON g.transaction_id = i.id AND g.account_id = i.account_id
           WHERE (i.amount IS DISTINCT FROM g.amount OR i.business_date <> g.business_date
              OR i.due_on <> g.due_on) AND NOT (i.id IS NULL AND g.amount = 0 AND EXISTS (
                  SELECT FROM successor WHERE account_id = g.account_id)) ORDER BY 1, 2"""


RULES: tuple[Rule, ...] = (
    Rule(
        "zero-sums",
        "the entries of each transaction sum to zero by currency",
        "SELECT count(*) FROM transaction WHERE status = 'posted' AND id > %(after)s",
        f"""SELECT transaction_id, currency, sum(amount) AS amount FROM entry WHERE {AFTER}
           GROUP BY transaction_id, currency HAVING sum(amount) <> 0 ORDER BY 1, 2""",
        "transaction {transaction_id}: its entries sum to {amount} {currency}",
    ),
    Rule(
        "legs",
        "the entries of each transaction are legs 1, 2, 3 … without gaps",
        f"SELECT count(*) FROM entry WHERE {AFTER}",
        f"""SELECT transaction_id, count(*) AS n, min(leg) AS low, max(leg) AS high FROM entry WHERE {AFTER}
           GROUP BY transaction_id HAVING min(leg) <> 1 OR max(leg) <> count(*) ORDER BY 1""",
        "transaction {transaction_id}: {n} entries are legs {low} to {high}",
    ),
    Rule(
        "answers",
        "posted transactions have entries, declined ones have none",
        "SELECT count(*) FROM transaction WHERE id > %(after)s",
        f"""SELECT id, status, kind, false AS has FROM transaction t
           WHERE id > %(after)s AND status = 'posted' AND NOT EXISTS (SELECT FROM entry e WHERE e.transaction_id = t.id)
           UNION ALL
           SELECT DISTINCT e.transaction_id, t.status, t.kind, true
           FROM entry e LEFT JOIN transaction t ON t.id = e.transaction_id
           WHERE e.{AFTER} AND t.status IS DISTINCT FROM 'posted' ORDER BY 1""",
        "transaction {id}: {status}, has entries: {has}",
    ),
    Rule(
        "days",
        "the business date of each transaction is the date of its booking time in the book's time zone",
        "SELECT count(*) FROM transaction WHERE id > %(after)s",
        """SELECT t.id, t.business_date, (t.posted_at AT TIME ZONE b.time_zone)::date AS day
           FROM transaction t, book b
           WHERE t.id > %(after)s AND t.business_date <> (t.posted_at AT TIME ZONE b.time_zone)::date ORDER BY 1""",
        "transaction {id}: business date {business_date}, booked on {day}",
    ),
    Rule(
        "history",
        "each client account's versions are 1, 2, 3 … and each balance is the one before and the entry",
        f"SELECT count(*) FROM entry WHERE version IS NOT NULL AND {AFTER}",
        f"""WITH chain AS (
               SELECT account_id, transaction_id, version, amount, held, balance_after, held_after,
                      row_number() OVER w AS place, lag(version) OVER w AS version_before,
                      lag(balance_after) OVER w AS amount_before, lag(held_after) OVER w AS held_before
               FROM entry WHERE version IS NOT NULL AND {AFTER}
               WINDOW w AS (PARTITION BY account_id ORDER BY version)
           ), due AS (
               SELECT c.*, coalesce(version_before, p.version, 0) + 1 AS version_due,
                      coalesce(amount_before, p.balance_after, 0) + amount AS amount_due,
                      coalesce(held_before, p.held_after, 0) + held AS held_due
               FROM chain c LEFT JOIN LATERAL (
                   SELECT e.version, e.balance_after, e.held_after FROM entry e
                   WHERE c.place = 1 AND e.account_id = c.account_id AND e.version < c.version
                   ORDER BY e.version DESC LIMIT 1) p ON true
           )
           SELECT * FROM due WHERE version <> version_due OR balance_after <> amount_due OR held_after <> held_due
           ORDER BY account_id, version""",
        "account {account_id}, version {version}, transaction {transaction_id}: balance {balance_after}, "
        "held {held_after}; expected version {version_due}, balance {amount_due}, held {held_due}",
    ),
    Rule(
        "balances",
        "each client account's balance, held and version are its latest entry's and the sums of its entries",
        "SELECT count(*) FROM balance",
        """WITH sums AS (
               SELECT account_id, sum(amount) AS amount_sum, sum(held) AS held_sum, max(version) AS version_sum
               FROM entry WHERE version IS NOT NULL GROUP BY account_id
           ), latest AS (
               SELECT e.account_id, e.balance_after, e.held_after
               FROM sums s JOIN entry e ON e.account_id = s.account_id AND e.version = s.version_sum
           )
           SELECT a.id AS account_id, b.balance, b.held, b.version, l.balance_after, l.held_after,
                  coalesce(s.amount_sum, 0) AS amount_sum, coalesce(s.held_sum, 0) AS held_sum,
                  coalesce(s.version_sum, 0) AS version_sum
           FROM account a LEFT JOIN balance b ON b.account_id = a.id LEFT JOIN sums s ON s.account_id = a.id
                LEFT JOIN latest l ON l.account_id = a.id
           WHERE a.kind IN ('money', 'bonus')
             AND ((b.balance, b.held, b.version) IS DISTINCT FROM
                  (coalesce(s.amount_sum, 0), coalesce(s.held_sum, 0), coalesce(s.version_sum, 0))
                  OR (coalesce(l.balance_after, 0), coalesce(l.held_after, 0)) IS DISTINCT FROM (b.balance, b.held))
           ORDER BY 1""",
        "account {account_id}: balance {balance}, held {held}, version {version}; its entries sum to {amount_sum}, "
        "held {held_sum}, version {version_sum}; the latest leaves {balance_after}, held {held_after}",
        since=f"""WITH moved AS (SELECT DISTINCT account_id FROM ({MOVED}) m)
           SELECT m.account_id, b.balance, b.held, b.version, l.balance_after, l.held_after,
                  l.balance_after AS amount_sum, l.held_after AS held_sum, l.version AS version_sum
           FROM moved m LEFT JOIN balance b USING (account_id) CROSS JOIN LATERAL (
                SELECT version, balance_after, held_after FROM entry e
                WHERE e.account_id = m.account_id AND version IS NOT NULL ORDER BY version DESC LIMIT 1) l
           WHERE (b.balance, b.held, b.version) IS DISTINCT FROM (l.balance_after, l.held_after, l.version)
           ORDER BY 1""",
    ),
    Rule(
        "sides",
        "entries of clients' accounts have versions, those of brands' accounts have none and hold nothing, "
        "and both are in the account's currency",
        f"SELECT count(*) FROM entry WHERE {AFTER}",
        f"""SELECT e.transaction_id, e.leg, e.account_id, a.kind, e.version, e.held, e.currency AS entry_currency,
                  a.currency
           FROM entry e LEFT JOIN account a ON a.id = e.account_id
           WHERE e.{AFTER} AND (a.id IS NULL OR e.currency <> a.currency
              OR (a.kind IN ('money', 'bonus')) <> (e.version IS NOT NULL)
              OR (e.version IS NULL AND e.held <> 0)) ORDER BY 1, 2""",
        "transaction {transaction_id}, leg {leg}: account {account_id} is {kind} in {currency}, the entry has "
        "version {version}, held {held}, currency {entry_currency}",
    ),
    Rule(
        "service-lines",
        "each service line names the account that paid it, and its net is gross less discount",
        f"SELECT count(*) FROM entry WHERE gross IS NOT NULL AND {AFTER}",
        f"""SELECT e.transaction_id, e.leg, e.amount, e.gross, e.discount, e.source_id
           FROM entry e JOIN account a ON a.id = e.account_id
           WHERE e.{AFTER} AND ((e.gross IS NOT NULL AND e.gross - e.discount IS DISTINCT FROM e.amount)
              OR (a.kind = 'revenue' AND (e.gross IS NULL OR e.source_id IS NULL))
              OR (a.kind <> 'revenue' AND e.gross IS NOT NULL)) ORDER BY 1, 2""",
        "transaction {transaction_id}, leg {leg}: net {amount}, gross {gross}, discount {discount}, "
        "paid by account {source_id}",
    ),
    Rule(
        "open-debits",
        "what is unpaid of each account's items is what its balance is below zero",
        "SELECT count(*) FROM balance",
        """SELECT b.account_id, b.balance, coalesce(o.unpaid, 0) AS unpaid
           FROM balance b LEFT JOIN (SELECT account_id, sum(unpaid) AS unpaid FROM open_debit GROUP BY 1) o
             USING (account_id)
           WHERE coalesce(o.unpaid, 0) <> greatest(0, -b.balance) ORDER BY 1""",
        "account {account_id}: balance {balance}, unpaid of its open debits {unpaid}",
    ),
    Rule(
        "aging-items",
        "each aging item is what its entry charged, net of refunds and reversals",
        f"SELECT count(*) FROM aging_item WHERE {AFTER}",
        _aging_items(_BACK),
        "transaction {id}: account {account_id} was charged {amount} net, its item has {amount_kept}, due {due_on}",
        since=_aging_items(_BACK_SINCE, "IN (SELECT id FROM target)"),
    ),
    Rule(
        "oldest-unpaid",
        "what is unpaid of each account lies on its last aging items by due date",
        "SELECT count(*) FROM balance",
        """WITH placed AS (
               SELECT i.*, sum(amount) OVER (PARTITION BY account_id ORDER BY
                      due_on DESC, business_date DESC, transaction_id DESC) AS amount_reached FROM aging_item i
           )
           SELECT b.account_id, b.balance, b.open_item, p.transaction_id
           FROM balance b LEFT JOIN placed p ON p.account_id = b.account_id AND b.balance < 0
            AND p.amount_reached >= -b.balance AND p.amount_reached - p.amount < -b.balance
           WHERE b.open_item <> coalesce(p.transaction_id, 0)
              OR b.open_unpaid <> coalesce(p.amount - p.amount_reached - b.balance, 0) ORDER BY 1""",
        "account {account_id}: balance {balance}, its first unpaid item is {transaction_id}, {open_item} is kept",
        since="""SELECT b.account_id, b.balance, b.open_item, i.transaction_id
           FROM balance b LEFT JOIN aging_item i ON i.account_id = b.account_id AND i.transaction_id = b.open_item
                LEFT JOIN LATERAL (
                    SELECT sum(x.amount) AS reached FROM aging_item x WHERE x.account_id = b.account_id
                    AND (x.due_on, x.business_date, x.transaction_id) >= (i.due_on, i.business_date, i.transaction_id)
                ) s ON true
           WHERE (b.balance < 0 OR b.open_item <> 0) AND NOT coalesce(
                b.balance < 0 AND s.reached >= -b.balance AND s.reached - i.amount < -b.balance
                AND b.open_unpaid = i.amount - s.reached - b.balance, false) ORDER BY 1""",
    ),
    Rule(
        "unpaid-places",
        "what was unpaid began on an item of that account, at an entry that left it below zero; the last place is kept",
        f"SELECT count(*) FROM unpaid_place WHERE {AFTER}",
        f"""WITH place AS (
               SELECT p.*, version = max(version) OVER (PARTITION BY account_id) AS is_last FROM unpaid_place p
               WHERE {AFTER}
           ), fixed AS (
               SELECT b.* FROM balance b WHERE balance < 0 AND latest_due < '9999-12-31' AND NOT EXISTS (
                   SELECT FROM merged_account m WHERE b.account_id IN (m.account_id, m.into_id))
           )
           SELECT p.account_id, p.version, p.transaction_id, p.open_item
           FROM place p LEFT JOIN entry e ON e.account_id = p.account_id AND e.version = p.version
                LEFT JOIN aging_item i ON i.account_id = p.account_id AND i.transaction_id = p.open_item
                LEFT JOIN fixed b ON p.is_last AND p.latest_due < '9999-12-31' AND b.account_id = p.account_id
           WHERE NOT coalesce(e.transaction_id = p.transaction_id AND e.balance_after < 0
               AND p.open_due <= p.latest_due AND (
                   i.business_date = p.open_day AND p.open_due IN (i.due_on, '9999-12-31')
                   OR p.account_id IN (SELECT account_id FROM merged_account)), false)
              OR (p.open_due, p.open_day, p.open_item) <> (b.open_due, b.open_day, b.open_item) ORDER BY 1, 2""",
        "account {account_id}, version {version}, transaction {transaction_id}: unpaid from item {open_item} on",
    ),
    Rule(
        "holds",
        "what each account holds is what is left of open holds, and ended holds hold nothing",
        "SELECT count(*) FROM hold_part",
        """SELECT b.account_id, b.held, coalesce(p.held, 0) AS held_open, coalesce(p.held_ended, 0) AS held_ended
           FROM balance b LEFT JOIN (
               SELECT p.source_id, sum(p.held) FILTER (WHERE h.state = 'open') AS held,
                      sum(p.held) FILTER (WHERE h.state <> 'open') AS held_ended
               FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id GROUP BY 1) p
             ON p.source_id = b.account_id
           WHERE coalesce(p.held, 0) <> b.held OR coalesce(p.held_ended, 0) <> 0 ORDER BY 1""",
        "account {account_id}: held {held}, open holds hold {held_open}, ended holds {held_ended}",
    ),
    Rule(
        "merges",
        "accounts that were merged are closed and empty, and the sealed log says into which they were",
        "SELECT count(*) FROM merged_account",
        """SELECT m.account_id, m.into_id, m.transaction_id, b.balance FROM merged_account m
               JOIN account a ON a.id = m.account_id JOIN balance b ON b.account_id = a.id
               LEFT JOIN transaction t ON t.id = m.transaction_id AND t.kind = 'merge'
           WHERE t.id IS NULL OR a.status <> 'closed' OR b.balance <> 0 OR (a.kind = 'money' AND NOT EXISTS (
               SELECT FROM change c WHERE c.kind = 'merge' AND (c.after ->> 'transaction')::bigint = m.transaction_id
                  AND (c.after ->> 'into')::bigint = m.into_id)) ORDER BY 1, 3""",
        "account {account_id}: merged into {into_id} by transaction {transaction_id}, its balance is {balance}",
    ),
    Rule(
        "closed-days",
        "nothing was recorded on a day after it was closed",
        "SELECT count(*) FROM closing",
        """WITH day AS (SELECT DISTINCT business_date FROM transaction WHERE id > %(after)s),
                shut AS (
                    SELECT business_date, (SELECT min(last_transaction) FROM closing c
                                           WHERE c.closed_until >= business_date) AS last FROM day)
           SELECT t.id, t.kind, t.business_date, t.recorded_at
           FROM transaction t JOIN shut s USING (business_date)
           WHERE t.status = 'posted' AND t.id > s.last AND t.id > %(after)s ORDER BY 1""",
        "transaction {id}: a {kind} was recorded on {business_date} at {recorded_at}, after that day was closed",
    ),
    Rule(
        "closings",
        "the book is closed up to the latest closing",
        "SELECT count(*) FROM closing",
        """SELECT b.closed_until, c.latest FROM book b, (SELECT max(closed_until) AS latest FROM closing) c
           WHERE b.closed_until IS DISTINCT FROM c.latest""",
        "the book is closed until {closed_until}, the latest closing is until {latest}",
    ),
)
RULES += FOOD + NOTED
_BEFORE_ALL = -(2**63)
_MONEY = ("amount", "balance", "held", "unpaid", "gross", "discount", "net")


def verify_ledger(url: str, *, after: int | None = None) -> Iterator[CheckResult]:
    """Try every rule on the ledger: a few seconds a million entries; or only on what came after a transaction."""
    with connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # Sorts of millions of entries in memory are several times faster than on the disk.
        connection.execute("SET LOCAL work_mem = '256MB'")
        for rule in RULES:
            yield _tried(connection, rule, after)


def _tried(connection: psycopg.Connection[Any], rule: Rule, after: int | None) -> CheckResult:
    bound = {"after": _BEFORE_ALL if after is None else after}
    row = connection.execute(rule.count, bound).fetchone()
    with connection.cursor(row_factory=dict_row) as cursor:
        broken = cursor.execute(rule.sql if after is None else rule.since or rule.sql, bound)
        problems = (rule.problem.format_map(_readable(facts)) for facts in broken)
        return found(rule.name, rule.rule, checked=row[0] if row else 0, problems=problems)


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a problem with amounts of minor units as money."""
    return {
        name: f"{Decimal(value).scaleb(-2):.2f}" if value is not None and name.startswith(_MONEY) else value
        for name, value in facts.items()
    }
