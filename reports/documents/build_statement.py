"""From the rows of the lake to the figures of a paper. Pure: rows in, `Statement` out.

Every statement must add up before it may be drawn: opening and movements give closing,
and the lines an operation paid for are its amount. One that does not is a Failure that
names the account; it is never drawn with a wrong figure.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ledger.errors import Failure
from reports.core import aging
from reports.documents.design import By
from reports.documents.fetch_facts import GroupFacts, MadeFrom, Row
from reports.documents.statement import (
    ZERO,
    Age,
    BonusRow,
    ChargedPart,
    Client,
    Credit,
    Due,
    Issuer,
    OpenHold,
    Operation,
    PaidLine,
    Statement,
    Summary,
    total_of,
    vat_by_rate,
)
from reports.standard import receivables_aging

CHARGES = ("debit", "capture")
RECEIPTS = ("payment", "allocate")


def statement(
    facts: GroupFacts, account: int, *, since: date, until: date, known: MadeFrom, by: By | None = None
) -> Statement:
    """Return the statement of one account of the facts, parted `by`. Raises Failure when it does not add up."""
    row = facts.accounts[account]
    operations = _operations(facts, account)
    holds = _holds(facts, account, ZoneInfo(known.time_zone))
    summary = _summary(facts, account, operations, held=total_of(hold.amount for hold in holds))
    unpaid = facts.last.unpaid.get(account, [])
    _adds_up(account, operations, summary, unpaid=total_of(debit["unpaid"] for debit in unpaid))
    overdue = total_of(debit["unpaid"] for debit in unpaid if debit["days_late"] > 0)
    return Statement(
        account=account,
        currency=row["currency"],
        client=_client(row),
        issuer=_issuer(facts, row["holder_id"]),
        principals=_principals(facts, account, row["holder_id"]),
        contract_number=row["contract_number"],
        contract_date=row["contract_date"],
        since=since,
        until=until,
        known_at=known.at,
        time_zone=known.time_zone,
        provisional=known.provisional,
        last_transaction=known.last_transaction,
        cut=known.cut,
        summary=summary,
        overdue=overdue,
        dues=_dues(unpaid),
        credit=_credit(facts.last.terms.get(account), summary, overdue=overdue),
        operations=operations,
        vat=vat_by_rate(line for operation in operations for line in operation.lines),
        ages=_ages(unpaid),
        holds=holds,
        bonuses=_bonuses(facts, account),
        parted_by=by,
        parts=_parts(facts, account, operations, by=by) if by else (),
    )


def _parts(facts: GroupFacts, account: int, operations: Sequence[Operation], *, by: By) -> tuple[ChargedPart, ...]:
    """Return what each employee or department was charged, less refunds, by name."""
    groups = {row["transaction_id"]: row["group_name"] or "" for row in facts.entries.get(account, [])}
    found: dict[tuple[str, int | None], list[Operation]] = {}
    for one in operations:
        if one.kind in (*CHARGES, "refund"):
            employee = one.subaccount_name or "", one.subaccount
            found.setdefault(employee if by == "subaccount" else (groups[one.transaction], None), []).append(one)
    return tuple(
        ChargedPart(
            name,
            number,
            charges=sum(one.kind in CHARGES for one in of),
            vat=total_of(line.vat or ZERO for one in of for line in one.lines),
            amount=-total_of(one.amount for one in of),
        )
        for (name, number), of in sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    )


def _client(row: Row) -> Client:
    return Client(
        name=row["name"] or row["party_reference"] or str(row["id"]),
        reference=row["reference"],
        legal_name=row["legal_name"],
        kind=row["party_kind"] or "individual",
        tax_id=row["tax_id"],
        country=row["country"],
        kpp=row["kpp"],
        address=row["address"],
        email=row["email"],
    )


def _issuer(facts: GroupFacts, holder: int | None) -> Issuer | None:
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


def _principals(facts: GroupFacts, account: int, holder: int | None) -> tuple[Issuer, ...]:
    served = {row["brand_id"] for row in facts.lines.get(account, [])} - {holder}
    sellers = [seller for brand in served if (seller := _issuer(facts, brand)) is not None]
    return tuple(sorted(sellers, key=lambda seller: seller.code))


def _lines(facts: GroupFacts, account: int) -> dict[int, tuple[PaidLine, ...]]:
    found: dict[int, list[PaidLine]] = {}
    for row in facts.lines.get(account, []):
        brand = facts.brands[row["brand_id"]]
        found.setdefault(row["transaction_id"], []).append(
            PaidLine(
                line=row["line"],
                brand=brand["name"],
                service=row["service"] or "",
                reference=row["reference"] or "",
                gross=row["gross"],
                discount=row["discount"],
                amount=row["amount"],
                vat_rate=row["vat_rate"],
                vat=row["vat"],
                brand_code=brand["code"],
            )
        )
    return {transaction: tuple(lines) for transaction, lines in found.items()}


def _operations(facts: GroupFacts, account: int) -> tuple[Operation, ...]:
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


def _summary(facts: GroupFacts, account: int, operations: Sequence[Operation], *, held: Decimal) -> Summary:
    before = facts.before.get(account)
    opening = before["balance_after"] if before else ZERO
    charged = [line for operation in operations if operation.kind in CHARGES for line in operation.lines]
    rest: dict[str, Decimal] = {}
    for operation in operations:
        if operation.kind not in (*CHARGES, *RECEIPTS, "refund") and operation.amount:
            rest[operation.kind] = rest.get(operation.kind, ZERO) + operation.amount
    return Summary(
        opening=opening,
        charged=total_of(line.gross for line in charged),
        discounts=total_of(line.discount for line in charged),
        refunds=total_of(operation.amount for operation in operations if operation.kind == "refund"),
        paid=total_of(operation.amount for operation in operations if operation.kind in RECEIPTS),
        other=tuple(sorted(rest.items())),
        # What moved nothing may be dated before entries of lower versions.
        closing=next((one.balance for one in reversed(operations) if one.amount or one.held), opening),
        held=held,
    )


def _adds_up(account: int, operations: Sequence[Operation], summary: Summary, *, unpaid: Decimal) -> None:
    """Raise a Failure that names the account and the gap, if anything does not add up."""
    for operation in operations:
        if operation.kind not in (*CHARGES, "refund"):
            continue
        served = -total_of(line.amount for line in operation.lines)
        if served != operation.amount:
            raise Failure(
                f"account {account}: the lines of transaction {operation.transaction} make {served}, "
                f"the entry has {operation.amount}"
            )
    net = summary.charged - summary.discounts
    moved = summary.paid - net + summary.refunds + total_of(amount for _, amount in summary.other)
    if summary.opening + moved != summary.closing:
        raise Failure(
            f"account {account}: opening {summary.opening} and movements {moved} "
            f"make {summary.opening + moved}, the closing balance is {summary.closing}"
        )
    if unpaid != summary.to_pay:
        raise Failure(f"account {account}: unpaid debits add up to {unpaid}, but the client owes {summary.to_pay}")


def _ages(unpaid: Sequence[Row]) -> tuple[Age, ...]:
    """Return what is unpaid by lateness, in the bands of receivables-aging, the empty ones too."""
    return tuple(
        Age(low, high, total_of(debit["unpaid"] for debit in unpaid if _within(debit["days_late"], low, high)))
        for low, high in receivables_aging.BANDS.values()
    )


def _dues(unpaid: Sequence[Row]) -> tuple[Due, ...]:
    """Return what is due on each day, the earliest first; what has no day is last."""
    sums: dict[int | None, Decimal] = {}
    for item in unpaid:
        sums[item["due_day"]] = sums.get(item["due_day"], ZERO) + item["unpaid"]
    late = {item["due_day"]: max(0, item["days_late"]) for item in unpaid}
    return tuple(
        Due(None if day is None else aging.EPOCH + timedelta(days=day), sums[day], late[day])
        for day in sorted(sums, key=lambda day: (day is None, day))
    )


def _within(days: int, low: int | None, high: int | None) -> bool:
    return (low is None or days >= low) and (high is None or days <= high)


def _credit(terms: Sequence[Row] | None, summary: Summary, *, overdue: Decimal) -> Credit | None:
    """Return credit on the last day; None if no terms ever began. An overdue debt leaves own money only."""
    if not terms:
        return None
    row, own = terms[0], summary.closing - summary.held
    limit = row["credit_limit"] if row["in_force"] else ZERO
    return Credit(
        limit=limit,
        available=max(ZERO, own + (ZERO if overdue else limit)),
        expired_on=None if row["in_force"] else row["valid_until"],
    )


def _holds(facts: GroupFacts, account: int, zone: ZoneInfo) -> tuple[OpenHold, ...]:
    return tuple(
        OpenHold(
            transaction=row["hold"],
            set_on=row["set_on"],
            amount=row["closing"],
            expires_on=row["expires_at"].astimezone(zone).date() if row["expires_at"] else None,
        )
        for row in facts.last.holds.get(account, [])
        if row["closing"]
    )


def _bonuses(facts: GroupFacts, account: int) -> tuple[BonusRow, ...]:
    found = []
    for row in facts.bonuses.get(account, []):
        before, entries = facts.before.get(row["id"]), facts.entries.get(row["id"], [])
        opening = before["balance_after"] if before else ZERO
        found.append(
            BonusRow(
                brand=facts.brands[row["brand_id"]]["name"],
                opening=opening,
                accrued=total_of(one["amount"] for one in entries if one["amount"] > 0 and one["kind"] != "refund"),
                spent=total_of(-one["amount"] for one in entries if one["amount"] < 0 or one["kind"] == "refund"),
                closing=entries[-1]["balance_after"] if entries else opening,
            )
        )
    return tuple(bonus for bonus in found if bonus.opening or bonus.accrued or bonus.spent)
