"""Reports beside the same figures in SQL, written by hand without looking at the reports; and as-of stability.

Histories are random: payments, debits of two clients and two brands, refunds, reversals,
transfers, holds, over two months and in two currencies.
"""

import json
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.core.parameters import AsOf
from reports.core.report import REPORTS
from reports.formats import rendered
from tests.reports.standard.test_every_report import parameters_for
from tests.reports.story import Story

DAYS = [f"2017-{month:02}-{day:02}" for month in (2, 3, 4) for day in (1, 14, 28)]
CLIENTS = ("anna", "boris", "carol")
MONEY = st.integers(1, 90_000).map(lambda kopecks: str(Decimal(kopecks) / 100))
EVENT = st.tuples(
    st.sampled_from(["payment", "debit", "debit", "refund", "reverse", "transfer", "adjustment", "hold", "bonus"]),
    st.sampled_from(CLIENTS),
    MONEY,
    st.sampled_from(["sushi", "pizza"]),
)
HISTORY = st.lists(st.tuples(st.sampled_from(range(6)), EVENT), max_size=25).map(
    lambda days: sorted(days, key=lambda e: e[0])
)
LATER = st.lists(st.tuples(st.sampled_from((6, 7, 8)), EVENT), max_size=10).map(
    lambda days: sorted(days, key=lambda e: e[0])
)


def begun() -> Story:
    """Return two clients in roubles, one of them on credit, and one in dollars."""
    story = Story()
    for brand in ("sushi", "pizza"):
        story.brand(brand)
    for client, currency in zip(CLIENTS, ("RUB", "RUB", "USD"), strict=True):
        story.account(client, currency=currency, holder="sushi")
        story.bonus_account(f"{client}-points", of=client, brand="pizza")
    story.terms("anna", 500, 30, "2017-01-01")
    return story


def happen(story: Story, history: list[Any]) -> None:
    """Let the events happen, as far as a ledger would let them."""
    for day, (kind, client, amount, brand) in history:
        at = DAYS[day]
        if kind == "payment":
            story.payment(at, client, amount, brand, channel="card")
        elif kind == "debit":
            story.debit(at, client, {"brand": brand, "amount": amount, "gross": Decimal(amount) + 1})
        elif kind == "adjustment":
            story.adjustment(at, client, f"-{amount}", brand)
        elif kind == "transfer" and client == "anna":
            story.transfer(at, "anna", "boris", amount)
        elif kind == "hold":
            story.hold(at, client, amount, "2018-01-01")
        elif kind == "bonus":
            story.bonus(at, f"{client}-points", amount)
        elif kind in ("refund", "reverse"):
            undo(story, at, kind, brand)


def undo(story: Story, at: str, kind: str, brand: str) -> None:
    """Refund the latest debit that was not refunded yet, or reverse the latest payment that was not."""
    done = {row["refers_to"] for row in story.rows["transactions"]}
    wanted = "debit" if kind == "refund" else "payment"
    left = [row for row in story.rows["transactions"] if row["kind"] == wanted and row["id"] not in done]
    if left and kind == "reverse":
        story.reverse(at, left[-1]["key"], reason="chargeback")
    elif left:
        line = next(e for e in story.rows["entries"] if e["transaction_id"] == left[-1]["id"] and e.get("line"))
        code = next(code for code, number in story.brands.items() if number == line["brand_id"])
        story.refund(at, left[-1]["key"], {"brand": code, "amount": line["amount"] * 2 / 3 // Decimal("0.01") / 100})


def by_hand(story: Story, query: str) -> list[tuple[Any, ...]]:
    """Return what DuckDB answers over the same frames."""
    with duckdb.connect() as connection:
        for name, frame in story.lake().frames.items():
            connection.register(name, frame.to_arrow())
        return connection.execute(query).fetchall()


TURNOVER = """
SELECT account_id, currency,
       coalesce(sum(amount) FILTER (business_date < DATE '2017-03-01'), 0),
       coalesce(sum(amount) FILTER (business_date >= DATE '2017-03-01' AND amount > 0), 0),
       coalesce(-sum(amount) FILTER (business_date >= DATE '2017-03-01' AND amount < 0), 0),
       sum(amount)
FROM entries WHERE party_id IS NOT NULL AND business_date <= DATE '2017-03-31'
GROUP BY ALL
HAVING sum(amount) FILTER (business_date < DATE '2017-03-01') <> 0
    OR count(*) FILTER (business_date >= DATE '2017-03-01') > 0
ORDER BY 1
"""

REVENUE = """
SELECT b.code, e.currency, count(DISTINCT transaction_id) FILTER (kind = 'debit'),
       coalesce(sum(gross) FILTER (kind = 'debit'), 0), coalesce(sum(amount) FILTER (kind = 'debit'), 0),
       coalesce(-sum(amount) FILTER (kind = 'refund'), 0)
FROM entries e JOIN brands b ON b.id = e.brand_id
WHERE account_kind = 'revenue' AND business_date BETWEEN DATE '2017-03-01' AND DATE '2017-03-31'
GROUP BY ALL ORDER BY 1, 2
"""

AGEING = """
WITH open AS (
    SELECT account_id, unpaid, coalesce(date_diff('day', due_on, DATE '2017-04-30'), 0) AS late FROM open_debits
)
SELECT account_id, coalesce(sum(unpaid) FILTER (late <= 0), 0),
       coalesce(sum(unpaid) FILTER (late BETWEEN 1 AND 30), 0),
       coalesce(sum(unpaid) FILTER (late BETWEEN 31 AND 60), 0),
       coalesce(sum(unpaid) FILTER (late > 60), 0), sum(unpaid)
FROM open GROUP BY ALL ORDER BY 1
"""


@settings(max_examples=4, deadline=None)
@given(HISTORY)
def test_figures_equal_sql_written_by_hand(history: list[Any]) -> None:
    """Turnover, brand revenue, and ages beside the open debits that were kept entry by entry."""
    figures_equal(history)


@pytest.mark.soak
@settings(max_examples=300, deadline=None, derandomize=False)
@given(HISTORY)
def test_figures_equal_sql_of_many_histories(history: list[Any]) -> None:
    """The same, at length."""
    figures_equal(history)


def figures_equal(history: list[Any]) -> None:
    """Hold the figures of a history beside those of SQL."""
    story = begun()
    happen(story, history)
    book = story.book()
    march = {"first_day": "2017-03-01", "last_day": "2017-03-31"}

    turnover = book.report("turnover", **march)
    figures = turnover.frame.select("account", "currency", "opening", "credits", "debits", "closing")
    assert figures.rows() == by_hand(story, TURNOVER)

    revenue = book.report("brand-revenue", **march, by="total")
    assert revenue.frame.select("brand", "currency", "orders", "gross", "net", "refunds").rows() == by_hand(
        story, REVENUE
    )

    aged = book.report("receivables-aging", as_of="2017-04-30")
    owing = aged.frame.filter(pl.col("total") > 0).sort("account")
    older = pl.sum_horizontal("late_61_90", "late_91_120", "late_over_120")
    assert owing.select("account", "not_due", "late_1_30", "late_31_60", older, "total").rows() == by_hand(
        story, AGEING
    )

    items = (
        book.report("open-items", as_of="2017-04-30")
        .frame.select("account", "transaction", "unpaid")
        .sort("transaction")
    )
    kept = by_hand(story, "SELECT account_id, transaction_id, unpaid FROM open_debits ORDER BY 2")
    assert items.rows() == kept
    assert book.report("control", first_day="2017-02-01", last_day="2017-04-30").holds


@settings(max_examples=2, deadline=None)
@given(HISTORY, LATER)
def test_a_report_of_closed_days_stays_as_it_was(history: list[Any], later: list[Any]) -> None:
    """Whatever happens after March was closed, every report of March is the same to the byte."""
    stays(history, later)


@pytest.mark.soak
@settings(max_examples=100, deadline=None, derandomize=False)
@given(HISTORY, LATER)
def test_a_report_of_closed_days_stays_as_it_was_in_many_histories(history: list[Any], later: list[Any]) -> None:
    """The same, at length."""
    stays(history, later)


def stays(history: list[Any], later: list[Any]) -> None:
    """Hold that the reports of closed days of a history are the same, whatever comes later."""
    story = begun()
    happen(story, history)
    story.close("2017-03-31")
    before = rendered_files(story)
    story.terms("anna", 100, 1, "2017-02-01", recorded_at="2017-04-02")
    happen(story, later)
    story.change("2017-04-02", "credit_terms", "anna", None, {"limit": "100.00"})
    assert rendered_files(story) == before


def rendered_files(story: Story) -> dict[str, tuple[bytes, ...]]:
    """Return every report of March as CSV and as JSON without its cut; facts of the cut itself are left out."""
    out = {}
    for name, report in REPORTS.items():
        parameters = parameters_for(report)
        assert isinstance(report.parameters, type) and (("as_of" in parameters) == issubclass(report.parameters, AsOf))
        result = story.book(number=1).report(name, **parameters)
        shown = json.loads(rendered(result, "json"))
        del shown["cut"]
        rows = [
            row for row in shown["rows"] if row.get("source") != "ledger"
        ]  # the ledger's own balances are of the cut
        out[name] = (json.dumps(shown | {"rows": rows}).encode(), str(result.provisional).encode())
    return out
