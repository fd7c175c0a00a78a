"""Read rows of the ledger in their canonical form. PostgreSQL makes the texts and hashes the transactions.

Each query is for days after one and up to another, or for numbers after one and up to another: what a seal adds.
"""

from collections.abc import Sequence
from datetime import date
from string import Template

from reports.proof import canonical as c

# A posting without an account has the book's salt.
_OF_TRANSACTIONS = (
    "LEFT JOIN account a ON a.id = t.account_id JOIN seal_salt s ON s.party_id = coalesce(a.party_id, 0) "
    "LEFT JOIN erased_row x ON x.kind = 'transaction' AND x.id = t.id"
)

# Nothing but entries is joined to what was hashed: without statistics the planner would compare each with each.
_ENTRIES = f"""
WITH t AS MATERIALIZED (
    SELECT t.id, t.kind, t.posted_at, t.business_date, s.salt, {c.row(c.TRANSACTION)} AS text
    FROM transaction t {_OF_TRANSACTIONS}
    WHERE t.status = 'posted' AND t.business_date > '$after' AND t.business_date <= '$until' $of_transaction
), d AS (
    SELECT t.id, t.kind, t.posted_at, t.business_date,
           {c.hashed(f"t.text || chr(10) || string_agg({c.row(c.LEG)}, chr(10) ORDER BY e.leg)")} AS hash
    FROM t JOIN entry e ON e.transaction_id = t.id $of_span
         LEFT JOIN entry_group g ON g.transaction_id = t.id AND g.account_id = e.account_id AND e.version IS NOT NULL
         LEFT JOIN erased_row x ON x.kind = 'leg' AND x.id = e.transaction_id AND x.leg = e.leg
    GROUP BY t.id, t.kind, t.posted_at, t.business_date, t.text
)
SELECT e.account_id, e.version, e.amount, e.held, coalesce(e.balance_after, 0) AS balance_after,
       t.business_date, {c.row(c.ENTRY)} AS text
FROM entry e JOIN d t ON t.id = e.transaction_id $of_span $of_entry
ORDER BY e.account_id, t.business_date, e.version, e.transaction_id, e.leg
"""
"""The entries of posted transactions, each account's in the order of its running hash."""

_LISTS = {
    "declines": f"""
        SELECT t.id, {c.row(c.TRANSACTION)} AS text FROM transaction t {_OF_TRANSACTIONS}
        WHERE t.status = 'declined' AND t.id > $after AND t.id <= $until ORDER BY t.id""",
    "changes": f"""
        SELECT c.id, {c.row(c.CHANGE)} AS text FROM change c
        LEFT JOIN account a ON a.id = c.account_id LEFT JOIN party p ON c.kind = 'party' AND p.reference = c.subject
        JOIN seal_salt s ON s.party_id = coalesce(a.party_id, p.id, 0)
        LEFT JOIN erased_row x ON x.kind = 'change' AND x.id = c.id
        WHERE c.id > $after AND c.id <= $until ORDER BY c.id""",
    "terms": f"""
        SELECT c.id, {c.row(c.TERMS)} AS text FROM credit_terms c
        JOIN account a ON a.id = c.account_id JOIN seal_salt s ON s.party_id = coalesce(a.party_id, 0)
        LEFT JOIN erased_row x ON x.kind = 'terms' AND x.id = c.id
        WHERE c.id > $after AND c.id <= $until ORDER BY c.id""",
    "programs": f"""
        SELECT c.id, {c.row(c.PROGRAM)} AS text FROM bonus_program c JOIN seal_salt s ON s.party_id = 0
        WHERE c.id > $after AND c.id <= $until ORDER BY c.id""",
}
LISTS = tuple(_LISTS)
"""Lists that only grow: each has a leaf with its last number, how many there are, and their running hash."""

LAST = {
    "declines": "SELECT coalesce(max(id), 0) AS n FROM transaction",
    "changes": "SELECT coalesce(max(id), 0) AS n FROM change",
    "terms": "SELECT coalesce(max(id), 0) AS n FROM credit_terms",
    "programs": "SELECT coalesce(max(id), 0) AS n FROM bonus_program",
}

STATES = {
    "settings": f"SELECT {c.row(c.SETTINGS)} AS text FROM book c",
    "promotions": f"SELECT {c.row(c.PROMOTION)} AS text FROM promotion c ORDER BY c.id",
}
"""What may change from day to day, by a row of `change`: its leaf is its state when it is sealed."""

SALTS = (
    "INSERT INTO seal_salt (party_id) SELECT 0 WHERE NOT EXISTS (SELECT FROM seal_salt WHERE party_id = 0) "
    "UNION ALL SELECT id FROM party WHERE id > (SELECT coalesce(max(party_id), 0) FROM seal_salt)"
)
"""Gives each client that came since a salt; while writers are kept out, for numbers may be committed out of order."""

DAYS = (
    "SELECT business_date AS day, count(*) AS rows FROM transaction "
    "WHERE status = 'posted' AND business_date > '$after' AND business_date <= '$until' GROUP BY 1 ORDER BY 1"
)

LEAVES = """
SELECT l.name, l.value
FROM (SELECT 'account/' || id AS name FROM account UNION ALL SELECT unnest(ARRAY['{fixed}'])) n,
     LATERAL (SELECT name, value FROM seal_leaf WHERE name = n.name AND seal_number <= {number}
              ORDER BY seal_number DESC LIMIT 1) l
"""
"""The leaves as one seal left them."""

SEALS = "SELECT number, day, line, hash, public_key, signature FROM seal ORDER BY number"


def days(after: date | None, until: date) -> str:
    """Return the query of how many transactions the days after one and up to another have."""
    return Template(DAYS).substitute(after=after or "-infinity", until=until)


def leaves(number: int) -> str:
    """Return the query of all leaves as a seal left them."""
    return LEAVES.format(fixed="','".join((*LISTS, *STATES, "guards")), number=number)


def entries(after: date | None, until: date) -> str:
    """Return the query of the entries of days after one and up to another."""
    # The planner takes entries to be spread over the book: without the span it reads all of them for each day.
    span = "AND e.transaction_id BETWEEN (SELECT min(id) FROM t) AND (SELECT max(id) FROM t)"
    return Template(_ENTRIES).substitute(
        after=after or "-infinity", until=until, of_transaction="", of_entry="", of_span=span
    )


def entries_of(accounts: Sequence[int], after: date | None, until: date) -> str:
    """Return the query of the entries of some clients' accounts, of the days after one and up to another."""
    array = f"ARRAY[{','.join(str(account) for account in accounts)}]::bigint[]"
    theirs = f"SELECT transaction_id FROM entry WHERE account_id = ANY({array}) AND version IS NOT NULL"
    return Template(_ENTRIES).substitute(
        after=after or "-infinity",
        until=until,
        of_transaction=f"AND t.id IN ({theirs})",
        of_span="",
        of_entry=f"AND e.account_id = ANY({array})",
    )


def listed(name: str, after: int | None, until: int) -> str:
    """Return the query of a list's rows, after a number (None: all) and up to another."""
    return Template(_LISTS[name]).substitute(after="-9e18" if after is None else after, until=until)
