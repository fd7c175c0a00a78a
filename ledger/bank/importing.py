"""Post what bank statements tell: once, however often and in however many files it is told.

Money in is posted as payments, booked now, with the bank's value date; what matches no
account goes to the brand's `unallocated`. Money out, reversals and what is not booked yet
are told, and posted by nobody: a payout is decided in the ledger, not at the bank.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection

from ledger.bank.match import Client, Clients
from ledger.bank.statement import ZERO, Entry, Statement, exact, fault, keys, normal, note
from ledger.commands import TEXT_LENGTH, Payment
from ledger.errors import Failure
from ledger.money import decimal
from ledger.outcomes import Declined, Posted
from ledger.post import Ledger

BATCH = 500
PAYOUT_DAYS = 10
"""How long before its entry at the bank a payout may have been posted, to be named beside it."""

Result = Literal["posted", "would be posted", "there already", "not imported", "declined"]
Progress = Callable[[int, int], object]


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


def import_statements(
    ledger: Ledger,
    statements: Sequence[Statement],
    *,
    brand: str | None = None,
    by: str | None = None,
    dry_run: bool = False,
    progress: Progress = lambda done, of: None,
) -> list[Imported]:
    """Return what became of each statement, in order; all that was posted is durable by then.

    `brand` is whose statements these are when no brand's bank details say so. With `dry_run` nothing is posted.
    Raises Failure for a brand that does not exist, or when the database stays out of reach.
    """

    def plan() -> list[Imported]:
        connection = ledger.connection()
        with connection.transaction():
            own = _own_accounts(connection, brand)
            clients = Clients(_clients(connection))
            return [_planned(connection, each, own, clients, brand) for each in statements]

    return _carried_out(ledger, _unrepeated(ledger.retried(plan)), by, dry_run, progress)


# ---- what is to be done


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
    """Return what is to become of a statement: its payments as `would be posted`, all else as it will stay."""
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
    payouts = _payouts(connection, statement, code)
    rows = [
        _row(entry, key, there, payouts, clients, code, statement.currency)
        for entry, key in zip(statement.entries, keys(statement), strict=True)
    ]
    return Imported(statement=statement, brand=code, rows=tuple(rows))


def _row(
    entry: Entry,
    key: str,
    there: dict[str, tuple[int, int | None, str, str | None]],
    payouts: dict[Decimal, list[str]],
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
    why = _left_out(entry, payouts)
    if why:
        return Row(entry=entry, key=key, result="not imported", why=why)
    match = clients.match(entry, brand=brand, currency=currency)
    client = match.client
    return Row(
        entry=entry, key=key, result="would be posted", rule=match.rule, why=match.why,
        account=client.account if client else None, party=client.party if client else "",
    )  # fmt: skip


def _left_out(entry: Entry, payouts: dict[Decimal, list[str]]) -> str:
    """Return why an entry is no payment; blank when it is one."""
    if entry.pending:
        return "not booked yet"
    if entry.reversal:
        taken = entry.amount < 0
        what = "a payment, taken back" if taken else "money out, come back"
        return f"reversal of {what}: reverse the {'payment' if taken else 'payout'} at the desk"
    if entry.amount < 0:
        same = payouts.get(-exact(entry.amount))
        return f"money out: payout {same.pop(0)} has this amount" if same else "money out"
    return "" if entry.amount else "nothing moved"


def _there(connection: Connection[Any], wanted: list[str]) -> dict[str, tuple[int, int | None, str, str | None]]:
    """Return transaction, account, its party and the decline's code of the keys that the ledger has."""
    rows = connection.execute(
        "SELECT t.key, t.id, t.account_id, coalesce(p.name, ''), t.code FROM transaction t "
        "LEFT JOIN account a ON a.id = t.account_id LEFT JOIN party p ON p.id = a.party_id WHERE t.key = ANY(%s)",
        [wanted],
    )
    return {key: (id_, account, party, code) for key, id_, account, party, code in rows}


def _payouts(connection: Connection[Any], statement: Statement, brand: str) -> dict[Decimal, list[str]]:
    """Return the keys of the brand's payouts of these days by amount, the oldest first."""
    days = [entry.booked_on for entry in statement.entries if entry.amount < 0 and not entry.reversal]
    if not days:
        return {}
    rows = connection.execute(
        "SELECT t.key, -e.amount FROM transaction t JOIN entry e ON e.transaction_id = t.id "
        "JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id "
        "WHERE t.kind = 'payout' AND t.status = 'posted' AND a.kind = 'cash' AND b.code = %s AND e.currency = %s "
        "AND t.business_date BETWEEN %s AND %s AND NOT EXISTS (SELECT 1 FROM transaction r "
        "WHERE r.refers_to = t.id AND r.kind = 'reverse' AND r.status = 'posted') ORDER BY t.id",
        [brand, statement.currency, min(days) - timedelta(days=PAYOUT_DAYS), max(days)],
    )
    found: dict[Decimal, list[str]] = {}
    for key, amount in rows:
        found.setdefault(decimal(abs(amount)), []).append(key)
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


# ---- doing it


def _carried_out(
    ledger: Ledger, planned: list[Imported], by: str | None, dry_run: bool, progress: Progress
) -> list[Imported]:
    of = Counter(row.result for each in planned for row in each.rows)["would be posted"]
    done = 0
    result = []
    for each in planned:
        rows = list(each.rows)
        places = [place for place, row in enumerate(rows) if row.result == "would be posted"]
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            for place, row in zip(batch, _batch(ledger, each, [rows[p] for p in batch], by, dry_run), strict=True):
                rows[place] = row
            done += len(batch)
            progress(done, of)
        result.append(replace(each, rows=tuple(rows)))
    return result


def _batch(ledger: Ledger, imported: Imported, rows: list[Row], by: str | None, dry_run: bool) -> list[Row]:
    """Return what became of payments. One that its account would refuse goes to `unallocated`, and says why.

    A refusal would be kept under its key for ever, though the money did come in: so payments are quoted first,
    and what is refused even so is not posted.
    """
    quoted = ledger.quote([_payment(row, imported, by) for row in rows])
    refused = {place: q for place, q in enumerate(quoted) if isinstance(q, Declined) and rows[place].account}
    for place, outcome in refused.items():
        rows[place] = replace(rows[place], account=None, party="", rule="", why=outcome.message)
    if refused:
        quoted = ledger.quote([_payment(row, imported, by) for row in rows])
    answered = dict(enumerate(quoted))
    if not dry_run:
        good = [place for place, outcome in answered.items() if isinstance(outcome, Posted)]
        answered |= zip(good, ledger.post([_payment(rows[place], imported, by) for place in good]), strict=True)
    return [_answered(row, answered[place]) for place, row in enumerate(rows)]


def _answered(row: Row, outcome: Any) -> Row:
    if isinstance(outcome, Posted):
        if outcome.transaction < 0:
            return row
        return replace(row, result="there already" if outcome.replayed else "posted", transaction=outcome.transaction)
    if isinstance(outcome, Declined) and outcome.code == "key_reused":
        # Somebody else imported it this very moment, on other terms.
        return replace(row, result="there already", account=None, transaction=outcome.facts.get("transaction"))
    return replace(row, result="declined", account=None, party="", why=outcome.message)


def _payment(row: Row, imported: Imported, by: str | None) -> Payment:
    entry = row.entry
    return Payment(
        key=row.key,
        amount=exact(entry.amount),
        account=row.account,
        brand=imported.brand,
        currency=imported.statement.currency,
        channel="bank",
        value_date=entry.value_date,
        note=note(entry, TEXT_LENGTH) or None,
        by=by,
    )
