"""Marks: a transaction for what happened to an account and moved nothing, kept with its key."""

from alembic import op

revision = "0004"
down_revision = "0003"

KINDS = """
    payment allocate payout debit hold capture release expiry refund reverse transfer adjustment bonus
""".split()


def _allow(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("kind_known", "transaction", type_="check")
    op.create_check_constraint("kind_known", "transaction", f"kind IN ({listed})")


def upgrade() -> None:
    _allow((*KINDS, "mark"))


def downgrade() -> None:
    _allow((*KINDS,))
