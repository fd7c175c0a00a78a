"""What an account was charged, by when it is due: found again at once when what settled it is undone.

Replaces the rows of open debits, which were deleted when settled. Items of before are net of their refunds and their
reversal, and due by the terms that were recorded and in force when they arose, or else by the first recorded after
them that have a period. Closings know by which rules their days were closed: reports of those days keep them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NEVER = "9999-12-31"
PLACE = {
    "open_due": NEVER,
    "open_day": NEVER,
    "open_item": "0",
    "open_unpaid": "0",
    "latest_due": "0001-01-01",
    "ripens_on": NEVER,
}

ITEMS = """
INSERT INTO aging_item (transaction_id, account_id, business_date, due_on, amount, terms_id)
WITH item AS (
    SELECT t.id, e.account_id, t.business_date, t.recorded_at, -e.amount AS amount
    FROM entry e JOIN transaction t ON t.id = e.transaction_id JOIN account a ON a.id = e.account_id
    WHERE e.version IS NOT NULL AND e.amount < 0 AND a.kind = 'money'
      AND t.kind IN ('debit', 'capture', 'transfer', 'payout', 'adjustment')
), undone AS (
    SELECT t.refers_to AS id, e.account_id, sum(e.amount)::bigint AS amount
    FROM transaction t JOIN entry e ON e.transaction_id = t.id
    WHERE t.kind IN ('refund', 'reverse') AND t.status = 'posted' AND e.version IS NOT NULL
    GROUP BY 1, 2
)
SELECT i.id, i.account_id, i.business_date,
       coalesce(least(i.business_date + born.period_days, '9999-12-30'), '9999-12-31'),
       i.amount - coalesce(u.amount, 0), CASE WHEN born.period_days IS NULL THEN later.id END
FROM item i LEFT JOIN undone u ON u.id = i.id AND u.account_id = i.account_id
LEFT JOIN LATERAL (
    SELECT period_days FROM credit_terms c
    WHERE c.account_id = i.account_id AND c.recorded_at <= i.recorded_at AND c.valid_from <= i.business_date
      AND coalesce(c.valid_until, 'infinity') >= i.business_date ORDER BY id DESC LIMIT 1
) born ON true
LEFT JOIN LATERAL (
    SELECT id FROM credit_terms c
    WHERE c.account_id = i.account_id AND c.recorded_at > i.recorded_at AND c.period_days IS NOT NULL
    ORDER BY id LIMIT 1
) later ON true
"""

# Those whose terms are valid by the day of the account's latest entry have their due date already.
RIPE = """
UPDATE aging_item i SET due_on = least(i.business_date + c.period_days, '9999-12-30')
FROM credit_terms c, balance b, book
WHERE c.id = i.terms_id AND b.account_id = i.account_id
  AND c.valid_from <= (b.posted_at AT TIME ZONE book.time_zone)::date
"""

# What is unpaid lies on the last items: the first of them is the one where these sum to it.
PLACES = """
UPDATE balance b SET open_due = p.due_on, open_day = p.business_date, open_item = p.transaction_id,
       open_unpaid = p.amount - (p.reached + b.balance)
FROM (
    SELECT i.*, sum(amount) OVER (
        PARTITION BY account_id ORDER BY due_on DESC, business_date DESC, transaction_id DESC) AS reached
    FROM aging_item i
) p
WHERE b.balance < 0 AND p.account_id = b.account_id AND p.reached >= -b.balance AND p.reached - p.amount < -b.balance
"""

DATES = """
UPDATE balance b SET latest_due = i.latest, ripens_on = coalesce(i.ripens, '9999-12-31')
FROM (
    SELECT i.account_id, max(i.due_on) AS latest, min(c.valid_from) FILTER (WHERE i.due_on = '9999-12-31') AS ripens
    FROM aging_item i LEFT JOIN credit_terms c ON c.id = i.terms_id GROUP BY 1
) i
WHERE i.account_id = b.account_id
"""

OPEN = """
CREATE VIEW open_debit AS
SELECT i.account_id, i.transaction_id, i.business_date, nullif(i.due_on, '9999-12-31') AS due_on,
       CASE WHEN i.transaction_id = b.open_item THEN b.open_unpaid ELSE i.amount END AS unpaid
FROM balance b JOIN aging_item i ON i.account_id = b.account_id
 AND (i.due_on, i.business_date, i.transaction_id) >= (b.open_due, b.open_day, b.open_item)
WHERE b.open_item <> 0 AND i.amount > 0
"""


def upgrade() -> None:
    op.add_column("transaction", sa.Column("due_on", sa.Date(), nullable=True))
    op.add_column("entry", sa.Column("due_on", sa.Date(), nullable=True))
    op.add_column("closing", sa.Column("rules", sa.Integer(), server_default="1", nullable=False))
    op.alter_column("closing", "rules", server_default="2")
    for name, default in PLACE.items():
        type_ = sa.Date() if "-" in default else sa.BigInteger()
        op.add_column("balance", sa.Column(name, type_, server_default=default, nullable=False))
    op.create_table(
        "aging_item",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("terms_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount >= 0", name="not_negative"),
        sa.PrimaryKeyConstraint("transaction_id", "account_id"),
    )
    op.execute("ALTER TABLE aging_item SET (fillfactor = 90)")  # refunds change amounts in place
    for statement in (ITEMS, RIPE):
        op.execute(statement)
    op.create_index("aging_item_order_idx", "aging_item", ["account_id", "due_on", "business_date", "transaction_id"])
    for statement in (PLACES, DATES):
        op.execute(statement)
    op.drop_table("open_debit")
    op.execute(OPEN)


def downgrade() -> None:
    op.execute("DROP VIEW open_debit")
    op.create_table(
        "open_debit",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("unpaid", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unpaid > 0", name="open"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["transaction_id"], ["transaction.id"]),
        sa.PrimaryKeyConstraint("account_id", "transaction_id"),
    )
    op.execute(
        "INSERT INTO open_debit SELECT i.account_id, i.transaction_id, i.business_date, "
        "CASE WHEN i.transaction_id = b.open_item THEN b.open_unpaid ELSE i.amount END "
        "FROM balance b JOIN aging_item i ON i.account_id = b.account_id AND i.amount > 0 "
        "AND (i.due_on, i.business_date, i.transaction_id) >= (b.open_due, b.open_day, b.open_item) "
        "WHERE b.open_item <> 0"
    )
    op.drop_table("aging_item")
    for name in PLACE:
        op.drop_column("balance", name)
    op.drop_column("closing", "rules")
    op.drop_column("entry", "due_on")
    op.drop_column("transaction", "due_on")
