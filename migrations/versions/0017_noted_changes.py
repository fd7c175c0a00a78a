"""A writer changes the details of a brand, a party or an account only with the dated row that tells it.

Whoever owns the tables is free to, as it is to take the guard off: a migration may have to.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Checked at the end of the database transaction. That a row of `change` was written in it, `recorded_at` tells, which
# a writer cannot set.
NOTED = """
CREATE FUNCTION change_noted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE unnoted text;
BEGIN
    SELECT now.key INTO unnoted
    FROM jsonb_each(to_jsonb(NEW)) now JOIN jsonb_each(to_jsonb(OLD)) before USING (key)
    WHERE now.value IS DISTINCT FROM before.value AND NOT EXISTS (
        SELECT FROM change c WHERE c.kind IN (TG_TABLE_NAME, TG_TABLE_NAME || '_status')
        AND c.subject = coalesce(to_jsonb(NEW) ->> TG_ARGV[0], NEW.id::text)
        AND c.recorded_at >= transaction_timestamp() AND c.after @> jsonb_build_object(now.key, now.value)
    ) LIMIT 1;
    IF FOUND AND NOT (SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION '% of % % was changed without a row in change', unnoted, TG_TABLE_NAME, NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""
KEYS = {"brand": "code", "party": "reference", "account": "reference"}


def upgrade() -> None:
    op.execute(NOTED)
    for table, key in KEYS.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER change_noted AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION change_noted('{key}')"
        )


def downgrade() -> None:
    for table in KEYS:
        op.execute(f"DROP TRIGGER change_noted ON {table}")
    op.execute("DROP FUNCTION change_noted")
