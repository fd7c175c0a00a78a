"""Forms of who there is: a client with an account, one of the company's own brands.

The fields start from what the ledger has. What is emptied is taken away; what was left as it was is not sent.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards import cached_book, url_state
from dashboards.forms.fields import Fields, Given
from dashboards.forms.money import open_brands
from dashboards.forms.posting import connected, terms
from dashboards.translations import as_markdown, tr
from ledger.postgres import client_queries

KINDS = ("individual", "legal_entity")
PARTY = {
    "name": "Name",
    "legal_name": "Legal name",
    "tax_id": "Tax number",
    "kpp": "Tax registration code (KPP)",
    "phone": "Telephone",
    "email": "E-mail",
    "address": "Address",
}
ACCOUNT = {"contract_number": "Contract"}
BRAND = {
    "name": "Name",
    "legal_name": "Legal name",
    "tax_id": "Tax number",
    "address": "Address",
    "colour": "Colour, as #c0392b",
}


def client(by: str) -> None:
    """Draw the form of a client: who it is, and an account with its contract."""
    reference = url_state.text(st, "Client's code (a new one makes a new client)", "client", width=320)
    if not reference:
        return
    with connected() as connection:
        known = client_queries.party(connection, reference)
        accounts = client_queries.accounts_of(connection, reference)
    _standing(known, PARTY, "client", reference)
    if accounts:
        written = (f"**{each['reference'] or each['number']}** {each['currency']}" for each in accounts)
        st.caption(f"{tr('accounts')}: {' · '.join(map(str, written))}")

    def fill(fields: Fields) -> list[Given]:
        now: Given = dict(known or {})
        kind = fields.choice("kind", "Client is", KINDS, now.get("kind", KINDS[0])) if known is None else None
        party = {name: fields.text(name, label, now.get(name) or "") for name, label in PARTY.items()}
        new = fields.text("account", "New account (its code; blank: none)", "" if known else reference)
        currency = fields.choice("currency", "Currency", cached_book.currencies() or ["RUB"], _usual())
        holder = fields.choice("holder", "Holder", open_brands())
        contract = {name: fields.text(name, label) for name, label in ACCOUNT.items()}
        signed = fields.day("contract_date", "Date of the contract")
        line = {"type": "party", "reference": reference, **_changed(party, now), **({"kind": kind} if kind else {})}
        opened = {"type": "account", "reference": new, "party": reference, "currency": currency, "holder": holder}
        opened |= contract | {"contract_date": signed and signed.isoformat()}
        return [line, *([{name: value for name, value in opened.items() if value}] if new else [])]

    terms("client", fill, about=(reference, known and tuple(known.values()), len(accounts)))


def brand(by: str) -> None:
    """Draw the form of one of the company's own legal entities."""
    code = url_state.text(st, "Brand's code (a new one makes a new brand)", "brand", width=320)
    if not code:
        return
    with connected() as connection:
        known = client_queries.brand(connection, code)
    _standing(known, BRAND, "brand", code)

    def fill(fields: Fields) -> list[Given]:
        now: Given = dict(known or {})
        given = {name: fields.text(name, label, now.get(name) or "") for name, label in BRAND.items()}
        status = fields.choice("status", "Status", ("open", "closed"), now.get("status", "open"))
        return [{"type": "brand", "code": code, **_changed({**given, "status": status}, now)}]

    terms("brand", fill, about=(code, known and tuple(known.values())))


def _usual() -> str:
    return next(iter(cached_book.currencies()), "RUB")


def _standing(known: Mapping[str, Any] | None, labels: Mapping[str, str], what: str, code: str) -> None:
    """Show whether there is such a one, and what the ledger has of it."""
    note = "there is such a {what}: it is changed" if known else "there is no such {what} yet: it is added"
    st.caption(f"**{as_markdown(code)}** · {tr(note, what=tr(what))}")
    facts = [
        f"{tr(label)} **{as_markdown((known or {})[name])}**"
        for name, label in labels.items()
        if (known or {}).get(name)
    ]
    if facts:
        st.caption(" · ".join(facts))


def _changed(given: Given, now: Given) -> dict[str, Any]:
    """Return what differs from what the ledger has; what was emptied is null."""
    return {name: value or None for name, value in given.items() if (value or None) != now.get(name)}
