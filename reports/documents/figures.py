"""From the rows of the lake to the figures of a paper. Pure: rows in, `Statement` out.

Every statement must add up before it may be drawn: opening and movements give closing,
and the lines an operation paid for are its amount. One that does not is a Failure that
names the account; it is never drawn with a wrong figure.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ledger.errors import Failure
from reports.documents.ageing import Moved, Unpaid, ages, unpaid_debits
from reports.documents.model import (
    ZERO,
    Bonus,
    Client,
    Credit,
    Hold,
    Issuer,
    Line,
    Operation,
    Statement,
    Summary,
    Vat,
)
from reports.documents.reading import Facts, Row

CHARGES = ("debit", "capture")
RECEIPTS = ("payment", "allocate")


def statement(
    facts: Facts,
    account: int,
    *,
    since: date,
    until: date,
    cut: int,
    cut_at: datetime,
    time_zone: str,
    provisional: bool,
) -> Statement:
    """Return the statement of one account of the facts. Raises Failure when it does not add up."""
    row = facts.accounts[account]
    operations = _operations(facts, account)
    holds = _holds(facts, account, on=until, zone=ZoneInfo(time_zone))
    summary = _summary(facts, account, operations, held=_total(hold.amount for hold in holds))
    _adds_up(account, operations, summary)
    unpaid = _unpaid(facts, account)
    return Statement(
        account=account,
        currency=row["currency"],
        client=_client(row),
        issuer=_issuer(facts, row["holder_id"]),
        contract_number=row["contract_number"],
        contract_date=row["contract_date"],
        since=since,
        until=until,
        cut=cut,
        cut_at=cut_at,
        time_zone=time_zone,
        provisional=provisional,
        summary=summary,
        credit=_credit(facts.terms.get(account, []), unpaid, summary, on=until),
        operations=operations,
        vat=_vat(operations),
        ages=ages(unpaid, on=until),
        holds=holds,
        bonuses=_bonuses(facts, account),
    )


def _client(row: Row) -> Client:
    return Client(
        name=row["name"] or row["party_reference"] or str(row["id"]),
        reference=row["reference"],
        legal_name=row["legal_name"],
        kind=row["party_kind"] or "individual",
        tax_id=row["tax_id"],
        country=row["country"],
        address=row["address"],
        email=row["email"],
    )


def _issuer(facts: Facts, holder: int | None) -> Issuer | None:
    if holder is None:
        return None
    brand = facts.brands[holder]
    details: Mapping[str, str] = json.loads(brand["bank_details"]) if brand["bank_details"] else {}
    return Issuer(
        code=brand["code"],
        name=brand["name"],
        legal_name=brand["legal_name"] or brand["name"],
        tax_id=brand["tax_id"],
        country=brand["country"],
        address=brand["address"],
        bank_details=tuple((key, str(value)) for key, value in details.items() if value),
        colour=brand["colour"],
        logo=brand["logo"],
    )


def _lines(facts: Facts, account: int) -> dict[int, tuple[Line, ...]]:
    found: dict[int, list[Line]] = {}
    for row in facts.lines.get(account, []):
        brand = facts.brands[row["brand_id"]]
        found.setdefault(row["transaction_id"], []).append(
            Line(
                line=row["line"],
                brand=brand["name"],
                service=row["service"] or "",
                reference=row["reference"] or "",
                gross=row["gross"],
                discount=row["discount"],
                amount=row["amount"],
                vat_rate=row["vat_rate"],
                vat=row["vat"],
            )
        )
    return {transaction: tuple(lines) for transaction, lines in found.items()}


def _operations(facts: Facts, account: int) -> tuple[Operation, ...]:
    lines = _lines(facts, account)
    return tuple(
        Operation(
            version=row["version"],
            transaction=row["transaction_id"],
            kind=row["kind"],
            posted_at=row["posted_at"],
            posted_on=row["business_date"],
            amount=row["amount"],
            held=row["held"],
            balance=row["balance_after"],
            lines=lines.get(row["transaction_id"], ()),
            refers_to=row["refers_to"],
            channel=row["channel"],
            reason=row["reason"],
            note=row["note"],
            subaccount=row["subaccount_id"],
            subaccount_name=facts.names.get(row["subaccount_id"]),
        )
        for row in facts.entries.get(account, [])
    )


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, start=ZERO)


def _summary(facts: Facts, account: int, operations: Sequence[Operation], *, held: Decimal) -> Summary:
    before = facts.before.get(account)
    opening = before["balance_after"] if before else ZERO
    charged = [line for operation in operations if operation.kind in CHARGES for line in operation.lines]
    rest: dict[str, Decimal] = {}
    for operation in operations:
        if operation.kind not in (*CHARGES, *RECEIPTS, "refund") and operation.amount:
            rest[operation.kind] = rest.get(operation.kind, ZERO) + operation.amount
    return Summary(
        opening=opening,
        charged=_total(line.gross for line in charged),
        discounts=_total(line.discount for line in charged),
        refunds=_total(operation.amount for operation in operations if operation.kind == "refund"),
        paid=_total(operation.amount for operation in operations if operation.kind in RECEIPTS),
        other=tuple(sorted(rest.items())),
        closing=operations[-1].balance if operations else opening,
        held=held,
    )


def _adds_up(account: int, operations: Sequence[Operation], summary: Summary) -> None:
    """Raise a Failure that names the account and the gap, if anything does not add up."""
    for operation in operations:
        if operation.kind not in (*CHARGES, "refund"):
            continue
        served = -_total(line.amount for line in operation.lines)
        if served != operation.amount:
            raise Failure(
                f"account {account}: the lines of transaction {operation.transaction} make {served}, "
                f"the entry says {operation.amount}"
            )
    net = summary.charged - summary.discounts
    moved = summary.paid - net + summary.refunds + _total(amount for _, amount in summary.other)
    if summary.opening + moved != summary.closing:
        raise Failure(
            f"account {account}: opening {summary.opening} and movements {moved} "
            f"make {summary.opening + moved}, the closing balance is {summary.closing}"
        )


def _vat(operations: Sequence[Operation]) -> tuple[Vat, ...]:
    lines = [line for operation in operations for line in operation.lines]
    rates = sorted({line.vat_rate for line in lines}, key=lambda rate: (rate is None, -(rate or ZERO)))
    return tuple(
        Vat(
            rate,
            _total(line.amount for line in lines if line.vat_rate == rate),
            _total(line.vat or ZERO for line in lines if line.vat_rate == rate),
        )
        for rate in rates
    )


def _unpaid(facts: Facts, account: int) -> list[Unpaid]:
    last = facts.entries[account][-1] if facts.entries.get(account) else facts.before.get(account)
    if last is None or last["balance_after"] >= 0:
        return []
    return unpaid_debits(
        Moved(
            row["transaction_id"],
            row["refers_to"],
            row["kind"],
            row["business_date"],
            row["amount"],
            row["balance_after"],
        )
        for row in facts.history.get(account, [])
    )


def _credit(terms: Sequence[Row], unpaid: Sequence[Unpaid], summary: Summary, *, on: date) -> Credit | None:
    """Return credit on that day by the last recorded terms valid on it; None if no terms ever began."""
    begun = [row for row in terms if row["valid_from"] <= on]
    if not begun:
        return None
    own = summary.closing - summary.held
    valid = [row for row in begun if row["valid_until"] is None or row["valid_until"] >= on]
    if not valid:
        ended = max(row["valid_until"] for row in begun)
        return Credit(ZERO, max(ZERO, own), _total(debit.amount for debit in unpaid), None, expired_on=ended)
    term = valid[-1]
    days = term["period_days"]
    late = [] if days is None else [debit for debit in unpaid if debit.posted_on + timedelta(days=days) < on]
    limit = ZERO if late else term["credit_limit"]
    return Credit(
        limit=term["credit_limit"],
        available=max(ZERO, own + limit),
        overdue=_total(debit.amount for debit in late),
        due_on=unpaid[0].posted_on + timedelta(days=days) if unpaid and days is not None else None,
    )


def _holds(facts: Facts, account: int, *, on: date, zone: ZoneInfo) -> tuple[Hold, ...]:
    """Return what is still set aside at the end of that day; an expired hold counts no more."""
    after = datetime.combine(on + timedelta(days=1), datetime.min.time(), zone)
    left: dict[int, Hold] = {}
    for row in facts.history.get(account, []):
        if not row["held"]:
            continue
        number = row["transaction_id"] if row["kind"] == "hold" else row["refers_to"]
        expires = facts.expiries.get(number)
        expires_on = expires.astimezone(zone).date() if expires else None
        hold = left.get(number, Hold(number, row["business_date"], ZERO, expires_on))
        left[number] = replace(hold, amount=hold.amount + row["held"])
    return tuple(
        hold
        for number, hold in left.items()
        if hold.amount > 0 and (facts.expiries.get(number) is None or facts.expiries[number] > after)
    )


def _bonuses(facts: Facts, account: int) -> tuple[Bonus, ...]:
    found = []
    for row in facts.bonuses.get(account, []):
        before, entries = facts.before.get(row["id"]), facts.entries.get(row["id"], [])
        opening = before["balance_after"] if before else ZERO
        found.append(
            Bonus(
                brand=facts.brands[row["brand_id"]]["name"],
                opening=opening,
                accrued=_total(entry["amount"] for entry in entries if entry["amount"] > 0),
                spent=_total(-entry["amount"] for entry in entries if entry["amount"] < 0),
                closing=entries[-1]["balance_after"] if entries else opening,
            )
        )
    return tuple(bonus for bonus in found if bonus.opening or bonus.accrued or bonus.spent)
