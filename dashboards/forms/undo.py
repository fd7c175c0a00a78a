"""Forms that undo: the refund of a debit; the reversal of a payment, payout, transfer, adjustment, move or reversal.

What was booked stays as it is, on its own day; the undoing is a transaction of today.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import streamlit as st

from dashboards import display, links
from dashboards.forms import subjects
from dashboards.forms.fields import Fields, Given
from dashboards.forms.posting import command, connected
from dashboards.translations import as_markdown, sentence, tr
from ledger.food.postgres import order_queries
from ledger.postgres import desk_queries
from ledger.values.money import decimal, plain

TITLES = {"refund": "Refund", "reverse": "Reverse"}
REFUNDED = ("debit", "capture")
REVERSED = ("payment", "payout", "transfer", "adjustment", "move", "reverse")
CLOSED_TO = ("payer", "unallocated")


def way(kind: str) -> str | None:
    """Return which of the two forms undoes a kind of transaction, if one does."""
    return "refund" if kind in REFUNDED else "reverse" if kind in REVERSED else None


def refund(by: str) -> None:
    """Draw the form of a refund; it is posted after its quote was seen."""
    found = _found("refund")
    if found is None:
        return
    subjects.lines(found)
    with connected() as connection:
        order = order_queries.order_of(connection, found.facts["id"])
        of_order = order_queries.order_lines(connection, order) if order else {}
    _day(found)
    if order is not None:
        _refund_items(found, order, of_order, by)
        return

    def fill(fields: Fields) -> Given:
        numbers = list(dict.fromkeys(line["line"] for line in found.lines if line["left"]))
        lines = fields.several("lines", "Lines", numbers, blank="all", shown=lambda line: _line(found, line))
        amount = fields.amount("amount", "Amount", blank="all that is left")
        fields.choice("closed_to", "What a closed account paid goes to", CLOSED_TO)
        fields.text("reason", "Reason")
        fields.text("note", "Note")
        if lines:
            fields.given["lines"] = [{"line": line} for line in lines]
        if len(lines) == 1 and amount:
            fields.given["lines"] = [{"line": lines[0], "amount": fields.given.pop("amount")}]
        return {**fields.given, "debit": found.facts["key"], "by": by}

    command("refund", fill, about=found.facts["id"], sure=True)


def _refund_items(found: desk_queries.Earlier, order: str, of_order: dict[int, dict[str, Any]], by: str) -> None:
    """Draw the form of an order's refund: of dishes, which go back with their points, or of an amount."""
    note = "it charges for order {order}: dishes that are chosen go back, an amount alone leaves them to the client"
    st.info(as_markdown(sentence(note, order=order)), icon=":material/receipt:")

    def fill(fields: Fields) -> Given:
        numbers = [number for number, line in of_order.items() if line["kept"]]
        lines = fields.several(
            "lines", "Lines", numbers, blank="all", shown=lambda line: _line(found, line, of_order[line])
        )
        amount = fields.amount("amount", "Amount", blank="all that is left")
        fields.choice("closed_to", "What a closed account paid goes to", CLOSED_TO)
        fields.text("reason", "Reason")
        fields.text("note", "Note")
        given = {**fields.given, "order": order, "by": by}
        if not numbers and found.left:  # a cancelled order's fee
            given.setdefault("amount", plain(found.left))
        given.pop("lines", None)
        chosen = [of_order[number] for number in lines or ([] if amount else numbers)]
        dishes = [line for line in chosen if line["service"] == "dish"]
        items = [{"sku": line["sku"], "brand": line["brand"], "quantity": line["kept"]} for line in dishes]
        if len(lines) == len(items) == 1 and amount:
            items = [{"sku": dishes[0]["sku"], "brand": dishes[0]["brand"], "amount": given.pop("amount")}]
        extras = [line["service"] for line in chosen if line["service"] != "dish"]
        return {**given, **({"items": items} if items else {}), **({"extras": extras} if extras else {})}

    command("refund_items", fill, about=found.facts["id"], sure=True)


def reverse(by: str) -> None:
    """Draw the form of a reversal; it is posted after its quote was seen."""
    found = _found("reverse")
    if found is None:
        return
    subjects.moves(found)
    if found.reversed_by is not None:
        st.warning(sentence("reversed before, by transaction {n}", n=found.reversed_by), icon=":material/undo:")
    _day(found)

    def fill(fields: Fields) -> Given:
        split = _split(fields, found.places) if len(found.places) > 1 else None
        if split is None:
            fields.amount("amount", "Amount", blank="all that is left")
        fields.text("reason", "Reason")
        fields.text("note", "Note")
        given = {name: value for name, value in fields.given.items() if not name.startswith("amount ")}
        return {**given, **(split or {}), "transaction": found.facts["key"], "by": by}

    command("reverse", fill, about=found.facts["id"], sure=True)


def _split(fields: Fields, places: list[desk_queries.Place]) -> Given:
    """Draw an amount for each place that money is in; return what is reversed of them, nothing for all of it."""
    parts: list[Given] = []
    for number, place in enumerate(places):
        where = place["client"] or tr("unallocated")
        label = tr(
            "Amount: {where}, {brand}, left {left}", where=where, brand=place["brand"], left=plain(place["left"])
        )
        if amount := fields.amount(f"amount {number}", label, blank="all that is left"):
            account = {"account": place["account"]} if place["account"] else {}
            parts.append({**account, "brand": place["brand"], "amount": amount})
    try:
        whole = f"{sum(Decimal(part['amount']) for part in parts):.2f}"
    except InvalidOperation:  # the ledger reports which amount is none
        whole = "0.00"
    return {"amount": whole, "split": parts} if parts else {}


def _found(form: str) -> desk_queries.Earlier | None:
    """Return the requested transaction if this form can undo it; else show which form can."""
    found = subjects.transaction()
    if found is None:
        return None
    other = way(found.facts["kind"])
    if found.facts["status"] == "posted" and other == form:
        return found
    st.info(sentence("a declined command moves nothing") if found.facts["status"] == "declined" else _instead(other))
    if found.facts["status"] == "posted" and other is not None:
        query = {"form": other, "transaction": found.facts["id"]}
        links.link(links.Target("screens/desk.py", query), f"{sentence(TITLES[other])} →")
    return None


def _instead(other: str | None) -> str:
    if other is None:
        return sentence("a transaction of this kind is neither refunded nor reversed")
    notes = {
        "refund": "what was charged is refunded, not reversed",
        "reverse": "it is reversed, not refunded",
    }
    return sentence(notes[other])


def _line(found: desk_queries.Earlier, number: int, of_order: dict[str, Any] | None = None) -> str:
    """Return a line in words, and what this transaction has left of it; a surplus has not all lines of its order."""
    of_it = [line for line in found.lines if line["line"] == number]
    left = display.money(decimal(sum(line["left"] for line in of_it)), found.facts["currency"])
    first: Mapping[str, Any] = of_it[0] if of_it else of_order or {}
    what = " ".join(filter(None, (first.get(name) for name in ("brand", "service", "reference", "sku"))))
    return f"{number} · {what} · {left}"


def _day(found: desk_queries.Earlier) -> None:
    """Show that the past stays as it is, and whether its day is closed."""
    facts = found.facts
    note = "its day, {day}, is closed and stays as it is; this is booked today, in today's figures"
    still_open = "it stays as it is on {day}; this is booked today"
    st.caption(sentence(tr(note if facts["closed"] else still_open, day=facts["business_date"])))
