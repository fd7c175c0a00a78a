"""What entries belong to is looked up once a statement, and their time moves the balance with them.

A foreign key looks up the transaction of each entry by itself, which cost posting more than any other guard. The guard
over the rows of one statement looks at every transaction anyway: one that is not there is refused there. Transactions
are never deleted (`append_only`), and `tiffin verify` holds that each entry has one. The time of an account's latest
entry is written with its balance, not by a second UPDATE of every row.
"""

from importlib import import_module

from alembic import op

revision = "0039"
down_revision = "0038"

# The owner's rights: writers have none to set a balance. What comes in several statements continues from the last.
# Joined row by row: a plan made for a thousand entries is kept, and must not read a whole table for one.
BALANCED = """
CREATE OR REPLACE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken record; astray bigint;
BEGIN
    -- Two statements for what is well; what is not is looked for one by one.
    PERFORM FROM (
        SELECT transaction_id, min(first) AS first, max(last) AS last, sum(legs) AS legs, bool_and(total = 0) AS even
        FROM (
            SELECT transaction_id, sum(amount) AS total, min(leg) AS first, max(leg) AS last, count(*) AS legs
            FROM inserted GROUP BY transaction_id, currency
        ) c GROUP BY transaction_id
    ) i LEFT JOIN transaction t ON t.id = i.transaction_id LEFT JOIN book ON true
    WHERE NOT even OR first <> 1 OR last <> legs OR t.id IS NULL OR t.status <> 'posted'
        OR t.business_date <= greatest(book.closed_until, book.closing)
    UNION ALL
    SELECT FROM (SELECT DISTINCT account_id, currency, version IS NULL AS own FROM inserted) i
    LEFT JOIN account a ON a.id = i.account_id AND a.currency = i.currency
    WHERE a.id IS NULL OR own <> (a.party_id IS NULL) LIMIT 1;
    IF FOUND THEN
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
        SELECT i.transaction_id INTO broken
        FROM inserted i LEFT JOIN transaction t ON t.id = i.transaction_id WHERE t.id IS NULL LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'there is no transaction %', broken.transaction_id
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        SELECT t.id, t.status, t.business_date INTO broken
        FROM inserted i JOIN transaction t ON t.id = i.transaction_id LEFT JOIN book ON true
        WHERE t.status <> 'posted' OR t.business_date <= greatest(book.closed_until, book.closing) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'transaction % takes no entries: it is % and of %',
                broken.id, broken.status, broken.business_date USING ERRCODE = 'check_violation';
        END IF;
        SELECT i.account_id, i.currency, i.version IS NULL AS own, a.id AS known INTO broken
        FROM inserted i LEFT JOIN account a ON a.id = i.account_id AND a.currency = i.currency
        WHERE a.id IS NULL OR (i.version IS NULL) <> (a.party_id IS NULL) LIMIT 1;
        IF broken.known IS NULL THEN
            RAISE EXCEPTION 'there is no account % in %', broken.account_id, broken.currency
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        RAISE EXCEPTION 'an entry of account % has %', broken.account_id,
            CASE WHEN broken.own THEN 'no version' ELSE 'a version' END USING ERRCODE = 'check_violation';
    END IF;
    WITH m AS (
        SELECT account_id, min(version) AS earliest, max(version) AS latest, count(*) AS many,
               sum(amount)::bigint AS amount, sum(held)::bigint AS held, max(posted_at) AS posted_at,
               min(before) AS least, max(before) AS most, min(held_before) AS held_least, max(held_before) AS held_most
        FROM (
            SELECT i.account_id, version, i.amount, held, t.posted_at, balance_after - sum(i.amount) OVER w AS before,
                   held_after - sum(held) OVER w AS held_before
            FROM inserted i JOIN transaction t ON t.id = i.transaction_id WHERE version IS NOT NULL
            WINDOW w AS (PARTITION BY i.account_id ORDER BY version)
        ) e GROUP BY account_id
    ), moved AS (
        UPDATE balance b SET balance = b.balance + m.amount, held = b.held + m.held, version = m.latest,
            posted_at = m.posted_at
        FROM m
        WHERE b.account_id = m.account_id AND m.earliest = b.version + 1 AND m.latest = b.version + m.many
          AND m.least = b.balance AND m.most = b.balance AND m.held_least = b.held AND m.held_most = b.held
        RETURNING 1
    ) SELECT (SELECT count(*) FROM m) - (SELECT count(*) FROM moved) INTO astray;
    IF astray <> 0 THEN
        RAISE EXCEPTION 'entries of % accounts do not continue from their balances', astray
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(BALANCED)
    op.drop_constraint("entry_transaction_id_fkey", "entry", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(None, "entry", "transaction", ["transaction_id"], ["id"])
    guard: str = import_module("migrations.versions.0024_writers_guards").BALANCED
    op.execute(guard)
