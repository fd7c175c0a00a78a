"""From when on an order is none any more: cancelled, all its dishes refunded, or a pre-order that ran out.

Pre-orders of before that ran out on closed days give their promotions back on the first open day, so that what was
reported stays.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("food_order", sa.Column("void_at", MOMENT, nullable=True))
    op.add_column("food_order", sa.Column("late_at", MOMENT, nullable=True))
    op.add_column("promotion_use", sa.Column("number", sa.SmallInteger(), server_default="1", nullable=False))
    op.drop_constraint("promotion_use_pkey", "promotion_use", type_="primary")
    op.create_primary_key("promotion_use_pkey", "promotion_use", ["order_id", "promotion_id", "number"])
    op.create_index(
        "promotion_use_back_idx",
        "promotion_use",
        ["promotion_id"],
        postgresql_where=sa.text("given_back_at IS NOT NULL"),
    )
    op.execute("UPDATE food_order SET void_at = cancelled_at WHERE status = 'cancelled'")
    op.execute(
        "UPDATE food_order o SET void_at = h.expires_at FROM hold h "
        "WHERE h.transaction_id = o.id AND o.status = 'placed' AND o.main_id IS NULL"
    )
    op.execute(
        "UPDATE food_order o SET void_at = r.at FROM (SELECT s.order_id, max(t.posted_at) AS at FROM order_step s "
        "JOIN transaction t ON t.id = s.transaction_id WHERE s.kind = 'refund_items' GROUP BY 1) r "
        "WHERE r.order_id = o.id AND o.status <> 'cancelled' AND NOT EXISTS (SELECT FROM order_line l "
        "WHERE l.order_id = o.id AND l.service = 'dish' AND l.kept > 0)"
    )
    # These uses are given back from now on, where a limit counts them, too.
    op.execute(
        "UPDATE promotion_use u SET given_back_at = greatest(o.void_at, b.open_from) FROM food_order o, "
        "(SELECT ((closed_until + 1)::timestamp AT TIME ZONE time_zone) AS open_from FROM book) b "
        "WHERE o.id = u.order_id AND u.given_back_at IS NULL AND o.void_at IS NOT NULL"
    )
    op.execute(
        "UPDATE promotion p SET used = (SELECT count(*) FROM promotion_use u JOIN food_order o ON o.id = u.order_id "
        "WHERE u.promotion_id = p.id AND (u.given_back_at IS NULL OR o.status = 'placed' AND o.main_id IS NULL)) "
        "WHERE max_uses IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM promotion_use WHERE number > 1")
    op.drop_index("promotion_use_back_idx", table_name="promotion_use")
    op.drop_constraint("promotion_use_pkey", "promotion_use", type_="primary")
    op.create_primary_key("promotion_use_pkey", "promotion_use", ["order_id", "promotion_id"])
    op.drop_column("promotion_use", "number")
    op.drop_column("food_order", "late_at")
    op.drop_column("food_order", "void_at")
