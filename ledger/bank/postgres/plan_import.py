"""What is to become of statements' entries: money in as payments, each matched to an account or to none.

Money out, reversals and what is not booked yet are told, and posted by nobody: a payout is
decided in the ledger, not at the bank (DECISIONS D29). Nothing is written here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection

from ledger.bank.core.matching import Client, Clients
from ledger.bank.core.statement import ZERO, Entry, Statement, exact, fault, keys, normal
from ledger.core.money import decimal, minor
from ledger.errors import Failure

EARLIER_DAYS = 30
"""How long before its entry a payout, or a payment taken back, may have been posted to be named beside it."""

Result = Literal["posted", "would be posted", "there already", "not imported", "declined"]
Earlier = dict[tuple[str, Decimal], list[int]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one entry. `account` is None for money that is unallocated; `why` says why, or the refusal."""

    entry: Entry
    key: str
    result: Result
    account: int | None = None
    party: str = ""
    rule: str = ""
    why: str = ""
    transaction: int | None = None

    @property
    def unallocated(self) -> bool:
        """Tell whether the payment has no account."""
        return self.account is None and self.result in ("posted", "would be posted")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of one statement; `refused` is the sentence why it was not imported at all."""

    statement: Statement
    brand: str = ""
    refused: str = ""
    rows: tuple[Row, ...] = field(default=())

    def totals(self) -> dict[str, Decimal]:
        """Return where the money in went: the first four sum to it, `unallocated` is a part of what was posted."""
        return {
            "posted": self._total(lambda row: row.result in ("posted", "would be posted")),
            "there_already": self._total(lambda row: row.result == "there already"),
            "not_imported": self._total(lambda row: row.result == "not imported"),
            "declined": self._total(lambda row: row.result == "declined"),
            "unallocated": self._total(lambda row: row.unallocated),
        }

    def _total(self, of: Callable[[Row], bool]) -> Decimal:
        rows = (row for row in self.rows if of(row) and row.entry.amount > 0 and not row.entry.pending)
        return sum((row.entry.amount for row in rows), ZERO)


def plan(connection: Connection[Any], statements: Sequence[Statement], brand: str | None) -> list[Imported]:
    """Return the plan: payments to post as `would be posted`, all else as it will stay.

    `brand` is whose statements these are when no brand's bank details say so; Failure if there is no such brand.
    """
    own = _own_accounts(connection, brand)
    clients = Clients(_clients(connection))
    return _unrepeated([_planned(connection, each, own, clients, brand) for each in statements])


def _own_accounts(connection: Connection[Any], brand: str | None) -> dict[str, list[str]]:
    """Return the codes of the brands that have each account among their bank details."""
    rows = connection.execute("SELECT code, coalesce(bank_details, '{}') FROM brand ORDER BY code").fetchall()
    if brand is not None and brand not in (code for code, _ in rows):
        raise Failure(f"no such brand: {brand}")
    own: dict[str, list[str]] = {}
    for code, details in rows:
        for number in {normal(number) for number in details.values()} - {""}:
            own.setdefault(number, []).append(code)
    return own


def _clients(connection: Connection[Any]) -> list[Client]:
    names = ("account", "reference", "contract", "holder", "currency", "status", "party", "tax_id")
    rows = connection.execute(
        "SELECT a.id, a.reference, a.contract_number, b.code, a.currency, a.status, p.name, p.tax_id "
        "FROM account a JOIN party p ON p.id = a.party_id LEFT JOIN brand b ON b.id = a.holder_id "
        "WHERE a.kind = 'money' ORDER BY a.id"
    )
    return [Client(**dict(zip(names, row, strict=True))) for row in rows]


def _planned(
    connection: Connection[Any], statement: Statement, own: dict[str, list[str]], clients: Clients, brand: str | None
) -> Imported:
    """Return what is to become of a statement."""
    refused = fault(statement)
    if refused:
        return Imported(statement=statement, refused=refused)
    known = own.get(normal(statement.account), [])
    if brand is not None and known and brand not in known:
        return Imported(statement=statement, refused=f"{statement.title}: that account is {known[0]}'s, not {brand}'s")
    if brand is None and len(known) != 1:
        said = f"{len(known)} brands have" if known else "no brand has"
        return Imported(
            statement=statement,
            refused=f"{statement.title}: {said} that account in the bank details: say whose it is with --brand",
        )
    code = brand or known[0]
    there = _there(connection, keys(statement))
    earlier = _earlier(connection, statement, code)
    rows = [
        _row(entry, key, there, earlier, clients, code, statement.currency)
        for entry, key in zip(statement.entries, keys(statement), strict=True)
    ]
    return Imported(statement=statement, brand=code, rows=tuple(rows))


def _row(
    entry: Entry,
    key: str,
    there: dict[str, tuple[int, int | None, str, str | None]],
    earlier: Earlier,
    clients: Clients,
    brand: str,
    currency: str,
) -> Row:
    if key in there:
        transaction, account, party, code = there[key]
        if code is None:
            return Row(
                entry=entry, key=key, result="there already", account=account, party=party, transaction=transaction
            )
        why = f"declined before, by transaction {transaction}: {code}; post it at the desk"
        return Row(entry=entry, key=key, result="declined", why=why, transaction=transaction)
    why = _left_out(entry, earlier)
    if why:
        return Row(entry=entry, key=key, result="not imported", why=why)
    match = clients.match(entry, brand=brand, currency=currency)
    client = match.client
    return Row(
        entry=entry, key=key, result="would be posted", rule=match.rule, why=match.why,
        account=client.account if client else None, party=client.party if client else "",
    )  # fmt: skip


def _left_out(entry: Entry, earlier: Earlier) -> str:
    """Return why an entry is no payment; blank when it is one."""
    if entry.pending:
        return "not booked yet"
    if not entry.reversal and entry.amount >= 0:
        return "" if entry.amount else "nothing moved"
    kind = "payment" if entry.reversal and entry.amount < 0 else "payout"
    why = "money out"
    if entry.reversal:
        what = "a payment, taken back" if kind == "payment" else "money out, come back"
        why = f"reversal of {what}: reverse the {kind} at the desk"
    same = earlier.get((kind, abs(exact(entry.amount))))
    return f"{why}; {kind} {same.pop(0)} has this amount" if same else why


def _there(connection: Connection[Any], wanted: list[str]) -> dict[str, tuple[int, int | None, str, str | None]]:
    """Return transaction, account, its party and the decline's code of the keys that the ledger has."""
    rows = connection.execute(
        "SELECT t.key, t.id, t.account_id, coalesce(p.name, ''), t.code FROM transaction t "
        "LEFT JOIN account a ON a.id = t.account_id LEFT JOIN party p ON p.id = a.party_id WHERE t.key = ANY(%s)",
        [wanted],
    )
    return {key: (id_, account, party, code) for key, id_, account, party, code in rows}


def _earlier(connection: Connection[Any], statement: Statement, brand: str) -> Earlier:
    """Return the numbers of the brand's payments and payouts that entries which are none may be about, oldest first."""
    entries = [entry for entry in statement.entries if entry.amount < 0 or entry.reversal]
    if not entries:
        return {}
    days = [entry.booked_on for entry in entries]
    rows = connection.execute(
        "SELECT t.kind, abs(e.amount), t.id FROM transaction t JOIN entry e ON e.transaction_id = t.id "
        "JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id "
        "WHERE t.kind IN ('payment', 'payout') AND t.status = 'posted' AND t.business_date >= %(since)s "
        "AND coalesce(t.value_date, t.business_date) BETWEEN %(since)s AND %(until)s "
        "AND a.kind = 'cash' AND b.code = %(brand)s AND e.currency = %(currency)s AND abs(e.amount) = ANY(%(amounts)s) "
        "AND NOT EXISTS (SELECT 1 FROM transaction r "
        "WHERE r.refers_to = t.id AND r.kind = 'reverse' AND r.status = 'posted') ORDER BY t.id",
        {
            "since": min(days) - timedelta(days=EARLIER_DAYS), "until": max(days), "brand": brand,
            "currency": statement.currency, "amounts": [minor(abs(exact(entry.amount))) for entry in entries],
        },
    )  # fmt: skip
    found: Earlier = {}
    for kind, amount, number in rows:
        found.setdefault((kind, decimal(amount)), []).append(number)
    return found


def _unrepeated(planned: list[Imported]) -> list[Imported]:
    """Return the plan in which an entry that two statements of one run tell is posted for the first of them."""
    seen: set[str] = set()
    result = []
    for each in planned:
        rows = [
            replace(row, result="there already", why="told twice in this run") if again else row
            for row in each.rows
            for again in [row.result == "would be posted" and row.key in seen]
        ]
        seen.update(row.key for row in rows)
        result.append(replace(each, rows=tuple(rows)))
    return result
