"""A step of an order that amends it."""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    _know("'order', 'deliver', 'amend', 'cancel', 'refund_items'")


def downgrade() -> None:
    _know("'order', 'deliver', 'cancel', 'refund_items'", "NOT VALID")


def _know(kinds: str, how: str = "") -> None:
    op.drop_constraint("kind_known", "order_step")
    op.execute(f"ALTER TABLE order_step ADD CONSTRAINT kind_known CHECK (kind IN ({kinds})) {how}")
