"""A person is erased: personal fields and free text go, what they were sealed as stays (DECISIONS D194).

The one function that does it is the owner's. In its database transaction, which a row of `erasure` marks, the
append-only tables take updates, of these columns alone and only to nothing; everything else is as guarded as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

NOW = sa.text("clock_timestamp()")
XID = sa.text("pg_current_xact_id()::text::bigint")

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('transaction', 'entry', 'change', 'credit_terms')
       AND EXISTS (SELECT FROM erasure WHERE xid = pg_current_xact_id()::text::bigint) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, lower(TG_OP)
        USING ERRCODE = 'restrict_violation';
END $$
"""
APPEND_ONLY_BEFORE = """
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, lower(TG_OP)
        USING ERRCODE = 'restrict_violation';
END $$
"""

ONLY_ERASED = """
CREATE FUNCTION only_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE was jsonb := to_jsonb(OLD); becomes jsonb := to_jsonb(NEW); field text;
BEGIN
    FOREACH field IN ARRAY TG_ARGV LOOP
        IF becomes -> field <> 'null' AND NOT was -> field @> (becomes -> field) THEN
            RAISE EXCEPTION '% is append-only: % can only be erased', TG_TABLE_NAME, field
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    IF was - TG_ARGV::text[] <> becomes - TG_ARGV::text[] THEN
        RAISE EXCEPTION '% is append-only: only personal fields are erased', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
ERASED_FIELDS = {
    "transaction": "'reason', 'note'",
    "entry": "'attributes'",
    "change": "'before', 'after', 'note'",
    "credit_terms": "'note'",
}

# Each row is kept as the hash that seals have of it (canonical form 1), by the salt that goes at the end.
ERASE = """
CREATE FUNCTION erase_party(erased bigint, why text, who text) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    personal text[] := '{name,legal_name,tax_id,kpp,email,phone,address}';
    nobody jsonb := '{"name": "erased", "legal_name": null, "tax_id": null, "kpp": null, "email": null, "phone": null,
                      "address": null}';
    erasure_id bigint; named text; salted bytea; today date;
BEGIN
    INSERT INTO erasure (party_id, reason, by) VALUES (erased, why, who) RETURNING id INTO erasure_id;
    SELECT reference INTO STRICT named FROM party WHERE id = erased FOR UPDATE;
    SELECT salt INTO salted FROM seal_salt WHERE party_id = erased;

    CREATE TEMP TABLE of_party ON COMMIT DROP AS
        SELECT t.id, t.key, salted AS salt FROM transaction t JOIN account a ON a.id = t.account_id
        WHERE a.party_id = erased
        UNION ALL
        -- What came without an account, and was allocated to the person's.
        SELECT p.id, p.key, (SELECT salt FROM seal_salt WHERE party_id = 0)
        FROM transaction p WHERE p.account_id IS NULL AND p.id IN (
            SELECT t.refers_to FROM transaction t JOIN entry e ON e.transaction_id = t.id
            JOIN account a ON a.id = e.account_id WHERE t.kind = 'allocate' AND a.party_id = erased);

    INSERT INTO erased_row (kind, id, hash)
    SELECT 'transaction', t.id,
           encode(sha256(o.salt || convert_to(json_build_array(t.reason, t.by, t.note)::text, 'UTF8')), 'hex')
    FROM of_party o JOIN transaction t USING (id)
    WHERE num_nonnulls(t.reason, t.by, t.note) > 0 AND o.salt IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO erased_row (kind, id, leg, hash)
    SELECT 'leg', e.transaction_id, e.leg,
           encode(sha256(o.salt || convert_to(json_build_array(e.reference, e.attributes::text)::text, 'UTF8')), 'hex')
    FROM of_party o JOIN entry e ON e.transaction_id = o.id
    WHERE num_nonnulls(e.reference, e.attributes) > 0 AND o.salt IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO erased_row (kind, id, hash)
    SELECT 'change', c.id, encode(sha256(salted || convert_to(
               json_build_array(c.subject, c.before::text, c.after::text, c.by, c.note)::text, 'UTF8')), 'hex')
    FROM change c LEFT JOIN account a ON a.id = c.account_id
    WHERE (a.party_id = erased OR a.id IS NULL AND c.kind = 'party' AND c.subject = named) AND salted IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO erased_row (kind, id, hash)
    SELECT 'terms', c.id, encode(sha256(salted || convert_to(json_build_array(c.by, c.note)::text, 'UTF8')), 'hex')
    FROM credit_terms c JOIN account a ON a.id = c.account_id
    WHERE a.party_id = erased AND num_nonnulls(c.by, c.note) > 0 AND salted IS NOT NULL ON CONFLICT DO NOTHING;

    UPDATE transaction t SET reason = NULL, note = NULL FROM of_party o
    WHERE t.id = o.id AND num_nonnulls(t.reason, t.note) > 0;
    UPDATE entry e SET attributes = NULL FROM of_party o WHERE e.transaction_id = o.id AND e.attributes IS NOT NULL;
    UPDATE credit_terms c SET note = NULL FROM account a
    WHERE a.id = c.account_id AND a.party_id = erased AND c.note IS NOT NULL;
    UPDATE change c SET note = NULL FROM account a
    WHERE a.id = c.account_id AND a.party_id = erased AND c.note IS NOT NULL;
    UPDATE change SET before = before - personal, after = after - personal, note = NULL
    WHERE kind = 'party' AND subject = named AND
        (note IS NOT NULL OR jsonb_exists_any(coalesce(before, '{}'), personal) OR jsonb_exists_any(after, personal));
    UPDATE party SET name = 'erased', legal_name = NULL, tax_id = NULL, kpp = NULL, email = NULL, phone = NULL,
        address = NULL WHERE id = erased;
    SELECT (clock_timestamp() AT TIME ZONE time_zone)::date INTO today FROM book;
    INSERT INTO change (kind, subject, after, business_date, by) VALUES ('party', named, nobody, today, who);

    UPDATE hold_part h SET attributes = NULL FROM of_party o WHERE h.hold_id = o.id AND h.attributes IS NOT NULL;
    UPDATE order_line l SET attributes = NULL FROM food_order o
    WHERE o.party_id = erased AND l.order_id = o.id AND l.attributes IS NOT NULL;
    UPDATE food_order SET attributes = NULL WHERE party_id = erased AND attributes IS NOT NULL;
    UPDATE bank_entry b SET name = '', tax_id = '', account = '', payer = '', text = '', reference = '', reason = '',
        imprint = NULL FROM of_party o WHERE b.key = o.key;
    UPDATE bank_payer p SET payer = 'erased ' || p.id, revoked_at = coalesce(p.revoked_at, clock_timestamp()),
        revoked_by = coalesce(p.revoked_by, who)
    FROM account a WHERE a.id = p.account_id AND a.party_id = erased;
    DELETE FROM desk.draft d WHERE d.key IN (SELECT key FROM of_party) OR EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(d.lines) WHEN 'array' THEN d.lines ELSE '[]' END) l
        WHERE l ->> 'party' = named OR l ->> 'type' = 'party' AND l ->> 'reference' = named OR l ->> 'account' IN (
            SELECT unnest(ARRAY[id::text, reference]) FROM account WHERE party_id = erased));
    UPDATE webhook_stuck SET event = event #- '{data,note}' #- '{data,before}' #- '{data,after}'
    WHERE accounts && ARRAY(SELECT id FROM account WHERE party_id = erased) OR event #>> '{data,subject}' = named;

    -- With the salt goes the way back from a hash to a guess.
    UPDATE seal_salt SET salt = uuid_send(gen_random_uuid()) WHERE party_id = erased;
    RETURN erasure_id;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("xid", sa.BigInteger(), server_default=XID, nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "erased_row",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leg", sa.SmallInteger(), autoincrement=False, server_default="0", nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "leg"),
    )
    op.execute(APPEND_ONLY)
    for table in ("erasure", "erased_row"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
    op.execute(ONLY_ERASED)
    for table, fields in ERASED_FIELDS.items():
        op.execute(
            f"CREATE TRIGGER only_erased BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION only_erased({fields})"
        )
    op.execute(ERASE)
    op.execute("REVOKE ALL ON FUNCTION erase_party FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION erase_party")
    for table in ERASED_FIELDS:
        op.execute(f"DROP TRIGGER only_erased ON {table}")
    op.execute("DROP FUNCTION only_erased")
    op.execute(APPEND_ONLY_BEFORE)
    op.drop_table("erased_row")
    op.drop_table("erasure")
