"""Payments that named no account are found without reading all transactions: the desk lists them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

INDEX, TABLE = "transaction_unallocated_idx", "transaction"


def upgrade() -> None:
    unallocated = sa.text("kind = 'payment' AND status = 'posted' AND account_id IS NULL")
    with op.get_context().autocommit_block():  # writers go on meanwhile
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # a run that was killed leaves one that is not valid
        op.create_index(INDEX, TABLE, ["id"], postgresql_where=unallocated, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
