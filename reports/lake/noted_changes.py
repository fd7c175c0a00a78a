"""Rules that compare what is in force with the dated rows that record it: `change` is sealed, so it cannot be altered.

A brand, party or account of an earlier release may have no rows; fields that were never recorded are not compared.
"""

from reports.lake.rule import Rule

_LATEST = """
noted AS (
    SELECT DISTINCT ON (kind, subject) id, kind, subject, account_id, after FROM change
    WHERE kind = '{kind}' ORDER BY kind, subject, id DESC
)"""

_DETAILS = """
WITH noted AS (
    SELECT DISTINCT ON (replace(c.kind, '_status', ''), c.subject, f.key)
           replace(c.kind, '_status', '') AS kind, c.subject, f.key, f.value
    FROM change c, jsonb_each(c.after) f
    WHERE c.kind IN ('brand', 'party', 'account', 'account_status') AND f.key <> 'opened_at'
    ORDER BY 1, 2, 3, c.id DESC
), there AS (
    SELECT 'brand' AS kind, code AS subject, to_jsonb(b) AS row FROM brand b
    UNION ALL SELECT 'party', reference, to_jsonb(p) FROM party p
    UNION ALL SELECT 'account', coalesce(reference, id::text), to_jsonb(a) FROM account a
)
SELECT s.kind, s.subject, s.key, s.value #>> '{}' AS noted, t.row ->> s.key AS found, t.row IS NULL AS gone
FROM noted s LEFT JOIN there t USING (kind, subject)
WHERE t.row IS NULL OR (jsonb_exists(t.row, s.key) AND t.row -> s.key <> s.value) ORDER BY 1, 2, 3
"""

_LINKS = f"""
WITH {_LATEST.format(kind="link")}, there AS (
    SELECT coalesce(a.reference, a.id::text) || ' <- ' || coalesce(p.reference, p.id::text) AS subject,
           to_jsonb(l) AS row
    FROM link l JOIN account a ON a.id = l.account_id JOIN account p ON p.id = l.payer_id
)
SELECT coalesce(s.subject, t.subject) AS subject, s.after AS noted, t.row AS found
FROM noted s FULL JOIN there t USING (subject)
WHERE s.subject IS NOT NULL AND NOT (
    t.row IS NULL AND s.after -> 'draw' = 'null' OR coalesce(t.row @> s.after, false)) ORDER BY 1
"""

_LIMITS = f"""
WITH {_LATEST.format(kind="write_off_limit")}, there AS (
    SELECT coalesce(p.reference, p.id::text) || ' -> ' || CASE WHEN l.group_name <> '' THEN 'group ' || l.group_name
               ELSE coalesce(a.reference, a.id::text) END || ' ' || period AS subject, l.amount, l.count
    FROM write_off_limit l JOIN account a ON a.id = l.account_id JOIN account p ON p.id = l.payer_id
)
SELECT s.subject, s.after AS noted, t.amount AS amount, t.count AS n
FROM noted s LEFT JOIN there t USING (subject)
WHERE (t.amount, t.count) IS DISTINCT FROM
      (((s.after ->> 'amount')::numeric * 100)::bigint, (s.after ->> 'count')::integer) ORDER BY 1
"""

_PROMOTIONS = """
WITH noted AS (
    SELECT DISTINCT ON (c.subject, f.key) c.subject, f.key, f.value
    FROM change c, jsonb_each(c.after) f WHERE c.kind = 'promotion' ORDER BY 1, 2, c.id DESC
), there AS (
    SELECT p.code AS subject, to_jsonb(p) || jsonb_build_object(
        'brand', b.code, 'value', CASE WHEN p.kind = 'free_delivery' THEN NULL ELSE round(p.value / 100.0, 2)::text END,
        'min_order', round(p.min_order / 100.0, 2)::text, 'max_discount', round(p.max_discount / 100.0, 2)::text) AS row
    FROM promotion p LEFT JOIN brand b ON b.id = p.brand_id
)
SELECT s.subject, s.key, s.value #>> '{}' AS noted, t.row ->> s.key AS found
FROM noted s LEFT JOIN there t USING (subject)
WHERE t.row IS NULL OR CASE
    WHEN s.key = 'value' THEN t.row ->> 'kind' <> 'free_delivery'
                              AND (t.row ->> 'value')::numeric IS DISTINCT FROM (s.value #>> '{}')::numeric
    ELSE jsonb_exists(t.row, s.key) AND t.row ->> s.key IS DISTINCT FROM s.value #>> '{}' END
ORDER BY 1, 2
"""

NOTED: tuple[Rule, ...] = (
    Rule(
        "details",
        "brands, parties and accounts are as the latest row of `change` about each of their fields",
        "SELECT count(*) FROM change WHERE kind IN ('brand', 'party', 'account', 'account_status')",
        _DETAILS,
        "{kind} {subject}: {key} is {found}, the latest change noted {noted}",
    ),
    Rule(
        "links",
        "links are as the latest row of `change` about each",
        "SELECT count(*) FROM change WHERE kind = 'link'",
        _LINKS,
        "link {subject}: {found}, the latest change noted {noted}",
    ),
    Rule(
        "limits",
        "write-off limits are as the latest row of `change` about each",
        "SELECT count(*) FROM change WHERE kind = 'write_off_limit'",
        _LIMITS,
        "limit {subject}: {amount}, {n} uses, the latest change noted {noted}",
    ),
    Rule(
        "promotions",
        "promotions are as the latest row of `change` about each of their fields",
        "SELECT count(*) FROM change WHERE kind = 'promotion'",
        _PROMOTIONS,
        "promotion {subject}: {key} is {found}, the latest change noted {noted}",
    ),
)
