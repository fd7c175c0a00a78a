"""Notes on clients, and questions that people keep under a name; both are the desk's (DECISIONS D207).

A note goes with the person that it is about, and so does a saved question in which the person is named.
"""

from alembic import op

revision = "0044"
down_revision = "0043"

TABLES = r"""
CREATE TABLE desk.note (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    party_id bigint NOT NULL REFERENCES party,
    who text NOT NULL CHECK (who <> ''),
    text text NOT NULL CHECK (text <> ''),
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX note_party ON desk.note (party_id, id);

CREATE TABLE desk.saved_query (
    page text NOT NULL CHECK (page IN ('explore', 'sql')),
    who text NOT NULL CHECK (who <> ''),
    name text NOT NULL CHECK (name <> ''),
    roles text[] NOT NULL,
    query jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (page, who, name)
);

-- `erase_party` begins with its row of `erasure`, while the person's names are still there.
CREATE FUNCTION desk.erase_texts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM desk.note WHERE party_id = NEW.party_id;
    DELETE FROM desk.saved_query s USING party p WHERE p.id = NEW.party_id AND EXISTS (
        SELECT FROM unnest(ARRAY[p.reference, p.name, p.legal_name, p.tax_id, p.email, p.phone]) named
        WHERE named <> '' AND concat_ws(' ', s.name, s.query #>> '{}') ~* concat(
            '(^|[^[:alnum:]])', regexp_replace(named, '([^[:alnum:] ])', '\\\1', 'g'), '($|[^[:alnum:]])'));
    RETURN NULL;
END $$;
CREATE TRIGGER erase_texts AFTER INSERT ON erasure FOR EACH ROW EXECUTE FUNCTION desk.erase_texts();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TRIGGER erase_texts ON erasure")
    op.execute("DROP FUNCTION desk.erase_texts")
    op.execute("DROP TABLE desk.note, desk.saved_query")
