"""The index of what may have left money without an account: refunds too, whose payer's account was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

NAME = "transaction_unallocated_idx"
PAYMENT = "kind = 'payment' AND status = 'posted' AND account_id IS NULL"
PAYMENT_OR_REFUND = "status = 'posted' AND (kind = 'payment' AND account_id IS NULL OR kind = 'refund')"


def upgrade() -> None:
    op.drop_index(NAME, "transaction")
    op.create_index(NAME, "transaction", ["id"], postgresql_where=sa.text(PAYMENT_OR_REFUND))


def downgrade() -> None:
    op.drop_index(NAME, "transaction")
    op.create_index(NAME, "transaction", ["id"], postgresql_where=sa.text(PAYMENT))
