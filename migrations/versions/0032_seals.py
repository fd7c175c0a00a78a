"""Seals of closed days, the leaves of the map that they seal, and the salts of what is hashed."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("day"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "seal_leaf",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seal_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seal_number"], ["seal.number"]),
        sa.PrimaryKeyConstraint("name", "seal_number"),
    )
    op.create_table(
        "seal_salt",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), server_default=sa.text("uuid_send(gen_random_uuid())"), nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )
    for table in ("seal", "seal_leaf"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    op.drop_table("seal_salt")
    op.drop_table("seal_leaf")
    op.drop_table("seal")
