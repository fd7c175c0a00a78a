"""What a payer's link says beyond brands: a share, hours, services, a group; limits on groups."""

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"

KEYS = {
    "write_off_limit": ["payer_id", "account_id", "group_name", "period"],
    "usage": ["payer_id", "account_id", "group_name", "period", "since"],
}

DATED: str = import_module("migrations.versions.0024_writers_guards").DATED.replace("CREATE ", "CREATE OR REPLACE ")
"""The guard of dated rows, which names a limit by its payer and its account."""

OF = "account_name(about -> 'account_id')"
OF_A_GROUP = f"coalesce('group ' || nullif(about ->> 'group_name', ''), {OF})"


def upgrade() -> None:
    op.add_column("link", sa.Column("share", sa.Integer(), nullable=True))
    op.add_column("link", sa.Column("hours", postgresql.JSONB(), nullable=True))
    op.add_column("link", sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("link", sa.Column("group_name", sa.Text(), nullable=True))
    op.create_table(
        "entry_group",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "account_id"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_group "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    before, limits = DATED.rsplit(OF, 1)
    op.execute(before + OF_A_GROUP + limits)
    for table, key in KEYS.items():
        op.add_column(table, sa.Column("group_name", sa.Text(), server_default="", nullable=False))
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, key)


def downgrade() -> None:
    op.execute(DATED)
    for table, key in KEYS.items():
        op.execute(f"DELETE FROM {table} WHERE group_name <> ''")
        op.drop_constraint(f"{table}_pkey", table)
        op.drop_column(table, "group_name")
        op.create_primary_key(f"{table}_pkey", table, [name for name in key if name != "group_name"])
    op.drop_table("entry_group")
    for name in ("share", "hours", "services", "group_name"):
        op.drop_column("link", name)
