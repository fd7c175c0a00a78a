"""The feed of events: which database transaction wrote each transaction and change; endpoints that are notified."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

NOW = sa.text("clock_timestamp()")
FED = ("transaction", "change")


def upgrade() -> None:
    # A column without a default first: rows that are there are not written again, and stay without.
    for table in FED:
        op.add_column(table, sa.Column("xid", sa.BigInteger(), nullable=True))
        op.alter_column(table, "xid", server_default=sa.text("((pg_current_xact_id())::text)::bigint"))
    op.add_column("change", sa.Column("place", sa.BigInteger(), nullable=True))
    op.alter_column("change", "place", server_default=sa.text("nextval('transaction_id_seq'::regclass)"))
    op.create_index("transaction_feed_idx", "transaction", ["xid", "id"], postgresql_where=sa.text("xid IS NOT NULL"))
    op.create_index("change_feed_idx", "change", ["xid", "place"], postgresql_where=sa.text("xid IS NOT NULL"))
    op.create_index("change_place_idx", "change", ["place"], postgresql_where=sa.text("place IS NOT NULL"))
    op.add_column("book", sa.Column("fed", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False))
    op.add_column("book", sa.Column("fed_from", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "webhook_stuck",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event", postgresql.JSONB(), nullable=False),
        sa.Column("accounts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("webhook_stuck")
    op.drop_table("webhook")
    for name in ("fed", "fed_from"):
        op.drop_column("book", name)
    op.drop_column("change", "place")
    for table in FED:
        op.drop_column(table, "xid")
