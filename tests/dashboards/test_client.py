"""A client's page: everything of one client, every change in words, and what is empty says what to do."""

from pathlib import Path

import pytest

from dashboards import access, links
from dashboards.screens import accounts
from reports.formats.change_words import change_words, subject_words
from tests.dashboards.conftest import Open, opened, words
from tests.dashboards.test_desk import Desk, Sheet, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk
from tests.reports.story import Story
from tests.reports.write_lake import write_lake


@pytest.fixture
def story(story: Story) -> Story:
    """Romashka's credit was raised once."""
    story.change(
        "2017-03-06",
        "credit_terms",
        "romashka",
        before={"limit": "1000.00", "period_days": 30},
        after={"limit": "2000.00", "period_days": 30},
        by="o.petrova",
    )
    return story


@pytest.fixture
def published(story: Story, tmp_path: Path) -> Path:
    """Return the lake of that story."""
    return write_lake(story, tmp_path)


def test_a_company_has_everything_on_one_page(screen: Open) -> None:
    """Romashka paid 500 of Anna's 500 a day on 2 March; as of the cut it owes 100, on credit of 1,000."""
    app = screen("screens/client.py", party="romashka")
    shown = words(app)
    assert app.title[0].value == "Romashka"
    assert [tab.label for tab in app.tabs] == [
        "Accounts (1)",
        "Employees and payers (1)",
        "Credit and debts (1)",
        "Orders",
        "Points",
        "Papers",
        "Changes (1)",
        "Notes",
    ]
    accounts_, limits, changes = (
        next(frame.value for frame in app.dataframe if name in frame.value) for name in ("balance", "limit", "after")
    )
    assert [float(each) for each in accounts_["balance"]] == [-100]
    assert (list(limits["client"]), [float(each) for each in limits["limit"]]) == (["Anna"], [500])
    assert (list(changes["after"]), list(changes["by"])) == (["limit 1,000.00 → 2,000.00"], ["o.petrova"])
    for empty in ("No order yet", "No points", "No paper was issued yet"):
        assert empty in shown
    assert "Subaccounts and limits →" in shown


def test_a_client_who_pays_for_nobody_says_what_to_do_in_russian(screen: Open) -> None:
    """Boris: no credit, no link; each leads to the form that makes one."""
    app = screen("screens/client.py", language="ru", party="boris")
    shown = words(app)
    assert "вставьте список сотрудников" in shown
    assert "Кредит ещё не согласован" in shown
    assert {"Сотрудники →", "Кредит →"} <= {part.proto.label for part in app.get("page_link")}
    assert "has no client with the code nobody" in screen("screens/client.py", party="nobody").error[0].value
    row = {"party": "boris", "account": 3, "version": 0}
    assert accounts._account(row, "client") == links.Target("screens/client.py", {"party": "boris"})


@pytest.mark.parametrize(
    ("before", "after", "english", "russian"),
    [
        (
            '{"limit": "20000.00", "valid_until": null}',
            '{"limit": "30000.50", "valid_until": "2026-12-10"}',
            "limit 20,000.00 → 30,000.50; valid until none → 2026-12-10",
            "лимит 20\u00a0000,00 → 30\u00a0000,50; действует по нет → 2026-12-10",
        ),
        (
            None,
            '{"draw": "payer_first", "brands": [2, 9], "priority": 1, "share": "50.00"}',
            "new: drawn payer first; only brands sushi, 9; share of a line 50.00 %",
            "новое: порядок сначала плательщик; только бренды sushi, 9; доля строки 50,00 %",
        ),
        ('{"draw": "payer_first"}', '{"draw": null}', "ended", "закончено"),
        (None, '{"code": "sushi", "status": "open"}', "new", "новое"),
        ('{"stackable": false}', '{"stackable": true}', "with others no → yes", "вместе с другими нет → да"),
        (
            '{"bank_details": {"account": "40702"}}',
            '{"bank_details": {"account": "40703"}}',
            "bank details account 40702 → account 40703",
            "реквизиты банка account 40702 → account 40703",
        ),
    ],
)
def test_a_change_is_told_in_words(before: str | None, after: str, english: str, russian: str) -> None:
    """What was, and what became of it; of what is new only what it has."""
    assert change_words(before, after, "en", {2: "sushi"}) == english
    assert change_words(before, after, "ru", {2: "sushi"}) == russian


def test_the_subject_of_a_change_has_no_codes() -> None:
    """Arrows, and the window of a limit."""
    assert subject_words("write_off_limit", "romashka -> anna day", "ru") == "romashka → anna день"
    assert subject_words("link", "anna <- romashka", "en") == "anna ← romashka"
    assert subject_words("party", "day", "ru") == "day"


def test_notes_on_a_client_say_who_and_when(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest first, letter by letter; who may not post reads them, who sees some brands only does not."""
    app = opened("screens/client.py", party="anna")
    for text in ("Pays on Fridays", "Ask *Vera* <b>"):
        app.text_area(key="new note").set_value(text)
        press(app, "Add the note")
    rows = book.execute("SELECT who, text FROM desk.note ORDER BY id").fetchall()
    assert rows == [("o.petrova", "Pays on Fridays"), ("o.petrova", "Ask *Vera* <b>")]
    shown = words(app)
    assert shown.index("Ask *Vera* &lt;b&gt;") < shown.index("Pays on Fridays")
    assert "Notes (2)" in [tab.label for tab in app.tabs]
    press(app, "Add the note")
    assert [error.value for error in app.error] == ["note: is blank"]
    monkeypatch.setattr(access, "person", lambda: access.Person("v", "viewer"))
    viewer = opened("screens/client.py", party="anna")
    assert "Pays on Fridays" in words(viewer) and not viewer.text_area
    monkeypatch.setattr(access, "person", lambda: access.Person("m", "viewer", ("sushi",)))
    assert "Pays on Fridays" not in words(opened("screens/client.py", party="anna"))
