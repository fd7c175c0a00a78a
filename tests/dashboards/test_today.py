"""Today: what needs a person, the most money first, and the form that does it."""

import pytest

from dashboards import access, links
from dashboards.screens import today
from ledger.postgres import desk_queries
from tests.dashboards.conftest import Open, words
from tests.dashboards.test_desk import Desk, Sheet, fill, press
from tests.dashboards.test_desk import book as book
from tests.dashboards.test_desk import desk as desk
from tests.reports.story import Story


@pytest.fixture
def story(story: Story) -> Story:
    """Vera has owed 70 since 10 February and Gleb 90 since then; both had 20 days; who owes nothing is not there."""
    for name, amount in (("vera", 70), ("gleb", 90)):
        story.account(name, holder="sushi")
        story.terms(name, 100, 20, "2017-01-01")
        story.debit("2017-02-10", name, ("sushi", amount))
    return story


def test_debtors_stand_largest_first(screen: Open, lake: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gleb, then Vera; nobody else is late. Gleb's credit is nearly used, but he is overdue already."""
    monkeypatch.setattr(access, "person", lambda: access.Person("v", "viewer"))
    app = screen("screens/today.py", currency="RUB")
    assert "Overdue" in words(app)
    overdue = app.dataframe[0].value
    assert list(overdue["client"]) == ["Gleb", "Vera"]
    assert [float(amount) for amount in overdue["late"]] == [90, 70]
    assert "do" not in overdue.columns
    assert "160.00" in words(app)


def test_what_was_just_posted_is_found_by_its_number(desk: Desk) -> None:
    """Before any cut has it, from the ledger itself; what nobody posted is one sentence."""
    app = press(fill(desk("payment"), account="anna", amount="120.50", brand="sushi"), "Post")
    [link] = [link.proto for link in app.get("page_link") if link.proto.label.startswith("Transaction ")]
    number = link.query_string.partition("=")[2]
    app = desk("now").switch_page("screens/transaction.py")
    app.query_params["transaction"] = number
    app.run()
    assert app.title[0].value == f"Payment {number}"
    assert "in no cut yet" in words(app)
    assert [float(amount) for amount in app.dataframe[0].value["amount"]] == [120.5]
    app.query_params["transaction"] = "99999"
    assert "has no transaction with the number or key 99999" in app.run().error[0].value


def test_what_waits_in_the_ledger_leads_to_its_form(desk: Desk, book: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 900.00 without an account, which no cut need have."""
    app = desk("now").switch_page("screens/today.py").run()
    assert not app.exception, app.exception
    [waiting] = [frame.value for frame in app.dataframe if "left" in frame.value.columns]
    assert [(row.note, float(row.left), row.do) for row in waiting.itertuples()] == [
        ("from Vasilek", 900, "allocate →")
    ]
    [row] = desk_queries.unallocated(book)
    assert today._allocate(dict(row), "do") == links.Target(
        "screens/desk.py", {"form": "allocate", "payment": row["id"]}
    )
