"""The demo's brands with made-up requisites: no such companies exist, and their papers state it."""

from typing import Any

_NAMES = {
    "GROCERY": ("Grocery", "#2f6b4f"),
    "DRUG-GM": ("Drug & General", "#3d5a98"),
    "FUEL": ("Fuel", "#b5452c"),
    "PRODUCE": ("Produce", "#6c9a2d"),
    "MEAT": ("Meat", "#9c2f45"),
    "MEAT-PCKGD": ("Packaged Meat", "#c06a54"),
    "DELI": ("Deli", "#c78b1e"),
    "MISCELLANEOUS": ("Miscellaneous", "#75706b"),
    "PASTRY": ("Pastry", "#b27a8e"),
    "NUTRITION": ("Nutrition", "#3a8f8a"),
    "OTHER": ("Other Departments", "#8a8fa3"),
    "LUNCH": ("Lunch Club", "#e0682f"),
}


def brand_records(codes: list[str]) -> list[dict[str, Any]]:
    """Return the administration lines that make these brands."""
    return [_brand(1 + list(_NAMES).index(code), code, *_NAMES[code]) for code in codes]


def _brand(number: int, code: str, name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "brand",
        "code": code,
        "name": name,
        "legal_name": f"{name} LLC (derived for the demo)",
        "tax_id": f"98-76543{number:02}",
        "country": "US",
        "address": f"{number} Example Street, Sampletown, OH 45000",
        "bank_details": {
            "bank": "First Example Bank",
            "routing": "000000000",
            "account": f"0000 0000 {number:04}",
        },
        "colour": colour,
    }
