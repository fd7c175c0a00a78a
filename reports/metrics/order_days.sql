-- Orders by brand: +1 on the day one begins, -1 on the day when nothing of it is kept any more (reports/core/orders.py).
WITH lines AS (
    SELECT e.brand_id, e.currency, e.kind, e.business_date, e.amount,
           coalesce(c.refers_to, e.refers_to, e.transaction_id) AS order_id
    FROM entries e LEFT JOIN transactions c
         ON c.id = e.refers_to AND e.kind <> 'debit' AND c.kind IN ('capture', 'debit')
    WHERE e.account_kind = 'revenue'
      AND coalesce(e.service, '') IN ('order', 'preorder', 'dish', 'delivery', 'packaging', '')
), moved AS (
    SELECT brand_id, currency, order_id, business_date, sum(amount) AS amount,
           sum(CASE WHEN kind IN ('debit', 'capture') THEN amount ELSE 0 END) AS worth,
           sum(CASE WHEN kind IN ('debit', 'capture') THEN 1 ELSE 0 END) AS begun, 0 AS ended
    FROM lines GROUP BY brand_id, currency, order_id, business_date
    UNION ALL
    SELECT DISTINCT l.brand_id, l.currency, l.order_id, o.void_on, 0, 0, 0, 1
    FROM lines l JOIN orders o ON l.order_id = CASE WHEN o.late_on IS NULL THEN o.id ELSE o.charged_by END
    WHERE o.void_on IS NOT NULL
), days AS (
    SELECT brand_id, currency, order_id, business_date,
           sum(sum(amount)) OVER so_far AS amount, sum(sum(worth)) OVER so_far AS worth,
           sum(sum(begun)) OVER so_far AS begun, sum(sum(ended)) OVER so_far AS ended
    FROM moved GROUP BY brand_id, currency, order_id, business_date
    WINDOW so_far AS (PARTITION BY brand_id, currency, order_id ORDER BY business_date)
), standing AS (
    SELECT *, CASE WHEN begun > 0 AND (amount > 0 OR (worth = 0 AND ended = 0)) THEN 1 ELSE 0 END AS stands FROM days
)
SELECT brand_id, currency, order_id, business_date,
       stands - coalesce(lag(stands) OVER (PARTITION BY brand_id, currency, order_id ORDER BY business_date), 0) AS orders
FROM standing
