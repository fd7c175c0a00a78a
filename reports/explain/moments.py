"""What made the difference between two figures of a debtor: at the ends of two days, or as two cuts of the lake had it.

The figure is asked again and again, each time with one more thing as it is at the later moment; a part is what that
changed, so that the parts sum to the difference exactly, in this order (DECISIONS D208):

1. late bookings: what an earlier cut did not hold yet of the days up to the earlier figure's;
2. dates: debts that fell due, and credit that began or ended, by dates that were set before;
3. payments; holds and releases; orders and other debits; refunds; other movements between the two days;
4. changed terms: limit, period and validity of credit, and the account's status, set between the two moments. A debit
   of these days is due by the old terms until then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import narwhals as nw
import polars as pl

from ledger.errors import Failure
from ledger.values.dates import read_date
from reports.core.engines import collected, on_engine_of
from reports.core.parameters import Parameters
from reports.core.result import Result
from reports.core.tables import EVER, Tables, of_accounts, until
from reports.explain.address import key_of, parameters_of
from reports.explain.difference import Difference, Part, TablesFor
from reports.standard import credit_exposure, receivables_aging

FIGURES: dict[str, tuple[str, ...]] = {
    credit_exposure.REPORT.name: ("balance", "limit", "used", "held", "available", "overdue"),
    receivables_aging.REPORT.name: (*receivables_aging.BANDS, "total", "advance"),
}
AGAINST = ("as_of", "cut")
MOVES: dict[str, tuple[str, ...]] = {
    "payments": ("payment", "allocate"),
    "holds": ("hold", "release", "expiry"),
    "debits": ("debit", "capture"),
    "refunds": ("refund",),
}
Figure = Callable[[Tables, date], Decimal]


@dataclass(frozen=True)
class Moment:
    """The tables as they were known, and the day at whose end a figure stands."""

    tables: Tables
    day: date


def difference(
    result: Result, row: Mapping[str, Any], column: str, against: Mapping[str, Any], *, then: TablesFor, now: TablesFor
) -> Difference:
    """Return what made the difference of a row's figure from what `against` names: an earlier `as_of`, or a `cut`.

    `then` and `now` give the tables that a report of some parameters sees, at the earlier cut and at this one. Raises
    Failure for a figure that is none of FIGURES, and unless the other moment is the earlier one.
    """
    report = result.report
    if column not in FIGURES[report.name]:
        raise Failure(f"{column} of {report.name} cannot be compared: {', '.join(FIGURES[report.name])} can")
    p = result.parameters.model_copy(update={"currency": row["currency"]})
    earlier, later = moments(report.name, p, against, then=then, now=now)
    key = key_of(result, row)

    def figure(tables: Tables, day: date) -> Decimal:
        rows = collected(report.frame(tables, p.model_copy(update={"as_of": day})))
        found = rows.filter(pl.col(name) == value for name, value in key.items())
        return Decimal(found[column].sum() or 0).quantize(Decimal("0.01"))

    reached, last, made = parts(earlier, later, key, figure)
    of = {**key, "currency": row["currency"]}
    return Difference(report.name, parameters_of(result), dict(against), of, column, reached, last, made)


def moments(
    report: str, p: Parameters, against: Mapping[str, Any], *, then: TablesFor, now: TablesFor
) -> tuple[Moment, Moment]:
    """Return the earlier moment and the later one."""
    unknown = next((name for name in against if name not in AGAINST), None)
    if unknown is not None:
        raise Failure(f"a figure of {report} is compared with another as_of or cut, not another {unknown}")
    given = against.get("as_of", p.days[1])
    before = p.model_copy(update={"as_of": given if isinstance(given, date) else read_date(str(given))})
    return Moment(then(before), before.days[1]), Moment(now(p), p.days[1])


def movements(part: str, row: Mapping[str, Any], then: Moment, now: Moment) -> pl.DataFrame:
    """Return the entries on the accounts of a row that a part speaks of; of changed terms there are none."""
    earlier = _Own.of(then, then.day, row)
    entries = _Own.of(now, then.day, row, earlier).entries
    between = pl.col("business_date").is_between(then.day, now.day, closed="right")
    of_a_kind = [kind for kinds in MOVES.values() for kind in kinds]
    match part:
        case "late_bookings":
            known = entries.filter(pl.col("business_date") <= then.day)
            return known.join(earlier.entries, on=["transaction_id", "leg"], how="anti")
        case "dates":
            return entries.filter(pl.col("due_on").is_between(then.day, now.day, closed="left"))
        case "others":
            return entries.filter(between, ~pl.col("kind").is_in(of_a_kind))
        case _:
            return entries.filter(between, pl.col("kind").is_in(MOVES.get(part, ())))


def parts(then: Moment, now: Moment, row: Mapping[str, Any], figure: Figure) -> tuple[Decimal, Decimal, list[Part]]:
    """Return the earlier figure, the later one, and the parts of their difference; `figure` asks the report of the row.

    Raises Failure where the earlier moment is not before the later one.
    """
    if then.day > now.day:
        raise Failure(f"{then.day} is after {now.day}: explain the later figure against the earlier one")
    earlier = _Own.of(then, then.day, row)
    own = _Own.of(now, then.day, row, earlier)
    asked, day = earlier.moved(then.day, ()), then.day
    before = reached = figure(earlier.by_old_terms(asked), day)
    steps: list[tuple[str, date, tuple[str, ...] | None]] = [("late_bookings", then.day, ()), ("dates", now.day, ())]
    kinds: tuple[str, ...] = ()
    for name, more in MOVES.items():
        kinds += more
        steps.append((name, now.day, kinds))
    made = []
    for name, on, moved in [*steps, ("others", now.day, None)]:
        entries, before_it = own.moved(on, moved), reached
        if on != day or not entries.equals(asked):  # else nothing happened that could change it
            reached = figure(own.by_old_terms(entries), on)
        made.append(Part(name, reached - before_it))
        asked, day = entries, on
    last = figure(own.tables, now.day) if own.has_other_terms else reached
    return before, last, [*made, Part("terms", last - reached)]


@dataclass(frozen=True)
class _Own:
    """What is on the accounts of a row, read once; with the terms and states that were in force on an earlier day."""

    tables: Tables
    entries: pl.DataFrame
    since: date
    terms: pl.DataFrame
    states: pl.DataFrame

    @classmethod
    def of(cls, moment: Moment, since: date, row: Mapping[str, Any], then: "_Own | None" = None) -> "_Own":
        tables = moment.tables
        parties = tables.parties.select(party_id="id", party="reference")
        named = tables.accounts.join(parties, on="party_id", how="inner").select("party", account="id")
        wanted = [nw.col(name) == row[name] for name in ("account", "party") if row.get(name)]
        ids = collected(named.filter(*wanted))["account"].to_list()
        own = of_accounts(tables, ids)
        entries = collected(own.entries)
        ids = sorted({*ids, *entries["account_id"]})
        moved = entries["transaction_id"].unique().to_list()
        keys = {"accounts": "id", "holders": "account_id", "credit_terms": "account_id", "changes": "account_id"}
        for name, column, of in (*((name, key, ids) for name, key in keys.items()), ("transactions", "id", moved)):
            own = _with(own, name, collected(getattr(own, name).filter(nw.col(column).is_in(of))))
        states = collected(own.changes.filter(nw.col("kind") == "account_status", until(moment.day)))
        own = _with(own, "changes", states)
        if then is not None:
            return cls(own, entries, since, then.terms, then.states)
        terms = collected(own.credit_terms.filter(nw.col("valid_from") <= since))
        return cls(own, entries, since, _with_none(terms, ids), states)

    @property
    def has_other_terms(self) -> bool:
        """Return whether terms or states are other ones now than they were."""
        later = nw.col("id") > (self.states["id"].max() or 0)
        return bool(self._new) or not collected(self.tables.changes.filter(later)).is_empty()

    @property
    def _new(self) -> list[dict[str, Any]]:
        known = set(self.terms["id"])
        return [one for one in collected(self.tables.credit_terms).rows(named=True) if one["id"] not in known]

    def moved(self, day: date, kinds: tuple[str, ...] | None) -> pl.DataFrame:
        """Return the entries up to a day, of those since the earlier one of some kinds only (None: all)."""
        known = pl.col("business_date") <= self.since
        chosen = self.entries if kinds is None else self.entries.filter(known | pl.col("kind").is_in(kinds))
        return chosen.filter(pl.col("business_date") <= day)

    def by_old_terms(self, entries: pl.DataFrame) -> Tables:
        """Return the tables with these entries only, by the terms and states of before."""
        moved = self._due_by_old_terms(entries).with_columns(
            pl.col(name).cum_sum().over("account_id", order_by="version").cast(pl.Decimal(18, 2)).alias(after)
            for name, after in (("amount", "balance_after"), ("held", "held_after"))
        )
        tables = self.tables
        for name, rows in (("entries", moved), ("credit_terms", self.terms), ("changes", self.states)):
            tables = _with(tables, name, rows)
        return tables

    def _due_by_old_terms(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Return the entries, those that are due by terms set since then due by the terms of before."""
        new = self._new
        if not new:
            return entries
        old = self.terms.sort("id").rows(named=True)
        names = ("account_id", "business_date", "due_on")
        due = [
            _due(old, account, day) if due_on and any(_due([one], account, day) == due_on for one in new) else due_on
            for account, day, due_on in entries.select(names).iter_rows()
        ]
        return entries.with_columns(pl.Series("due_on", due, pl.Date))


def _due(terms: list[dict[str, Any]], account: int, day: date) -> date | None:
    """Return when what arose on a day is due, by the last of the terms that were valid then."""
    valid = [
        one["period_days"]
        for one in terms
        if one["account_id"] == account and one["valid_from"] <= day <= (one["valid_until"] or date.max)
    ]
    return None if not valid or valid[-1] is None else day + timedelta(days=valid[-1])


def _with_none(terms: pl.DataFrame, accounts: list[int]) -> pl.DataFrame:
    """Return terms, and terms of no credit for accounts that had none: what these own is seen all the same."""
    without = sorted({*accounts} - {*terms["account_id"]})
    none = pl.DataFrame({"id": [-id_ for id_ in without], "account_id": without})
    none = none.with_columns(valid_from=pl.lit(EVER), recorded_at=pl.lit(EVER), credit_limit=pl.lit(0))
    typed = none.select(pl.col(name).cast(terms.schema[name]) for name in none.columns)
    return pl.concat([terms, typed], how="diagonal")


def _with(tables: Tables, name: str, rows: pl.DataFrame) -> Tables:
    return tables.narrowed(name, lambda all_: on_engine_of(all_, rows))
