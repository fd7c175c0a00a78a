"""What needs a second person is posted with a draft that another person agreed to, whoever posts it and from where."""

from alembic import op

revision = "0034"
down_revision = "0033"

AGREED = """
CREATE FUNCTION desk.second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE alone text;
BEGIN
    IF NOT EXISTS (SELECT FROM desk.four_eyes) THEN RETURN NULL; END IF;
    SELECT n.kind || ' ' || n.key INTO alone FROM written n
    JOIN desk.four_eyes f ON f.kind = n.kind AND coalesce(abs(n.amount), 9223372036854775807) >= f.above
    WHERE n.status = 'posted' AND NOT EXISTS (
        SELECT FROM desk.draft d WHERE d.key = n.key AND d.decided_by IS NOT NULL AND d.state <> 'refused'
    ) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% needs a second person', alone USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(AGREED)
    op.execute(
        "CREATE TRIGGER second_person AFTER INSERT ON transaction REFERENCING NEW TABLE AS written "
        "FOR EACH STATEMENT EXECUTE FUNCTION desk.second_person()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER second_person ON transaction")
    op.execute("DROP FUNCTION desk.second_person")
