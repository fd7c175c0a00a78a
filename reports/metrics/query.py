"""A metric as SQL that DuckDB and Spark both read: its sums by some dimensions, over some days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.core.tables import EVER, UNASSIGNED
from reports.metrics.metric import TIME, Metric

Dialect = Literal["duckdb", "spark"]
MOST_ENDS = 62
"""At so many ends of days, weeks or months a metric that is `at_end` is counted at most: each reads all before it."""
_TYPES = {"money": "DECIMAL(18, 2)", "count": "BIGINT"}


@dataclass(frozen=True)
class Asked:
    """What of a metric is asked for: by which dimensions, of which days (None: of all), narrowed to which values.

    `known_at` is when the last day was closed: holders that were recorded later are not known (DECISIONS D30).
    """

    by: tuple[str, ...] = ()
    days: tuple[date, date] | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    known_at: datetime | None = None
    dialect: Dialect = "duckdb"


def sql(metric: Metric, asked: Asked) -> str:
    """Return the query of a metric that is no ratio: the dimensions, currency, and a column named as the metric.

    Raises Failure where it cannot be shown by a dimension.
    """
    at_end = metric.adds_up == "at_end"
    names = list(dict.fromkeys([*asked.by, *asked.only]))
    shown = _dimensions(metric, names, asked, "p.until" if at_end else "t.business_date")
    columns = ", ".join(["t.*", *(f"{what} AS by_{name}" for name, (what, _) in shown.items())])
    joins = " ".join(dict.fromkeys(join for _, needed in shown.values() for join in needed))
    table = metric.table if metric.sql is None else f"({_without_end(metric.sql)})"
    source = f"{_ends(asked)} JOIN {table} t ON t.business_date <= p.until" if at_end else f"{table} t"
    within = "TRUE"
    if asked.days and not at_end:
        within = f"t.business_date BETWEEN {_day(asked.days[0])} AND {_day(asked.days[1])}"
    rows = f"SELECT {columns} FROM {source} {joins} WHERE {within}"
    narrowed = "".join(f" AND by_{name} = {quoted(value, asked.dialect)}" for name, value in asked.only.items())
    keys = [f"by_{name}" for name in asked.by]
    inner = ", ".join([*keys, "currency", *metric.per])
    value = f"SELECT {inner}, {metric.expression} AS value FROM ({rows}) q WHERE ({metric.where}){narrowed}"
    value += f" GROUP BY {inner}"
    if metric.per:
        outer = ", ".join([*keys, "currency"])
        value = f"SELECT {outer}, sum(value) AS value FROM ({value}) q GROUP BY {outer}"
    heads = "".join(f"by_{name} AS {name}, " for name in asked.by)
    currency = "coalesce(currency, '') AS currency"
    return f"SELECT {heads}{currency}, CAST(value AS {_TYPES[metric.unit]}) AS {metric.name} FROM ({value}) q"


def pieces(by: Sequence[str], days: tuple[date, date]) -> list[tuple[str, date, date]]:
    """Return the days, weeks or months of a period, as far as these are among the dimensions: name, first, last day."""
    grain = next((name for name in by if name in TIME), None)
    if grain is None:
        return [("", *days)]
    found, since = [], days[0]
    while since <= days[1]:
        if grain == "month":
            name, until = f"{since:%Y-%m}", month_days(f"{since:%Y-%m}")[1]
        else:
            monday = since - timedelta(days=since.weekday())
            name, until = (since.isoformat(), since) if grain == "day" else (str(monday), monday + timedelta(days=6))
        found.append((name, since, min(until, days[1])))
        since = until + timedelta(days=1)
    return found


def _ends(asked: Asked) -> str:
    grains = [name for name in asked.by if name in TIME]
    if len(grains) > 1 or "weekday" in grains:
        raise Failure("what counts at the end of a time is shown by day, week or month, and by one of them only")
    assert asked.days, "what counts at the end is of some days"
    ends = pieces(grains, asked.days)
    if len(ends) > MOST_ENDS:
        raise Failure(f"{len(ends)} ends of a {grains[0]} are too many to count at: {MOST_ENDS} are the most")
    rows = ", ".join(f"({quoted(name)}, {_day(until)})" for name, _, until in ends)
    return f"(SELECT * FROM (VALUES {rows}) AS v(piece, until)) p"


def _dimensions(metric: Metric, names: Sequence[str], asked: Asked, day: str) -> dict[str, tuple[str, list[str]]]:
    """Return, by dimension, the expression that it is and the joins that this needs."""
    entries = metric.table == "entries"
    brands, commands = "LEFT JOIN brands b ON b.id = t.brand_id", "JOIN transactions x ON x.id = t.transaction_id"
    holders = (
        f"LEFT JOIN ({_holders(asked)}) h ON h.account_id = t.account_id AND {day} >= h.since "
        f"AND (h.until IS NULL OR {day} < h.until)"
    )
    account = "t.account_id"
    if entries:  # of a brand's own entry, the client account that it faces, else that of the command
        faced = "CASE WHEN t.source_kind <> 'cash' THEN t.source_id END"
        account = f"coalesce(CASE WHEN t.party_id IS NOT NULL THEN t.account_id END, {faced}, x.account_id)"
    of_account = [*([commands] if entries else []), f"LEFT JOIN accounts a ON a.id = {account}"]
    client = [*of_account, "LEFT JOIN parties c ON c.id = a.party_id"]
    known: dict[str, tuple[str, list[str]]] = {
        "day": ("t.business_date", []),
        "week": ("CAST(date_trunc('week', t.business_date) AS DATE)", []),
        "month": ("substr(CAST(t.business_date AS STRING), 1, 7)", []),
        "weekday": (f"datediff({_pair(asked, 't.business_date')}) % 7 + 1", []),
        "brand": ("coalesce(b.code, h.holder)", [brands, holders]) if entries else ("b.code", [brands]),
        "account": (f"CAST({account} AS STRING)", of_account[:-1]),
        "client": ("c.name", client),
        "party": ("c.reference", client),
        "party_kind": ("c.kind", client),
    }
    if metric.adds_up == "at_end":
        known |= {"day": ("CAST(p.piece AS DATE)", []), "month": ("p.piece", [])}
        known["week"] = known["day"]
    allowed = (*TIME, *metric.dimensions)
    if odd := next((name for name in names if name not in allowed), None):
        raise Failure(f"{metric.name} is not shown by {odd}: it is by {', '.join(allowed)}")
    return {name: known.get(name, (f"t.{name}", [])) for name in names}


def _pair(asked: Asked, day: str) -> str:
    monday = "DATE '1900-01-01'"
    return f"'day', {monday}, {day}" if asked.dialect == "duckdb" else f"{day}, {monday}"


def _holders(asked: Asked) -> str:
    """Return who held each client account from which day on, as `reports.core.tables.holders` does."""
    instant = "TIMESTAMPTZ" if asked.dialect == "duckdb" else "TIMESTAMP"
    known = f"WHERE recorded_at <= {instant} '{asked.known_at.isoformat()}'" if asked.known_at else ""
    return (
        f"SELECT d.account_id, coalesce(o.code, '{UNASSIGNED}') AS holder, d.since, "
        "lead(d.since) OVER (PARTITION BY d.account_id ORDER BY d.since) AS until FROM ("
        "SELECT *, row_number() OVER (PARTITION BY account_id, since ORDER BY id DESC) AS place FROM ("
        f"SELECT id AS account_id, CAST({-(2**62)} AS BIGINT) AS id, {_day(EVER)} AS since, "
        "CASE WHEN kind = 'bonus' THEN brand_id END AS brand_id FROM accounts WHERE party_id IS NOT NULL "
        f"UNION ALL SELECT account_id, id, coalesce(since, {_day(EVER)}), holder_id FROM holders {known}"
        ") e) d LEFT JOIN brands o ON o.id = d.brand_id WHERE place = 1"
    )


def _without_end(text: str) -> str:
    return "\n".join(line.partition("--")[0] for line in text.splitlines()).strip().rstrip(";")


def _day(day: date) -> str:
    return f"DATE '{day}'"


def quoted(value: str, dialect: Dialect = "duckdb") -> str:
    """Return a text as SQL has it: Spark escapes by a backslash, which to DuckDB is a letter."""
    if dialect == "spark":
        value = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{value}'"
    return f"""'{value.replace("'", "''")}'"""
