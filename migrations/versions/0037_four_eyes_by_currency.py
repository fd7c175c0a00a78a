"""Amounts from which something needs a second person are of a currency; points, refunds and credit terms may need one.

A rule that was there is a rule of each currency that the book has accounts in.
"""

from alembic import op

revision = "0037"
down_revision = "0036"

BY_CURRENCY = """
ALTER TABLE desk.four_eyes RENAME TO four_eyes_before;
ALTER TABLE desk.four_eyes_before RENAME CONSTRAINT four_eyes_pkey TO four_eyes_before_pkey;

CREATE TABLE desk.four_eyes (
    kind text NOT NULL
        CHECK (kind IN ('payout', 'adjustment', 'bonus', 'reverse', 'transfer', 'refund', 'credit_terms')),
    currency char(3) NOT NULL,
    above bigint CHECK (above >= 0),
    PRIMARY KEY (kind, currency)
);
INSERT INTO desk.four_eyes (kind, currency, above)
SELECT b.kind, c.currency, b.above FROM desk.four_eyes_before b
CROSS JOIN (SELECT DISTINCT currency FROM account UNION SELECT currency FROM book) c;
DROP TABLE desk.four_eyes_before;

CREATE FUNCTION desk.needs_another(asked text, of char(3), amount bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM desk.four_eyes WHERE kind = asked) AND NOT EXISTS (
        SELECT FROM desk.four_eyes WHERE kind = asked AND currency = of AND (above IS NULL OR abs(amount) < above)
    )
$$;

CREATE OR REPLACE FUNCTION desk.second_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE alone text;
BEGIN
    IF NOT EXISTS (SELECT FROM desk.four_eyes) THEN RETURN NULL; END IF;
    SELECT n.kind || ' ' || n.key INTO alone FROM written n
    WHERE n.status = 'posted' AND n.kind IN (SELECT kind FROM desk.four_eyes)
    AND NOT (n.kind = 'bonus' AND n.key LIKE 'tiffin:%')
    AND desk.needs_another(n.kind, n.currency, n.amount) AND NOT EXISTS (
        SELECT FROM desk.draft d WHERE d.key = n.key AND d.decided_by IS NOT NULL AND d.state <> 'refused'
    ) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% needs a second person', alone USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION desk.second_person_of_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE alone bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM desk.four_eyes WHERE kind = 'credit_terms') THEN RETURN NULL; END IF;
    SELECT n.account_id INTO alone FROM written n JOIN account a ON a.id = n.account_id
    WHERE desk.needs_another('credit_terms', a.currency, n.credit_limit) AND NOT EXISTS (
        SELECT FROM desk.draft d WHERE d.state = 'waiting' AND d.decided_by IS NOT NULL
        AND d.lines -> 0 ->> 'type' = 'credit_terms' AND d.lines -> 0 ->> 'account' IN (a.id::text, a.reference)
        AND coalesce((d.lines -> 0 ->> 'limit')::numeric * 100, n.credit_limit) = n.credit_limit
    ) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'credit terms of account % need a second person', alone USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER second_person AFTER INSERT ON credit_terms REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION desk.second_person_of_terms();
"""
BEFORE = """
DROP TRIGGER second_person ON credit_terms;
DROP FUNCTION desk.second_person_of_terms;

CREATE OR REPLACE FUNCTION desk.second_person() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;

DROP FUNCTION desk.needs_another;
CREATE TABLE desk.four_eyes_before AS
SELECT kind, min(above) AS above FROM desk.four_eyes WHERE above IS NOT NULL AND kind <> 'bonus' GROUP BY kind;
DROP TABLE desk.four_eyes;
CREATE TABLE desk.four_eyes (
    kind text PRIMARY KEY CHECK (kind IN ('payout', 'adjustment', 'reverse', 'refund', 'transfer', 'credit_terms')),
    above bigint NOT NULL CHECK (above >= 0)
);
INSERT INTO desk.four_eyes SELECT kind, above FROM desk.four_eyes_before;
DROP TABLE desk.four_eyes_before;
"""


def upgrade() -> None:
    op.execute(BY_CURRENCY)


def downgrade() -> None:
    op.execute(BEFORE)
