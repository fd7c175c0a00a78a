"""What an order charged says so in level one: debits (fees too), holds and captures, those of before included."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "owned",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name="owned_pkey"),
    )
    op.execute(
        "INSERT INTO owned SELECT id, key FROM food_order "
        "UNION ALL SELECT main_id, key FROM food_order WHERE main_id IS NOT NULL AND main_id <> id "
        "UNION ALL SELECT t.id, o.key FROM food_order o JOIN transaction t ON t.key = 'tiffin:fee:' || o.id"
    )


def downgrade() -> None:
    op.drop_table("owned")
