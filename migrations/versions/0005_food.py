"""Food's tables: promotions and their uses, bonus programmes, points in lots, orders, their lines and steps."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("bonus_program", "order_step")
TABLES = (
    "bonus_lot_use",
    "promotion_use",
    "order_line",
    "order_accrual",
    "bonus_points",
    "bonus_lot",
    "promotion",
    "food_order",
    "bonus_program",
    "order_step",
)


def upgrade() -> None:
    op.create_table(
        "order_step",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.CheckConstraint("kind IN ('order', 'deliver', 'cancel', 'refund_items')", name="kind_known"),
        sa.PrimaryKeyConstraint("transaction_id"),
    )
    op.create_index("order_step_order_id_idx", "order_step", ["order_id"], unique=False)
    op.create_table(
        "bonus_program",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("accrue_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("redeem_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("accrue_percent >= 0 AND accrue_percent <= 100", name="accrue_is_a_percent"),
        sa.CheckConstraint("redeem_percent >= 0 AND redeem_percent <= 100", name="redeem_is_a_percent"),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bonus_program_brand_id_idx", "bonus_program", ["brand_id"], unique=False)
    op.create_table(
        "food_order",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("main_id", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('placed', 'delivered', 'cancelled')", name="status_known"),
        sa.ForeignKeyConstraint(["id"], ["transaction.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("food_order_party_id_idx", "food_order", ["party_id"], unique=False)
    op.create_table(
        "promotion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("min_order", sa.BigInteger(), nullable=True),
        sa.Column("max_discount", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("max_uses_per_party", sa.Integer(), nullable=True),
        sa.Column("first_order_only", sa.Boolean(), nullable=False),
        sa.Column("stackable", sa.Boolean(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('percent', 'amount', 'free_delivery')", name="kind_known"),
        sa.CheckConstraint("used >= 0", name="used_not_below_zero"),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "bonus_lot",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points_left", sa.BigInteger(), nullable=False),
        sa.Column("gone_on", sa.Date(), nullable=True),
        sa.CheckConstraint("points_left >= 0 AND points_left <= amount", name="left_within_amount"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["transaction_id"], ["transaction.id"]),
        sa.PrimaryKeyConstraint("account_id", "transaction_id"),
    )
    op.create_index(
        "bonus_lot_account_idx", "bonus_lot", ["account_id"], unique=False, postgresql_where=sa.text("points_left > 0")
    )
    op.create_index(
        "bonus_lot_left_idx", "bonus_lot", ["gone_on"], unique=False, postgresql_where=sa.text("points_left > 0")
    )
    op.create_table(
        "bonus_points",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "order_accrual",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("taken_back", sa.BigInteger(), nullable=False),
        sa.Column("shortfall", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken_back + shortfall <= points", name="taken_back_within_points"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.ForeignKeyConstraint(["order_id"], ["food_order.id"]),
        sa.PrimaryKeyConstraint("order_id", "brand_id"),
    )
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.CheckConstraint("service IN ('dish', 'delivery', 'packaging')", name="service_known"),
        sa.CheckConstraint("discount >= 0 AND net >= 0", name="not_below_zero"),
        sa.CheckConstraint("gross = price * quantity AND gross - discount = net", name="gross_less_discount"),
        sa.CheckConstraint("kept >= 0 AND kept <= quantity", name="kept_within_quantity"),
        sa.PrimaryKeyConstraint("order_id", "line"),
    )
    op.create_table(
        "promotion_use",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("promotion_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "promotion_id"),
    )
    op.create_index(
        "promotion_use_party_idx",
        "promotion_use",
        ["promotion_id", "party_id"],
        unique=False,
        postgresql_where=sa.text("given_back_at IS NULL"),
    )
    op.create_table(
        "bonus_lot_use",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="not_below_zero"),
        sa.ForeignKeyConstraint(["account_id", "lot_id"], ["bonus_lot.account_id", "bonus_lot.transaction_id"]),
        sa.ForeignKeyConstraint(["transaction_id"], ["transaction.id"]),
        sa.PrimaryKeyConstraint("account_id", "transaction_id", "lot_id"),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        op.execute(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tiffin_writer') THEN "
            f"REVOKE UPDATE, DELETE ON {table} FROM tiffin_writer; END IF; END $$"
        )
    # Updated all the time: room on each page keeps the new row on the same page.
    for table in ("promotion", "bonus_points", "bonus_lot"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
