"""The canonical form, version 1: the one text that each row of the ledger is hashed as (DECISIONS D180).

A row is a JSON object without spaces, its fields in the order below; those that are null are left out, so that a
column that is added later changes no earlier hash. Amounts are integers of minor units, rates of hundredths of a
percent, moments of microseconds since 1970 (UTC), dates YYYY-MM-DD, bytes hexadecimal; `jsonb` is the text that
PostgreSQL gives it (keys by length, then by bytes; a space after `:` and `,`). What people may write, or a client's
own numbers, enters as `private`: the SHA-256 of the salt of the client and a JSON array of the values, so that it
can be erased and the seals stay whole.

- A *transaction* is hashed with its legs: the SHA-256 of its row, and the row of each leg, joined by line feeds.
- An *entry* of an account is hashed after those before it: its account's running hash is the SHA-256 of the running
  hash so far (at first 32 zero bytes) and the entry's row, which has the transaction's hash in it. The order is by
  date and version (a hold that expired on a day may be booked after an entry of the next one); of a brand's own
  accounts by date, transaction and leg.
- A list (declined transactions, changes, terms, programmes) has a running hash, too, by number.

PostgreSQL makes these texts, below; tests compare them with this page, on examples that never change.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

FORM = 1
START = bytes(32)

Fields = tuple[tuple[str, str], ...]
"""Names and SQL expressions, in order. An expression gives a JSON value as text, or null."""


def _number(sql: str) -> str:
    return f"({sql})::bigint::text"


def _text(sql: str) -> str:
    return f"to_json(({sql})::text)::text"


def _date(sql: str) -> str:
    return f"""'"' || to_char({sql}, 'YYYY-MM-DD') || '"'"""


def _moment(sql: str) -> str:
    return f"(extract(epoch FROM {sql}) * 1000000)::bigint::text"


def _rate(sql: str) -> str:
    return f"({sql} * 100)::bigint::text"


def _private(salt: str, *columns: str, erased: str | None = None) -> str:
    # json_build_array writes `[1, "a", null]`. Of what was erased there is the hash that it had.
    given = f"num_nonnulls({', '.join(columns)}) > 0"
    value = f"json_build_array({', '.join(columns)})::text"
    hashed = f"CASE WHEN {given} THEN encode(sha256({salt} || convert_to({value}, 'UTF8')), 'hex') END"
    return f"""'"' || {f"coalesce({erased}.hash, {hashed})" if erased else hashed} || '"'"""


def row(fields: Fields) -> str:
    """Return the SQL expression of a row's canonical text."""
    parts = (f"""'"{name}":' || {sql}""" for name, sql in fields)
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'"


def hashed(sql: str) -> str:
    """Return the SQL expression of the SHA-256 of a text, hexadecimal."""
    return f"encode(sha256(convert_to({sql}, 'UTF8')), 'hex')"


TRANSACTION: Fields = (
    ("transaction", _number("t.id")),
    ("key", _text("t.key")),
    ("fingerprint", _text("encode(t.fingerprint, 'hex')")),
    ("kind", _text("t.kind")),
    ("status", _text("t.status")),
    ("code", _text("t.code")),
    ("facts", _text("t.facts")),
    ("account", _number("t.account_id")),
    ("amount", _number("t.amount")),
    ("currency", _text("t.currency")),
    ("posted_at", _moment("t.posted_at")),
    ("date", _date("t.business_date")),
    ("recorded_at", _moment("t.recorded_at")),
    ("value_date", _date("t.value_date")),
    ("expires_at", _moment("t.expires_at")),
    ("due_on", _date("t.due_on")),
    ("refers_to", _number("t.refers_to")),
    ("channel", _text("t.channel")),
    ("private", _private("s.salt", "t.reason", "t.by", "t.note", erased="x")),
    ("occurred_at", _moment("t.occurred_at")),
)

LEG: Fields = (
    ("leg", _number("e.leg")),
    ("account", _number("e.account_id")),
    ("currency", _text("e.currency")),
    ("amount", _number("e.amount")),
    ("held", _number("e.held")),
    ("version", _number("e.version")),
    ("balance_after", _number("e.balance_after")),
    ("held_after", _number("e.held_after")),
    ("subaccount", _number("e.subaccount_id")),
    ("source", _number("e.source_id")),
    ("line", _number("e.line")),
    ("service", _text("e.service")),
    ("gross", _number("e.gross")),
    ("discount", _number("e.discount")),
    ("vat_rate", _rate("e.vat_rate")),
    ("vat", _number("e.vat")),
    ("channel", _text("e.channel")),
    ("chart", _text("e.chart")),
    ("due_on", _date("e.due_on")),
    ("group", _text("g.group_name")),
    ("private", _private("t.salt", "e.reference", "e.attributes::text", erased="x")),
)

ENTRY: Fields = (
    ("account", _number("e.account_id")),
    ("version", _number("e.version")),
    ("transaction", _number("e.transaction_id")),
    ("leg", _number("e.leg")),
    ("kind", _text("t.kind")),
    ("posted_at", _moment("t.posted_at")),
    ("date", _date("t.business_date")),
    ("amount", _number("e.amount")),
    ("held", _number("e.held")),
    ("balance_after", _number("e.balance_after")),
    ("held_after", _number("e.held_after")),
    ("hash", _text("t.hash")),
)

CHANGE: Fields = (
    ("change", _number("c.id")),
    ("kind", _text("c.kind")),
    ("account", _number("c.account_id")),
    ("date", _date("c.business_date")),
    ("recorded_at", _moment("c.recorded_at")),
    ("place", _number("c.place")),
    ("private", _private("s.salt", "c.subject", "c.before::text", "c.after::text", "c.by", "c.note", erased="x")),
)

TERMS: Fields = (
    ("terms", _number("c.id")),
    ("account", _number("c.account_id")),
    ("credit_limit", _number("c.credit_limit")),
    ("period_days", _number("c.period_days")),
    ("valid_from", _date("c.valid_from")),
    ("valid_until", _date("c.valid_until")),
    ("recorded_at", _moment("c.recorded_at")),
    ("private", _private("s.salt", "c.by", "c.note", erased="x")),
)

PROGRAM: Fields = (
    ("program", _number("c.id")),
    ("brand", _number("c.brand_id")),
    ("accrue_percent", _rate("c.accrue_percent")),
    ("redeem_percent", _rate("c.redeem_percent")),
    ("expires_after_days", _number("c.expires_after_days")),
    ("valid_from", _date("c.valid_from")),
    ("valid_until", _date("c.valid_until")),
    ("returned_live_days", _number("c.returned_live_days")),
    ("spend_at", _text("nullif(c.spend_at, '{}')")),
    ("recorded_at", _moment("c.recorded_at")),
    ("private", _private("s.salt", "c.by", "c.note")),
)

CLOSING: Fields = (
    ("closed_until", _date("c.closed_until")),
    ("closed_at", _moment("c.closed_at")),
    ("last_transaction", _number("c.last_transaction")),
    ("rules", _number("c.rules")),
)

PROMOTION: Fields = (
    ("promotion", _number("c.id")),
    ("code", _text("c.code")),
    ("kind", _text("c.kind")),
    ("value", _number("c.value")),
    ("brand", _number("c.brand_id")),
    ("min_order", _number("c.min_order")),
    ("max_discount", _number("c.max_discount")),
    ("valid_from", _date("c.valid_from")),
    ("valid_until", _date("c.valid_until")),
    ("max_uses", _number("c.max_uses")),
    ("max_uses_per_party", _number("c.max_uses_per_party")),
    ("first_order_only", "c.first_order_only::text"),
    ("stackable", "c.stackable::text"),
    ("financed", _text("c.financed")),
)

SETTINGS: Fields = (
    ("time_zone", _text("c.time_zone")),
    ("currency", _text("c.currency")),
    ("initialised_at", _moment("c.initialised_at")),
)


def following(running: bytes, text: str) -> bytes:
    """Return the running hash after one more row."""
    return sha256(running + text.encode()).digest()


def canonical(fields: Mapping[str, object]) -> str:
    """Return fields as JSON in their order, without spaces and without those that are null."""
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))
