"""What callers say of orders and of their lines; extras of any service."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"

FIXED = "service IN ('dish', 'delivery', 'packaging')"


def upgrade() -> None:
    for table in ("food_order", "order_line"):
        op.add_column(table, sa.Column("reference", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("attributes", postgresql.JSONB(), nullable=True))
    op.add_column("order_line", sa.Column("own_discount", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_constraint("service_known", "order_line")


def downgrade() -> None:
    # Extras of other services stay: what was placed is not rewritten.
    op.execute(f"ALTER TABLE order_line ADD CONSTRAINT service_known CHECK ({FIXED}) NOT VALID")
    op.drop_column("order_line", "own_discount")
    for table in ("food_order", "order_line"):
        op.drop_column(table, "attributes")
        op.drop_column(table, "reference")
