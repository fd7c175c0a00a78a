"""The book knows on which timeline of its server its incarnation began."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"


def upgrade() -> None:
    op.add_column("book", sa.Column("timeline", sa.Integer(), server_default=sa.text(TIMELINE), nullable=False))


def downgrade() -> None:
    op.drop_column("book", "timeline")
