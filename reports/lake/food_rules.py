"""Rules of level two: orders, their steps and lines, promotions, lots of points."""

from reports.lake.rule import AFTER, MOVED, Rule

FOOD: tuple[Rule, ...] = (
    Rule(
        "orders",
        "each order was placed by the debit or hold of its number, for its account, and its lines sum to it",
        "SELECT count(*) FROM food_order WHERE id > %(after)s",
        """SELECT coalesce(o.id, l.order_id) AS id, o.key, t.kind, t.amount, l.net
           FROM (SELECT * FROM food_order WHERE id > %(after)s) o LEFT JOIN transaction t ON t.id = o.id
                FULL JOIN (SELECT order_id, sum(net) AS net FROM order_line WHERE order_id > %(after)s GROUP BY 1) l
                  ON l.order_id = o.id
           WHERE t.amount IS DISTINCT FROM l.net OR t.account_id IS DISTINCT FROM o.account_id
              OR t.kind IS DISTINCT FROM CASE WHEN o.due_at IS NULL THEN 'debit' ELSE 'hold' END ORDER BY 1""",
        "order {id}, {key}: placed by a {kind} of {amount}, its lines sum to {net}",
    ),
    Rule(
        "order-steps",
        "each order has a first step and others of transactions of its account, and its lines are of known brands",
        f"SELECT count(*) FROM order_step WHERE {AFTER}",
        f"""SELECT o.id, o.key, s.transaction_id FROM food_order o LEFT JOIN order_step s ON s.order_id = o.id
                LEFT JOIN transaction t ON t.id = s.transaction_id
           WHERE o.id IN (SELECT id FROM food_order WHERE id > %(after)s
                          UNION SELECT order_id FROM order_step WHERE {AFTER})
             AND ((t.account_id IS DISTINCT FROM o.account_id AND NOT EXISTS (
                   SELECT FROM merged_account WHERE account_id = o.account_id AND into_id = t.account_id))
              OR NOT EXISTS (SELECT FROM order_step f WHERE f.transaction_id = o.id AND f.kind = 'order')
              OR EXISTS (SELECT FROM order_line l LEFT JOIN brand b ON b.id = l.brand_id
                         WHERE l.order_id = o.id AND b.id IS NULL)) ORDER BY 1, 3""",
        "order {id}, {key}: step {transaction_id} is not of its account, or its first step or a brand is missing",
    ),
    Rule(
        "promotion-uses",
        "the uses counted of each limited promotion are those of orders, and none is of an order that is not there",
        "SELECT count(*) FROM promotion_use",
        """SELECT p.code, p.used, count(u.order_id) AS orders
           FROM promotion p FULL JOIN (
                  SELECT u.* FROM promotion_use u LEFT JOIN food_order o ON o.id = u.order_id
                  WHERE u.given_back_at IS NULL OR (o.status = 'placed' AND o.main_id IS NULL)) u
                  ON u.promotion_id = p.id
                LEFT JOIN food_order o ON o.id = u.order_id AND o.status <> 'cancelled'
           GROUP BY p.id HAVING p.id IS NULL OR (p.max_uses IS NOT NULL AND p.used <> count(u.order_id))
              OR count(o.id) <> count(u.order_id) ORDER BY 1""",
        "promotion {code}: {used} uses counted, {orders} orders use it",
    ),
    Rule(
        "bonus-lots",
        "the points left in each account's lots are its balance less what it holds",
        "SELECT count(*) FROM bonus_points",
        f"""SELECT p.account_id, b.balance, b.held, coalesce(sum(l.points_left), 0) AS amount_left
           FROM bonus_points p JOIN balance b ON b.account_id = p.account_id AND b.version = p.version
                LEFT JOIN bonus_lot l ON l.account_id = p.account_id
           WHERE p.account_id IN ({MOVED})
           GROUP BY p.account_id, b.balance, b.held
           HAVING coalesce(sum(l.points_left), 0) <> b.balance - b.held ORDER BY 1""",
        "bonus account {account_id}: balance {balance}, held {held}, its lots have {amount_left} left",
    ),
    Rule(
        "bonus-lot-uses",
        "what is left of each lot of points is what was given less what transactions have of it",
        "SELECT count(*) FROM bonus_lot",
        f"""SELECT l.account_id, l.transaction_id, l.amount, l.points_left AS amount_left,
                  coalesce(sum(u.amount), 0) AS amount_used
           FROM bonus_lot l LEFT JOIN bonus_lot_use u ON u.account_id = l.account_id AND u.lot_id = l.transaction_id
           WHERE l.account_id IN ({MOVED})
           GROUP BY l.account_id, l.transaction_id
           HAVING l.points_left <> l.amount - coalesce(sum(u.amount), 0) ORDER BY 1, 2""",
        "bonus account {account_id}, lot {transaction_id}: {amount} given, {amount_used} used, {amount_left} left",
    ),
    Rule(
        "bonus-owed",
        "no account is owed points, and one that owes has none free",
        "SELECT count(*) FROM bonus_owed",
        """SELECT o.account_id, o.amount_owed, b.balance, b.held
           FROM (SELECT account_id, sum(amount)::bigint AS amount_owed FROM bonus_owed GROUP BY 1) o
                JOIN balance b USING (account_id) JOIN bonus_points p USING (account_id)
           WHERE o.amount_owed < 0 OR (o.amount_owed > 0 AND b.version = p.version AND b.balance > b.held)
           ORDER BY 1""",
        "bonus account {account_id}: owes {amount_owed}, balance {balance}, held {held}",
    ),
)
