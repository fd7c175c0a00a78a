"""Ways to rewrite the past, as a superuser behind the guards would: what is changed in the ledger, or in the lake.

Most keep every sum: the entries of each transaction sum to zero, each balance is the sum of its entries.
"""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

DEBIT = "(SELECT min(transaction_id) FROM entry WHERE gross > 0 AND amount > 0)"
PAYMENT = "(SELECT min(id) FROM transaction WHERE kind = 'payment' AND status = 'posted' AND account_id IS NOT NULL)"
DECLINE = "(SELECT min(id) FROM transaction WHERE status = 'declined')"
REFERRING = "(SELECT min(id) FROM transaction WHERE kind IN ('capture', 'refund', 'release') AND status = 'posted')"
LEG = f"transaction_id = {DEBIT} AND leg = (SELECT min(leg) FROM entry WHERE transaction_id = {DEBIT} AND gross > 0)"
CASH = f"transaction_id = {PAYMENT} AND version IS NULL"
OTHER = "(SELECT o.id FROM account o WHERE o.kind = a.kind AND o.currency = a.currency AND o.brand_id <> a.brand_id)"


def moved(by: int, transaction: str, account: str) -> str:
    """Return SQL that moves what a transaction did to its account by so much, and every balance after it."""
    return f"""
    WITH e AS (SELECT * FROM entry WHERE transaction_id = {transaction} AND account_id = {account}
               AND version IS NOT NULL)
    UPDATE entry o SET balance_after = o.balance_after + {by},
           amount = o.amount + CASE WHEN o.version = e.version THEN {by} ELSE 0 END
    FROM e WHERE o.account_id = e.account_id AND o.version >= e.version;
    UPDATE balance SET balance = balance + {by} WHERE account_id = {account};
    """


PAID = f"(SELECT account_id FROM transaction WHERE id = {PAYMENT})"
CLIENT = f"(SELECT max(account_id) FROM entry WHERE transaction_id = {DEBIT} AND version IS NOT NULL)"

AMOUNTS = {
    "a kopeck on a client's entry": f"UPDATE entry SET amount = amount + 1 WHERE transaction_id = {PAYMENT} "
    "AND leg = 1",
    "a kopeck on a brand's entry": f"UPDATE entry SET amount = amount + 1, gross = gross + 1 WHERE {LEG}",
    "a payment raised, every sum right": moved(100, PAYMENT, PAID)
    + f"""
        UPDATE entry SET amount = amount - 100 WHERE {CASH};
        UPDATE transaction SET amount = amount + 100 WHERE id = {PAYMENT}""",
    "a debit lowered, every sum right": moved(100, DEBIT, CLIENT)
    + f"""
        UPDATE entry SET amount = amount - 100, gross = gross - 100 WHERE {LEG};
        UPDATE transaction SET amount = amount - 100 WHERE id = {DEBIT}""",
    "only the balance after": f"UPDATE entry SET balance_after = balance_after + 1 WHERE transaction_id = {PAYMENT} "
    "AND version IS NOT NULL",
    "the balance that is kept": "UPDATE balance SET balance = balance + 1 WHERE version > 0",
    "what is held": "UPDATE entry SET held = held + 1, held_after = held_after + 1 WHERE transaction_id = "
    "(SELECT max(transaction_id) FROM entry WHERE held > 0) AND held > 0",
    "more gross and more discount": f"UPDATE entry SET gross = gross + 500, discount = discount + 500 WHERE {LEG}",
    "less VAT": f"UPDATE entry SET vat = coalesce(vat, 0) - 1 WHERE {LEG}",
    "another VAT rate": f"UPDATE entry SET vat_rate = 7 WHERE {LEG}",
    "the amount of the command": f"UPDATE transaction SET amount = amount + 1 WHERE id = {PAYMENT}",
}
SIDES = {
    "revenue of another brand": f"UPDATE entry e SET account_id = {OTHER} FROM account a "
    f"WHERE a.id = e.account_id AND e.{LEG}",
    "cash of another brand": f"UPDATE entry e SET account_id = {OTHER} FROM account a "
    f"WHERE a.id = e.account_id AND e.{CASH}",
    "who paid for a line": "UPDATE entry e SET source_id = (SELECT min(id) FROM account WHERE kind = 'money' "
    f"AND id <> e.source_id) WHERE {LEG}",
    "for whom a payer paid": "UPDATE entry SET subaccount_id = 1000033 WHERE subaccount_id IS NOT NULL",
    "a client's entry on another client": f"UPDATE entry SET account_id = 1000058, version = 9999 "
    f"WHERE transaction_id = {PAYMENT} AND version IS NOT NULL",
}
WORDS = {
    "the service": f"UPDATE entry SET service = 'other' WHERE {LEG}",
    "the reference": f"UPDATE entry SET reference = 'X-1' WHERE {LEG}",
    "the attributes": f'UPDATE entry SET attributes = \'{{"dish": "soup"}}\' WHERE {LEG}',
    "the number of the line": f"UPDATE entry SET line = 99 WHERE {LEG}",
    "the channel of cash": f"UPDATE entry SET channel = 'other' WHERE {CASH}",
    "the chart of accounts": "UPDATE entry SET chart = '999' WHERE account_id IN "
    "(SELECT id FROM account WHERE kind = 'adjustments')",
    "when it is due": "UPDATE entry SET due_on = due_on + 30 WHERE due_on IS NOT NULL; "
    "UPDATE aging_item SET due_on = due_on + 30 WHERE due_on < '9999-01-01'",
    "the key": f"UPDATE transaction SET key = 'other' WHERE id = {PAYMENT}",
    "the fingerprint": f"UPDATE transaction SET fingerprint = '\\x00' WHERE id = {PAYMENT}",
    "the kind": f"UPDATE transaction SET kind = 'adjustment' WHERE id = {PAYMENT}",
    "the hour": f"UPDATE transaction SET posted_at = posted_at + interval '1 microsecond' WHERE id = {PAYMENT}",
    "the day": f"UPDATE transaction SET posted_at = posted_at - interval '1 day', business_date = business_date - 1 "
    f"WHERE id = {PAYMENT}",
    "when it was recorded": f"UPDATE transaction SET recorded_at = recorded_at - interval '1 s' WHERE id = {PAYMENT}",
    "when it happened": f"UPDATE transaction SET occurred_at = posted_at - interval '1 h' WHERE id = {PAYMENT}",
    "the value date": f"UPDATE transaction SET value_date = '2024-01-01' WHERE id = {PAYMENT}",
    "the channel": f"UPDATE transaction SET channel = 'other' WHERE id = {PAYMENT}",
    "the reason": "UPDATE transaction SET reason = 'other' WHERE kind = 'adjustment'",
    "who did it": f"UPDATE transaction SET by = 'o.petrova' WHERE id = {PAYMENT}",
    "the note": f"UPDATE transaction SET note = 'x' WHERE id = {PAYMENT}",
    "what it refers to": f"UPDATE transaction SET refers_to = {PAYMENT} WHERE id = {REFERRING}",
    "when a hold expires": "UPDATE transaction SET expires_at = expires_at + interval '1 day' WHERE kind = 'hold'",
}
ANSWERS = {
    "a decline deleted": f"DELETE FROM transaction WHERE id = {DECLINE}",
    "the facts of a decline": f"UPDATE transaction SET facts = '{{}}' WHERE id = {DECLINE}",
    "the code of a decline": f"UPDATE transaction SET code = 'other' WHERE id = {DECLINE}",
    "a decline of the past added": "INSERT INTO transaction (id, key, fingerprint, kind, status, code, posted_at, "
    "business_date) SELECT -1, 'new', '', 'debit', 'declined', 'credit_limit_exceeded', posted_at, business_date "
    f"FROM transaction WHERE id = {PAYMENT}",
    "a payment declined after all": f"DELETE FROM entry WHERE transaction_id = {PAYMENT}; "
    f"UPDATE transaction SET status = 'declined', code = 'other' WHERE id = {PAYMENT}",
}
LAST = "(SELECT max(transaction_id) FROM entry WHERE account_id = 1000058 AND version IS NOT NULL)"
HISTORIES = {
    "the last transaction of an account": f"""
        UPDATE balance b SET version = b.version - 1, balance = b.balance - e.amount, held = b.held - e.held
        FROM entry e WHERE e.account_id = b.account_id AND e.transaction_id = {LAST} AND e.version IS NOT NULL;
        CREATE TEMP TABLE last AS SELECT {LAST} AS id;
        DELETE FROM entry WHERE transaction_id = (SELECT id FROM last);
        DELETE FROM transaction WHERE id = (SELECT id FROM last)""",
    "the whole history of an account": """
        CREATE TEMP TABLE gone AS SELECT DISTINCT transaction_id AS id FROM entry WHERE account_id = 1000058;
        DELETE FROM entry WHERE transaction_id IN (SELECT id FROM gone);
        DELETE FROM transaction WHERE id IN (SELECT id FROM gone);
        UPDATE balance SET balance = 0, held = 0, version = 0 WHERE account_id = 1000058""",
    "a transaction of the past added": f"""
        INSERT INTO transaction (id, key, fingerprint, kind, status, account_id, amount, currency, posted_at,
                                 business_date)
        SELECT -1, 'slipped in', '', 'payment', 'posted', account_id, 100, 'RUB', posted_at, business_date
        FROM transaction WHERE id = {PAYMENT};
        INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held, version, balance_after, held_after)
        SELECT -1, 1, account_id, 'RUB', 100, 0, version + 1, balance + 100, held
        FROM balance WHERE account_id = {PAID};
        INSERT INTO entry (transaction_id, leg, account_id, currency, amount, held, source_id)
        SELECT -1, 2, account_id, 'RUB', -100, 0, {PAID} FROM entry WHERE {CASH};
        UPDATE balance SET version = version + 1, balance = balance + 100 WHERE account_id = {PAID}""",
    "versions exchanged": "UPDATE entry SET version = 5001 - version WHERE account_id = 1000017 AND version IN (1, 2)",
    "an adjustment hidden in another": "UPDATE entry SET transaction_id = -transaction_id WHERE account_id = 1000041",
    "numbers exchanged": f"UPDATE entry SET transaction_id = -1 WHERE transaction_id = {PAYMENT}; "
    f"UPDATE transaction SET id = -1, key = 'slipped in' WHERE id = {PAYMENT}",
}
TERMS = {
    "a credit limit": "UPDATE credit_terms SET credit_limit = credit_limit + 1",
    "a credit period": "UPDATE credit_terms SET period_days = 300",
    "the end of terms": "UPDATE credit_terms SET valid_until = '2024-06-30'",
    "terms deleted": "DELETE FROM credit_terms WHERE id = 2",
    "terms of the past added": "INSERT INTO credit_terms (account_id, credit_limit, valid_from, recorded_at) "
    "VALUES (1000058, 100, '2024-01-01', '2024-01-01')",
    "the draw of a link": "UPDATE link SET draw = 'own_first' WHERE account_id = 1000017",
    "a link deleted": "DELETE FROM link WHERE account_id = 1000017",
    "brands of a link": "UPDATE link SET brands = '{1}' WHERE account_id = 1000017",
    "a write-off limit": "UPDATE write_off_limit SET amount = amount + 1 WHERE account_id = 1000017",
    "a write-off limit deleted": "DELETE FROM write_off_limit WHERE account_id = 1000017",
    "a client's name": "UPDATE party SET name = 'Other' WHERE reference = 'anna'",
    "a client's tax number": "UPDATE party SET tax_id = '7736050003' WHERE reference = 'anna'",
    "the holder of an account": "UPDATE account SET holder_id = 1 WHERE reference = 'anna'",
    "a contract": "UPDATE account SET contract_number = 'N 1' WHERE reference = 'anna'",
    "the status of an account": "UPDATE account SET status = 'frozen' WHERE reference = 'anna'",
    "bank details of a brand": "UPDATE brand SET bank_details = '{\"iban\": \"DE1\"}' WHERE code = 'sushi'",
    "the value of a promotion": "UPDATE promotion SET value = 9000 WHERE code = 'TEN'",
    "a bonus programme": "UPDATE bonus_program SET accrue_percent = 90",
    "a change deleted": "DELETE FROM change WHERE id = 2",
    "what a change says": "UPDATE change SET after = after || '{\"limit\": \"1.00\"}' WHERE kind = 'credit_terms'",
    "who made a change": "UPDATE change SET by = 'o.petrova' WHERE id = 3",
    "a change back and its row": "UPDATE party SET name = 'Other' WHERE reference = 'anna'; "
    "UPDATE change SET after = after || '{\"name\": \"Other\"}' WHERE kind = 'party' AND subject = 'anna'",
}
CLOSINGS = {
    "a closing deleted": "DELETE FROM closing WHERE closed_until = '2024-01-31'",
    "a closing of another day": "UPDATE closing SET closed_until = '2024-01-30' WHERE closed_until = '2024-01-31'",
    "days opened again": "DELETE FROM closing WHERE closed_until = '2024-02-29'; "
    "UPDATE book SET closed_until = '2024-01-31'",
    "a closing after another transaction": "UPDATE closing SET last_transaction = last_transaction - 1",
    "when days were closed": "UPDATE closing SET closed_at = closed_at - interval '1 day'",
    "the book's time zone": "UPDATE book SET time_zone = 'Asia/Tokyo'",
    "the book's currency": "UPDATE book SET currency = 'USD'",
}
GUARDS = {
    "a guard dropped": "DROP TRIGGER append_only ON entry",
    "a guard disabled": "ALTER TABLE entry DISABLE TRIGGER append_only",
    "a guard hollowed": "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NULL; END $$",
    "four eyes hollowed": "CREATE OR REPLACE FUNCTION desk.second_person() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NULL; END $$",
    "a check dropped": "ALTER TABLE entry DROP CONSTRAINT gross_less_discount",
    "a reference dropped": "ALTER TABLE balance DROP CONSTRAINT balance_account_id_fkey",
    "a uniqueness dropped": "DROP INDEX entry_account_version_key",
    "a trigger of one's own": "CREATE TRIGGER mine BEFORE INSERT ON entry EXECUTE FUNCTION append_only()",
    "guards off for all sessions": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = "
    "replica', current_database()); END $$",
}
SEALS = {
    "what a seal says": "UPDATE seal SET line = replace(line, '\"last_transaction\":', '\"last_transaction\":1')",
    "the last seal deleted": "DELETE FROM seal_leaf WHERE seal_number = 3; DELETE FROM seal WHERE number = 3",
    "all seals deleted": "DELETE FROM seal_leaf; DELETE FROM seal",
    "a sealed state": "UPDATE seal_leaf SET value = replace(value, '\"balance\":', '\"balance\":1') "
    "WHERE name = 'account/1000017'",
    "a sealed state deleted": "DELETE FROM seal_leaf WHERE name = 'account/1000058'",
    "a salt": "UPDATE seal_salt SET salt = '\\x00'",
}
FOOD = {
    "a dish of an order": "UPDATE order_line SET sku = 'other' WHERE order_id = (SELECT min(id) FROM food_order)",
    "a dish of another brand": "UPDATE order_line SET brand_id = 3 - brand_id",
    "when an order was placed": "UPDATE food_order SET placed_at = placed_at - interval '1 h'",
    "a use of a promotion": "UPDATE promotion_use SET discount = discount + 1",
    "a lot of points": "UPDATE bonus_lot SET gone_on = gone_on + 100 WHERE gone_on IS NOT NULL",
    "the part of a hold": "UPDATE hold_part SET service = 'other'",
}
LEDGER: dict[str, dict[str, str]] = {
    "amounts": AMOUNTS,
    "sides": SIDES,
    "words": WORDS,
    "answers": ANSWERS,
    "histories": HISTORIES,
    "terms": TERMS,
    "closings": CLOSINGS,
    "guards": GUARDS,
    "seals": SEALS,
    "food": FOOD,
}


def _one_byte(lake: Path) -> None:
    path = sorted(lake.glob("tables/entries/month=*/*.parquet"))[0]
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


def _file_of_another_table_with_its_hash(lake: Path) -> None:
    first = min(lake.glob("tables/entries/month=*/*.parquet"))
    shutil.copy(min(lake.glob("tables/attributes/month=*/*.parquet")), first)
    _rehashed(lake, f"{first.parent.name}/{first.name}", first.read_bytes())


def _rehashed(lake: Path, name: str, content: bytes) -> None:
    pointer = json.loads((lake / "current.json").read_text())
    manifest = lake / pointer["manifest"]
    facts = json.loads(manifest.read_text())
    facts["tables"]["entries"]["files"][name] = {"size": len(content), "sha256": sha256(content).hexdigest()}
    manifest.write_text(json.dumps(facts))
    pointer["sha256"] = sha256(manifest.read_bytes()).hexdigest()
    (lake / "current.json").write_text(json.dumps(pointer))


def _pointer_back(lake: Path) -> None:
    pointer = json.loads((lake / "current.json").read_text())
    before = sorted(lake.glob("manifests/*.json"))[-2]
    pointer |= {
        "number": int(before.stem),
        "manifest": f"manifests/{before.name}",
        "sha256": sha256(before.read_bytes()).hexdigest(),
    }
    (lake / "current.json").write_text(json.dumps(pointer))


def _pointer_back_and_nothing_told(lake: Path) -> None:
    _pointer_back(lake)
    (lake / "verified.json").unlink()


def _cuts_exchanged(lake: Path) -> None:
    first, second, *_ = sorted(lake.glob("manifests/*.json"))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def _seal_of_the_lake(lake: Path) -> None:
    path = lake / "seals.jsonl"
    path.write_text(path.read_text().replace('"entries":', '"entries":1', 1))


def _seal_of_the_manifest(lake: Path) -> None:
    pointer = json.loads((lake / "current.json").read_text())
    manifest = lake / pointer["manifest"]
    facts = json.loads(manifest.read_text())
    facts["seal"]["hash"] = "00" * 32
    manifest.write_text(json.dumps(facts))
    pointer["sha256"] = sha256(manifest.read_bytes()).hexdigest()
    (lake / "current.json").write_text(json.dumps(pointer))


def _database_of_another_cut(lake: Path) -> None:
    first, *_, last = sorted(lake.glob("duckdb/*.duckdb"))
    shutil.copy(first, last)


LAKE: dict[str, Callable[[Path], None]] = {
    "one byte of a file": _one_byte,
    "a file of another table, with its hash": _file_of_another_table_with_its_hash,
    "the pointer set back": _pointer_back,
    "the pointer set back, and what was verified deleted": _pointer_back_and_nothing_told,
    "two cuts exchanged": _cuts_exchanged,
    "a seal in the lake": _seal_of_the_lake,
    "the seal of a manifest": _seal_of_the_manifest,
    "the DuckDB file of another cut": _database_of_another_cut,
}
