"""About: which cut is shown, what the words mean, and what of the demo is derived."""

import streamlit as st

from dashboards import cached_book, display
from dashboards.translations import language, sentence
from reports.core.report import REPORTS

_WORDS = {
    "en": """
Every figure on these pages comes from a *cut*: a point up to which the export of the ledger is complete.
All tables are read as they stood at that cut, so they agree with each other and with the files, papers and
notebooks made from it. Closed days never change; figures that touch an open day are marked *provisional*.
Each report states its control totals, found a second way; one that differs is shown in red.

*Gross* − *discount* = *net*: all lines sold, before refunds. *Kept* = net − refunds − paid by points.
In entries, plus raises what the client has.
""",
    "ru": """
Каждый показатель на этих страницах взят из *среза*: точки, до которой выгрузка книги полна. Все таблицы читаются
такими, какими были на срез, поэтому согласуются друг с другом и с файлами, документами и тетрадями, сделанными из
него. Закрытые дни не меняются никогда; показатели, в которые входит открытый день, помечены *предварительными*.
Каждый отчёт называет контрольные суммы, найденные вторым путём; несошедшаяся показана красным.

*Без скидок* − *скидки* = *со скидками*: все проданные строки до возвратов. *Осталось деньгами* = со скидками −
возвраты − оплачено баллами. В проводках плюс увеличивает остаток клиента.
""",
}
_DERIVED: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("what", "by which rule"),
        ("---", "---"),
        (
            "payments",
            "when the balance would not cover a basket, the shortfall is paid in at that moment, "
            "rounded up to the next 50.00",
        ),
        ("holder of an account", "the brand that had the most of the household's first paid basket"),
        ("requisites of brands", "made up, and named so on every paper"),
        ("the zone of times", "New York; the hour that summer time skips counts as the one after it"),
        (
            "company lunches",
            "all of it: brand `LUNCH`, companies with their employees, 8 January to 28 February 2018, "
            "after the year and outside its totals; orders of food with promotions, bonuses and pre-orders",
        ),
    ),
    "ru": (
        ("что", "по какому правилу"),
        ("---", "---"),
        (
            "платежи",
            "когда остатка не хватает на корзину, в этот момент вносится недостающее, с округлением вверх до 50,00",
        ),
        ("владелец договора", "бренд, у которого больше всего в первой оплаченной корзине домохозяйства"),
        ("реквизиты брендов", "придуманы, и на каждом документе это сказано"),
        ("часовой пояс", "Нью-Йорк; час, который пропускает летнее время, считается следующим"),
        (
            "обеды компаний",
            "всё: бренд `LUNCH`, компании и их сотрудники, с 8 января по 28 февраля 2018, после года и вне его итогов; "
            "это заказы еды с акциями, бонусами и предзаказами",
        ),
    ),
}
_REAL = {
    "en": "Real: the baskets of 2,469 households in 2017, from *The Complete Journey* by dunnhumby: "
    "what was bought, when, gross, discounts, net.",
    "ru": "Настоящее: корзины 2 469 домохозяйств за 2017 год из набора *The Complete Journey* (dunnhumby): "
    "что и когда куплено, без скидок, скидки, со скидками.",
}


def about() -> None:
    """Draw the page."""
    st.title(sentence("About"))
    cut = cached_book.book().cut
    display.freshness(cut)
    st.subheader(sentence("What is shown"))
    st.markdown(_WORDS[language()])
    if cached_book.of_demo():
        st.subheader(sentence("What is derived"))
        st.markdown("\n".join(f"| {what} | {rule} |" for what, rule in _DERIVED[language()]))
        st.markdown(_REAL[language()])
    st.subheader(sentence("Reports"))
    for report in REPORTS.values():
        question = f" – {report.question}" if language() == "en" else ""
        st.markdown(f"**{report.title(language())}** `{report.name}`{question}")


if __name__ == "__main__":
    about()
