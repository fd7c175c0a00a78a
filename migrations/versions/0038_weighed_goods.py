"""What lines of orders came to when they were delivered by weight."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("order_line", sa.Column("weighed", sa.BigInteger(), nullable=True))
    op.add_column("order_line", sa.Column("weighed_of", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("order_line", "weighed_of")
    op.drop_column("order_line", "weighed")
