"""When something happened, if that was before its booking, and how many days before that may be."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("transaction", sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("book", sa.Column("late_days", sa.Integer(), server_default="7", nullable=False))
    op.create_check_constraint("late_days_not_negative", "book", "late_days >= 0")


def downgrade() -> None:
    op.drop_column("book", "late_days")
    op.drop_column("transaction", "occurred_at")
