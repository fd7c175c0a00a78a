"""A small lake of two brands, two currencies and a payer, and the whole app run over it without a browser."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.reports.story import Story
from tests.reports.write_lake import write_lake

logging.getLogger("streamlit").setLevel(logging.ERROR)
APP = Path(__file__).parents[2] / "dashboards" / "app.py"
Open = Callable[..., AppTest]


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


@pytest.fixture
def lake(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Publish the story and make it the lake of the settings."""
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path))
    monkeypatch.setenv("TIFFIN_LAKE", str(write_lake(story, tmp_path)))
    monkeypatch.setenv("TIFFIN_LANGUAGE", "en")
    return story


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Forget what was cached of another test's lake."""
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def screen(lake: Story) -> Open:
    """Return a function that opens a page with what its URL says."""

    def opened(page: str, *, language: str = "en", **query: Any) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.session_state["language"] = language
        app.run()
        app.query_params.clear()  # as a browser does on its way to another page
        app.switch_page(page)
        for name, value in query.items():
            app.query_params[name.rstrip("_")] = str(value)
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


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
