"""What clients owe in points, and how long points live that come back too late.

No client was notified of points that earlier orders could not take back, so none are owed (DECISIONS D70). Lots
and what was used of them keep their dates; how much of each lot expired unspent is read from the transactions that
booked it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    op.add_column("bonus_program", sa.Column("returned_live_days", sa.Integer(), server_default="14", nullable=False))
    op.add_column("order_accrual", sa.Column("lot_id", sa.BigInteger(), nullable=True))
    op.add_column("order_accrual", _amount("expired"))
    op.add_column("bonus_lot", sa.Column("given_until", sa.Date(), nullable=True))
    op.add_column("bonus_lot", _amount("lapsed"))
    op.add_column("bonus_lot", _amount("expired"))
    op.add_column("bonus_lot", sa.Column("extended_by", sa.BigInteger(), nullable=True))
    op.add_column("bonus_lot_use", sa.Column("gone_on", sa.Date(), nullable=True))
    op.create_table(
        "bonus_owed",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("transaction_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="bonus_owed_pkey"),
    )
    op.create_index("bonus_owed_account_id_idx", "bonus_owed", ["account_id"])
    op.execute("UPDATE bonus_lot SET given_until = gone_on")
    op.execute(
        "UPDATE bonus_lot l SET expired = u.amount FROM (SELECT u.account_id, u.lot_id, sum(u.amount) AS amount "
        "FROM bonus_lot_use u JOIN transaction t ON t.id = u.transaction_id AND t.reason = 'expired' "
        "GROUP BY 1, 2) u WHERE u.account_id = l.account_id AND u.lot_id = l.transaction_id"
    )
    op.execute(
        "UPDATE bonus_lot_use u SET gone_on = l.gone_on FROM bonus_lot l "
        "WHERE l.account_id = u.account_id AND l.transaction_id = u.lot_id AND l.gone_on IS NOT NULL"
    )
    op.execute(
        "UPDATE order_accrual a SET lot_id = b.id FROM order_step s JOIN transaction d ON d.id = s.transaction_id, "
        "transaction b WHERE s.kind = 'deliver' AND s.order_id = a.order_id "
        "AND b.key = 'tiffin:bonus:' || d.key || ':' || a.account_id"
    )


def downgrade() -> None:
    op.drop_table("bonus_owed")
    op.drop_column("bonus_lot_use", "gone_on")
    for name in ("extended_by", "expired", "lapsed", "given_until"):
        op.drop_column("bonus_lot", name)
    op.drop_column("order_accrual", "expired")
    op.drop_column("order_accrual", "lot_id")
    op.drop_column("bonus_program", "returned_live_days")
