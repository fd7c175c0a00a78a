"""The standard reports as a DuckDB user would write them by hand: one SELECT each, over views of the lake's tables.

Each gives the same columns and rows, in the same order, as the report for what `ASKED` asks of it: figures of the last
quarter of 2025, or at the end of that year, in a lake of tests.benchmarks.lakes.
"""

from typing import Any

QUARTER = {"first_day": "2025-10-01", "last_day": "2025-12-31"}
YEAR = {"first_day": "2025-01-01", "last_day": "2025-12-31"}
END = {"as_of": "2025-12-31"}
ASKED: dict[str, dict[str, Any]] = {
    "account-card": YEAR | {"account": "account-1"},
    "bonuses": QUARTER,
    "brand-revenue": YEAR,
    "brand-settlements": QUARTER,
    "cash-by-channel": END,
    "client-activity": QUARTER,
    "corrections": QUARTER,
    "credit-exposure": END,
    "declines": YEAR,
    "holds": QUARTER,
    "open-items": END,
    "promotions": QUARTER,
    "receipts": YEAR,
    "receivables-aging": END,
    "services": YEAR,
    "subaccounts": QUARTER,
    "terms-changes": QUARTER,
    "trial-balance": QUARTER,
    "turnover": QUARTER,
    "vat": YEAR,
}

CLIENTS = """
CREATE VIEW clients AS
SELECT a.id AS account, a.reference, a.kind, a.currency, p.reference AS party, p.name AS client, b.code AS brand
FROM accounts a JOIN parties p ON p.id = a.party_id
     LEFT JOIN brands b ON b.id = CASE WHEN a.kind = 'bonus' THEN a.brand_id ELSE a.holder_id END
"""

_NOW = "business_date BETWEEN DATE '2025-10-01' AND DATE '2025-12-31'"
_YEAR = "business_date BETWEEN DATE '2025-01-01' AND DATE '2025-12-31'"

# The items of an account from the last back, each net of refunds and reversals, until what it owes is used up. In
# these lakes every due date stands on its entry.
_LATE = """
mine AS (
    SELECT account_id, transaction_id, version, kind, refers_to, currency, business_date, due_on, amount
    FROM entries WHERE account_kind = 'money' AND business_date <= DATE '2025-12-31'
), debtors AS (
    SELECT account_id, -sum(amount) AS owed FROM mine GROUP BY 1 HAVING sum(amount) < 0
), owing AS (SELECT * FROM mine JOIN debtors USING (account_id)),
undone AS (
    SELECT o.account_id, coalesce(r.refers_to, o.refers_to) AS transaction_id, sum(o.amount) AS undone
    FROM owing o LEFT JOIN transactions r ON r.id = o.refers_to AND r.kind = 'reverse'
    WHERE o.kind IN ('refund', 'reverse') GROUP BY 1, 2
), items AS (
    SELECT o.* EXCLUDE (amount), greatest(-amount - coalesce(undone, 0), 0) AS amount
    FROM owing o LEFT JOIN undone u USING (account_id, transaction_id)
    WHERE amount < 0 AND kind IN ('debit', 'capture', 'transfer', 'payout', 'adjustment')
), late AS (
    SELECT *, least(amount, owed + amount - sum(amount) OVER back) AS unpaid,
           coalesce(DATE '2025-12-31' - due_on, 0) AS days_late
    FROM items WINDOW back AS (PARTITION BY account_id
                               ORDER BY due_on DESC NULLS FIRST, business_date DESC, transaction_id DESC)
    QUALIFY unpaid > 0
)
"""

_TERMS = """
terms AS (
    SELECT account_id, credit_limit, valid_until, in_force FROM (
        SELECT *, coalesce(valid_until >= DATE '2025-12-31', true) AS in_force FROM credit_terms
        WHERE valid_from <= DATE '2025-12-31' AND recorded_at <= (SELECT min(closed_at) FROM closings))
    QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY in_force DESC, id DESC) = 1
)
"""

# Revenue entries of orders, each with the debit or hold that its order began with; in these lakes dishes are all there is.
_ORDERS = """
ordered AS (
    SELECT e.brand_id, e.currency, e.business_date, e.amount, e.kind,
           coalesce(c.refers_to, CASE e.kind WHEN 'debit' THEN e.transaction_id ELSE e.refers_to END) AS "order"
    FROM entries e LEFT JOIN transactions c ON c.id = e.refers_to AND c.kind = 'capture'
    WHERE e.account_kind = 'revenue' AND e.service = 'dish'
)
"""

QUERIES = {
    "turnover": f"""
        SELECT * EXCLUDE (moves) FROM (
            SELECT c.account, c.reference, c.party, c.client, c.kind, c.currency, opening, credits, debits, closing, moves
            FROM (SELECT account_id AS account, coalesce(sum(amount) FILTER (business_date < DATE '2025-10-01'), 0) AS opening,
                         coalesce(sum(amount) FILTER ({_NOW} AND amount > 0), 0) AS credits,
                         coalesce(-sum(amount) FILTER ({_NOW} AND amount < 0), 0) AS debits, sum(amount) AS closing,
                         count(*) FILTER ({_NOW}) AS moves
                  FROM entries WHERE version IS NOT NULL AND business_date <= DATE '2025-12-31' GROUP BY 1) JOIN clients c
                 USING (account))
        WHERE moves > 0 OR opening <> 0 ORDER BY account""",
    "account-card": f"""
        WITH lines AS (
            SELECT transaction_id, min(b.code) || CASE WHEN count(DISTINCT b.code) > 1
                       THEN ' +' || count(DISTINCT b.code) - 1 ELSE '' END AS brand,
                   min(service) || CASE WHEN count(DISTINCT service) > 1 THEN ' +' || count(DISTINCT service) - 1 ELSE '' END
                       AS service,
                   min(reference) || CASE WHEN count(DISTINCT reference) > 1
                       THEN ' +' || count(DISTINCT reference) - 1 ELSE '' END AS number
            FROM (SELECT transaction_id, brand_id, service, reference FROM entries
                  WHERE {_YEAR} AND version IS NULL AND (source_id IS NULL OR source_id = $account)
                    AND transaction_id IN (SELECT transaction_id FROM entries WHERE account_id = $account)) e
                 LEFT JOIN brands b ON b.id = e.brand_id
            GROUP BY 1
        )
        SELECT version, e.posted_at, e.business_date, e.transaction_id AS transaction, t.key, e.kind, brand, l.service, number,
               e.subaccount_id AS paid_for, t.refers_to, t.value_date, t.channel, t.reason, t.by, t.note, e.currency,
               greatest(e.amount, 0) AS credit, greatest(-e.amount, 0) AS debit, e.balance, e.held, e.held_after
        FROM (SELECT *, sum(amount) OVER (ORDER BY version) AS balance FROM entries WHERE account_id = $account) e
             LEFT JOIN lines l USING (transaction_id) JOIN transactions t ON t.id = e.transaction_id
        WHERE e.{_YEAR} ORDER BY version""",
    "trial-balance": f"""
        SELECT kind, brand, currency, chart, coalesce(-sum(opening) FILTER (opening < 0), 0) AS opening_debit,
               coalesce(sum(opening) FILTER (opening > 0), 0) AS opening_credit, sum(debit) AS debit, sum(credit) AS credit,
               coalesce(-sum(closing) FILTER (closing < 0), 0) AS closing_debit,
               coalesce(sum(closing) FILTER (closing > 0), 0) AS closing_credit
        FROM (SELECT account_id, coalesce(chart, '') AS chart,
                     coalesce(sum(amount) FILTER (business_date < DATE '2025-10-01'), 0) AS opening,
                     coalesce(-sum(amount) FILTER ({_NOW} AND amount < 0), 0) AS debit,
                     coalesce(sum(amount) FILTER ({_NOW} AND amount > 0), 0) AS credit, sum(amount) AS closing
              FROM entries WHERE business_date <= DATE '2025-12-31' GROUP BY 1, 2) s
             JOIN (SELECT a.id, a.kind, a.currency, b.code AS brand FROM accounts a LEFT JOIN brands b ON b.id = a.brand_id) a
             ON a.id = s.account_id
        GROUP BY ALL HAVING opening_debit + opening_credit + sum(debit) + sum(credit) + closing_debit + closing_credit <> 0
        ORDER BY kind, brand NULLS FIRST, currency, chart""",
    "receivables-aging": f"""
        WITH {_LATE}, aged AS (
            SELECT account_id, sum(unpaid) FILTER (days_late <= 0) AS not_due,
                   sum(unpaid) FILTER (days_late BETWEEN 1 AND 30) AS late_1_30,
                   sum(unpaid) FILTER (days_late BETWEEN 31 AND 60) AS late_31_60,
                   sum(unpaid) FILTER (days_late BETWEEN 61 AND 90) AS late_61_90,
                   sum(unpaid) FILTER (days_late BETWEEN 91 AND 120) AS late_91_120,
                   sum(unpaid) FILTER (days_late > 120) AS late_over_120, sum(unpaid) AS total, max(days_late) AS days_late
            FROM late GROUP BY 1
        ), closing AS (SELECT account_id, sum(amount) AS closing FROM mine GROUP BY 1)
        SELECT c.account, c.reference, c.party, c.client, c.currency, coalesce(not_due, 0) AS not_due,
               coalesce(late_1_30, 0) AS late_1_30, coalesce(late_31_60, 0) AS late_31_60,
               coalesce(late_61_90, 0) AS late_61_90, coalesce(late_91_120, 0) AS late_91_120,
               coalesce(late_over_120, 0) AS late_over_120, coalesce(total, 0) AS total, greatest(closing, 0) AS advance,
               CASE WHEN days_late > 0 THEN days_late END AS days_late
        FROM closing s JOIN clients c ON c.account = s.account_id LEFT JOIN aged USING (account_id)
        WHERE closing <> 0 ORDER BY account""",
    "open-items": f"""
        WITH {_LATE}
        SELECT c.account, c.reference, c.client, version, l.business_date, l.transaction_id AS transaction, t.key, l.kind,
               l.due_on AS due, CASE WHEN days_late > 0 THEN days_late END AS days_late, l.currency,
               l.amount, unpaid
        FROM late l JOIN clients c ON c.account = l.account_id JOIN transactions t ON t.id = l.transaction_id
        ORDER BY account, version""",
    "credit-exposure": f"""
        WITH {_LATE}, {_TERMS}, overdue AS (
            SELECT account_id, max(days_late) AS overdue_days, sum(unpaid) AS overdue
            FROM late WHERE days_late > 0 GROUP BY 1
        ), kept AS (
            SELECT account_id, arg_max(balance_after, version) AS balance, arg_max(held_after, version) AS held
            FROM entries WHERE version IS NOT NULL AND business_date <= DATE '2025-12-31'
              AND account_id IN (SELECT account_id FROM terms) GROUP BY 1
        ), stood AS (
            SELECT t.*, coalesce(balance, 0) AS balance, coalesce(held, 0) AS held, coalesce(overdue, 0) AS overdue,
                   overdue_days, CASE WHEN in_force THEN credit_limit ELSE 0 END AS lim
            FROM terms t LEFT JOIN kept USING (account_id) LEFT JOIN overdue USING (account_id)
        ), used AS (
            SELECT *, greatest(balance - held, 0) AS own, lim + balance - held AS rest, held - balance AS drawn,
                   CASE WHEN lim > 0 THEN round(greatest(held - balance, 0)::DOUBLE / lim::DOUBLE, 4) END AS share
            FROM stood
        )
        SELECT c.account, c.reference, c.client, c.currency, balance, lim AS "limit", greatest(-balance, 0) AS used, held,
               CASE WHEN overdue_days > 0 OR rest < own THEN own ELSE rest END AS available, share, valid_until,
               CASE WHEN in_force THEN valid_until - DATE '2025-12-31' END AS days_left, overdue, overdue_days,
               CASE WHEN overdue_days > 0 THEN 'overdue' WHEN NOT in_force THEN 'expired' WHEN drawn > lim THEN 'over'
                    WHEN share >= 0.8 THEN 'near' WHEN valid_until <= DATE '2026-01-14' THEN 'expiring' ELSE 'ok' END AS state
        FROM used u JOIN clients c ON c.account = u.account_id ORDER BY account""",
    "subaccounts": f"""
        WITH draws AS (
            SELECT account_id AS payer, subaccount_id AS subaccount, kind, refers_to, business_date, amount, held FROM entries
            WHERE version IS NOT NULL AND account_kind = 'money' AND business_date <= DATE '2025-12-31'
              AND kind IN ('debit', 'hold', 'capture', 'release', 'expiry', 'refund') AND subaccount_id IS NOT NULL
        ), drawn AS (
            SELECT payer, subaccount, coalesce(-sum(amount) FILTER (kind IN ('debit', 'capture') AND amount < 0), 0)
                       + coalesce(-sum(amount) FILTER (kind IN ('debit', 'capture') AND amount > 0), 0) AS spent,
                   coalesce(sum(amount) FILTER (kind = 'refund'), 0) AS refunded, sum(held) AS held
            FROM draws WHERE {_NOW} GROUP BY ALL
        ), windows (period, since) AS (
            VALUES ('day', DATE '2025-12-31'), ('week', DATE '2025-12-29'), ('month', DATE '2025-12-01'),
                   ('total', DATE '1900-01-01')
        ), used AS (
            SELECT l.payer_id AS payer, l.account_id AS subaccount, l.period, sum(d.held - d.amount) AS used
            FROM limits l JOIN windows w USING (period) JOIN draws d ON d.payer = l.payer_id AND d.subaccount = l.account_id
                 LEFT JOIN transactions r ON r.id = d.refers_to
                 LEFT JOIN transactions h ON h.id = r.refers_to AND r.kind = 'capture'
            WHERE coalesce(h.business_date, r.business_date, d.business_date) >= w.since GROUP BY ALL
        ), pairs AS (
            SELECT payer_id AS payer, account_id AS subaccount FROM links
            UNION SELECT payer, subaccount FROM drawn UNION SELECT payer_id, account_id FROM limits
        ), blocked AS (
            SELECT account_id AS subaccount, count(*) AS declines FROM transactions
            WHERE code = 'write_off_limit_exceeded' AND {_NOW} GROUP BY 1
        )
        SELECT payer, p.reference AS payer_reference, p.client AS payer_client, subaccount, s.reference, s.client, '' AS "group",
               p.currency,
               coalesce(spent, 0) AS spent, coalesce(refunded, 0) AS refunded, coalesce(spent - refunded, 0) AS drawn,
               coalesce(d.held, 0) AS held, l.period, l.amount AS "limit", l.count AS limit_count,
               CASE WHEN l.period <> 'order' THEN coalesce(used, 0) END AS used,
               CASE WHEN l.amount IS NOT NULL AND l.period <> 'order' THEN l.amount - coalesce(used, 0) END AS "left",
               coalesce(declines, 0) AS declines
        FROM pairs LEFT JOIN drawn d USING (payer, subaccount)
             LEFT JOIN limits l ON l.payer_id = payer AND l.account_id = subaccount
             LEFT JOIN used USING (payer, subaccount, period) JOIN clients p ON p.account = payer
             LEFT JOIN clients s ON s.account = subaccount LEFT JOIN blocked USING (subaccount)
        ORDER BY payer, subaccount, period""",
    "declines": f"""
        SELECT code, coalesce(currency, '') AS currency, count(*) AS count, count(DISTINCT account_id) AS accounts,
               coalesce(sum(amount) FILTER (WHERE kind <> 'bonus'), 0) AS asked,
               coalesce(sum(amount) FILTER (WHERE kind = 'bonus'), 0) AS points, min(posted_at) AS first, max(posted_at) AS last
        FROM transactions WHERE status = 'declined' AND {_YEAR} GROUP BY ALL ORDER BY ALL""",
    "brand-revenue": f"""
        WITH {_ORDERS}, days AS (
            SELECT brand_id, currency, "order", business_date, sum(amount) AS amount,
                   coalesce(sum(amount) FILTER (kind <> 'refund'), 0) AS worth FROM ordered WHERE {_YEAR} GROUP BY ALL
        ), stood AS (
            SELECT *, strftime(business_date, '%Y-%m') AS month,
                   (sum(amount) OVER w > 0 OR sum(worth) OVER w = 0)::INT AS stands
            FROM days WINDOW w AS (PARTITION BY brand_id, currency, "order" ORDER BY business_date)
        ), counted AS (
            SELECT brand_id, currency, month, sum(change)::BIGINT AS orders FROM (
                SELECT *, stands - coalesce(lag(stands) OVER (PARTITION BY brand_id, currency, "order"
                                                              ORDER BY business_date), 0) AS change FROM stood)
            GROUP BY ALL
        )
        SELECT b.code AS brand, b.name AS brand_name, month, currency, coalesce(any_value(orders), 0) AS orders,
               coalesce(sum(gross) FILTER (kind <> 'refund'), 0) AS gross,
               coalesce(sum(discount) FILTER (kind <> 'refund'), 0) AS discount,
               coalesce(sum(amount) FILTER (kind <> 'refund'), 0) AS net,
               coalesce(sum(vat) FILTER (kind <> 'refund'), 0) AS vat,
               coalesce(-sum(amount) FILTER (kind = 'refund'), 0) AS refunds,
               coalesce(-sum(vat) FILTER (kind = 'refund'), 0) AS refunds_vat,
               coalesce(sum(amount) FILTER (source_kind = 'bonus'), 0) AS bonus,
               coalesce(sum(e.vat) FILTER (points_of = e.brand_id), 0) AS bonus_vat,
               sum(amount) - coalesce(sum(amount) FILTER (source_kind = 'bonus'), 0) AS kept,
               coalesce(sum(e.vat), 0) - coalesce(sum(e.vat) FILTER (points_of = e.brand_id), 0) AS kept_vat,
               coalesce(sum(amount) FILTER (service <> 'dish'), 0) AS apart,
               CASE WHEN any_value(orders) > 0
                    THEN round((sum(amount) FILTER (service = 'dish'))::DOUBLE / any_value(orders), 2) END AS average
        FROM entries e LEFT JOIN (SELECT id AS source_id, brand_id AS points_of FROM accounts WHERE kind = 'bonus')
                 USING (source_id)
             JOIN brands b ON b.id = e.brand_id LEFT JOIN counted USING (brand_id, currency, month)
        WHERE account_kind = 'revenue' AND {_YEAR}
        GROUP BY ALL ORDER BY brand, month, currency""",
    "vat": f"""
        SELECT b.code AS brand, b.name AS brand_name, currency, vat_rate,
               coalesce(sum(amount) FILTER (sold AND kind <> 'refund'), 0) AS net,
               coalesce(sum(vat) FILTER (sold AND kind <> 'refund'), 0) AS vat,
               coalesce(-sum(amount) FILTER (sold AND kind = 'refund'), 0) AS refunds,
               coalesce(-sum(vat) FILTER (sold AND kind = 'refund'), 0) AS refunds_vat,
               coalesce(sum(amount) FILTER (sold AND points_of = e.brand_id), 0) AS bonus,
               coalesce(sum(e.vat) FILTER (sold AND points_of = e.brand_id), 0) AS bonus_vat,
               coalesce(sum(amount) FILTER (NOT sold), 0) AS financed, sum(amount) - bonus AS base,
               coalesce(sum(e.vat) FILTER (sold), 0) - bonus_vat AS base_vat
        FROM (SELECT *, account_kind = 'revenue' AS sold FROM entries
              WHERE account_kind = 'revenue' OR (account_kind = 'adjustments' AND chart = 'promotion_income')) e
             LEFT JOIN (SELECT id AS source_id, brand_id AS points_of FROM accounts WHERE kind = 'bonus') USING (source_id)
             JOIN brands b ON b.id = e.brand_id
        WHERE {_YEAR} GROUP BY ALL ORDER BY brand, currency, vat_rate""",
    "services": f"""
        SELECT b.code AS brand, b.name AS brand_name, coalesce(service, '') AS service, currency,
               count(DISTINCT (transaction_id, line)) FILTER (kind <> 'refund') AS count,
               coalesce(sum(gross) FILTER (kind <> 'refund'), 0) AS gross,
               coalesce(sum(discount) FILTER (kind <> 'refund'), 0) AS discount,
               coalesce(sum(amount) FILTER (kind <> 'refund'), 0) AS net,
               coalesce(-sum(amount) FILTER (kind = 'refund'), 0) AS refunds
        FROM entries e JOIN brands b ON b.id = e.brand_id WHERE account_kind = 'revenue' AND {_YEAR}
        GROUP BY ALL ORDER BY brand, service, currency""",
    "brand-settlements": f"""
        WITH holders AS (SELECT account AS account_id, coalesce(brand, 'unassigned') AS holder FROM clients),
        mine AS (
            SELECT transaction_id, leg, kind, account_id, account_kind, brand_id, party_id, source_id, source_kind, currency,
                   amount FROM entries WHERE {_NOW}
        ), faced AS (
            SELECT b.code AS creditor, h.holder AS debtor, currency, CASE WHEN account_kind = 'revenue' THEN 'served'
                       WHEN account_kind IN ('cash', 'unallocated') THEN 'received' ELSE 'adjusted' END AS what, amount
            FROM mine m JOIN holders h ON h.account_id = m.source_id JOIN brands b ON b.id = m.brand_id
        ), moved AS (
            SELECT m.* FROM mine m WHERE account_kind = 'money' AND kind IN ('transfer', 'reverse')
            AND NOT EXISTS (FROM mine s WHERE s.transaction_id = m.transaction_id AND s.party_id IS NULL)
        ), transferred AS (
            SELECT g.holder AS creditor, h.holder AS debtor, got.currency, 'transferred' AS what, got.amount
            FROM moved got JOIN moved gave USING (transaction_id) JOIN holders g ON g.account_id = got.account_id
                 JOIN holders h ON h.account_id = gave.account_id
            WHERE got.amount > 0 AND gave.amount < 0
        ), flows AS (
            SELECT creditor, debtor, currency, what, sum(amount) AS amount
            FROM (FROM faced UNION ALL FROM transferred) WHERE creditor <> debtor GROUP BY ALL
        )
        SELECT brand, other, currency, coalesce(sum(amount) FILTER (what = 'received'), 0) AS received,
               coalesce(sum(amount) FILTER (what = 'served'), 0) AS served,
               coalesce(sum(amount) FILTER (what = 'transferred'), 0) AS transferred,
               coalesce(sum(amount) FILTER (what = 'adjusted'), 0) AS adjusted, 0.00 AS passed_on, 0.00 AS moved, sum(amount) AS due
        FROM (SELECT creditor AS brand, debtor AS other, currency, what, amount FROM flows
              UNION ALL SELECT debtor, creditor, currency, what, -amount FROM flows)
        GROUP BY ALL ORDER BY brand, other, currency""",
    "receipts": f"""
        SELECT e.business_date AS day, b.code AS brand, b.name AS brand_name, coalesce(e.channel, t.channel, o.channel, '') AS channel,
               e.currency, count(*) FILTER (cash AND e.kind = 'payment') AS count,
               coalesce(-sum(e.amount) FILTER (cash AND e.kind = 'payment'), 0) AS received,
               coalesce(sum(e.amount) FILTER (cash AND e.kind = 'payout'), 0) AS paid_out,
               coalesce(sum(e.amount) FILTER (cash AND e.kind NOT IN ('payment', 'payout')), 0) AS reversed,
               received - paid_out - reversed AS net, coalesce(sum(e.amount) FILTER (NOT cash), 0) AS unallocated, 0.00 AS moved
        FROM (SELECT *, account_kind = 'cash' AS cash FROM entries
              WHERE account_kind IN ('cash', 'unallocated') AND {_YEAR}) e
             JOIN brands b ON b.id = e.brand_id JOIN transactions t ON t.id = e.transaction_id
             LEFT JOIN transactions o ON o.id = t.refers_to
        GROUP BY ALL ORDER BY day, brand, channel, currency""",
    "cash-by-channel": """
        WITH days AS (
            SELECT b.code AS brand, coalesce(e.channel, t.channel, o.channel, '') AS channel, e.currency,
                   e.business_date AS since, coalesce(-sum(e.amount) FILTER (e.amount < 0), 0) AS came,
                   coalesce(sum(e.amount) FILTER (e.amount > 0), 0) AS went
            FROM entries e JOIN brands b ON b.id = e.brand_id JOIN transactions t ON t.id = e.transaction_id
                 LEFT JOIN transactions o ON o.id = t.refers_to
            WHERE e.account_kind = 'cash' AND e.business_date <= DATE '2025-12-31' GROUP BY ALL
        ), there AS (
            SELECT brand, channel, currency, 'in_transit' AS state, since, DATE '2025-12-31' - since AS days,
                   least(came, sum(came) OVER (reached ORDER BY since) - sum(went) OVER (reached)) AS amount
            FROM days WHERE channel <> 'bank' WINDOW reached AS (PARTITION BY brand, channel, currency)
            UNION ALL
            SELECT brand, channel, currency, 'arrived', NULL, NULL, sum(came - went) FROM days WHERE channel = 'bank'
            GROUP BY ALL
        )
        FROM there WHERE amount > 0 ORDER BY brand, currency, channel, days DESC NULLS FIRST""",
    "bonuses": f"""
        WITH ages AS (
            SELECT brand_id, currency,
                   coalesce(sum(amount) FILTER (gone_on - DATE '2025-12-31' <= 30), 0) AS gone_in_30,
                   coalesce(sum(amount) FILTER (gone_on - DATE '2025-12-31' BETWEEN 31 AND 60), 0) AS gone_in_60,
                   coalesce(sum(amount) FILTER (gone_on - DATE '2025-12-31' BETWEEN 61 AND 90), 0) AS gone_in_90,
                   coalesce(sum(amount) FILTER (gone_on - DATE '2025-12-31' > 90), 0) AS gone_later,
                   coalesce(sum(amount) FILTER (gone_on IS NULL), 0) AS gone_never
            FROM lot_changes WHERE business_date <= DATE '2025-12-31' GROUP BY ALL
        ), moved AS (
            SELECT e.brand_id, e.currency,
                   coalesce(sum(e.amount) FILTER (e.business_date < DATE '2025-10-01'), 0) AS opening,
                   coalesce(sum(e.amount) FILTER (e.{_NOW} AND e.kind = 'bonus' AND e.amount > 0), 0) AS accrued,
                   coalesce(-sum(e.amount) FILTER (e.{_NOW} AND e.kind IN ('debit', 'capture', 'refund')), 0) AS redeemed,
                   coalesce(-sum(e.amount) FILTER (e.{_NOW} AND e.kind = 'bonus' AND e.amount < 0
                            AND t.reason LIKE 'expir%'), 0) AS expired,
                   coalesce(-sum(e.amount) FILTER (e.{_NOW} AND e.kind = 'bonus' AND e.amount < 0
                            AND coalesce(t.reason, '') NOT LIKE 'expir%'), 0) AS taken_back,
                   coalesce(sum(e.amount) FILTER (e.{_NOW} AND e.kind NOT IN ('debit', 'capture', 'refund', 'bonus')), 0)
                       AS other,
                   sum(e.amount) AS closing, sum(e.held) AS held
            FROM entries e JOIN transactions t ON t.id = e.transaction_id
            WHERE account_kind = 'bonus' AND e.business_date <= DATE '2025-12-31' GROUP BY ALL
        )
        SELECT b.code AS brand, b.name AS brand_name, currency, opening, accrued, redeemed, expired, taken_back, other, closing,
               held, gone_in_30, gone_in_60, gone_in_90, gone_later, gone_never, 0.00 AS owed
        FROM moved JOIN brands b ON b.id = brand_id JOIN ages USING (brand_id, currency) ORDER BY brand, currency""",
    "promotions": f"""
        SELECT p.code, p.kind, b.code AS brand, u.currency, count(*) FILTER ({_NOW.replace("b", "u.b", 1)}) AS uses,
               count(*) FILTER (back) AS given_back,
               count(DISTINCT u.party_id) FILTER ({_NOW.replace("b", "u.b", 1)}) AS clients,
               coalesce(sum(u.discount) FILTER ({_NOW.replace("b", "u.b", 1)}), 0) AS discount,
               coalesce(sum(u.discount) FILTER (back), 0) AS discount_given_back,
               coalesce(sum(o.net) FILTER ({_NOW.replace("b", "u.b", 1)}), 0) AS net
        FROM (SELECT *, coalesce(given_back_on BETWEEN DATE '2025-10-01' AND DATE '2025-12-31', false) AS back
              FROM promotion_uses) u
             JOIN promotions p ON p.id = u.promotion_id LEFT JOIN brands b ON b.id = p.brand_id
             JOIN orders o ON o.id = u.order_id
        WHERE back OR u.{_NOW} GROUP BY ALL ORDER BY p.code, u.currency""",
    "holds": f"""
        WITH parts AS (
            SELECT account_id, currency, CASE WHEN kind = 'hold' THEN transaction_id ELSE refers_to END AS hold,
                   coalesce(sum(held) FILTER (business_date < DATE '2025-10-01'), 0) AS opening,
                   coalesce(sum(held) FILTER ({_NOW} AND kind = 'hold'), 0) AS new,
                   coalesce(-sum(amount) FILTER ({_NOW} AND kind = 'capture'), 0) AS captured,
                   coalesce(sum(amount - held) FILTER ({_NOW} AND kind IN ('release', 'capture')), 0) AS released,
                   coalesce(-sum(held) FILTER ({_NOW} AND kind = 'expiry'), 0) AS expired, sum(held) AS closing
            FROM entries WHERE version IS NOT NULL AND business_date <= DATE '2025-12-31'
              AND kind IN ('hold', 'capture', 'release', 'expiry') GROUP BY ALL
        )
        SELECT p.account_id AS account, c.reference, c.client, p.currency, sum(opening) AS opening, sum(new) AS new,
               sum(captured) AS captured, sum(released) AS released, sum(expired) AS expired, sum(closing) AS closing,
               max(DATE '2025-12-31' - DATE '1970-01-01' - t.day_number) FILTER (closing > 0) AS age
        FROM parts p JOIN transactions t ON t.id = p.hold JOIN clients c ON c.account = p.account_id
        WHERE opening <> 0 OR new <> 0 OR captured <> 0 OR released <> 0 OR expired <> 0 OR closing <> 0
        GROUP BY ALL ORDER BY account""",
    "corrections": f"""
        SELECT t.id AS transaction, t.posted_at, t.business_date, t.key, t.kind, coalesce(t.account_id, o.account_id) AS account,
               c.reference, c.client, t.by, t.reason, coalesce(e.chart, '') AS chart, t.note, e.currency, coalesce(e.change, 0) AS change,
               coalesce(e.points, 0) AS points, t.refers_to,
               o.key AS of_document, o.kind AS of_kind, o.business_date AS of_date
        FROM transactions t
             LEFT JOIN (SELECT transaction_id, currency, coalesce(sum(amount) FILTER (account_kind = 'money'), 0) AS change,
                               coalesce(sum(amount) FILTER (account_kind = 'bonus'), 0) AS points, min(chart) AS chart
                        FROM entries WHERE kind IN ('refund', 'reverse', 'payout', 'adjustment') AND {_NOW}
                        GROUP BY ALL) e ON e.transaction_id = t.id
             LEFT JOIN transactions o ON o.id = t.refers_to
             LEFT JOIN clients c ON c.account = coalesce(t.account_id, o.account_id)
        WHERE t.status = 'posted' AND t.kind IN ('refund', 'reverse', 'payout', 'adjustment') AND t.{_NOW}
        ORDER BY transaction, e.currency""",
    "terms-changes": f"""
        SELECT id AS change, recorded_at, business_date, kind, subject, account_id AS account, before, after, "by", note
        FROM changes WHERE kind IN ('credit_terms', 'link', 'write_off_limit', 'account_status') AND {_NOW}
          AND recorded_at <= (SELECT min(closed_at) FROM closings) ORDER BY change""",
    "client-activity": f"""
        WITH {_ORDERS}, days AS (
            SELECT currency, "order", business_date, sum(amount) AS amount,
                   coalesce(sum(amount) FILTER (kind <> 'refund'), 0) AS worth
            FROM ordered WHERE business_date <= DATE '2025-12-31' GROUP BY ALL
        ), stood AS (
            SELECT *, (sum(amount) OVER w > 0 OR sum(worth) OVER w = 0)::INT AS stands
            FROM days WINDOW w AS (PARTITION BY currency, "order" ORDER BY business_date)
        ), changed AS (
            SELECT currency, "order", business_date, amount, strftime(business_date, '%Y-%m') AS month,
                   stands - coalesce(lag(stands) OVER (PARTITION BY currency, "order" ORDER BY business_date), 0) AS change
            FROM stood
        ), owned AS (
            SELECT o.*, c.party FROM changed o JOIN transactions t ON t.id = "order" JOIN clients c ON c.account = t.account_id
        ), monthly AS (
            SELECT party, currency, month, coalesce(sum(change) FILTER ({_NOW}), 0) AS orders,
                   coalesce(sum(amount) FILTER ({_NOW}), 0) AS net, min(month) FILTER (change > 0) AS began
            FROM owned GROUP BY ALL
        ), placed AS (
            SELECT *, coalesce(min(began) OVER (PARTITION BY party, currency), min(month) OVER (PARTITION BY party, currency))
                          AS cohort FROM monthly
        ), rows_ AS (
            SELECT cohort, month, currency, count(*) FILTER (month = cohort) AS came, count(*) FILTER (orders > 0) AS clients,
                   sum(orders)::BIGINT AS orders, sum(net) AS net FROM placed GROUP BY ALL
        ), sized AS (SELECT *, (sum(came) OVER (PARTITION BY cohort, currency))::BIGINT AS cohort_clients FROM rows_)
        SELECT cohort, month, currency, cohort_clients, clients,
               round(clients::DOUBLE / cohort_clients::DOUBLE, 4) AS share, orders, net,
               CASE WHEN orders > 0 THEN round(net::DOUBLE / orders::DOUBLE, 2) END AS average
        FROM sized WHERE clients > 0 OR orders <> 0 OR net <> 0 ORDER BY cohort, month, currency""",
}
