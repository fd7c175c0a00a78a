"""What a writer may not do even where its grants would let it: balances follow entries, and terms their dated rows.

Entries move the balances of their accounts themselves, in one statement with them, and only if they continue from
where these stand; so nobody needs the right to set a balance. That the accounts are there is seen in the same look,
in place of a foreign key, which would lock the row of a brand's account for every entry of every writer. A brand,
client, account, link, limit or promotion is changed together with its row of `change`, or a writer's
database transaction fails at its end (DECISIONS D95).
"""

from importlib import import_module

from alembic import op

revision = "0024"
down_revision = "0023"

# The owner's rights: writers have none to set a balance. What comes in several statements continues from the last.
BALANCED = """
CREATE OR REPLACE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE broken record; accounts bigint; moved bigint;
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
    SELECT t.id, t.status, t.business_date INTO broken
    FROM inserted i JOIN transaction t ON t.id = i.transaction_id CROSS JOIN book
    WHERE i.leg = 1 AND (t.status <> 'posted' OR t.business_date <= greatest(book.closed_until, book.closing)) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % takes no entries: it is % and of %',
            broken.id, broken.status, broken.business_date USING ERRCODE = 'check_violation';
    END IF;
    SELECT i.*, a.id AS known INTO broken
    FROM (SELECT DISTINCT account_id, currency, version IS NULL AS own FROM inserted) i
    LEFT JOIN account a ON a.id = i.account_id AND a.currency = i.currency
    WHERE a.id IS NULL OR own <> (a.party_id IS NULL) LIMIT 1;
    IF broken.account_id IS NOT NULL AND broken.known IS NULL THEN
        RAISE EXCEPTION 'there is no account % in %', broken.account_id, broken.currency
            USING ERRCODE = 'foreign_key_violation';
    ELSIF broken.account_id IS NOT NULL THEN
        RAISE EXCEPTION 'an entry of account % has %', broken.account_id,
            CASE WHEN broken.own THEN 'no version' ELSE 'a version' END USING ERRCODE = 'check_violation';
    END IF;
    SELECT count(DISTINCT account_id) INTO accounts FROM inserted WHERE version IS NOT NULL;
    UPDATE balance b SET balance = b.balance + m.amount, held = b.held + m.held, version = m.latest
    FROM (
        SELECT account_id, min(version) AS earliest, max(version) AS latest, count(*) AS many,
               sum(amount)::bigint AS amount, sum(held)::bigint AS held,
               min(before) AS least, max(before) AS most, min(held_before) AS held_least, max(held_before) AS held_most
        FROM (
            SELECT account_id, version, amount, held, balance_after - sum(amount) OVER w AS before,
                   held_after - sum(held) OVER w AS held_before
            FROM inserted WHERE version IS NOT NULL WINDOW w AS (PARTITION BY account_id ORDER BY version)
        ) e GROUP BY account_id
    ) m
    WHERE b.account_id = m.account_id AND m.earliest = b.version + 1 AND m.latest = b.version + m.many
      AND m.least = b.balance AND m.most = b.balance AND m.held_least = b.held AND m.held_most = b.held;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> accounts THEN
        RAISE EXCEPTION 'entries of % accounts do not continue from their balances', accounts - moved
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

DATED = """
CREATE FUNCTION change_is_dated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    about jsonb := was || becomes;
    said jsonb := '{}';
    named text;
BEGIN
    named := CASE TG_TABLE_NAME
        WHEN 'brand' THEN about ->> 'code'
        WHEN 'promotion' THEN about ->> 'code'
        WHEN 'party' THEN about ->> 'reference'
        WHEN 'account' THEN coalesce(about ->> 'reference', about ->> 'id')
        WHEN 'link' THEN account_name(about -> 'account_id') || ' <- ' || account_name(about -> 'payer_id')
        ELSE account_name(about -> 'payer_id') || ' -> ' || account_name(about -> 'account_id') || ' '
            || (about ->> 'period')
    END;
    -- Of amounts, change says it in other words than the columns.
    IF TG_TABLE_NAME NOT IN ('promotion', 'write_off_limit') THEN
        SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO said
        FROM jsonb_each(becomes - '{id,opened_at,account_id,payer_id}'::text[])
        WHERE value IS DISTINCT FROM coalesce(was -> key, 'null');
    END IF;
    -- Who owns the tables is free to, as it is to take the guard off: a migration may have to.
    IF NOT (SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = TG_RELID) AND NOT EXISTS (
        SELECT FROM change
        WHERE kind IN (TG_TABLE_NAME, CASE TG_TABLE_NAME WHEN 'account' THEN 'account_status' END)
          AND subject = named AND after @> said AND age(xmin) <= age(pg_current_xact_id()::xid)
    ) THEN
        RAISE EXCEPTION '% % is changed without a row of change that says so', TG_TABLE_NAME, named
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

EMPTY = """
CREATE FUNCTION begins_at_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the balance of account % begins at nothing: only entries move it', NEW.account_id
        USING ERRCODE = 'check_violation';
END $$
"""

NAMED = """
CREATE FUNCTION account_name(id jsonb) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT coalesce(a.reference, a.id::text) FROM account a WHERE a.id = $1::bigint)
"""

# What posting does to these tables needs no row of change: points' and brands' accounts come by themselves, uses of
# promotions are counted.
WATCHED = {
    "brand": ("INSERT OR DELETE OR UPDATE", ""),
    "party": ("INSERT OR DELETE OR UPDATE", ""),
    "account": ("INSERT OR UPDATE", "WHEN (NEW.kind = 'money')"),
    "link": ("INSERT OR DELETE OR UPDATE", ""),
    "write_off_limit": ("INSERT OR DELETE OR UPDATE", ""),
    "promotion": (
        "INSERT OR DELETE OR UPDATE OF code, kind, value, brand_id, min_order, max_discount, valid_from, valid_until, "
        "max_uses, max_uses_per_party, first_order_only, stackable",
        "",
    ),
}


def upgrade() -> None:
    op.execute(BALANCED)
    op.execute(EMPTY)
    op.execute(
        "CREATE TRIGGER begins_at_nothing BEFORE INSERT ON balance FOR EACH ROW "
        "WHEN (NEW.balance <> 0 OR NEW.held <> 0 OR NEW.version <> 0) EXECUTE FUNCTION begins_at_nothing()"
    )
    op.drop_constraint("entry_account_id_currency_fkey", "entry", type_="foreignkey")
    op.execute(
        "CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON account "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute(NAMED)
    op.execute(DATED)
    for table, (events, condition) in WATCHED.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER change_is_dated AFTER {events} ON {table} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW {condition} EXECUTE FUNCTION change_is_dated()"
        )


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER change_is_dated ON {table}")
    op.execute("DROP FUNCTION change_is_dated, account_name")
    op.execute("DROP TRIGGER append_only ON account")
    op.create_foreign_key(None, "entry", "account", ["account_id", "currency"], ["id", "currency"])
    before: str = import_module("migrations.versions.0002_guards").BALANCED
    op.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("DROP TRIGGER begins_at_nothing ON balance")
    op.execute("DROP FUNCTION begins_at_nothing")
