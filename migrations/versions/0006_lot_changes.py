"""What changed of the uses of lots, by the transaction that changed it, so that a past day can be reconstructed.

Of what came back before this only the sum is known: it counts as never taken.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TABLE = "bonus_lot_use"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("changed_by", sa.BigInteger(), nullable=True))
    op.execute(f"UPDATE {TABLE} SET changed_by = transaction_id")
    op.alter_column(TABLE, "changed_by", nullable=False)
    op.drop_constraint("not_below_zero", TABLE, type_="check")
    op.drop_constraint(f"{TABLE}_pkey", TABLE, type_="primary")
    op.create_primary_key(f"{TABLE}_pkey", TABLE, ["account_id", "transaction_id", "lot_id", "changed_by"])


def downgrade() -> None:
    op.execute(
        f"CREATE TEMP TABLE summed AS SELECT account_id, transaction_id, lot_id, sum(amount)::bigint AS amount "
        f"FROM {TABLE} GROUP BY 1, 2, 3"
    )
    op.execute(f"DELETE FROM {TABLE}")
    op.drop_constraint(f"{TABLE}_pkey", TABLE, type_="primary")
    op.drop_column(TABLE, "changed_by")
    op.create_primary_key(f"{TABLE}_pkey", TABLE, ["account_id", "transaction_id", "lot_id"])
    op.create_check_constraint("not_below_zero", TABLE, "amount >= 0")
    op.execute(f"INSERT INTO {TABLE} SELECT * FROM summed")
    op.execute("DROP TABLE summed")
