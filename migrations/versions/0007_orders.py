"""What placing an order need not wait for: that its transaction is there, and an index that nobody reads.

An order is written in one database transaction with the debit or hold of its number; `tiffin verify` holds that.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.drop_constraint("food_order_id_fkey", "food_order", type_="foreignkey")
    op.drop_index("order_step_order_id_idx", table_name="order_step")


def downgrade() -> None:
    op.create_index("order_step_order_id_idx", "order_step", ["order_id"])
    op.create_foreign_key("food_order_id_fkey", "food_order", "transaction", ["id"], ["id"])
