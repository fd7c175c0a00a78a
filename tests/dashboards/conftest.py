"""A small lake of two brands, two currencies and a payer, and the whole app run over it without a browser."""

import logging
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboards import access, cached_book
from dashboards.app import PATHS
from ledger.administration.administration_lines import parse
from ledger.core.commands import parse as command
from ledger.core.outcomes import Done, Posted
from ledger.postgres import database
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import frequent_cut
from tests.conftest import made
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

logging.getLogger("streamlit").setLevel(logging.ERROR)
# Each AppTest would look through all installed packages for components, which takes a sixth of a second.
BidiComponentManager.discover_and_register_components = lambda self, **_: None  # type: ignore[method-assign]
APP = Path(__file__).parents[2] / "dashboards" / "app.py"
Open = Callable[..., AppTest]
_numbers = count(1)
ACCOUNTS = ("anna", "boris", "romashka")
BOOK: list[dict[str, Any]] = [
    {"type": "brand", "code": "sushi", "name": "Sushi House"},
    {"type": "brand", "code": "pizza", "name": "Pizza Piazza"},
    *({"type": "party", "reference": name, "kind": "individual", "name": f"{name.title()} K."} for name in ACCOUNTS),
    *({"type": "account", "reference": name, "party": name, "currency": "RUB", "holder": "sushi"} for name in ACCOUNTS),
]
POSTED: list[dict[str, Any]] = [
    {"type": "payment", "key": "p1", "account": "anna", "amount": "1000.00", "brand": "sushi"},
    {"type": "payment", "key": "p2", "amount": "900.00", "brand": "pizza", "note": "from Vasilek"},
    {
        "type": "debit",
        "key": "d1",
        "account": "anna",
        "lines": [
            {"brand": "sushi", "service": "dish", "reference": "A-1", "amount": "500.00"},
            {"brand": "pizza", "service": "delivery", "reference": "A-1", "amount": "200.00"},
        ],
    },
]


@pytest.fixture
def story() -> Story:
    """Return the small book."""
    return small_book()


def small_book() -> Story:
    """Tell March 2017: Anna's company pays, Boris pays in dollars, one order is declined, one refunded."""
    story = Story()
    story.brand("sushi", "Sushi House")
    story.brand("pizza", "Pizza Piazza")
    story.account("romashka", holder="sushi", kind="legal_entity", party="romashka")
    story.account("anna", holder="sushi")
    story.account("boris", currency="USD", holder="pizza")
    story.terms("romashka", 1000, 30, "2017-01-01")
    story.link("anna", "romashka")
    story.limit("romashka", "anna", "day", 500)
    story.payment("2017-02-27", "anna", 300, "sushi", key="p1", channel="card")
    story.payment("2017-03-01", "boris", 50, "pizza", key="p2", channel="bank")
    story.payment("2017-03-01", "romashka", 400, "sushi", key="p3", channel="bank")
    lines = (
        {"brand": "sushi", "amount": 500, "gross": 600, "source": "romashka", "reference": "A-1"},
        {"brand": "pizza", "amount": 200, "reference": "A-1", "line": 2, "attributes": {"dish": "set 4"}},
    )
    story.debit("2017-03-02", "anna", *lines, key="d1")
    story.debit("2017-03-03", "boris", ("pizza", "12.50"), key="d2")
    story.refund("2017-03-04", "d1", {"brand": "pizza", "amount": 20, "reference": "A-1", "line": 2})
    story.decline(
        "2017-03-05",
        "anna",
        900,
        "insufficient_funds",
        subject="account 1 (Anna)",
        balance="120.00",
        held="0.00",
        what="debit",
        drawn="900.00",
        currency="RUB",
        short_by="780.00",
    )
    story.close("2017-03-31")
    return story


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the lake of the small book; tests read it."""
    return write_lake(small_book(), tmp_path_factory.mktemp("small"))


@pytest.fixture
def lake(story: Story, small_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Make the story's lake that of the settings; another story than the small book is published for the test."""
    published = small_lake if vars(story) == vars(small_book()) else write_lake(story, tmp_path)
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path))
    monkeypatch.setenv("TIFFIN_LAKE", str(published))
    monkeypatch.setenv("TIFFIN_LANGUAGE", "en")
    return story


@pytest.fixture(scope="session")
def worked(server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the database, to be cloned, and the lake of the book that the desk is tried on."""
    name, lake = f"tiffin_worked_{os.getpid()}", tmp_path_factory.mktemp("worked") / "lake"
    for url in made(server, name, template_database):
        database.initialise(url, "Europe/Moscow")
        ledger = Ledger(url)
        assert all(isinstance(outcome, Done) for outcome in ledger.administer([parse(line) for line in BOOK]))
        assert all(isinstance(outcome, Posted) for outcome in ledger.post([command(line) for line in POSTED]))
        ledger.close()
        frequent_cut(url, str(lake))
        yield name, lake


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: str, template_database: str) -> Iterator[str]:
    """Return the URL of a fresh book; at the desk, of a copy of the desk's."""
    at_the_desk = "desk" in request.fixturenames
    template = request.getfixturevalue("worked")[0] if at_the_desk else template_database
    for url in made(server, f"tiffin_desk_{os.getpid()}_{next(_numbers)}", template):
        if not at_the_desk:
            database.initialise(url, "Europe/Moscow")
        yield url


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was cached of another test's lake, and connections; pages wait for what is run beside them."""
    while access._idle:
        for _, connection in access._idle.popitem()[1]:
            connection.close()
    st.cache_data.clear()
    st.cache_resource.clear()
    cached_book._made.clear()
    monkeypatch.setattr(cached_book, "PATIENCE_SECONDS", 60)


@pytest.fixture
def screen(lake: Story) -> Open:
    """Return a function that opens a page with what its URL says."""
    return opened


def opened(page: str, *, language: str = "en", **query: Any) -> AppTest:
    """Open a page of the lake of the settings by its address, as a link does: no other page is drawn before it.

    Raises ValueError where the person at the screen has no such page.
    """
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["language"] = language
    name = Path(page).stem
    # AppTest itself can only switch to a page from one that was drawn.
    app._page_hash = "" if name == "overview" else calc_hash(PATHS.get(name, name))
    for field, value in query.items():
        app.query_params[field.rstrip("_")] = str(value)
    app.run()
    assert not app.exception, app.exception
    return app.switch_page(page)  # there already: raises ValueError where the app has no such page


def words(app: AppTest) -> str:
    """Return everything a page says in words, with plain blanks."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "success", "error", "warning", "html")
    shown = "\n".join(str(getattr(part, "value", "")) for kind in kinds for part in app.get(kind)) + "\n".join(
        str(part.proto.body) for part in app.get("html") if hasattr(part, "proto") and hasattr(part.proto, "body")
    )
    shown += "\n".join(part.proto.label for part in app.get("page_link"))
    return shown.replace("\u00a0", " ")


def run_query(app: AppTest, label: str = "Run query") -> AppTest:
    """Press Run query on the SQL page, or Run on Explore."""
    next(button for button in app.button if button.label == label).click().run()
    return app
