"""A schema of the finance desk's own: drafts of what is typed, who may use the desk, what needs a second person.

Drafts are no part of the book: they change, and may be deleted. What they lead to is in the ledger, under the
draft's key.
"""

from alembic import op

revision = "0026"
down_revision = "0025"

TABLES = """
CREATE SCHEMA desk;

CREATE TABLE desk.draft (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE GENERATED ALWAYS AS ('desk-' || id) STORED,
    who text NOT NULL CHECK (who <> ''),
    form text NOT NULL,
    fields jsonb NOT NULL,
    lines jsonb NOT NULL,
    same text NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'waiting', 'refused', 'outdated', 'answered')),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    quoted jsonb,
    decided_by text,
    decided_at timestamptz,
    why text,
    CONSTRAINT another_person CHECK (decided_by IS NULL OR state = 'refused' OR lower(decided_by) <> lower(who))
);
CREATE INDEX draft_same ON desk.draft (who, same, changed_at);
CREATE INDEX draft_waiting ON desk.draft (made_at) WHERE state = 'waiting';

CREATE TABLE desk.member (
    login text PRIMARY KEY CHECK (login = lower(login) AND login <> ''),
    role text NOT NULL CHECK (role IN ('viewer', 'analyst', 'accountant', 'approver', 'admin')),
    brands text[]
);

CREATE TABLE desk.four_eyes (
    kind text PRIMARY KEY CHECK (kind IN ('payout', 'adjustment', 'reverse', 'refund', 'transfer', 'credit_terms')),
    above bigint NOT NULL CHECK (above >= 0)
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP SCHEMA desk CASCADE")
