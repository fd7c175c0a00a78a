"""Which ledger a cut was made from, and a day that is being closed: a closing counts once its cut was verified."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "book", sa.Column("incarnation", sa.Text(), server_default=sa.text("gen_random_uuid()::text"), nullable=False)
    )
    op.add_column("book", sa.Column("closing", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("book", "closing")
    op.drop_column("book", "incarnation")
