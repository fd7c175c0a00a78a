"""Read the lake's tables out of the ledger's PostgreSQL, in their declared types.

All is read in one snapshot, so tables agree. Appended tables come in slices of transaction
numbers, which bounds the memory; entries meet their transactions and accounts here rather
than in SQL, which is twice as fast.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import adbc_driver_postgresql
import polars as pl
from adbc_driver_manager import AdbcConnection, AdbcStatement

from ledger.postgres.database import libpq_url
from reports.lake.manifest import Cut
from reports.lake.reader import declared, polars_schema
from reports.lake.schema import Table

SLICE = 100_000  # transactions: some hundred megabytes with their entries

TRANSACTIONS = """
SELECT id, key, kind, status, code, facts::text AS facts, account_id, amount, currency, posted_at, business_date,
       value_date, occurred_at, (occurred_at AT TIME ZONE (SELECT time_zone FROM book))::date AS occurred_on,
       extract(hour FROM coalesce(occurred_at, posted_at) AT TIME ZONE (SELECT time_zone FROM book))::bigint AS hour,
       recorded_at, expires_at, due_on, refers_to, channel, reason, by, note
FROM transaction WHERE id > {after} AND id <= {until} ORDER BY id
"""

ENTRIES = """
SELECT transaction_id, leg, account_id, currency, amount, held, version, balance_after, held_after, subaccount_id,
       source_id, line, service, reference, gross, discount, (vat_rate * 100)::bigint AS vat_rate, vat,
       channel, chart, attributes::text AS attributes, due_on, group_name
FROM entry LEFT JOIN entry_group USING (transaction_id, account_id)
WHERE transaction_id > {after} AND transaction_id <= {until} ORDER BY transaction_id, leg
"""

ATTRIBUTES = """
SELECT e.transaction_id, e.leg, a.key AS name, a.value, to_char(t.business_date, 'YYYY-MM') AS month
FROM entry e JOIN transaction t ON t.id = e.transaction_id, jsonb_each_text(e.attributes) a
WHERE e.transaction_id > {after} AND e.transaction_id <= {until} AND e.attributes IS NOT NULL
  AND jsonb_typeof(e.attributes) = 'object'
ORDER BY 1, 2, 3
"""

# A capture hands points over from its hold: that leaves the lot as it was.
LOT_CHANGES = """
WITH moved AS (
    SELECT e.transaction_id, e.account_id, a.brand_id, a.currency, t.business_date
    FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'bonus'
    JOIN transaction t ON t.id = e.transaction_id
    WHERE e.transaction_id > {after} AND e.transaction_id <= {until}
), changes AS (
    SELECT m.*, u.lot_id, -sum(u.amount)::bigint AS amount, max(u.gone_on) AS gone_on
    FROM moved m JOIN bonus_lot_use u ON u.account_id = m.account_id AND u.changed_by = m.transaction_id
    GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(u.amount) <> 0
    UNION ALL
    SELECT m.*, l.transaction_id, l.amount, l.given_until
    FROM moved m JOIN bonus_lot l ON l.account_id = m.account_id
     AND (l.transaction_id = m.transaction_id AND l.given_by IS NULL OR l.given_by = m.transaction_id)
)
SELECT transaction_id, account_id, brand_id, currency, business_date, lot_id, sum(amount)::bigint AS amount,
       max(gone_on) AS gone_on, to_char(business_date, 'YYYY-MM') AS month
FROM changes GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(amount) <> 0 ORDER BY transaction_id, account_id, lot_id
"""

SNAPSHOTS: dict[str, str] = {
    "parties": "SELECT * FROM party ORDER BY id",
    "brands": """
        SELECT id, code, name, legal_name, tax_id, country, address, bank_details::text AS bank_details, colour,
               logo, status
        FROM brand ORDER BY id""",
    "accounts": """
        SELECT a.*, b.balance, b.held, b.version, b.posted_at AS latest_posted_at
        FROM account a LEFT JOIN balance b ON b.account_id = a.id ORDER BY a.id""",
    "holders": """
        SELECT id, account_id, (after ->> 'holder_id')::bigint AS holder_id, recorded_at,
               CASE WHEN before IS NOT NULL THEN business_date END AS since
        FROM change WHERE kind = 'account' AND jsonb_exists(after, 'holder_id')
        UNION ALL
        SELECT -id, id, holder_id, opened_at, NULL FROM account
        WHERE holder_id IS NOT NULL AND id NOT IN (
            SELECT account_id FROM change WHERE kind = 'account' AND jsonb_exists(after, 'holder_id'))
        ORDER BY id""",
    "credit_terms": "SELECT * FROM credit_terms ORDER BY id",
    "links": """
        SELECT account_id, payer_id, draw, priority, to_json(brands)::text AS brands,
               share, hours::text AS hours, to_json(services)::text AS services, group_name
        FROM link ORDER BY account_id, payer_id""",
    "limits": "SELECT * FROM write_off_limit ORDER BY payer_id, account_id, group_name, period",
    "usage": "SELECT * FROM usage ORDER BY payer_id, account_id, group_name, period, since",
    "holds": """
        SELECT p.hold_id, p.part, p.line, h.account_id, p.source_id, p.brand_id, p.service, p.reference, p.amount,
               p.held, coalesce(p.captured, 0) AS captured, p.refunded, h.expires_at, h.state = 'open' AS open,
               h.state
        FROM hold_part p JOIN hold h ON h.transaction_id = p.hold_id ORDER BY p.hold_id, p.part""",
    "open_debits": "SELECT * FROM open_debit ORDER BY account_id, transaction_id",
    "changes": """
        SELECT id, kind, subject, account_id, before::text AS before, after::text AS after, business_date,
               recorded_at, by, note
        FROM change ORDER BY id""",
    "closings": "SELECT * FROM closing ORDER BY closed_until",
    "orders": """
        SELECT o.id, o.key, o.account_id, o.party_id, o.currency, o.status, o.placed_at, o.business_date, o.due_at,
               o.delivered_at, o.cancelled_at, o.reference, o.attributes::text AS attributes, o.main_id AS charged_by,
               (o.late_at AT TIME ZONE b.time_zone)::date AS late_on,
               (CASE WHEN o.void_at <= now() THEN o.void_at END AT TIME ZONE b.time_zone)::date AS void_on,
               l.gross::bigint AS gross, l.discount::bigint AS discount, l.own::bigint AS own_discount,
               l.net::bigint AS net
        FROM book b, food_order o JOIN (
            SELECT order_id, sum(gross) AS gross, sum(discount) AS discount, sum(net) AS net, sum(own_discount) AS own
            FROM order_line GROUP BY order_id) l ON l.order_id = o.id
        ORDER BY o.id""",
    "order_lines": """
        SELECT order_id, line, brand_id, service, sku, name, quantity, price, gross, discount, own_discount, net, kept,
               weighed, reference, attributes::text AS attributes
        FROM order_line ORDER BY order_id, line""",
    "promotions": """
        SELECT id, code, kind, CASE kind WHEN 'percent' THEN value END AS percent,
               CASE kind WHEN 'amount' THEN value END AS amount, brand_id, min_order, max_discount, valid_from,
               valid_until, max_uses, max_uses_per_party, first_order_only, stackable, financed::text AS financed
        FROM promotion ORDER BY id""",
    "promotion_uses": """
        SELECT u.order_id, u.promotion_id, u.number, u.party_id, u.discount, u.used_at, g.given_back_at, o.currency,
               (u.used_at AT TIME ZONE b.time_zone)::date AS business_date,
               (g.given_back_at AT TIME ZONE b.time_zone)::date AS given_back_on
        FROM book b, promotion_use u JOIN food_order o ON o.id = u.order_id,
        LATERAL (SELECT CASE WHEN u.given_back_at <= now() THEN u.given_back_at END AS given_back_at) g
        ORDER BY u.order_id, u.promotion_id, u.number""",
    "bonus_programs": """
        SELECT id, brand_id, (accrue_percent * 100)::bigint AS accrue_percent,
               (redeem_percent * 100)::bigint AS redeem_percent, expires_after_days, returned_live_days,
               to_json(spend_at)::text AS spend_at, valid_from,
               valid_until,
               recorded_at, by, note
        FROM bonus_program ORDER BY id""",
    "bonus_lots": "SELECT * FROM bonus_lot ORDER BY account_id, transaction_id",
    "bank_entries": """
        SELECT e.id, e.bank_account, e.brand_id, e.currency, e.booked_on, e.amount, e.reversal, t.id AS transaction_id,
               t.business_date, (s.imported_at AT TIME ZONE b.time_zone)::date AS imported_on
        FROM book b, bank_entry e LEFT JOIN bank_statement s ON s.id = e.statement_id
             LEFT JOIN transaction t ON t.key = e.key AND t.status = 'posted' AND t.kind IN ('payment', 'move')
        ORDER BY e.id""",
    "bank_statements": """
        SELECT s.id, s.bank_account, s.brand_id, s.currency, s.number, coalesce(e.first, s.until, s.since) AS begun_on,
               coalesce(s.until, s.since, e.last) AS ended_on, s.opening, s.closing,
               s.money_in + s.money_out AS turnover, (s.imported_at AT TIME ZONE b.time_zone)::date AS imported_on
        FROM book b, bank_statement s LEFT JOIN (
            SELECT statement_id, min(booked_on) AS first, max(booked_on) AS last FROM bank_entry GROUP BY 1
        ) e ON e.statement_id = s.id
        WHERE NOT s.interim AND s.opening IS NOT NULL AND s.closing IS NOT NULL
          AND coalesce(s.until, s.since, e.last) IS NOT NULL
        ORDER BY s.id""",
    "bonus_owed": """
        SELECT o.*, a.brand_id, a.currency FROM bonus_owed o JOIN account a ON a.id = o.account_id ORDER BY o.id""",
}

OF_TRANSACTION = """
    kind refers_to posted_at business_date day_number month value_date occurred_at occurred_on hour
""".split()


class Snapshot:
    """The ledger as it stands at one moment, for as long as this is open."""

    def __init__(self, url: str) -> None:
        """Open the snapshot. The caller holds the lock that keeps writers out while this happens."""
        # Below its DB-API, which imports pandas: a command that reads no ledger would wait for it as well.
        self._database = adbc_driver_postgresql.connect(libpq_url(url))
        self._connection = AdbcConnection(self._database)
        self._connection.set_autocommit(False)
        # It is idle whenever files are written, and that may take a while.
        for setting in (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "SET LOCAL idle_in_transaction_session_timeout = 0",
        ):
            with AdbcStatement(self._connection) as statement:
                statement.set_sql_query(setting)
                statement.execute_update()
        self.last_transaction = self._number("SELECT coalesce(max(id), 0) AS n FROM transaction")
        self.last_change = self._number("SELECT coalesce(max(id), 0) AS n FROM change")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the snapshot go."""
        self._connection.close()
        self._database.close()

    def frame(self, sql: str) -> pl.DataFrame:
        """Return a query's rows as PostgreSQL has them: amounts in minor units."""
        with AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            return pl.DataFrame(statement.execute_query()[0])

    def snapshot(self, name: str) -> pl.DataFrame:
        """Return a snapshot table, whole."""
        return as_declared(self.frame(SNAPSHOTS[name]), declared(name))

    def slices(self, after: int, until: int) -> Iterator[tuple[int, int]]:
        """Return the bounds of slices of transaction numbers, each `after < id <= until`."""
        for start in range(after, until, SLICE):
            yield start, min(start + SLICE, until)

    def transactions(self, after: int, until: int) -> pl.DataFrame:
        """Return the transactions `after < id <= until`, by id."""
        frame = self.frame(TRANSACTIONS.format(after=after, until=until))
        day = pl.col("business_date")
        dated = frame.with_columns(day_number=day.to_physical().cast(pl.Int64), month=day.dt.strftime("%Y-%m"))
        return as_declared(dated, declared("transactions"))

    def entries(self, transactions: pl.DataFrame, accounts: pl.DataFrame, after: int, until: int) -> pl.DataFrame:
        """Return the entries `after < transaction_id <= until`, by transaction and leg.

        `transactions` holds at least those of the entries, `accounts` all.
        """
        kinds = accounts.select("id", "kind", "party_id", "brand_id")
        frame = (
            self.frame(ENTRIES.format(after=after, until=until))
            .lazy()
            .join(
                transactions.lazy().select("id", *OF_TRANSACTION),
                left_on="transaction_id",
                right_on="id",
                how="left",
                maintain_order="left",
            )
            .join(
                kinds.lazy().rename({"kind": "account_kind"}),
                left_on="account_id",
                right_on="id",
                how="left",
                maintain_order="left",
            )
            .join(
                kinds.lazy().select("id", source_kind="kind"),
                left_on="source_id",
                right_on="id",
                how="left",
                maintain_order="left",
            )
            .collect()
        )
        return as_declared(frame, declared("entries"))

    def attributes(self, after: int, until: int) -> pl.DataFrame:
        """Return the attributes of the entries `after < transaction_id <= until`, by transaction, leg, name."""
        return as_declared(self.frame(ATTRIBUTES.format(after=after, until=until)), declared("attributes"))

    def lot_changes(self, after: int, until: int) -> pl.DataFrame:
        """Return what the transactions `after < id <= until` did to lots of points, by transaction, account, lot."""
        return as_declared(self.frame(LOT_CHANGES.format(after=after, until=until)), declared("lot_changes"))

    def _number(self, sql: str) -> int:
        return int(self.frame(sql).item())


def with_closing(closings: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Return the closings with the one that a cut makes, which the ledger has once the cut was verified."""
    if cut.closed_until is None:
        return closings
    from ledger.postgres.tables import Closing

    made = Closing(closed_until=cut.closed_until, closed_at=cut.taken_at, last_transaction=cut.last_transaction)
    return pl.concat([closings, pl.DataFrame([made.model_dump()], schema=closings.schema)])


def as_declared(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return PostgreSQL's rows in the declared columns and types; minor units become decimals."""
    return frame.select(
        # The same digits with a point set two places in: no arithmetic, nothing to round.
        pl.col(name).cast(pl.Int128).reinterpret(dtype=type_)
        if isinstance(type_, pl.Decimal)
        else pl.col(name).cast(type_)
        for name, type_ in polars_schema(table).items()
    )
