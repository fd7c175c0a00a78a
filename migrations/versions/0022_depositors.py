"""Payers that bring a brand's own money to the bank: acquirers and depositors."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bank_depositor",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("fee_percent", sa.Numeric(5, 2), nullable=True),
        sa.Column("known_since", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("known_by", sa.Text(), nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bank_depositor_known_idx",
        "bank_depositor",
        ["payer", "brand_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("bank_depositor")
