"""Somebody who may see one brand loads every page, report, download and search: no byte of them is of the other brand.

The other brand's names and amounts are such as nothing else has. What it charged Anna, whose account Sushi holds, is on
her account in one figure with what Sushi charged (DECISIONS D185).
"""

import io
import zipfile
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from dashboards import access, cached_book, links
from ledger.core.outcomes import Done, Posted
from ledger.food.core import commands
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import connect
from ledger.postgres.post import Ledger
from reports.core.csv_text import frame_csv
from reports.core.report import REPORTS
from reports.lake.publish_cut import frequent_cut
from reports.lake.restricted import BETWEEN
from reports.pivot import DIMENSIONS, MEASURES, OF
from tests.dashboards.conftest import APP, run_query

Given = dict[str, Any]
NAMES = ("zyxwv", "Zephyr", "Quixote", "Zuzana", "zuzwang", "zorbing", "zrazy", "ZUGZWANG", "zulu", "zaim")
AMOUNTS = (
    "7771.13",
    "6662.29",
    "9993.41",
    "4447.91",
    "8883.57",
    "5553.37",
    "3331.77",
    "2229.83",
    "14433.42",
    "13325.18",
    "3331.12",
    "14933.42",
    "5059.99",
)
"""Of its lines, payments, points, limits, credit and refused commands; then its sums, and those of both brands."""
TERMS: list[Given] = [
    {"type": "brand", "code": "sushi", "name": "Sushi House"},
    {"type": "brand", "code": "zyxwv", "name": "Zephyr", "legal_name": "Quixote LLC", "address": "zulu street"},
    {"type": "party", "reference": "anna", "kind": "individual", "name": "Anna K."},
    {"type": "party", "reference": "zuzwang", "kind": "legal_entity", "name": "Zuzana", "email": "zulu@example.com"},
    {"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"},
    {"type": "account", "reference": "zuzwang", "party": "zuzwang", "currency": "RUB", "holder": "zyxwv"},
    {"type": "account", "reference": "zaim", "party": "zuzwang", "currency": "RUB", "holder": "zyxwv"},
    {"type": "credit_terms", "account": "zuzwang", "limit": "8883.57", "note": "zulu", "by": "zulu"},
    {"type": "link", "account": "zaim", "payer": "zuzwang", "draw": "payer_first", "group": "zulu"},
    {"type": "write_off_limit", "account": "zaim", "payer": "zuzwang", "period": "day", "amount": "5553.37"},
    {"type": "link", "account": "anna", "payer": "zuzwang", "draw": "own_first", "brands": ["zyxwv"]},
    {"type": "promotion", "code": "ZUGZWANG", "kind": "percent", "value": "10", "brand": "zyxwv"},
    {
        "type": "bonus_program",
        "brand": "zyxwv",
        "accrue_percent": "1",
        "redeem_percent": "50",
        "expires_after_days": 90,
    },
]
POSTED: list[Given] = [
    {"type": "payment", "key": "p1", "account": "anna", "amount": "10000.00", "brand": "sushi"},
    {"type": "payment", "key": "p2", "account": "zuzwang", "amount": "9993.41", "brand": "zyxwv", "note": "zulu"},
    {"type": "payment", "key": "p3", "amount": "3331.77", "brand": "zyxwv", "note": "zulu", "channel": "zaim"},
    {"type": "bonus", "key": "b1", "account": "anna", "amount": "4447.91", "brand": "zyxwv", "reason": "zulu"},
    {
        "type": "debit",
        "key": "d1",
        "account": "anna",
        "bonus_at_most": "0",
        "lines": [
            {"brand": "sushi", "service": "dish", "reference": "A-1", "amount": "500.00"},
            {"brand": "zyxwv", "service": "zorbing", "reference": "zulu-1", "amount": "7771.13"},
        ],
    },
    {
        "type": "order",
        "key": "d2",
        "account": "zuzwang",
        "items": [{"brand": "zyxwv", "sku": "zrazy", "name": "zrazy", "quantity": 1, "price": "6662.29"}],
    },
    {"type": "payout", "key": "x1", "account": "zaim", "amount": "2229.83", "brand": "zyxwv", "note": "zulu"},
]


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return what the pages offer to download: name of the file, and its content or how it is made."""
    offered: list[tuple[str, Any]] = []
    drawn = DeltaGenerator.download_button

    def download_button(self: DeltaGenerator, label: str, data: Any, file_name: str, *rest: Any, **named: Any) -> bool:
        offered.append((file_name, data))
        return drawn(self, label, data, file_name, *rest, **named)

    monkeypatch.setattr(DeltaGenerator, "download_button", download_button)
    return offered


@pytest.fixture
def visit(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return a function that opens a page as Sushi's manager, who is an analyst; somebody else was there before."""
    desk = Desk(Ledger(database_url))
    terms = desk.administer([commands.parse(line) for line in TERMS])  # type: ignore[misc]
    assert all(isinstance(outcome, Done) for outcome in terms), terms
    outcomes = desk.post([commands.parse(line) for line in POSTED])  # type: ignore[misc]
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [True] * (len(POSTED) - 1) + [False], outcomes
    desk.close()
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    monkeypatch.setenv("TIFFIN_LAKE", str(tmp_path / "lake"))
    frequent_cut(database_url, str(tmp_path / "lake"))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "Zephyr" in seen(app)
    monkeypatch.setattr(access, "person", lambda: access.Person("m.sushi", "analyst", ("sushi",)))

    def visited(page: str, **query: Any) -> AppTest:
        app.query_params.clear()
        app.switch_page(f"screens/{page}.py")
        for name, value in query.items():
            app.query_params[name.rstrip("_")] = str(value)
        app.run()
        assert not app.exception, app.exception
        return app

    return visited


def seen(app: AppTest) -> str:
    """Return all that a page sent to the browser: every message's bytes, and its tables as text."""
    parts = [node.proto.SerializeToString() for node in app._tree if getattr(node, "proto", None) is not None]
    return b"\n".join(parts).decode("utf-8", "replace") + "".join(table.value.to_csv() for table in app.dataframe)


def content(name: str, made: Any) -> str:
    """Return a file as text."""
    data: bytes = made() if callable(made) else made
    if name.endswith("xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as sheets:
            data = b"".join(sheets.read(part) for part in sheets.namelist())
    if name.endswith("parquet"):
        data += frame_csv(pl.read_parquet(io.BytesIO(data)))
    return data.decode("utf-8", "replace")


def figures(name: str, given: Given) -> list[links.Target]:
    """Return the addresses of a report's figures: of the first row, and of the sums, one of each column."""
    result = cached_book.report(name, **given)
    columns = [column.name for column in result.columns if links.is_explained(result, column.name)][:2]
    if not result.frame.height:
        return []
    row = result.frame.row(0, named=True)
    found = [links.cell(result, row, column) for column in columns]
    sums = [links.figure(result, {"currency": "RUB"} if "currency" in row else {}, column) for column in columns[:1]]
    return [target for target in (*found, *sums) if target is not None]


def nothing_of_the_other(text: str, where: object, *typed: str) -> None:
    """Hold that a text has no name and no figure of the other brand, save what was typed."""
    for own in typed:
        text = text.replace(own, "")
    plain = text.replace("\u00a0", "").replace("\u202f", "").replace(",", "").replace(" ", "")
    found = [name for name in NAMES if name.lower() in text.lower()]
    found += [amount for amount in AMOUNTS if amount in plain or amount.replace(".", "") in plain]
    assert not found, (where, found, [text[max(0, at - 60) : at + 60] for at in [text.lower().find(found[0].lower())]])


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["some", "every"])
def test_no_byte_is_of_the_other_brand(
    visit: Callable[..., AppTest], downloads: list[tuple[str, Any]], database_url: str, every: bool
) -> None:
    """Pages, reports with their files, pivots by every dimension, searches, refusals, tables by SQL and its errors."""
    with connect(database_url) as connection:
        number = dict(connection.execute("SELECT reference, id FROM account WHERE reference IS NOT NULL").fetchall())
        transaction = dict(connection.execute("SELECT key, id FROM transaction").fetchall())
    days = {"from": "2020-01-01", "to": "2035-01-01"}
    downloads.clear()

    def holds(page: str, *typed: str, **query: Any) -> AppTest:
        app = visit(page, **query)
        nothing_of_the_other(seen(app), (page, query), *typed)
        return app

    def shown(page: str, **query: Any) -> None:
        nothing_of_the_other(seen(run_query(visit(page, **query), "Run")), (page, query))

    for page in (
        "overview",
        "close",
        "accounts",
        "transaction",
        "entries",
        "declined",
        "about",
        "explore",
        "sql",
        "behind",
    ):
        holds(page)
    for text in ("zuz", "quent", "Zuz", str(number["zuzwang"]), "ulu@exam", "K."):
        holds("accounts", q=text)
    for account in (number["anna"], number["zuzwang"]):
        holds("account", account=account, **days)
    holds("account", "zaim", account="zaim")
    for party in ("anna", "zuzwang"):
        holds("client", party, party=party)
    for key in (*transaction, *transaction.values()):
        holds("transaction", transaction=key)
    holds("entries", "zyxwv", brand="zyxwv", **days)
    holds("entries", account=number["zuzwang"], **days)
    holds("declined", **days)
    for name in REPORTS:
        if name not in BETWEEN:
            given = {"account": "anna"} if name == "account-card" else {}
            holds("standard", report=name, **given)
            for target in figures(name, given):
                holds("behind", **target.query)
                if target.query["column"] == "kept":
                    holds("difference", **target.query, **{"against.from": "2016-01-01", "against.to": "2016-01-31"})
        holds("standard", "zyxwv", report=name, brand="zyxwv")
    # Each dimension by itself of each kind: test_restricted.test_no_pivot_does. Here several at a time.
    threes = [",".join(DIMENSIONS[at : at + 3]) for at in range(0, len(DIMENSIONS), 3)]
    pivots = (
        [*zip(DIMENSIONS, cycle(OF), strict=False), *product(threes, OF)] if every else zip(threes, OF, strict=False)
    )
    for rows, of in pivots:
        shown("explore", rows=rows, of=of, **days)
    for measure in MEASURES:
        shown("explore", rows="brand,client", across="service", measure=measure, **days)
    for query in (
        "SELECT * FROM transactions",
        "SELECT * FROM entries",
        "SELECT * FROM parties",
        "SELECT * FROM accounts",
        "SELECT * FROM duckdb_columns()",
        "SELECT CAST(name AS INT) FROM brands",
        "SELECT name FROM brand",
    ):
        nothing_of_the_other(seen(run_query(visit("sql", q=query))), query)
    files = {name: made for name, made in downloads if not name.endswith("pdf")}  # of the same page as the HTML
    assert len(files) > 4 * (len(REPORTS) - len(BETWEEN))
    for name, made in files.items():
        nothing_of_the_other(content(name, made), name)
