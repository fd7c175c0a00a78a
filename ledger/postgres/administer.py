"""Administration: brands, parties, accounts, terms, links, limits, status.

What is said again with the same content is done and writes nothing; given fields
change from now on, absent ones stay; currency, kind and party never change. Each
change is also a dated row of `change`, with who and when. Terms, links, limits and
status take the balance locks of their accounts, as posting does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from psycopg import Connection, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ledger.core import administration as r
from ledger.core.book import window
from ledger.core.money import minor, plain
from ledger.core.outcomes import Declined, Done, Facts, Invalid, Refused
from ledger.errors import Failure
from ledger.postgres.write_book import CUT_LOCK, new_number

Row = dict[str, Any]
Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass(slots=True)
class Desk:
    """One run of administration lines in one database transaction, at one time."""

    connection: Connection[Any]
    now: datetime
    today: date

    def rows(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """Return rows by column name."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row, if any."""
        rows = self.rows(query, parameters)
        return rows[0] if rows else None

    def note_change(
        self, record: r.Record, subject: str, before: Row | None, after: Row, *, account: int | None = None
    ) -> None:
        """Write the dated row of a change."""
        self.connection.execute(
            "INSERT INTO change (kind, subject, account_id, before, after, business_date, by, note) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                record.type, subject, account, None if before is None else Jsonb(_json(before)), Jsonb(_json(after)),
                self.today, record.by, record.note,
            ],
        )  # fmt: skip

    def lock(self, *accounts: int) -> None:
        """Take the balance locks of accounts, in id order."""
        self.connection.execute(
            "SELECT 1 FROM balance WHERE account_id = ANY(%s) ORDER BY account_id FOR NO KEY UPDATE",
            [sorted(accounts)],
        )


Rule = Callable[[Desk, r.Record], Facts]
"""Carries out one record and returns the facts of its outcome; leaves with Refused."""


def administer(
    connection: Connection[Any], records: Sequence[r.Record], rules: Mapping[str, Rule] | None = None
) -> list[Done | Declined | Invalid]:
    """Return one outcome a record, in order, within the caller's database transaction.

    `rules` (by default RULES) carry out each type of record.
    """
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [CUT_LOCK])
    row = connection.execute("SELECT clock_timestamp(), time_zone FROM book").fetchone()
    if row is None:
        raise Failure("there is no book yet: run tiffin init")
    now = row[0].astimezone(UTC)
    desk = Desk(connection, now, now.astimezone(ZoneInfo(row[1])).date())
    return [_one(desk, record, rules or RULES) for record in records]


def _one(desk: Desk, record: r.Record, rules: Mapping[str, Rule]) -> Done | Declined | Invalid:
    try:
        with desk.connection.transaction():
            return Done(kind=record.type, facts=rules[record.type](desk, record))
    except Refused as refused:
        return Declined(key="", code=refused.code, facts=refused.facts)
    except ValueError as error:
        return Invalid(message=str(error))


# ---- brands, parties, accounts: rows that are known by a code or reference


def _brand(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.Brand)
    id_ = save(
        desk, record, "brand", "code", record.code, fields_given(record), {"name": record.code, "status": "open"}
    )
    return {"code": record.code, "id": id_}


def _party(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.Party)
    given = fields_given(record)
    existing = desk.row("SELECT kind FROM party WHERE reference = %s", [record.reference])
    if existing:
        _same(f"party {record.reference}", existing, given, "kind")
    elif record.kind is None:
        raise ValueError("kind: is missing")
    id_ = save(
        desk, record, "party", "reference", record.reference, given, {"name": record.reference, "status": "open"}
    )
    return {"reference": record.reference, "id": id_}


def _account(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.Account)
    given = fields_given(record)
    if "party" in given:
        given["party_id"] = _party_id(desk, given.pop("party"))
    if "holder" in given:
        holder = given.pop("holder")
        given["holder_id"] = None if holder is None else brand_id(desk, holder)
    existing = desk.row("SELECT * FROM account WHERE reference = %s", [record.reference])
    if existing:
        party = desk.row("SELECT reference AS party FROM party WHERE id = %s", [existing["party_id"]])
        said = {"currency": record.currency, "party": record.party}
        _same(f"account {existing['id']} ({record.reference})", {**existing, **(party or {})}, said, *said)
        save(desk, record, "account", "reference", record.reference, given, {}, account=existing["id"])
        return {"reference": record.reference, "account": existing["id"]}
    for name in ("party", "currency"):
        if getattr(record, name) is None:
            raise ValueError(f"{name}: is missing")
    number = new_number(desk.connection)
    new = {"id": number, "kind": "money", "status": "open"}
    save(desk, record, "account", "reference", record.reference, given, new, account=number)
    desk.connection.execute("INSERT INTO balance (account_id, balance, held, version) VALUES (%s, 0, 0, 0)", [number])
    return {"reference": record.reference, "account": number}


def bonus_account(connection: Connection[Any], money_account: int, brand: int) -> int:
    """Return the number of the bonus account of a money account for a brand; it is opened on first use."""
    select = "SELECT id FROM account WHERE kind = 'bonus' AND money_account_id = %s AND brand_id = %s"
    row = connection.execute(select, [money_account, brand]).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO account (id, kind, currency, party_id, brand_id, money_account_id, status) "
            "SELECT %s, 'bonus', currency, party_id, %s, id, 'open' FROM account WHERE id = %s "
            "ON CONFLICT DO NOTHING RETURNING id",
            [new_number(connection), brand, money_account],
        ).fetchone()
        if row is None:  # another opened it meanwhile
            row = connection.execute(select, [money_account, brand]).fetchone()
        else:
            connection.execute("INSERT INTO balance (account_id, balance, held, version) VALUES (%s, 0, 0, 0)", row)
    assert row is not None
    return int(row[0])


def fields_given(record: r.Record) -> Row:
    """Return the fields that a record gives."""
    return {name: getattr(record, name) for name in record.model_fields_set - {"type", "by", "note"}}


def _same(subject: str, existing: Row, given: Row, *names: str) -> None:
    for name in names:
        if name in given and given[name] is not None and given[name] != existing[name]:
            facts = {"subject": subject, "what": name, "is": existing[name], "asked": given[name]}
            raise Refused("never_changes", **facts)


def save(
    desk: Desk, record: r.Record, table: str, key: str, value: str, given: Row, new: Row, *, account: int | None = None
) -> int:
    """Insert or change one row known by a unique column; return its id."""
    existing = desk.row(f"SELECT * FROM {table} WHERE {key} = %s FOR NO KEY UPDATE", [value])
    if existing is None:
        row = {**new, **{name: given[name] for name in given if given[name] is not None}}
        inserted = desk.row(_insert(table, row), [_adapted(item) for item in row.values()])
        assert inserted is not None
        desk.note_change(record, value, None, {name: row[name] for name in row if name != "id"}, account=account)
        return int(inserted["id"])
    changed = {name: item for name, item in given.items() if existing[name] != item}
    if changed:
        sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changed)
        desk.connection.execute(
            sql.SQL("UPDATE {} SET {} WHERE id = %s").format(sql.Identifier(table), sets),
            [*(_adapted(item) for item in changed.values()), existing["id"]],
        )
        desk.note_change(record, value, {name: existing[name] for name in changed}, changed, account=account)
    return int(existing["id"])


def _insert(table: str, row: Row) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id"


def _adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value


# ---- what hangs on accounts


def _account_status(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.AccountStatus)
    account = _account_row(desk, record.account)
    points = desk.rows("SELECT id FROM account WHERE money_account_id = %s", [account["id"]])
    desk.lock(account["id"], *(row["id"] for row in points))
    account = _account_row(desk, record.account)
    done = {"account": account["id"], "reference": account["reference"]}
    if account["status"] == record.status:
        return done
    if account["status"] == "closed":
        raise Refused("account_closed", account=account["id"], subject=account["subject"])
    if record.status == "closed":
        _closable(desk, account)
    desk.connection.execute("UPDATE account SET status = %s WHERE id = %s", [record.status, account["id"]])
    before, after = {"status": account["status"]}, {"status": record.status}
    desk.note_change(record, _subject_key(account), before, after, account=account["id"])
    return done


def _closable(desk: Desk, account: Row) -> None:
    balance = desk.row("SELECT balance FROM balance WHERE account_id = %s", [account["id"]])
    assert balance is not None
    bonus = desk.row(
        "SELECT sum(balance) AS points FROM balance JOIN account a ON a.id = account_id WHERE a.money_account_id = %s",
        [account["id"]],
    )
    holds = desk.row(
        "SELECT count(DISTINCT h.transaction_id) AS holds "
        "FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id "
        "WHERE %(account)s IN (p.source_id, h.account_id) AND h.state = 'open' AND h.expires_at > %(now)s",
        {"account": account["id"], "now": desk.now},
    )
    links = desk.row("SELECT count(*) AS links FROM link WHERE %s IN (account_id, payer_id)", [account["id"]])
    assert bonus and holds and links
    reasons = [
        f"its balance is {plain(balance['balance'])} {account['currency']}" if balance["balance"] else "",
        f"it has {plain(int(bonus['points']))} points" if bonus["points"] else "",
        f"it has {_many(holds['holds'], 'open hold')}" if holds["holds"] else "",
        f"it has {_many(links['links'], 'link')}" if links["links"] else "",
    ]
    why = ", ".join(reason for reason in reasons if reason)
    if why:
        raise Refused("account_not_empty", account=account["id"], subject=account["subject"], why=why)


def _credit_terms(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.CreditTerms)
    account = _account_row(desk, record.account)
    desk.lock(account["id"])
    last = desk.row("SELECT * FROM credit_terms WHERE account_id = %s ORDER BY id DESC LIMIT 1", [account["id"]])
    given = fields_given(record)
    given.pop("account")
    if "limit" in given:
        limit = given.pop("limit")
        given["credit_limit"] = None if limit is None else minor(limit)
    names = ("credit_limit", "period_days", "valid_from", "valid_until")
    before = {name: last[name] for name in names} if last else None
    new = {"credit_limit": None, "period_days": None, "valid_from": desk.today, "valid_until": None}
    after = (before or new) | given
    done = {"account": account["id"], "reference": account["reference"]}
    if after["credit_limit"] is None:
        raise ValueError("limit: is missing")
    if after["valid_from"] is None:
        raise ValueError("valid_from: is missing")
    if after["valid_until"] is not None and after["valid_until"] < after["valid_from"]:
        raise ValueError(f"valid_until: {after['valid_until']} is before valid_from, {after['valid_from']}")
    if after == before:
        return done
    desk.connection.execute(
        "INSERT INTO credit_terms (account_id, credit_limit, period_days, valid_from, valid_until, by, note) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [account["id"], *after.values(), record.by, record.note],
    )
    desk.note_change(record, _subject_key(account), _terms(before), _terms(after) or {}, account=account["id"])
    return done


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _terms(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {"limit": plain(row["credit_limit"]), **{name: row[name] for name in row if name != "credit_limit"}}


def _link(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.Link)
    account, payer = _account_row(desk, record.account), _account_row(desk, record.payer)
    desk.lock(account["id"], payer["id"])
    # Read again under the locks: one of them may have been closed meanwhile.
    account, payer = _account_row(desk, account["id"]), _account_row(desk, payer["id"])
    _linkable(desk, account, payer)
    where = [account["id"], payer["id"]]
    row = desk.row("SELECT draw, priority, brands FROM link WHERE account_id = %s AND payer_id = %s", where)
    given = fields_given(record)
    subject = f"{_subject_key(account)} <- {_subject_key(payer)}"
    done = {"account": account["id"], "payer": payer["id"]}
    if "draw" in given and given["draw"] is None:
        if row:
            desk.connection.execute("DELETE FROM link WHERE account_id = %s AND payer_id = %s", where)
            desk.note_change(record, subject, row, {"draw": None}, account=account["id"])
        return done
    if given.get("brands") is not None:
        given["brands"] = sorted(brand_id(desk, code) for code in given["brands"])
    new = {"draw": "payer_first", "priority": 1, "brands": None}
    after = (row or new) | {name: item for name, item in given.items() if name in new}
    if after == row:
        return done
    desk.connection.execute(
        "INSERT INTO link (account_id, payer_id, draw, priority, brands) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (account_id, payer_id) DO UPDATE SET draw = excluded.draw, priority = excluded.priority, "
        "brands = excluded.brands",
        [*where, after["draw"], after["priority"], after["brands"]],
    )
    desk.note_change(record, subject, row, after, account=account["id"])
    return done


def _linkable(desk: Desk, account: Row, payer: Row) -> None:
    """Hold that links have one level, between open accounts of one currency."""

    def refuse(why: str) -> NoReturn:
        raise Refused(
            "link_not_allowed", account=account["id"], payer=payer["id"], subject=payer["subject"],
            other=account["subject"], why=why,
        )  # fmt: skip

    if account["id"] == payer["id"]:
        refuse("nobody pays for himself")
    if account["currency"] != payer["currency"]:
        refuse(f"{payer['currency']} is not {account['currency']}")
    for row in (account, payer):
        if row["status"] == "closed":
            refuse(f"{row['subject']} is closed")
    if desk.row("SELECT 1 FROM link WHERE account_id = %s", [payer["id"]]):
        refuse("the payer is itself a subaccount")
    if desk.row("SELECT 1 FROM link WHERE payer_id = %s", [account["id"]]):
        refuse("the subaccount is itself a payer")


def _write_off_limit(desk: Desk, record: r.Record) -> Facts:
    assert isinstance(record, r.WriteOffLimit)
    payer = _account_row(desk, record.payer)
    account = payer if record.account is None else _account_row(desk, record.account)
    # A limit may come before its link, so that nothing is drawn in between; across currencies no link ever comes
    # (DECISIONS D3).
    if account["currency"] != payer["currency"]:
        raise Refused(
            "currency_mismatch", account=account["id"], subject=account["subject"], currency=account["currency"],
            asked=payer["currency"],
        )  # fmt: skip
    desk.lock(payer["id"], account["id"])
    where = [payer["id"], account["id"], record.period]
    row = desk.row(
        "SELECT amount, count FROM write_off_limit WHERE payer_id = %s AND account_id = %s AND period = %s", where
    )
    given = {name: item for name, item in fields_given(record).items() if name in ("amount", "count")}
    if given.get("amount") is not None:
        given["amount"] = minor(given["amount"])
    after = (row or {"amount": None, "count": None}) | given
    done = {"payer": payer["id"], "account": account["id"], "period": record.period}
    if after == (row or {"amount": None, "count": None}):
        return done
    subject = f"{_subject_key(payer)} -> {_subject_key(account)} {record.period}"
    if after["amount"] is None and after["count"] is None:
        for table in ("write_off_limit", "usage"):
            desk.connection.execute(
                f"DELETE FROM {table} WHERE payer_id = %s AND account_id = %s AND period = %s", where
            )
    else:
        desk.connection.execute(
            "INSERT INTO write_off_limit (payer_id, account_id, period, amount, count) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (payer_id, account_id, period) DO UPDATE SET amount = excluded.amount, count = excluded.count",
            [*where, after["amount"], after["count"]],
        )
        if row is None and record.period != "order":
            _start_usage(desk, payer["id"], account["id"], record.period)
    desk.note_change(record, subject, _limit(row), _limit(after) or {}, account=account["id"])
    return done


def _limit(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {"amount": None if row["amount"] is None else plain(row["amount"]), "count": row["count"]}


# What each debit and hold leaves drawn from a payer, by its day: the same figures the posting path keeps.
_DRAWN = """
SELECT day, sum(left_drawn)::bigint AS amount, count(*) FILTER (WHERE left_drawn <> 0) AS count FROM (
    SELECT t.business_date AS day, -e.amount - coalesce((
        SELECT sum(back.amount) FROM transaction refund JOIN entry back ON back.transaction_id = refund.id
        WHERE refund.refers_to = t.id AND refund.kind = 'refund' AND back.account_id = e.account_id
    ), 0) AS left_drawn
    FROM entry e JOIN transaction t ON t.id = e.transaction_id
    WHERE e.account_id = %(payer)s AND t.kind = 'debit' AND (%(payer)s = %(account)s OR t.account_id = %(account)s)
    UNION ALL
    SELECT t.business_date, sum(p.held + coalesce(p.captured, 0) - p.refunded)
    FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id JOIN transaction t ON t.id = h.transaction_id
    WHERE p.source_id = %(payer)s AND (%(payer)s = %(account)s OR h.account_id = %(account)s)
    GROUP BY h.transaction_id, t.business_date
) drawn GROUP BY day
"""


def _start_usage(desk: Desk, payer: int, account: int, period: str) -> None:
    """Count what was drawn before the limit was set, so that it holds from its first moment."""
    usage: dict[date, tuple[int, int]] = {}
    for day, amount, count in desk.connection.execute(_DRAWN, {"payer": payer, "account": account}):
        so_far = usage.get(window(period, day), (0, 0))
        usage[window(period, day)] = so_far[0] + amount, so_far[1] + count
    with desk.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO usage (payer_id, account_id, period, since, amount, count) VALUES (%s, %s, %s, %s, %s, %s)",
            [(payer, account, period, since, *used) for since, used in usage.items()],
        )


# ---- look-ups


def _account_row(desk: Desk, asked: int | str) -> Row:
    by = "a.reference" if isinstance(asked, str) else "a.id"
    row = desk.row(
        "SELECT a.id, a.reference, a.currency, a.status, 'account ' || a.id || ' (' || p.name || ')' AS subject "
        f"FROM account a JOIN party p ON p.id = a.party_id WHERE a.kind = 'money' AND {by} = %s",
        [asked],
    )
    if row is None:
        what = f"reference {asked}" if isinstance(asked, str) else f"number {asked}"
        raise Refused("account_not_found", asked=what)
    return row


def _subject_key(account: Row) -> str:
    return str(account["reference"] or account["id"])


def brand_id(desk: Desk, code: str) -> int:
    """Return the id of the brand that has the code, or leave with `brand_not_found`."""
    row = desk.row("SELECT id FROM brand WHERE code = %s", [code])
    if row is None:
        raise Refused("brand_not_found", brand=code)
    return int(row["id"])


def _party_id(desk: Desk, reference: str) -> int:
    row = desk.row("SELECT id FROM party WHERE reference = %s", [reference])
    if row is None:
        raise Refused("party_not_found", party=reference)
    return int(row["id"])


def _json(row: Mapping[str, Any]) -> Row:
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


RULES: dict[str, Rule] = {
    "brand": _brand,
    "party": _party,
    "account": _account,
    "account_status": _account_status,
    "credit_terms": _credit_terms,
    "link": _link,
    "write_off_limit": _write_off_limit,
}
