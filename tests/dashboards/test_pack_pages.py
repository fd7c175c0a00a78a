"""Pages of a company's own pack: in the menu under its name, behind the same roles; a broken one stops only itself."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboards import access
from reports.pack.check import begin
from tests.dashboards.conftest import APP, words
from tests.reports.story import Story


@pytest.fixture
def pages(lake: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the pages of a new pack, over the small book's lake."""
    monkeypatch.setenv("TIFFIN_PACK", str(tmp_path / "pack"))
    begin(tmp_path / "pack")
    return tmp_path / "pack" / "pages"


def opened(name: str, *, language: str = "en") -> AppTest:
    """Open a page of the pack by its address."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["language"] = language
    app._page_hash = calc_hash(f"own-{name}")
    app.run()
    assert not app.exception, app.exception
    return app


def test_a_page_of_the_pack_is_in_the_menu_under_the_companys_name(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both languages, with what it draws; the page is run as it stands in the file now."""
    menus: list[dict[str, list[str]]] = []
    navigation = st.navigation

    def noted(sections: dict[str, list[Any]], **options: Any) -> Any:
        menus.append({title: [page.title for page in found] for title, found in sections.items()})
        return navigation(sections, **options)

    monkeypatch.setattr(st, "navigation", noted)
    app = opened("large-debits")
    assert app.title[0].value == "Large debits" and list(app.dataframe[0].value["amount"]) == [700]
    assert opened("large-debits", language="ru").title[0].value == "Крупные списания"
    assert menus[0]["Our company"] == ["Large debits"] and menus[-1]["Наша компания"] == ["Крупные списания"]
    (pages / "large_debits.py").write_text("import streamlit as st\n\nst.title('Changed')\n")
    assert opened("large-debits").title[0].value == "Changed"
    (pages.parent / "services.toml").unlink()
    opened("large-debits")
    assert menus[-1]["Company"] == ["Large debits"]


def test_a_page_is_for_those_who_may_what_it_needs(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address, too."""
    page = pages / "large_debits.py"
    page.write_text(page.read_text().replace('NEEDS = "figures"', 'NEEDS = "questions"'))
    for role, title in (("viewer", "Overview"), ("analyst", "Large debits")):
        monkeypatch.setattr(access, "person", lambda role=role: access.Person("somebody", role))
        assert opened("large-debits").title[0].value == title


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nimport streamlit as st\n\nst.title(nothing)\n", ", line 4: NameError: name 'nothing' is not defined"),
        ("\ndef (:\n", ", line 2: SyntaxError: invalid syntax"),
        (
            '\nNEEDS = "admin"\n',
            ": ValueError: line 2: NEEDS must be one of figures, questions, post, approve, not adm",
        ),
        ('TITLE = {"en": "Debits"}\n', ': ValueError: line 1: TITLE must be {"en": "…", "ru": "…"}'),
    ],
    ids=["name", "syntax", "needs", "title"],
)
def test_a_broken_page_is_one_sentence_with_its_line(pages: Path, text: str, sentence: str) -> None:
    """The menu and every other page go on."""
    page = pages / "large_debits.py"
    page.write_text(text)
    app = opened("large-debits")
    assert len(app.error) == 1 and f"large\\_debits.py{sentence}".replace("\\", "") in words(app).replace("\\", "")
