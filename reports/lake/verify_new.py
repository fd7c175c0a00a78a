"""Verify what a cut between nights adds, before it is published: cheap enough for every few minutes.

All is compared in the snapshot that the cut was taken from, so nothing can have moved in between. What was published
before was verified then, and is only pinned again.
"""

from collections import Counter
from collections.abc import Iterator

import polars as pl

from reports.lake.export import content_of, sums_of, totals_with
from reports.lake.extract import Snapshot
from reports.lake.manifest import Manifest
from reports.lake.reader import Lake
from reports.lake.schema import TABLES
from reports.lake.verify_lake import differences, extracted

_RULES = {
    "transaction {}: its entries sum to {} in minor units of {}": """
        SELECT transaction_id, sum(amount)::bigint, currency FROM entry WHERE transaction_id > {after}
        GROUP BY transaction_id, currency HAVING sum(amount) <> 0 ORDER BY 1""",
    "account {}, version {}, transaction {}: it does not follow from the entry before it": """
        SELECT e.account_id, e.version, e.transaction_id
        FROM entry e LEFT JOIN entry b ON b.account_id = e.account_id AND b.version = e.version - 1
        WHERE e.transaction_id > {after} AND e.version IS NOT NULL AND ((e.version > 1) <> (b.version IS NOT NULL)
           OR e.balance_after <> coalesce(b.balance_after, 0) + e.amount
           OR e.held_after <> coalesce(b.held_after, 0) + e.held) ORDER BY 1, 2""",
    "account {}: balance and version are not those that its latest entry leaves, {}": """
        SELECT b.account_id, e.version
        FROM (SELECT account_id, max(version) AS version FROM entry
              WHERE transaction_id > {after} AND version IS NOT NULL GROUP BY 1) n
             JOIN entry e USING (account_id, version) JOIN balance b USING (account_id)
        WHERE (b.balance, b.held, b.version) IS DISTINCT FROM (e.balance_after, e.held_after, e.version) ORDER BY 1""",
}
"""What a problem is called, and the query of those among the entries after a transaction."""


def new_problems(ledger: Snapshot, lake: Lake, before: Manifest | None) -> Iterator[str]:
    """Return a sentence for each thing that is wrong with what a cut adds to the one before, None for nothing yet.

    `ledger` is the snapshot that the cut was taken from (DECISIONS D198).
    """
    after, until = before.cut.last_transaction if before else 0, lake.cut.last_transaction
    for sentence, sql in _RULES.items():
        for facts in ledger.frame(sql.format(after=after)).iter_rows():
            yield sentence.format(*facts)
    accounts, sums, rows = ledger.snapshot("accounts"), list[pl.DataFrame](), Counter[str]()
    for start, end in ledger.slices(after, until):
        for table in (table for table in TABLES if table.appended):
            within = pl.col(table.key[0]).is_between(start, end, closed="right")
            actual = lake.scan(table.name).filter(within).sort(table.key).collect()
            rows[table.name] += actual.height
            if table.name == "entries":
                sums.append(sums_of(actual))
            yield from differences(table, extracted(ledger, table.name, accounts, start, end), actual)
    if lake.manifest.totals != totals_with(sums, before.totals if before else {}):
        yield "the control totals are not those of the cut before and of the entries since"
    for table in TABLES:
        pinned, was = lake.manifest.tables[table.name], before.tables[table.name] if before else None
        if table.appended and pinned.rows != (was.rows if was else 0) + rows[table.name]:
            yield f"{table.name}: {pinned.rows} rows, {was.rows if was else 0} before and {rows[table.name]} since"
        new = not table.appended and (was is None or was.version != pinned.version)
        if new and content_of(lake.scan(table.name).collect()) != pinned.content:
            yield f"{table.name}: the lake's rows are not those that the ledger had"
