"""`tiffin desk`: who may use the dashboard; nonsense is a sentence, and nothing is kept of it."""

import pytest
from typer.testing import CliRunner

from ledger.errors import Failure
from ledger.postgres import four_eyes, members
from ledger.postgres.database import connect
from reports.cli.desk import desk


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a book, which the settings name."""
    monkeypatch.setenv("TIFFIN_DATABASE_URL", database_url)
    return database_url


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["grant", " ", "viewer"], "a login is the name that the provider returns"),
        (["grant", "vera", "viewer", "--brand", "nope"], "there is no brand nope"),
        (["revoke", "vera"], "vera has no role here"),
        (["four-eyes", "payout", "nan"], "nan is not an amount in plain notation"),
        (["four-eyes", "payout", "1.005"], "1.005 has more than two decimals"),
        (["four-eyes", "payout", "--", "-5"], "-5 is negative"),
        (["four-eyes", "payout", "5", "XYZ"], "currency 'XYZ' is not an ISO 4217 currency"),
        (["four-eyes", "payout", "never", "rub"], "currency 'rub' is not an ISO 4217 currency"),
    ],
)
def test_nonsense_is_a_sentence_and_nothing_is_kept(url: str, arguments: list[str], sentence: str) -> None:
    """No traceback, and no refusal in PostgreSQL's words."""
    done = CliRunner().invoke(desk, arguments)
    assert isinstance(done.exception, Failure)
    assert sentence in str(done.exception)
    with connect(url) as connection:
        assert members.everybody(connection) == []
        assert four_eyes.rules(connection) == {}


def test_a_login_is_the_same_in_any_letters(url: str) -> None:
    """What is granted with a blank is revoked without."""
    assert CliRunner().invoke(desk, ["grant", " Vera@Example.com", "viewer"]).exit_code == 0
    assert "vera@example.com" in CliRunner().invoke(desk, ["list"]).output
    assert CliRunner().invoke(desk, ["revoke", "vera@example.COM "]).exit_code == 0
    with connect(url) as connection:
        assert members.everybody(connection) == []
