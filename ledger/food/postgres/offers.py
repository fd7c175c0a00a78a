"""Promotions and bonus programmes as forms start from them. Amounts in minor units."""

from datetime import date, datetime
from typing import TypedDict

from ledger.postgres.database import AnyConnection
from ledger.postgres.desk_queries import typed_rows


class KnownPromotion(TypedDict):
    """A promotion; `value` is in minor units or hundredths of a percent, `used` how often it was, as far as counted."""

    code: str
    kind: str
    value: int
    brand: str | None
    min_order: int | None
    max_discount: int | None
    valid_from: date | None
    valid_until: date | None
    max_uses: int | None
    max_uses_per_party: int | None
    first_order_only: bool
    stackable: bool
    used: int


class KnownProgram(TypedDict):
    """A bonus programme as it was recorded last of a brand; percents as text."""

    brand: str
    accrue_percent: str
    redeem_percent: str
    expires_after_days: int | None
    returned_live_days: int
    spend_at: list[str]
    valid_from: date
    valid_until: date | None
    recorded_at: datetime
    by: str | None


def promotions(connection: AnyConnection) -> list[KnownPromotion]:
    """Return the newest 200 promotions, the newest first."""
    query = (
        "SELECT p.code, p.kind, p.value, b.code AS brand, p.min_order, p.max_discount, p.valid_from, p.valid_until, "
        "p.max_uses, p.max_uses_per_party, p.first_order_only, p.stackable, p.used "
        "FROM promotion p LEFT JOIN brand b ON b.id = p.brand_id ORDER BY p.id DESC LIMIT 200"
    )
    return typed_rows(connection, KnownPromotion, query)


def programs(connection: AnyConnection) -> list[KnownProgram]:
    """Return the bonus programme of each brand that was recorded last, by brand."""
    query = (
        "SELECT DISTINCT ON (b.code) b.code AS brand, p.accrue_percent::text, p.redeem_percent::text, "
        'p.expires_after_days, p.returned_live_days, p.spend_at, p.valid_from, p.valid_until, p.recorded_at, p."by" '
        "FROM bonus_program p JOIN brand b ON b.id = p.brand_id ORDER BY b.code, p.id DESC"
    )
    return typed_rows(connection, KnownProgram, query)
