"""A dunning round: who is overdue, the letters as they will be, each written once a day into the outbox."""

import email
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import policy
from pathlib import Path

import pytest

from ledger.errors import Failure
from reports.documents.reminders import Debtor, OverdueItem, reminded, reminder, write_reminder
from tests.dashboards.conftest import Open, words
from tests.dashboards.test_desk import press
from tests.reports.story import Story
from tests.reports.write_lake import write_lake

DAY = date(2017, 3, 31)
GLEB = Debtor(
    1000041,
    "Gleb",
    "gleb@example.com",
    "Sushi House LLC",
    "RUB",
    Decimal("90.00"),
    29,
    [OverdueItem(date(2017, 3, 2), Decimal("90.00"), "d7")],
)


@pytest.fixture
def story(story: Story) -> Story:
    """Vera has owed 70 since 10 February and Gleb 90 since then; both had 20 days; Vera has no address."""
    for name, amount in (("vera", 70), ("gleb", 90)):
        story.account(name, holder="sushi")
        story.terms(name, 100, 20, "2017-01-01")
        story.debit("2017-02-10", name, ("sushi", amount))
    for party in story.rows["parties"]:
        party["email"] = "gleb@example.com" if party["reference"] == "gleb" else None
    return story


@pytest.fixture
def published(story: Story, tmp_path: Path) -> Path:
    """Return the lake of that story."""
    return write_lake(story, tmp_path)


def test_debtors_are_chosen_seen_and_written_to_once(
    screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gleb, who has an address; Vera is counted as one without. Pressed again, nothing is written twice."""
    monkeypatch.setenv("TIFFIN_SENDER", "bills@example.org")
    app = screen("screens/reminders.py", currency="RUB")
    assert list(app.dataframe[0].value["client"]) == ["Gleb", "Vera"]
    assert "without a letter: 1" in words(app)
    subject = "Payment reminder: 90.00 RUB overdue"  # blanks of others are plain ones on screen
    assert subject in app.expander[0].label.replace("\u2060", "").replace("\\", "")
    press(app, "Write 1 letters")
    outbox = tmp_path / "outbox" / "reminders"
    [file] = outbox.glob("*.eml")
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (message["To"], message["From"]) == ("gleb@example.com", "bills@example.org")
    assert "etters written: 1" in app.success[0].value
    assert app.multiselect[0].value == [], "who was reminded is not chosen again"
    written = file.rename(
        file.with_stem(f"{file.stem.partition('-')[0]}-{datetime.now(UTC).date() - timedelta(days=7)}")
    )
    assert len(screen("screens/reminders.py", currency="RUB").multiselect[0].value) == 1, "after a week he is"
    written.rename(file)
    app.multiselect[0].set_value([app.dataframe[0].value["account"].iloc[0]]).run()
    press(app, "Write 1 letters")
    assert "etters written: 0" in app.success[0].value
    assert len([*outbox.glob("*.eml")]) == 1


def test_a_letter_is_in_the_clients_words_and_a_bad_address_is_one_sentence(tmp_path: Path) -> None:
    """Amounts and dates as papers have them; what was sent is in the outbox."""
    subject, body = reminder(GLEB, DAY, code="ru")
    assert subject == "Напоминание об оплате: просрочено 90,00\u00a0₽"
    assert "02.03.2017   90,00\u00a0₽   d7" in body and "по счёту 1000041 на 31.03.2017" in body
    given = {"sender": "bills@example.org", "by": "o.petrova", "code": "en"}
    assert write_reminder(tmp_path / "out", GLEB, DAY, **given)  # type: ignore[arg-type]
    assert not write_reminder(tmp_path / "out", GLEB, DAY, **given)  # type: ignore[arg-type]
    assert reminded(tmp_path / "out") == {1000041: datetime.now(UTC).date()}
    nobody = Debtor(1, "X", "x y", "", "RUB", Decimal(1), 1, [])
    with pytest.raises(Failure, match="x y is not an address"):
        write_reminder(tmp_path / "out", nobody, DAY, **given)  # type: ignore[arg-type]
    assert reminded(tmp_path / "none") == {}
