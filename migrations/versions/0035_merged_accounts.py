"""Accounts that are merged into others: where each ended up, and the lots of points that came with it."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

KINDS = {
    "transaction": (
        *("payment", "allocate", "payout", "debit", "hold", "capture", "release", "expiry", "refund", "reverse"),
        *("transfer", "adjustment", "move", "bonus", "mark"),
    ),
    "change": (
        *("brand", "party", "account", "account_status", "credit_terms", "link", "write_off_limit", "promotion"),
        "bonus_program",
    ),
}


def _know(*more: str) -> None:
    for table, kinds in KINDS.items():
        listed = ", ".join(f"'{kind}'" for kind in (*kinds, *more))
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT kind_known, "
            f"ADD CONSTRAINT kind_known CHECK (kind IN ({listed})) NOT VALID"  # what is there is of the kinds of before
        )


def upgrade() -> None:
    _know("merge")
    op.create_table(
        "merged_account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "transaction_id"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON merged_account "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.add_column("bonus_lot", sa.Column("given_by", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("bonus_lot", "given_by")
    op.drop_table("merged_account")
    _know()
