"""Locks that posting, cuts and upgrades take. Each is on a table of its own and lasts for a database transaction.

Only a role that may write the table can take one of them: an advisory lock would be anybody's who can connect, and a
reader could stop all posting. A lock that lasts for a session would stay behind in a pool of connections
(DECISIONS D93).
"""

WRITING = "LOCK TABLE cut_gate IN ROW EXCLUSIVE MODE"
"""Shared by every writer, from before it takes numbers until it commits."""

WRITE_NOTHING = "INSERT INTO cut_gate SELECT 0 WHERE false"
"""Takes the same lock as `WRITING`, as part of another statement that locks rows."""

CUTTING = "LOCK TABLE cut_gate IN EXCLUSIVE MODE"
"""Held by the exporter, alone, while it reads the last number and opens its snapshot."""

LAKE_RUN = "LOCK TABLE lake_gate IN EXCLUSIVE MODE NOWAIT"
"""Held by the one run that writes the lake."""

# In order, and always before balances: two batches that share payments would otherwise deadlock.
PAYMENTS = (
    "SELECT number FROM payment_gate "
    "WHERE number IN (SELECT hashtext(key) & 255 FROM string_to_table(%s, chr(31)) AS key) "
    "ORDER BY number FOR NO KEY UPDATE"
)
"""Held while payments are allocated or reversed, which may touch no client's account: one of 256 rows guards each."""

MIGRATING = "LOCK TABLE alembic_version IN SHARE UPDATE EXCLUSIVE MODE NOWAIT"
"""Held by the one process that upgrades the tables, beside the connection that it does it on."""
