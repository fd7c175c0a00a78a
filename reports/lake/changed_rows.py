"""Which rows of the snapshot tables may differ from a cut by now, because something was recorded about them since.

All others are what they were at the cut, however much else has changed. Each query returns keys of a table.
"""

from string import Template

_MOVED = """
moved AS (
    SELECT account_id FROM entry WHERE transaction_id > $last
    UNION SELECT account_id FROM transaction WHERE id > $last AND account_id IS NOT NULL
    UNION SELECT account_id FROM change WHERE id > $change AND account_id IS NOT NULL
)"""
_STEPPED = "SELECT order_id FROM order_step WHERE transaction_id > $last"

_KEYS = {
    "parties": """SELECT p.id FROM party p JOIN change c ON c.kind = 'party' AND c.subject = p.reference
                  WHERE c.id > $change""",
    "brands": """SELECT b.id FROM brand b JOIN change c ON c.kind = 'brand' AND c.subject = b.code
                 WHERE c.id > $change""",
    "accounts": f"""WITH {_MOVED} SELECT account_id AS id FROM moved
                    UNION SELECT id FROM account WHERE opened_at > '$taken_at'""",
    "holders": """SELECT id FROM change WHERE id > $change
                  UNION SELECT -id FROM account WHERE opened_at > '$taken_at' OR id IN (
                      SELECT account_id FROM change WHERE id > $change AND kind = 'account')""",
    "credit_terms": "SELECT id FROM credit_terms WHERE recorded_at > '$taken_at'",
    "links": f"""WITH {_MOVED} SELECT account_id, payer_id FROM link l JOIN moved USING (account_id)""",
    "limits": """SELECT payer_id, account_id, group_name, period FROM write_off_limit JOIN change c USING (account_id)
                 WHERE c.id > $change AND c.kind = 'write_off_limit'""",
    "usage": f"""WITH {_MOVED} SELECT payer_id, u.account_id, u.group_name, period, since
                 FROM usage u JOIN moved m ON m.account_id = u.payer_id""",
    "holds": """SELECT p.hold_id, p.part::bigint AS part FROM hold_part p JOIN (
                    SELECT id FROM transaction WHERE id > $last
                    UNION SELECT refers_to FROM transaction WHERE id > $last
                    UNION SELECT t.refers_to FROM transaction t JOIN transaction n ON n.refers_to = t.id
                    WHERE n.id > $last) n ON n.id = p.hold_id""",
    "open_debits": f"""WITH {_MOVED} SELECT account_id, transaction_id FROM open_debit JOIN moved USING (account_id)""",
    "changes": "SELECT id FROM change WHERE id > $change",
    "closings": "SELECT closed_until FROM closing WHERE closed_at > '$taken_at'",
    "orders": f"SELECT order_id AS id FROM ({_STEPPED}) s",
    "order_lines": f"SELECT order_id, line::bigint AS line FROM order_line JOIN ({_STEPPED}) s USING (order_id)",
    "promotions": """SELECT p.id FROM promotion p JOIN change c ON c.kind = 'promotion' AND c.subject = p.code
                     WHERE c.id > $change""",
    "promotion_uses": f"""SELECT order_id, promotion_id, number::bigint AS number FROM promotion_use
                          WHERE order_id IN ({_STEPPED}) OR given_back_at > '$taken_at'""",
    "bonus_programs": "SELECT id FROM bonus_program WHERE recorded_at > '$taken_at'",
    "bonus_lots": f"""WITH {_MOVED} SELECT account_id, transaction_id FROM bonus_lot JOIN moved USING (account_id)""",
    "bank_entries": """SELECT e.id FROM bank_entry e LEFT JOIN bank_statement s ON s.id = e.statement_id
                       LEFT JOIN transaction t ON t.key = e.key WHERE s.imported_at > '$taken_at' OR t.id > $last""",
    "bank_statements": """SELECT s.id FROM bank_statement s LEFT JOIN bank_entry e ON e.statement_id = s.id
                          LEFT JOIN transaction t ON t.key = e.key WHERE s.imported_at > '$taken_at' OR t.id > $last""",
    "bonus_owed": """SELECT id FROM bonus_owed
                     WHERE transaction_id > $last OR transaction_id IS NULL AND account_id IN (
                         SELECT b.id FROM account b JOIN change c ON c.account_id = b.money_account_id
                         WHERE c.id > $change)""",
}

GONE = {
    "links": "SELECT account_id FROM change WHERE id > $change AND kind = 'link'",
    "limits": "SELECT account_id FROM change WHERE id > $change AND kind = 'write_off_limit'",
    "open_debits": f"WITH {_MOVED} SELECT account_id FROM moved",
    "usage": f"WITH {_MOVED} SELECT account_id FROM moved",
}
"""Tables that lose rows: the accounts whose rows may be gone."""

OWNERS = {"usage": ("payer_id", "account_id")}
"""The columns of GONE's accounts, where it is not `account_id` alone."""


def changed_rows(name: str, *, last: int, change: int, taken_at: str) -> str:
    """Return the query of the keys of a table that may have changed since a cut."""
    return Template(_KEYS[name]).substitute(last=last, change=change, taken_at=taken_at)


def gone(name: str, *, last: int, change: int) -> str | None:
    """Return the query of accounts of which rows may be gone since a cut, None for tables that lose none."""
    return Template(GONE[name]).substitute(last=last, change=change) if name in GONE else None
