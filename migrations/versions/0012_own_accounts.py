"""Money between brands' own accounts: a channel on legs of cash, a code of the chart on adjustments, moves.

Legs of before stay as they are: their channel is their transaction's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

KINDS = """
    payment allocate payout debit hold capture release expiry refund reverse transfer adjustment bonus mark
""".split()


def upgrade() -> None:
    for column in ("channel", "chart"):
        op.add_column("entry", sa.Column(column, sa.Text(), nullable=True))
    _know((*KINDS, "move"))


def downgrade() -> None:
    _know((*KINDS,))
    for column in ("chart", "channel"):
        op.drop_column("entry", column)


def _know(kinds: tuple[str, ...]) -> None:
    op.drop_constraint("kind_known", "transaction", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    # Whoever wrote a transaction wrote a known kind: checking them all again would keep the book shut for long.
    op.execute(f"ALTER TABLE transaction ADD CONSTRAINT kind_known CHECK (kind IN ({listed})) NOT VALID")
