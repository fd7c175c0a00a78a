"""Refusals in the reader's language: every code has its sentence, with the same facts; names are left alone."""

import string
import subprocess
import sys
from typing import Any

import pytest

from dashboards import refusals
from ledger.administration import administration_lines as administration
from ledger.core import commands
from ledger.food.core.outcomes import REFUSALS
from ledger.values.money import amount_of


@pytest.fixture(autouse=True)
def _reader_of_russian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "language", lambda: "ru")


def _places(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_the_dashboard_knows_foods_refusals_by_itself() -> None:
    """In a process where nothing of food was imported but by the dashboard: the sentence, not the bare code."""
    script = (
        "from dashboards import refusals; refusals.language = lambda: {language!r}; "
        "print(refusals.refusal('promo_unknown', {{'promo': 'X'}}))"
    )
    for language, sentence in (("en", "no promotion has the code X"), ("ru", russian_of("promo_unknown"))):
        run = [sys.executable, "-c", script.format(language=language)]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == sentence


def russian_of(code: str) -> str:
    return refusals.russian()["refused"][code].format(promo="X")


def test_every_code_has_its_sentence_with_the_same_facts() -> None:
    """Of both levels; nothing is left over."""
    russian = refusals.russian()["refused"]
    assert set(russian) == set(REFUSALS)
    for code, sentence in russian.items():
        assert _places(sentence) == _places(REFUSALS[code]), code
    for english, sentence in refusals.russian()["sentences"].items():
        assert _places(sentence) <= _places(english), english


FACTS = {
    "account": 1000017,
    "subject": "account 1000017 (payment)",
    "currency": "RUB",
    "what": "debit",
    "balance": "-950.00",
    "held": "0.00",
    "drawn": "1200.00",
    "credit_limit": "1000.00",
    "short_by": "1150.00",
}


def test_figures_and_words_of_the_facts_are_told_but_names_are_not() -> None:
    """A client may be called payment."""
    assert refusals.refusal("credit_limit_exceeded", FACTS) == (
        "превышен лимит кредита, счёт 1000017 (payment): остаток −950,00, в резерве 0,00, списание 1\u00a0200,00, "
        "лимит кредита 1\u00a0000,00 RUB; не хватает 1\u00a0150,00"
    )


@pytest.mark.parametrize(
    ("facts", "russian"),
    [
        (
            {"limit": "500.00 RUB a day", "towards": " for account 1000025 (Anna)", "used": "400.00"},
            "превышен лимит списаний, счёт 1000017 (payment) за счёт 1000025 (Anna): 500.00 RUB в день, "
            "использовано 400,00, списание 1\u00a0200,00; не хватает 1\u00a0150,00",
        ),
        (
            {"limit": "3 orders a week", "towards": "", "used": "3 orders"},
            "превышен лимит списаний, счёт 1000017 (payment): 3 зак. в неделю, использовано 3 зак., "
            "списание 1\u00a0200,00; не хватает 1\u00a0150,00",
        ),
    ],
)
def test_limits_are_told(facts: dict[str, Any], russian: str) -> None:
    """By amount and by number of orders."""
    assert refusals.refusal("write_off_limit_exceeded", FACTS | facts) == russian


@pytest.mark.parametrize(
    ("given", "russian"),
    [
        ({"amount": "10.005"}, "сумма: в 10.005 больше двух знаков после запятой"),
        ({"amount": "-1"}, "сумма: −1,00 меньше нуля"),
        ({"amount": "0"}, "сумма: ноль"),
        ({"amount": "ten"}, "сумма: ten – не сумма (пишите, например, 1250,50)"),
        ({"amount": "99999999999999"}, "сумма: 99999999999999 больше, чем 9\u00a0999\u00a0999\u00a0999\u00a0999,99"),
        ({"brand": None}, "бренд: не указано"),
        ({"account": 1000018}, "1000018 – не номер счёта: последняя цифра не контрольная"),
    ],
)
def test_what_cannot_be_asked_is_told(given: dict[str, Any], russian: str) -> None:
    """As the ledger says it, field by field."""
    line = {"type": "payment", "key": "k", "account": 1000017, "amount": "1", "brand": "sushi", **given}
    with pytest.raises(ValueError, match=r".") as error:
        commands.parse({name: value for name, value in line.items() if value is not None})
    assert refusals.translated(error.value) == russian


def test_what_cannot_be_agreed_is_told() -> None:
    """A limit of so many times."""
    with pytest.raises(ValueError, match="whole number") as error:
        administration.parse({"type": "write_off_limit", "payer": 1000017, "period": "day", "count": "two"})
    assert refusals.translated(error.value) == "раз: two – не целое число"


def test_without_a_translation_the_ledgers_own_words_stand() -> None:
    """And so do those of an older release, whose facts were others."""
    with pytest.raises(ValueError, match="is not an amount") as error:
        amount_of(None)
    assert refusals.translated(error.value) == "null – не сумма"
    assert refusals.translated("something new") == "something new"
    assert refusals.refusal("insufficient_funds", {"gap": "1.00"}).startswith("insufficient_funds: ")
