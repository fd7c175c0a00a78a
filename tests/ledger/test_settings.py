"""Settings: what the environment says, and one sentence for a value that is not allowed."""

from pathlib import Path

import pytest

from ledger.errors import Failure
from ledger.settings import Settings


def test_settings_are_what_the_environment_says_when_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given to the settings themselves goes first, and no password shows in a log."""
    monkeypatch.setenv("TIFFIN_HOME", "/var/tiffin")
    monkeypatch.setenv("TIFFIN_LANGUAGE", "ru")
    monkeypatch.setenv("TIFFIN_CERTIFICATE_PASSWORD", "secret")
    settings = Settings(lake="s3://lake")
    assert (settings.home, settings.language, settings.lake_url) == (Path("/var/tiffin"), "ru", "s3://lake")
    assert "secret" not in repr(settings)


def test_a_value_that_is_not_allowed_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, the value and the values there are; before, a traceback."""
    monkeypatch.setenv("TIFFIN_LANGUAGE", "fr")
    with pytest.raises(Failure, match=r"^TIFFIN_LANGUAGE: fr is not one of en, ru$"):
        Settings()


def test_a_variable_that_was_renamed_is_read_for_a_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its old name, with a sentence; the new name goes first and says nothing."""
    monkeypatch.setenv("TIFFIN_SEAL", "old.p12")
    assert Settings().certificate == Path("old.p12")
    assert "TIFFIN_SEAL is called TIFFIN_CERTIFICATE now" in capsys.readouterr().err
    monkeypatch.setenv("TIFFIN_CERTIFICATE", "new.p12")
    assert Settings().certificate == Path("new.p12")
    assert capsys.readouterr().err == ""
