"""Where what is unpaid of an account began is kept from entry to entry, so that a past moment needs no items.

From the state of the upgrade on: what stood before is still found from the entries.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "unpaid_place",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("open_due", sa.Date(), nullable=False),
        sa.Column("open_day", sa.Date(), nullable=False),
        sa.Column("open_item", sa.BigInteger(), nullable=False),
        sa.Column("latest_due", sa.Date(), nullable=False),
        sa.Column("ripens_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "version", name="unpaid_place_pkey"),
    )
    op.execute(
        "INSERT INTO unpaid_place SELECT b.account_id, b.version, e.transaction_id, b.open_due, b.open_day, "
        "b.open_item, b.latest_due, b.ripens_on FROM balance b "
        "JOIN account a ON a.id = b.account_id AND a.kind = 'money' "
        "JOIN entry e ON e.account_id = b.account_id AND e.version = b.version WHERE b.balance < 0"
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON unpaid_place "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    op.drop_table("unpaid_place")
