"""What bank statements report is kept: statements, their entries, learned payers, layouts of CSV files.

Payments imported before are taken up with their note, so that the same file again still posts nothing twice.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

NOW = sa.text("clock_timestamp()")
TEXTS = ("bank_reference", "end_to_end", "reference", "name", "tax_id", "account", "bank", "payer", "text")
BLANKS = ", ".join(["''"] * (len(TEXTS) + 1))
# Their account at the bank was not kept. The key begins with the bank's day.
TAKE_UP = (
    f"INSERT INTO bank_entry (key, movement, bank_account, currency, brand_id, booked_on, value_date, amount, "
    f"payments, {', '.join(TEXTS)}, reason, reversal, imprint) "
    "SELECT t.key, t.key, '', e.currency, a.brand_id, to_date(substr(t.key, 6, 8), 'YYYYMMDD'), "
    f"coalesce(t.value_date, t.business_date), -e.amount, 1, {BLANKS}, "
    "false, coalesce(t.note, '') FROM transaction t JOIN entry e ON e.transaction_id = t.id "
    "JOIN account a ON a.id = e.account_id AND a.kind = 'cash' "
    r"WHERE t.kind = 'payment' AND t.status = 'posted' AND t.key ~ '^bank:\d{8}:[0-9a-f]{32}$'"
)
TABLES = ("bank_csv", "bank_payer", "bank_entry", "bank_statement")


def upgrade() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("opening", sa.BigInteger(), nullable=True),
        sa.Column("closing", sa.BigInteger(), nullable=True),
        sa.Column("money_in", sa.BigInteger(), nullable=False),
        sa.Column("money_out", sa.BigInteger(), nullable=False),
        sa.Column("interim", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("bank_statement_account_idx", "bank_statement", ["bank_account", "until"])
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=True),
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=True),
        sa.Column("payments", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("imprint", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"]),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statement.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("bank_entry_account_idx", "bank_entry", ["bank_account", "booked_on"])
    op.create_index("bank_entry_payer_idx", "bank_entry", ["payer"], postgresql_where=sa.text("payer <> ''"))
    op.create_table(
        "bank_payer",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("learned_from", sa.BigInteger(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("learned_by", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("payer", "account_id", "learned_from", name="bank_payer_key"),
    )
    op.create_table(
        "bank_csv",
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("layout", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("bank_account"),
    )
    op.execute(TAKE_UP)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
