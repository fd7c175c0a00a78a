"""Guards and roles: what was written is not changed, and each transaction sums to zero.

The sum is checked over the rows of one INSERT (or COPY), so a transaction's entries must all come
from one statement: its legs run 1..n within it, and by the primary key no later one can start at 1.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

APPEND_ONLY = ("transaction", "entry", "credit_terms", "change")

BALANCED = """
CREATE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken record;
BEGIN
    SELECT transaction_id, currency, sum(amount) AS total INTO broken
    FROM inserted GROUP BY transaction_id, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % does not sum to zero: its entries in % sum to %',
            broken.transaction_id, broken.currency, broken.total USING ERRCODE = 'check_violation';
    END IF;
    SELECT transaction_id, count(*) AS legs INTO broken
    FROM inserted GROUP BY transaction_id HAVING min(leg) <> 1 OR max(leg) <> count(*) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction % are not legs 1 to % of one statement',
            broken.transaction_id, broken.legs USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

REFUSED = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, lower(TG_OP)
        USING ERRCODE = 'restrict_violation';
END $$
"""

# Roles belong to the server, not to the database: another book may have made them, perhaps this moment.
# Where we may not make them, the administrator does, and gives the grants by hand.
ROLES = """
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tiffin_writer', 'tiffin_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE WARNING '% cannot create role %: grant by hand', current_user, name;
            END;
        END IF;
    END LOOP;
END $$
"""

READER = (
    "GRANT USAGE ON SCHEMA public TO tiffin_reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tiffin_reader",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO tiffin_reader",
)
CHANGE = "SELECT, INSERT, UPDATE, DELETE"
WRITER = (
    "GRANT USAGE ON SCHEMA public TO tiffin_writer",
    f"GRANT {CHANGE} ON ALL TABLES IN SCHEMA public TO tiffin_writer",
    "REVOKE UPDATE, DELETE ON transaction, entry, credit_terms, change FROM tiffin_writer",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM tiffin_writer",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO tiffin_writer",
    f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {CHANGE} ON TABLES TO tiffin_writer",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO tiffin_writer",
)


def upgrade() -> None:
    op.execute(BALANCED)
    op.execute(
        "CREATE TRIGGER entries_balance AFTER INSERT ON entry REFERENCING NEW TABLE AS inserted "
        "FOR EACH STATEMENT EXECUTE FUNCTION entries_balance()"
    )
    op.execute(REFUSED)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
    op.execute(ROLES)
    _grant("tiffin_reader", READER)
    _grant("tiffin_writer", WRITER)


def downgrade() -> None:
    # The roles stay: other books on this server may use them. What they may do here goes.
    for role in ("tiffin_reader", "tiffin_writer"):
        _grant(role, (f"DROP OWNED BY {role}",))
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP TRIGGER entries_balance ON entry")
    op.execute("DROP FUNCTION append_only, entries_balance")


def _grant(role: str, statements: tuple[str, ...]) -> None:
    known = f"EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
    op.execute(f"DO $$ BEGIN IF {known} THEN {'; '.join(statements)}; END IF; END $$")
