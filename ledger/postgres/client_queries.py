"""Who there is and what was agreed, as forms start from it: clients, brands, credit. Amounts in minor units."""

from datetime import date, datetime
from typing import Literal, TypedDict

from ledger.postgres.database import AnyConnection
from ledger.postgres.desk_queries import typed_rows


class Party(TypedDict):
    """A client, as an administration line has it."""

    kind: str
    name: str
    legal_name: str | None
    tax_id: str | None
    kpp: str | None
    email: str | None
    phone: str | None
    address: str | None


class OpenAccount(TypedDict):
    """An account of a client's."""

    number: int
    reference: str | None
    currency: str


class BrandEntity(TypedDict):
    """One of the company's own legal entities, as an administration line has it."""

    name: str
    legal_name: str | None
    tax_id: str | None
    address: str | None
    colour: str | None
    status: str


def party(connection: AnyConnection, reference: str) -> Party | None:
    """Return a client by its reference; None where there is none."""
    query = "SELECT kind, name, legal_name, tax_id, kpp, email, phone, address FROM party WHERE reference = %s"
    return next(iter(typed_rows(connection, Party, query, [reference])), None)


def accounts_of(connection: AnyConnection, reference: str) -> list[OpenAccount]:
    """Return a client's money accounts."""
    query = (
        "SELECT a.id AS number, a.reference, a.currency FROM account a JOIN party p ON p.id = a.party_id "
        "WHERE p.reference = %s AND a.kind = 'money' ORDER BY a.id"
    )
    return typed_rows(connection, OpenAccount, query, [reference])


def brand(connection: AnyConnection, code: str) -> BrandEntity | None:
    """Return a brand by its code; None where there is none."""
    query = "SELECT name, legal_name, tax_id, address, colour, status FROM brand WHERE code = %s"
    return next(iter(typed_rows(connection, BrandEntity, query, [code])), None)


class AgreedTerms(TypedDict):
    """Credit terms as they were recorded, and what became of them."""

    limit: int
    period_days: int | None
    valid_from: date
    valid_until: date | None
    recorded_at: datetime
    by: str | None
    state: Literal["in_force", "begins_later", "is_over", "replaced"]


def agreed(connection: AnyConnection, number: int, most: int = 10) -> list[AgreedTerms]:
    """Return the credit terms of an account, the last recorded first; of those valid today, that is in force."""
    return typed_rows(connection, AgreedTerms, _AGREED, {"account": number, "most": most})


_AGREED = """
SELECT credit_limit AS limit, period_days, valid_from, valid_until, recorded_at, "by",
    CASE WHEN valid_from > today THEN 'begins_later' WHEN valid_until < today THEN 'is_over'
        WHEN id = max(id) FILTER (WHERE valid_from <= today AND coalesce(valid_until >= today, true)) OVER ()
        THEN 'in_force' ELSE 'replaced' END AS state
FROM credit_terms, (SELECT (clock_timestamp() AT TIME ZONE time_zone)::date AS today FROM book) book
WHERE account_id = %(account)s ORDER BY id DESC LIMIT %(most)s
"""
