"""What a client reads: names instead of codes, the brand's own logo, and no box in place of a letter."""

import base64
from dataclasses import replace

import pytest

from ledger.errors import Failure
from reports.documents import render
from reports.documents.design import Design
from reports.documents.language import language
from reports.documents.letters import is_address, letter
from reports.documents.names import names
from reports.documents.page import Page
from reports.documents.statement import Client, Statement
from tests.reports.documents.inspected import complaints, text
from tests.reports.documents.samples import ROMASHKA, SUSHI, line, sample, with_lines

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def coded() -> Statement:
    """Return a statement whose operations carry codes of the ledger and of level two."""
    paper = with_lines(sample(), [line("60.50", service="dish"), line("60", service="cancel_fee")])
    first, second, *rest = paper.operations
    mark = replace(first, version=9, kind="mark", amount=first.amount * 0, reason="deliver ord0", transaction=9)
    refund = replace(rest[-1], reason="cancel ord0")
    return replace(paper, operations=(replace(first, channel="card"), mark, second, *rest[:-1], refund))


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("en", ["bank card", "cancellation of order ord0", "Cancellation fee", "Dishes"]),
        ("ru", ["банковская карта", "отмена заказа ord0", "Плата за отмену заказа", "Блюда"]),
    ],
)
def test_services_channels_and_reasons_have_names_in_both_languages(code, shown):
    """No code of the program is on a paper; what moved no money is not either."""
    words = "".join(render.html(coded(), Design(kind, code)) for kind in ("statement", "act", "invoice"))
    for one in shown:
        assert one in words
    for internal in ("deliver ord0", "cancel_fee", "· card", ">dish", "dish ", "cancel ord0"):
        assert internal not in words


@pytest.mark.parametrize(
    ("code", "service", "name"),
    [
        ("en", "corporate_catering", "Corporate catering"),
        ("ru", "corporate_catering", ""),
        ("ru", "Банкет на 20 человек", "Банкет на 20 человек"),
        ("ru", "", ""),
        ("en", "Set 4", "Set 4"),
    ],
)
def test_a_service_without_a_name_is_words_or_nothing(code, service, name):
    """A code that nobody named is a word in English and nothing internal in Russian; text is shown as written."""
    assert names(code).service(service) == name


def test_a_company_names_its_own_services(tmp_path):
    """Its file in TIFFIN_TEMPLATES comes before ours, and changes what a paper was made of."""
    (tmp_path / "names.toml").write_text('[services]\ndish = { en = "Bento", ru = "Бенто" }\n')
    assert names("ru", tmp_path).service("dish") == "Бенто"
    assert names("ru", tmp_path).service("delivery") == "Доставка"
    assert "Bento" in render.html(coded(), Design("invoice", templates=tmp_path))
    assert render.look(Design(templates=tmp_path)) != render.look(Design())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[services", "cannot read .*names.toml"),
        ('[dishes]\na = { en = "b" }', "there is no section dishes"),
        ('[services]\na = "b"', "services.a must be names by language"),
        ('[services]\na = { de = "b" }', "services.a must be names by language"),
        ("services = 1", "services"),
    ],
)
def test_a_file_of_names_that_is_broken_is_named(content, sentence, tmp_path):
    """One sentence says which file and which name."""
    (tmp_path / "names.toml").write_text(content)
    with pytest.raises(Failure, match=sentence):
        names("en", tmp_path)


@pytest.mark.parametrize("code", ["en", "ru"])
def test_a_paper_writes_all_its_dates_in_one_form(code, tmp_path):
    """No date in words beside dates in figures."""
    owing = sample([("debit", "-12.50")])
    words = "".join(render.html(owing, Design(kind, code)) for kind in ("statement", "act", "invoice"))
    assert {"en": "14 Apr 2017", "ru": "14.04.2017"}[code] in words
    for other in ("апреля", "марта", "March 31", "April 14"):
        assert other not in words


def test_what_is_set_aside_is_not_a_part_of_nothing():
    """Held 777 and nothing left: two sums of their own, not 777 out of 0."""
    paper = sample([("debit", "-12.50")])
    paper = replace(paper, summary=replace(paper.summary, held=paper.summary.closing * 0 + 777))
    words = render.html(paper)
    assert "Set aside for pre-orders 777.00" in words
    assert "Of it" not in words


@pytest.mark.parametrize("name", ["寿司 株式会社", "Суши 🍣", "Café — ﬁn"])
def test_letters_that_a_font_has_are_printed(name, tmp_path):
    """Chinese, emoji and the rest: the validators and a reader of the text find them."""
    file = tmp_path / "paper.pdf"
    file.write_bytes(render.pdf(sample(client=Client(name=name))))
    assert complaints(file) == []
    assert name.split()[0] in text(file)


def test_a_letter_that_no_font_has_is_refused_never_a_box():
    """The sentence names the client and the character."""
    paper = sample(client=Client(name="Logo \ue123 Ltd"))
    with pytest.raises(Failure, match=r"account 1000017: the paper of Logo . Ltd has . \(U\+E123\), which no .* font"):
        render.pdf(paper)
    assert render.pdf(sample()).startswith(b"%PDF")


def test_a_logo_with_the_name_does_not_print_the_name_again():
    """The picture says it, and a screen reader hears its text alternative."""
    data = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    page = render.html(sample(issuer=replace(SUSHI, logo=data)))
    assert f'src="{data}" alt="Sushi House"' in page
    assert 'class="brand"' not in page
    assert 'class="brand">Sushi House<' in render.html(sample())


def test_a_picture_passes_both_validators(tmp_path):
    """PDF/A allows no smoothing of pictures, which WeasyPrint asks for."""
    data = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    file = tmp_path / "paper.pdf"
    file.write_bytes(render.pdf(sample(issuer=replace(SUSHI, logo=data))))
    assert complaints(file) == []


def test_a_logo_is_a_file_of_the_brands_own_folder(tmp_path):
    """It goes into the page as data; no other file of the machine does, and a link out of the folder is none."""
    folder = tmp_path / "brands" / "sushi"
    folder.mkdir(parents=True)
    (folder / "logo.png").write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    design = Design(templates=tmp_path)
    assert "data:image/png;base64," in render.html(sample(issuer=replace(SUSHI, logo="logo.png")), design)
    for wrong in ("../../secret.png", str(tmp_path / "secret.png"), "link.png"):
        with pytest.raises(Failure, match=r"the logo of sushi is .* not in brands/sushi"):
            render.html(sample(issuer=replace(SUSHI, logo=wrong)), design)
    with pytest.raises(Failure, match=r"cannot read the logo of sushi, .*gone\.png: no such file"):
        render.html(sample(issuer=replace(SUSHI, logo="gone.png")), design)
    with pytest.raises(Failure, match="must be a data URL, or a file of brands/sushi"):
        render.html(sample(issuer=replace(SUSHI, logo="logo.png")))
    with pytest.raises(Failure, match="is a data URL that is not a picture"):
        render.html(sample(issuer=replace(SUSHI, logo="data:text/html,<b>")))


def test_a_picture_that_a_logo_names_is_not_loaded(tmp_path):
    """An SVG with a picture of another file draws itself and reads nothing."""
    (tmp_path / "secret.png").write_bytes(PIXEL)
    inner = f'<image href="file://{tmp_path}/secret.png" width="9" height="9"/>'
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">%s<path d="M0 0h9v9z"/></svg>'
    papers = []
    for content in (svg % inner, svg % ""):
        data = f"data:image/svg+xml;base64,{base64.b64encode(content.encode()).decode()}"
        paper = tmp_path / "paper.pdf"
        paper.write_bytes(render.pdf(sample(issuer=replace(SUSHI, logo=data))))
        papers.append(b"/Subtype /Image" in paper.read_bytes() or b"/Image" in paper.read_bytes())
    assert papers == [False, False]


@pytest.mark.parametrize("address", ["a@example.org\nBcc: b@example.org", "a@example.org\r\n", "a\tb@example.org"])
def test_an_address_with_a_line_break_is_none(address):
    """Neither a client's nor a sender's: no letter gets another header."""
    assert not is_address(address)
    paper = sample(client=replace(ROMASHKA, email=address))
    with pytest.raises(Failure, match="is not an address"):
        letter(paper, b"", Design(), sender="bills@example.org")


def test_an_unknown_kind_of_operation_is_just_an_operation():
    """A kind of a later version never shows its code."""
    assert language("en").kind("novation") == "Operation"
    assert Page(sample(), "statement", language("ru")).lang.kind("novation") == "Операция"
