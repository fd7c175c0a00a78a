"""How many orders a client had before the book began."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("party", sa.Column("orders_before", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("party", "orders_before")
