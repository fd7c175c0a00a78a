"""All tables of level one and the two sequences that number transactions and accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None

# Balances and their kin are updated all the time: room on each page keeps the new row on the
# same page (a HOT update, no index work), and vacuum comes by often and takes no naps.
OFTEN_UPDATED = ("balance", "usage", "open_debit", "hold", "hold_part")
STORAGE = (
    "fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, "
    "autovacuum_vacuum_threshold = 1000, "
    "autovacuum_vacuum_cost_delay = 0"
)


def upgrade() -> None:
    op.create_table(
        "book",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False, server_default="RUB"),
        sa.Column("closed_until", sa.Date(), nullable=True),
        sa.Column(
            "initialised_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "brand",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("bank_details", JSONB(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("logo", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'closed')", name="status_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('brand', 'party', 'account', 'account_status', 'credit_terms', 'link', "
            "'write_off_limit', 'promotion', 'bonus_program')",
            name="kind_known",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("change_subject_idx", "change", ["kind", "subject"], unique=False)
    op.create_table(
        "party",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('individual', 'legal_entity')", name="kind_known"),
        sa.CheckConstraint("status IN ('open', 'closed')", name="status_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_table(
        "transaction",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("facts", JSONB(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("value_date", sa.Date(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refers_to", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'declined') = (code IS NOT NULL)", name="declines_have_codes"),
        sa.CheckConstraint(
            "kind IN ('payment', 'allocate', 'payout', 'debit', 'hold', 'capture', 'release', "
            "'expiry', 'refund', 'reverse', 'transfer', 'adjustment', 'bonus')",
            name="kind_known",
        ),
        sa.CheckConstraint("status IN ('posted', 'declined')", name="status_known"),
        sa.ForeignKeyConstraint(
            ["refers_to"],
            ["transaction.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "transaction_business_date_idx",
        "transaction",
        ["business_date"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_index(
        "transaction_refers_to_idx",
        "transaction",
        ["refers_to"],
        unique=False,
        postgresql_where=sa.text("refers_to IS NOT NULL"),
    )
    op.create_table(
        "usage",
        sa.Column("payer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("payer_id", "account_id", "period", "since"),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("money_account_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_id", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("contract_number", sa.Text(), nullable=True),
        sa.Column("contract_date", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("(kind = 'bonus') = (money_account_id IS NOT NULL)", name="bonus_belongs_to_money"),
        sa.CheckConstraint("(kind IN ('money', 'bonus')) = (party_id IS NOT NULL)", name="clients_have_parties"),
        sa.CheckConstraint("kind = 'money' OR brand_id IS NOT NULL", name="others_have_brands"),
        sa.CheckConstraint(
            "kind IN ('money', 'bonus', 'cash', 'revenue', 'bonus_expense', 'adjustments', 'unallocated')",
            name="kind_known",
        ),
        sa.CheckConstraint("status IN ('open', 'frozen', 'closed')", name="status_known"),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["money_account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "currency", name="account_id_currency_key"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index("account_party_id_idx", "account", ["party_id"], unique=False)
    op.create_index(
        "bonus_account_key",
        "account",
        ["money_account_id", "brand_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'bonus'"),
    )
    op.create_index(
        "system_account_key",
        "account",
        ["brand_id", "currency", "kind"],
        unique=True,
        postgresql_where=sa.text("party_id IS NULL"),
    )
    op.create_table(
        "balance",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "credit_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_limit", sa.BigInteger(), nullable=False),
        sa.Column("period_days", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("credit_limit >= 0", name="limit_not_negative"),
        sa.CheckConstraint("period_days IS NULL OR period_days >= 0", name="period_not_negative"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("credit_terms_account_id_idx", "credit_terms", ["account_id"], unique=False)
    op.create_table(
        "entry",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leg", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("held_after", sa.BigInteger(), nullable=True),
        sa.Column("subaccount_id", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.SmallInteger(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("gross", sa.BigInteger(), nullable=True),
        sa.Column("discount", sa.BigInteger(), nullable=True),
        sa.Column("vat_rate", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("vat", sa.BigInteger(), nullable=True),
        sa.Column("attributes", JSONB(), nullable=True),
        sa.CheckConstraint(
            "(version IS NULL) = (balance_after IS NULL) AND (version IS NULL) = (held_after IS NULL)",
            name="clients_have_balances",
        ),
        sa.CheckConstraint("gross IS NULL OR gross - discount = amount", name="gross_less_discount"),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["account.id", "account.currency"],
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transaction.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "leg"),
    )
    op.create_index(
        "entry_account_version_key",
        "entry",
        ["account_id", "version"],
        unique=True,
        postgresql_where=sa.text("version IS NOT NULL"),
    )
    op.create_table(
        "hold",
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'captured', 'released', 'expired')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transaction.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id"),
    )
    op.create_index("hold_open_idx", "hold", ["expires_at"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "link",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("draw", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("brands", ARRAY(sa.BigInteger()), nullable=True),
        sa.CheckConstraint("draw IN ('payer_first', 'own_first')", name="draw_known"),
        sa.CheckConstraint("account_id <> payer_id", name="nobody_pays_for_himself"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payer_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "payer_id"),
    )
    op.create_index("link_payer_id_idx", "link", ["payer_id"], unique=False)
    op.create_table(
        "open_debit",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("unpaid", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unpaid > 0", name="open"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transaction.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "transaction_id"),
    )
    op.create_table(
        "write_off_limit",
        sa.Column("payer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.CheckConstraint("period IN ('order', 'day', 'week', 'month', 'total')", name="period_known"),
        sa.CheckConstraint("amount IS NOT NULL OR count IS NOT NULL", name="limits_something"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payer_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("payer_id", "account_id", "period"),
    )
    op.create_table(
        "hold_part",
        sa.Column("hold_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=True),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("vat", sa.BigInteger(), nullable=True),
        sa.Column("attributes", JSONB(), nullable=True),
        sa.CheckConstraint("held >= 0 AND held <= amount", name="held_within_amount"),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"],
            ["hold.transaction_id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("hold_id", "part"),
    )
    op.create_index(
        "hold_part_source_id_idx",
        "hold_part",
        ["source_id"],
        unique=False,
        postgresql_where=sa.text("held > 0"),
    )

    # Account numbers are this sequence's values with a Luhn digit after them: 100001 makes 1000017.
    op.execute("CREATE SEQUENCE account_number_seq AS bigint START 100001")
    op.execute("CREATE SEQUENCE transaction_id_seq AS bigint")
    for table in OFTEN_UPDATED:
        op.execute(f"ALTER TABLE {table} SET ({STORAGE})")


def downgrade() -> None:
    op.execute("DROP SEQUENCE transaction_id_seq, account_number_seq")
    op.drop_table("hold_part")
    op.drop_table("write_off_limit")
    op.drop_table("open_debit")
    op.drop_table("link")
    op.drop_table("hold")
    op.drop_table("entry")
    op.drop_table("credit_terms")
    op.drop_table("balance")
    op.drop_table("account")
    op.drop_table("usage")
    op.drop_table("transaction")
    op.drop_table("party")
    op.drop_table("change")
    op.drop_table("brand")
    op.drop_table("book")
