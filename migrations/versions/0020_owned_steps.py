"""Every posting of an order carries its owner: its refunds, releases and points, too."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        "INSERT INTO owned SELECT s.transaction_id, o.key FROM order_step s JOIN food_order o ON o.id = s.order_id "
        "JOIN transaction t ON t.id = s.transaction_id WHERE t.status = 'posted' ON CONFLICT DO NOTHING"
    )
    # What a step gave or took in points is known by the step's key and the bonus account.
    op.execute(
        "INSERT INTO owned SELECT b.id, o.key FROM order_step s JOIN food_order o ON o.id = s.order_id "
        "JOIN transaction t ON t.id = s.transaction_id "
        "JOIN account a ON a.kind = 'bonus' AND a.money_account_id = o.account_id "
        "JOIN transaction b ON b.key = 'tiffin:bonus:' || t.key || ':' || a.id "
        "WHERE t.status = 'posted' AND b.status = 'posted' ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM owned w USING transaction t WHERE t.id = w.transaction_id "
        "AND t.kind NOT IN ('debit', 'hold', 'capture')"
    )
