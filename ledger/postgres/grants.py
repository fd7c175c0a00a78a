"""What the roles may do: `tiffin_writer`, `tiffin_reader`, `tiffin_desk`. `tiffin init` grants it, each time it is run.

A writer may do what posting and administration do, and no more: it cannot change or delete what was posted, set a
balance, close or open days, write to closed days, change terms without its dated row, or take a guard off.
What it inserts as a whole transaction, well formed and balanced, is one: who may post a payment may write it, too
(DECISIONS D95). Closing days and upgrades are the owner's.
"""

from contextlib import suppress

from psycopg import errors, sql

from ledger.postgres.database import AnyConnection, connect
from ledger.postgres.write_book import ENTRY, TRANSACTION

ROLES = ("tiffin_writer", "tiffin_reader", "tiffin_desk")

_CHANGE = "INSERT, UPDATE"
WRITER: dict[str, str] = {
    # Posting. The database's clock fills in when a transaction was recorded.
    "transaction": f"INSERT ({', '.join(TRANSACTION)})",
    "entry": f"INSERT ({', '.join(ENTRY)})",
    "balance": (
        # It begins at nothing, and only entries move it: guards of the database see to both.
        "INSERT, UPDATE (open_due, open_day, open_item, open_unpaid, latest_due, ripens_on)"
    ),
    "hold": _CHANGE,
    "hold_part": _CHANGE,
    "owned": "INSERT",
    "merged_account": "INSERT",
    "entry_group": "INSERT",
    "aging_item": _CHANGE,
    "unpaid_place": "INSERT",
    "usage": "INSERT, UPDATE, DELETE",
    "cut_gate": "INSERT",  # of nothing: it stays empty, and this is what locking it takes
    "payment_gate": "UPDATE",  # of nothing: a guard refuses it
    # Administration.
    "brand": "INSERT, UPDATE (name, legal_name, tax_id, country, address, bank_details, colour, logo, status)",
    "party": "INSERT, UPDATE (name, legal_name, tax_id, country, kpp, email, phone, address, status, orders_before)",
    "account": "INSERT, UPDATE (holder_id, contract_number, contract_date, status)",
    "credit_terms": "INSERT (account_id, credit_limit, period_days, valid_from, valid_until, by, note)",
    "link": "INSERT, UPDATE, DELETE",
    "write_off_limit": "INSERT, UPDATE, DELETE",
    "change": "INSERT (kind, subject, account_id, before, after, business_date, by, note)",
    # Food.
    "promotion": _CHANGE,
    "bonus_program": (
        "INSERT (brand_id, accrue_percent, redeem_percent, expires_after_days, valid_from, valid_until, "
        "returned_live_days, spend_at, by, note)"
    ),
    "food_order": _CHANGE,
    "order_line": _CHANGE,
    "promotion_use": _CHANGE,
    "order_accrual": _CHANGE,
    "order_step": "INSERT",
    "bonus_points": _CHANGE,
    "bonus_lot": _CHANGE,
    "bonus_lot_use": _CHANGE,
    "bonus_owed": "INSERT",
    # What banks reported.
    "bank_statement": _CHANGE,
    "bank_entry": _CHANGE,
    "bank_payer": _CHANGE,
    "bank_csv": _CHANGE,
    "bank_depositor": _CHANGE,
    # The owner's alone.
    "book": "",
    "closing": "",
    "lake_gate": "",
    "seal": "",
    "seal_leaf": "",
    "seal_salt": "",
    "erasure": "",
    "erased_row": "",
    "door_token": "",
    # Who is notified.
    "webhook": "INSERT, UPDATE, DELETE",
    "webhook_stuck": "INSERT, UPDATE, DELETE",
}
"""What a writer may do to each table beside reading it."""


def grant_roles(url: str) -> str | None:
    """Create the roles where they are missing, and grant them exactly what they may do here.

    Return what an administrator has to do where the roles cannot be created, None if nothing.
    """
    with connect(url) as connection:
        missing = [role for role in ROLES if not _is_there(connection, role)]
        if missing:
            row = connection.execute("SELECT current_user").fetchone()
            who = row[0] if row else "this user"
            create = " ".join(f"CREATE ROLE {role} NOLOGIN; GRANT {role} TO {who};" for role in missing)
            return f"{who} may not create roles: have an administrator run {create} and then run tiffin init again"
        for statement in _statements():
            connection.execute(statement)
        # The dashboard reads as the one, and writes drafts as the other; who may not learns it when it tries.
        with suppress(errors.InsufficientPrivilege), connection.transaction():
            connection.execute(
                "DO $$ BEGIN IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN "
                "GRANT tiffin_reader, tiffin_desk TO CURRENT_USER; END IF; END $$"
            )
    return None


def _is_there(connection: AnyConnection, role: str) -> bool:
    """Return whether a role exists, by now if it could be created: roles belong to the server, not to the database."""
    known = "SELECT 1 FROM pg_roles WHERE rolname = %s"
    if connection.execute(known, [role]).fetchone():
        return True
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    except (errors.DuplicateObject, errors.UniqueViolation):  # for another book, this moment
        return True
    except errors.InsufficientPrivilege:
        return False
    return True


def _statements() -> list[str]:
    every = "ON ALL TABLES IN SCHEMA public"
    later = "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
    return [
        "GRANT USAGE ON SCHEMA public TO tiffin_reader, tiffin_writer",
        f"REVOKE ALL {every} FROM tiffin_reader, tiffin_writer",
        f"GRANT SELECT {every} TO tiffin_reader, tiffin_writer",
        f"{later} REVOKE ALL ON TABLES FROM tiffin_writer",
        f"{later} GRANT SELECT ON TABLES TO tiffin_reader, tiffin_writer",
        "REVOKE ALL ON webhook FROM tiffin_reader",  # it has the secrets
        *(f"GRANT {may} ON {table} TO tiffin_writer" for table, may in WRITER.items() if may),
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tiffin_writer",
        # The desk's drafts: what needs a second person, an order system's login neither drafts nor approves.
        "GRANT USAGE ON SCHEMA desk TO tiffin_reader, tiffin_writer, tiffin_desk",
        "REVOKE ALL ON ALL TABLES IN SCHEMA desk FROM tiffin_reader, tiffin_writer, tiffin_desk",
        "GRANT SELECT ON ALL TABLES IN SCHEMA desk TO tiffin_reader, tiffin_writer, tiffin_desk",
        "GRANT INSERT, UPDATE, DELETE ON desk.draft TO tiffin_desk",
        "GRANT INSERT, UPDATE ON desk.signed_out TO tiffin_desk",
        "GRANT INSERT ON desk.note TO tiffin_desk",
        "GRANT INSERT, UPDATE, DELETE ON desk.saved_query TO tiffin_desk",
    ]
