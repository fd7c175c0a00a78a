"""What papers say, in each language."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from ledger.errors import Failure
from reports.documents import render
from reports.documents.design import Design
from reports.documents.language import CATALOGUES, LANGUAGES, language
from tests.reports.documents.samples import sample

KEYWORDS = {"_": None, "text": None, "N_": None}
METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2.ext:babel_extract"),
    ("templates/**.txt", "jinja2.ext:babel_extract"),
]


def messages() -> set[str]:
    """Return every message of the code and the templates."""
    found = extract_from_dir(CATALOGUES.parent, method_map=METHODS, options_map={}, keywords=KEYWORDS)
    return {str(message) for _, _, message, _, _ in found}


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_message_is_translated_and_none_is_left_over(code):
    """A new sentence needs its translation, a dropped one loses it; places for figures stay."""
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        catalogue = {message.id: message for message in read_po(file, locale=code) if message.id}
    assert set(catalogue) == messages()
    for message in catalogue.values():
        assert message.string, message.id
        assert not message.fuzzy
        assert not list(message.check()), message.id


@pytest.mark.parametrize(
    ("code", "amount", "currency", "figures", "words"),
    [
        ("en", "-1234.50", "USD", "−$1,234.50", "One thousand, two hundred and thirty-four dollars, 50 cents"),
        ("en", "0.00", "RUB", "0.00 RUB", "Zero roubles, 00 kopeks"),
        ("ru", "21.01", "RUB", "21,01 ₽", "Двадцать один рубль, 01 копейка"),
        ("ru", "1000000.00", "EUR", "1 000 000,00 €", "Один миллион евро, 00 центов"),
        ("en", "5.07", "GEL", "5.07 GEL", "Five GEL 07/100"),
    ],
)
def test_amounts_in_figures_and_words(code, amount, currency, figures, words):
    """Grouped and signed as the language does; kopecks in figures, as accountants write them."""
    lang = language(code)
    assert lang.priced(Decimal(amount), currency).replace("\u00a0", " ").replace("\u202f", " ") == figures
    assert lang.words(abs(Decimal(amount)), currency) == words


def test_dates_are_the_books_own():
    """Ten in the evening in Greenwich on the last of March is April in Moscow."""
    at = datetime(2017, 3, 31, 22, 0, tzinfo=UTC)
    assert language("ru").instant(at, "Europe/Moscow") == "01.04.2017 01:00"
    assert language("en").instant(at, "America/New_York") == "31 Mar 2017, 18:00"
    assert language("ru").period(date(2017, 3, 1), date(2017, 3, 31), month=True) == "март 2017"


def test_a_company_replaces_one_template_and_keeps_the_rest(tmp_path):
    """A file of the same name in TIFFIN_TEMPLATES is taken, the others are the built-in ones."""

    (tmp_path / "statement.html").write_text("{% extends 'base.html' %}{% block paper %}<h1>Ours</h1>{% endblock %}")
    own = render.html(sample(), Design(templates=tmp_path))
    assert "<h1>Ours</h1>" in own
    assert "Reconciliation act" in render.html(sample(), Design("act", templates=tmp_path))
    assert render.look(Design(templates=tmp_path)) != render.look(Design())


def test_a_broken_template_is_named(tmp_path):
    """The sentence names the file and what is wrong in it."""

    (tmp_path / "statement.html").write_text("{{ page.nothing }}")
    with pytest.raises(Failure, match=r"the template statement\.html cannot be drawn: .*nothing"):
        render.html(sample(), Design(templates=tmp_path))
