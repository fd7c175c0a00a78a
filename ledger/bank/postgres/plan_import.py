"""What is to become of statements' entries: money in as payments, each matched to an account or to none.

Money out, what came back and what is not booked yet are shown, and posted by nobody: a payout is
decided in the ledger, not at the bank (DECISIONS D29). What the bank reported is kept, so that it is known when it is
reported again.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection

from ledger.bank.core.depositors import Depositor
from ledger.bank.core.matching import Client, Clients
from ledger.bank.core.recognition import KnownMovements, Movement, recognised
from ledger.bank.core.statement import ZERO, BankEntry, Statement, exact, fault, normal
from ledger.bank.postgres.bank_records import known_movements, learned_payers, record, unify
from ledger.bank.postgres.depositors import Depositors, depositors
from ledger.errors import Failure
from ledger.values.money import decimal, minor

EARLIER_DAYS = 30
"""How long before its entry a payout, or a payment taken back, may have been posted to be named beside it."""

Result = Literal["posted", "would be posted", "there already", "not imported", "declined"]


@dataclass(frozen=True, slots=True)
class EarlierPayment:
    """A payment or payout of the ledger that was not reversed."""

    transaction: int
    key: str
    account: int | None


Undoable = dict[tuple[str, Decimal], list[EarlierPayment]]
There = dict[str, tuple[int, int | None, str, str | None]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one entry. `account` is None for money that is unallocated; `why` is the reason, or the refusal.

    `undoes` is the payment or payout that came back by this entry, to be reversed; `suggested` are accounts whose
    clients are called as the payer is, with how alike of 100. Of a `depositor` it is our own money, to be moved.
    """

    entry: BankEntry
    key: str
    result: Result
    account: int | None = None
    party: str = ""
    rule: str = ""
    why: str = ""
    transaction: int | None = None
    undoes: int | None = None
    depositor: Depositor | None = None
    suggested: tuple[tuple[Client, int], ...] = ()

    @property
    def unallocated(self) -> bool:
        """Return whether the payment has no account."""
        posted = self.result in ("posted", "would be posted")
        return posted and self.account is None and self.depositor is None


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


def plan(
    connection: Connection[Any], statements: Sequence[Statement], brand: str | None, *, by: str | None, keep: bool
) -> list[Imported]:
    """Return the plan: payments to post as `would be posted`, all else as it will stay.

    `brand` is whose statements these are when no brand's bank details have the account; Failure if there is no such
    brand. With `keep` what is new of the statements is recorded, by one import at a time: their entries are known from
    then on.
    """
    if keep:
        unify(connection)
    own = _own_accounts(connection, brand)
    clients = Clients(_clients(connection), learned_payers(connection, keep=keep))
    known = depositors(connection)
    within: dict[str, list[Movement]] = defaultdict(list)
    planned = []
    for statement in statements:
        refused, code = _whose(statement, own, brand)
        if refused:
            planned.append(Imported(statement=statement, refused=refused))
            continue
        planned.append(_planned(connection, statement, clients, known, code, within, by=by, keep=keep))
    return planned


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


def _whose(statement: Statement, own: dict[str, list[str]], brand: str | None) -> tuple[str, str]:
    """Return why a statement is refused, if it is, and the brand's code."""
    refused = fault(statement)
    if refused:
        return refused, ""
    known = own.get(normal(statement.account), [])
    if brand is not None and known and brand not in known:
        return f"{statement.title}: that account is {known[0]}'s, not {brand}'s", ""
    if brand is None and len(known) != 1:
        how_many = f"{len(known)} brands have" if known else "no brand has"
        return f"{statement.title}: {how_many} that account in the bank details: name its brand with --brand", ""
    return "", brand or known[0]


def _planned(
    connection: Connection[Any],
    statement: Statement,
    clients: Clients,
    bringing: Depositors,
    brand: str,
    within: dict[str, list[Movement]],
    *,
    by: str | None,
    keep: bool,
) -> Imported:
    """Return what is to become of a statement; `within` are the movements new in this run, by account."""
    booked = replace(statement, entries=tuple(entry for entry in statement.entries if not entry.pending))
    account = normal(statement.account)
    known = KnownMovements()
    known.add(known_movements(connection, booked, brand))
    known.add(within[account])
    of_this_run = {key for movement in within[account] for key in movement.parts}
    found, new = recognised(booked, known)
    within[account] += new
    if keep:
        fresh = [(key, entry) for (key, movement), entry in zip(found, booked.entries, strict=True) if movement is None]
        adopted = [key for key, movement in found if movement is not None and movement.imprint]
        record(connection, booked, brand, fresh, adopted, by)
    there = _there(connection, [key for key, _ in found])
    undoable = _undoable(connection, booked, brand)
    places = iter(found)
    rows = []
    for entry in statement.entries:
        key, movement = ("", None) if entry.pending else next(places)
        if key in of_this_run and key not in there:
            row = Row(entry=entry, key=key, result="there already", why="reported twice in this run")
        else:
            row = _row(entry, key, movement, there, undoable, clients, bringing, brand, statement.currency)
        rows.append(row)
    return Imported(statement=statement, brand=brand, rows=tuple(rows))


def _row(
    entry: BankEntry,
    key: str,
    movement: Movement | None,
    there: There,
    undoable: Undoable,
    clients: Clients,
    bringing: Depositors,
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
    why, undoes = _left_out(entry, undoable, clients, brand)
    if not why and movement is not None and (len(movement.parts) > 1) != (entry.whole is not None):
        why = "reported before in other parts and not posted yet: import that file again first"
    if why:
        return Row(entry=entry, key=key, result="not imported", why=why, undoes=undoes)
    depositor = bringing.get((entry.payer, brand)) if entry.payer else None
    if depositor is not None:
        return Row(entry=entry, key=key, result="would be posted", rule="known depositor", depositor=depositor)
    match = clients.match(entry, brand=brand, currency=currency)
    client = match.client
    suggested = () if client else tuple(clients.suggestions(entry, brand=brand, currency=currency))
    row = Row(entry=entry, key=key, result="would be posted", rule=match.rule, why=match.why, suggested=suggested)
    return replace(row, account=client.account, party=client.party) if client else row


def _left_out(entry: BankEntry, undoable: Undoable, clients: Clients, brand: str) -> tuple[str, int | None]:
    """Return why an entry is no payment, blank when it is one, and what it undoes."""
    if entry.pending:
        return "not booked yet", None
    if not entry.reversal and entry.amount >= 0:
        return ("" if entry.amount else "nothing moved"), None
    kind = "payment" if entry.reversal and entry.amount < 0 else "payout"
    same = undoable.get((kind, abs(exact(entry.amount))), [])
    earlier = _about(entry, same, clients, brand)
    if earlier is not None:
        same.remove(earlier)
    named = f"; {kind} {earlier.transaction} has this amount" if earlier else ""
    if not entry.reversal:
        return f"money out{named}", None
    what = "a payment, taken back" if kind == "payment" else "money out, come back"
    why = f"reversal of {what}{f' ({entry.reason})' if entry.reason else ''}: reverse the {kind} at the desk{named}"
    return why, earlier.transaction if earlier else None


def _about(entry: BankEntry, same: Sequence[EarlierPayment], clients: Clients, brand: str) -> EarlierPayment | None:
    """Return which of the transactions of its amount an entry is about: the one it names, or its account's, or any."""
    references = {entry.end_to_end, entry.reference} - {""}
    named = clients.named(entry, brand)
    by_key = [each for each in same if each.key in references]
    by_account = [each for each in same if each.account in named]
    return next(iter([*by_key, *by_account, *same]), None)


def _there(connection: Connection[Any], wanted: list[str]) -> There:
    """Return transaction, account, its party and the decline's code of the keys that the ledger has."""
    rows = connection.execute(
        "SELECT t.key, t.id, t.account_id, coalesce(p.name, ''), t.code FROM transaction t "
        "LEFT JOIN account a ON a.id = t.account_id LEFT JOIN party p ON p.id = a.party_id WHERE t.key = ANY(%s)",
        [wanted],
    )
    return {key: (id_, account, party, code) for key, id_, account, party, code in rows}


def _undoable(connection: Connection[Any], statement: Statement, brand: str) -> Undoable:
    """Return the brand's payments and payouts that entries which are none may be about, those before them first."""
    entries = [entry for entry in statement.entries if entry.amount < 0 or entry.reversal]
    if not entries:
        return {}
    days = [entry.booked_on for entry in entries]
    rows = connection.execute(
        "SELECT t.kind, abs(e.amount), t.id, t.key, t.account_id FROM transaction t "
        "JOIN entry e ON e.transaction_id = t.id "
        "JOIN account a ON a.id = e.account_id JOIN brand b ON b.id = a.brand_id "
        "WHERE t.kind IN ('payment', 'payout') AND t.status = 'posted' AND t.business_date >= %(since)s "
        "AND coalesce(t.value_date, t.business_date) >= %(since)s "
        "AND a.kind = 'cash' AND b.code = %(brand)s AND e.currency = %(currency)s AND abs(e.amount) = ANY(%(amounts)s) "
        "AND NOT EXISTS (SELECT 1 FROM transaction r "
        "WHERE r.refers_to = t.id AND r.kind = 'reverse' AND r.status = 'posted') "
        "ORDER BY coalesce(t.value_date, t.business_date) > %(until)s, t.id",
        {
            "since": min(days) - timedelta(days=EARLIER_DAYS),
            "until": max(days),
            "brand": brand,
            "currency": statement.currency,
            "amounts": [minor(abs(exact(entry.amount))) for entry in entries],
        },
    )
    found: Undoable = defaultdict(list)
    for kind, amount, *which in rows:
        found[kind, decimal(amount)].append(EarlierPayment(*which))
    return found
