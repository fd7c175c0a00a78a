"""Tables that exist to be locked, in place of advisory locks: only who may write them can stop a writer."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

EMPTY = ("cut_gate", "lake_gate")


def upgrade() -> None:
    for name in EMPTY:
        op.create_table(
            name,
            sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.PrimaryKeyConstraint("id"),
            sa.CheckConstraint("false", name="stays_empty"),
        )
    op.create_table(
        "payment_gate",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute("INSERT INTO payment_gate SELECT generate_series(0, 255)")


def downgrade() -> None:
    for name in (*EMPTY, "payment_gate"):
        op.drop_table(name)
