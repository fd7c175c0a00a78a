"""Discounts that other brands finance: of promotions by share, of lines of orders what is posted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0039"

WATCHED = (
    "code, kind, value, brand_id, min_order, max_discount, valid_from, valid_until, max_uses, max_uses_per_party, "
    "first_order_only, stackable"
)


def _watch(columns: str) -> None:
    op.execute("DROP TRIGGER change_is_dated ON promotion")
    op.execute(
        f"CREATE CONSTRAINT TRIGGER change_is_dated AFTER INSERT OR DELETE OR UPDATE OF {columns} ON promotion "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change_is_dated()"
    )


def upgrade() -> None:
    op.add_column("promotion", sa.Column("financed", JSONB(), nullable=True))
    op.add_column("order_line", sa.Column("financed", JSONB(), nullable=True))
    _watch(f"{WATCHED}, financed")


def downgrade() -> None:
    _watch(WATCHED)
    op.drop_column("order_line", "financed")
    op.drop_column("promotion", "financed")
