"""The names of a company's requisites, whichever of their usual spellings a caller's system has.

A brand's `bank_details` are free names with values; those that checks and papers know are found by one key.
"""

from collections.abc import Mapping

KEYS = {
    "bank": ("bank", "bank name", "банк", "банк получателя", "наименование банка"),
    "account": (
        "account",
        "bank account",
        "account number",
        "расчетный счет",
        "р/с",
        "р/счет",
        "рс",
        "счет",
        "номер счета",
    ),
    "bic": ("bic", "bik", "бик"),
    "correspondent_account": (
        "correspondent account",
        "corr account",
        "корреспондентский счет",
        "корр счет",
        "корсчет",
        "кор счет",
        "к/с",
    ),
    "inn": ("inn", "инн"),
    "kpp": ("kpp", "кпп"),
    "ogrn": ("ogrn", "ogrnip", "огрн", "огрнип"),
    "iban": ("iban",),
    "swift": ("swift", "свифт"),
    "routing": ("routing", "routing number"),
    "director": ("director", "руководитель", "директор", "генеральный директор"),
    "accountant": ("accountant", "chief accountant", "главный бухгалтер", "бухгалтер"),
    "city": ("city", "город", "место составления"),
    "without_vat": ("without vat", "vat ground", "основание без ндс", "без ндс"),
}
"""Each known requisite: its spellings in lower case, with е for ё, and spaces for dots, underscores and the like."""

_BY_SPELLING = {spelling: key for key, spellings in KEYS.items() for spelling in spellings}


def key_of(name: str) -> str | None:
    """Return the key of a requisite's name; None for a name of a company's own."""
    spelled = " ".join(name.lower().replace("ё", "е").translate(str.maketrans("._-", "   ")).split())
    return _BY_SPELLING.get(spelled)


def requisite(details: Mapping[str, str], key: str) -> str | None:
    """Return the value of a known requisite, by whichever name it has; None if there is none."""
    return next((value for name, value in details.items() if value and key_of(name) == key), None)
