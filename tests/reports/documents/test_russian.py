"""Russian forms as accountants there know them: every field that a public sample of the form has."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.administration.requisites import requisite
from reports.documents import render
from reports.documents.act_and_invoice import InvoicePage
from reports.documents.design import Design, Kind
from reports.documents.language import language
from reports.documents.page import Page
from reports.documents.russian import short_name
from tests.reports.documents.inspected import read_aloud, scanned
from tests.reports.documents.samples import RUSSIAN, SUSHI, line, sample, with_lines
from tests.reports.documents.test_papers import by_an_agent, drawn, everything

PARTIES = [
    "ООО «Суши Хаус», ИНН 7707083893, КПП 770701001, ОГРН 1027700132195, 115035, Москва",
    "ООО «Ромашка», ИНН 7736050003, КПП 773601001, 117312, Москва",
    "Основание",
    "Договор Д-17/45 от 15.12.2016",
]
SOLD = [
    "Кол-во",
    "Ед.",
    "Цена",
    "Ставка НДС",
    "Сумма",
    "Принципал — ООО «Пицца Рим», ИНН 7728168971; агент — ООО «Суши Хаус»",
    "в том числе НДС 22 % с суммы 60,00: 10,82",
    "в том числе НДС 22/122 с суммы 20,00: 3,06",
    "ООО «Пицца Рим»: в том числе НДС 5 % с суммы 10,00: 0,48",
    "ООО «Пицца Рим»: без НДС: 30,50 (УСН, п. 2 ст. 346.11 НК РФ)",
    "Всего наименований 4, на сумму 120,50 ₽",
]
FORMS: dict[Kind, list[str]] = {
    "invoice": [
        *PARTIES, *SOLD, "Счёт на оплату № I-1000017-2017-03 от 31.03.2017", "Банк получателя", "ПАО «Банк Пример»",
        "БИК", "044525225", "Корр. счёт №", "30101810400000000225", "Расчётный счёт №", "40702810900000012345",
        "7707083893, 770701001", "Всего к оплате", "1 070,50 ₽", "Одна тысяча семьдесят рублей, 50 копеек",
        "Руководитель", "/ Иванов И. И. /", "Главный бухгалтер", "/ Петрова О. Н. /", "М.П.",
    ],
    "services": [
        *PARTIES, *SOLD, "Акт об оказании услуг № D-1000017-2017-03 от 31.03.2017", "Исполнитель", "Заказчик",
        "Сто двадцать рублей, 50 копеек", "должность", "подпись, расшифровка подписи: Иванов И. И., М.П.",
    ],
    "act": [
        *PARTIES, "Акт сверки взаимных расчётов № A-1000017-2017-03 от 31.03.2017",
        "Место составления: Москва", "Дата: 31.03.2017", "Представитель: Иванов И. И.", "По данным: ООО «Суши Хаус»",
        "По данным: ООО «Ромашка»", "Сальдо начальное", "Обороты за период", "Сальдо конечное",
        "Задолженность на 31.03.2017: 1 070,50 ₽", "Должник: ООО «Ромашка». Кредитор: ООО «Суши Хаус».", "М.П.",
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_has_every_field_that_accountants_look_for(kind, tmp_path):
    """Read aloud off the printed paper, wherever its lines break."""
    words = re.sub(r"\s+", " ", " ".join(read_aloud(drawn(by_an_agent(), kind, "ru", tmp_path))))
    for field in FORMS[kind]:
        assert field in words.replace(" ,", ","), field


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ("22", "22 %"),
        ("20", "20 %"),
        ("10", "10 %"),
        ("7", "7 %"),
        ("5", "5 %"),
        ("0", "0 %"),
        ("18.03", "22/122"),
        ("16.67", "20/120"),
        ("9.09", "10/110"),
        ("6.54", "7/107"),
        ("4.76", "5/105"),
        (None, "без НДС"),
    ],
)
def test_every_rate_of_vat_is_written_as_the_law_does(rate, shown):
    """НК РФ ст. 164: rates in percent, the calculated ones of advances as fractions, and no VAT in words."""
    page = Page(sample(), "invoice", language("ru"))
    assert page.vat_rate(None if rate is None else Decimal(rate)).replace("\u00a0", " ") == shown


def test_an_advance_by_a_calculated_rate_has_its_vat():
    """122 roubles with 22/122 carry 22.00; the rate of the line is that fraction in percent."""
    paper = with_lines(sample([("debit", "-122")]), [replace(line("122", vat_rate="18.03"), vat=Decimal("22.00"))])
    words = render.html(paper, Design("invoice", "ru"))
    assert "22/122" in words
    assert "22,00" in words


def test_price_times_quantity_is_the_amount():
    """Three lunches of 250 are 3 × 250; of two prices they are one row of the whole; a refund takes one away."""
    same, mixed = [line("250", service="lunch")] * 3, [line("250", service="lunch"), line("300", service="lunch")]
    for lines, wanted in ((same, (3, 250)), (mixed, (1, 550))):
        amount = sum(one.amount for one in lines)
        (item,) = InvoicePage(with_lines(sample([("debit", str(-amount))]), lines), "invoice", language("ru")).items
        assert (item.quantity, item.price) == wanted
        assert item.quantity * item.price == item.amount
    back = replace(line("250", service="lunch"), amount=Decimal(-250), gross=Decimal(-250))
    paper = with_lines(sample([("debit", "-500")]), [*same, back])
    (item,) = InvoicePage(paper, "invoice", language("ru")).items
    assert (item.quantity, item.price, item.amount) == (2, 250, 500)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Общество с ограниченной ответственностью «Ромашка»", "ООО «Ромашка»"),
        ("ООО «Ромашка»", "ООО «Ромашка»"),
        ("Публичное акционерное общество «Банк»", "ПАО «Банк»"),
        ("Индивидуальный предприниматель Иванов Иван", "ИП Иванов Иван"),
        ("Sushi House LLC", "Sushi House LLC"),
    ],
)
def test_a_legal_name_is_shortened_so_that_no_case_is_needed(name, short):
    """No form declines a name: it stands after a colon or a dash."""
    assert short_name(name) == short
    act = render.html(sample([("debit", "-5")], issuer=replace(SUSHI, legal_name=name)), Design("act", "ru"))
    assert f"По данным: {short}" in act
    assert f"Кредитор: {short}." in act


def test_a_sole_trader_signs_alone_and_has_an_ogrnip():
    """Twelve digits of ИНН and fifteen of ОГРНИП: no director, no chief accountant."""
    trader = replace(
        SUSHI,
        legal_name="ИП Иванов И. И.",
        tax_id="500100732259",
        bank_details=(*RUSSIAN[:4], ("ОГРНИП", "304500116000157")),
    )
    words = render.html(sample([("debit", "-5")], issuer=trader), Design("invoice", "ru"))
    assert "Предприниматель" in words
    assert "ОГРНИП 304500116000157" in words
    assert "Главный бухгалтер" not in words


def test_bank_details_under_russian_names_make_the_code_to_pay(tmp_path):
    """The same requisites, found by whichever of their usual names."""
    paper = replace(everything(), issuer=replace(SUSHI, bank_details=RUSSIAN))
    (code,) = scanned(drawn(paper, "invoice", "ru", tmp_path))
    for field in (
        "PersonalAcc=40702810900000012345",
        "BIC=044525225",
        "CorrespAcc=30101810400000000225",
        "KPP=770701001",
    ):
        assert f"|{field}" in code


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Р/с", "account"),
        ("расчетный счет", "account"),
        ("Корр. счёт", "correspondent_account"),
        ("бик", "bic"),
        ("corr_account", "correspondent_account"),
        ("К/С", "correspondent_account"),
        ("ОГРНИП", "ogrn"),
    ],
)
def test_a_requisite_is_found_by_its_usual_spellings(name, key):
    """Dots, case, ё and underscores do not matter."""
    assert requisite({name: "1"}, key) == "1"


def test_a_seller_of_another_country_keeps_the_general_form_in_russian():
    """A bank's box with БИК says nothing in Ohio."""
    words = render.html(sample([("debit", "-5")], issuer=replace(SUSHI, country="US")), Design("invoice", "ru"))
    assert "Банк получателя" not in words
    assert "Счёт на оплату" in words


def test_a_paper_of_a_bill_has_a_date_of_issue_that_stays(tmp_path):
    """The last day of the period, whenever it is printed."""
    for kind in ("invoice", "services"):
        assert "Date of issue 31 Mar 2017" in render.html(everything(), Design(kind))
