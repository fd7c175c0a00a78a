"""The closings of days, so that reports and checks know when each day was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "closing",
        sa.Column("closed_until", sa.Date(), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("last_transaction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("closed_until"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closing "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tiffin_writer') THEN "
        "REVOKE UPDATE, DELETE ON closing FROM tiffin_writer; END IF; END $$"
    )


def downgrade() -> None:
    op.drop_table("closing")
