"""Editions on the screen: what was kept, as it was, and not for those who see some brands only."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from tests.dashboards.conftest import Open


def edition(home: Path, period: str, cut: int) -> None:
    """Keep an edition of a notebook."""
    folder = home / "editions" / "brands" / period
    folder.mkdir(parents=True)
    facts = {"notebook": "brands", "title": "Brands", "parameters": {}, "cut": cut, "closed_until": f"{period}-28"}
    (folder / "edition.json").write_text(json.dumps({**facts, "provisional": False}))
    (folder / "brands.html").write_text(f"<h1>Brands of {period}</h1>")


def test_the_latest_edition_is_shown_and_an_earlier_one_can_be(
    screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its cut, its file, and its page in a frame of another origin."""
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path))
    edition(tmp_path, "2017-01", 7)
    edition(tmp_path, "2017-02", 9)
    for query, period, cut in (({}, "2017-02", 9), ({"notebook": "brands", "period": "2017-01"}, "2017-01", 7)):
        app = screen("screens/editions.py", **query)
        assert not app.error and app.subheader[0].value == "Brands"
        assert f"cut {cut}, closed until {period}-28" in [caption.value for caption in app.caption]
        scheme, page = app.get("iframe")[0].proto.src.split(",", 1)
        assert scheme == "data:text/html;base64" and b64decode(page).decode() == f"<h1>Brands of {period}</h1>"
    assert app.selectbox[1].options == ["2017-02", "2017-01"]


def test_a_home_without_editions_says_how_they_are_made(
    screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence."""
    monkeypatch.setenv("TIFFIN_HOME", str(tmp_path))
    assert "editions.toml" in screen("screens/editions.py").info[0].value
