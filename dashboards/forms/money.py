"""Forms for money in, out and between accounts: payment, payout, transfer, adjustment, and moves of the brands' own."""

import streamlit as st

from dashboards import url_state
from dashboards.forms import subjects
from dashboards.forms.fields import Fields, Given
from dashboards.forms.posting import command, connected
from dashboards.translations import sentence
from ledger.cli.shared import account_argument
from ledger.core.command_parts import CHART
from ledger.errors import Failure
from ledger.postgres import desk_queries

CHANNELS = ("bank", "card", "cash", "other")


def open_brands() -> list[str]:
    """Return the codes of the brands that may have money booked."""
    with connected() as connection:
        return desk_queries.brands(connection)


def named(text: str) -> int | str:
    """Return an account as the ledger's JSON names it; a number with a slip in it is left for the ledger to refuse."""
    try:
        return account_argument(text)
    except Failure:
        return int(text) if len(text) < 19 else text


def payment(by: str) -> None:
    """Draw the form of money in; without an account it waits to be allocated."""

    def fill(fields: Fields) -> Given:
        label, shown = "Account number or reference", url_state.get("account") or ""
        account = fields.text("account", label, shown, blank="blank: unallocated")
        fields.amount("amount", "Amount", blank="1250.00")
        fields.choice("brand", "Brand", open_brands())
        fields.choice("channel", "Channel", CHANNELS, "bank")
        fields.day("value_date", "Bank's date (if known)")
        fields.text("note", "Note")
        return {**fields.given, **({"account": named(account)} if account else {}), "by": by}

    command("payment", fill)


def payout(by: str) -> None:
    """Draw the form of money out; it is posted after its quote was seen."""
    found = subjects.account()
    if found is None:
        return
    subjects.balances(found)

    def fill(fields: Fields) -> Given:
        fields.amount("amount", "Amount", blank="1250.00")
        fields.choice("brand", "Brand that pays", open_brands(), found["holder"])
        fields.choice("channel", "Channel", CHANNELS, "bank")
        fields.text("note", "Note")
        return {**fields.given, **_of(found), "by": by}

    command("payout", fill, about=found["number"], sure=True)


def transfer(by: str) -> None:
    """Draw the form of own money moved to another account; it is posted after its quote was seen."""
    found = subjects.account("From account")
    if found is None:
        return
    subjects.balances(found)

    def fill(fields: Fields) -> Given:
        to = fields.text("to", "To account (number or reference)")
        fields.amount("amount", "Amount", blank="1250.00")
        fields.text("note", "Note")
        return {**fields.given, **_of(found), **({"to": named(to)} if to else {}), "by": by}

    command("transfer", fill, about=found["number"], sure=True)


def adjustment(by: str) -> None:
    """Draw the form of a manual correction, which needs a reason."""
    found = subjects.account()
    if found is None:
        return
    subjects.balances(found)
    st.caption(sentence("a correction is never refused for funds; less than zero takes money from the account"))

    def fill(fields: Fields) -> Given:
        fields.amount("amount", "Amount", blank="-5.00")
        fields.choice("brand", "Brand", open_brands(), found["holder"])
        fields.choice("chart", "Code of the chart (if any)", CHART)
        fields.day("due_on", "To be paid by (blank: by the terms)")
        fields.text("reason", "Reason")
        fields.text("note", "Note")
        return {**fields.given, **_of(found), "by": by}

    command("adjustment", fill, about=found["number"], sure=True)


def points(by: str) -> None:
    """Draw the form of points given by hand, or taken back; it is posted after its quote was seen."""
    found = subjects.account()
    if found is None:
        return
    st.caption(sentence("a welcome, a referral, what was somebody's fault; less than zero takes points back"))

    def fill(fields: Fields) -> Given:
        fields.amount("amount", "Points", blank="300.00")
        fields.choice("brand", "Points of the brand", open_brands(), found["holder"])
        fields.day("expires_on", "Last day (blank: by the programme)")
        fields.choice("charge_to", "At whose expense (blank: the same brand's)", open_brands())
        fields.text("reason", "Reason")
        fields.text("note", "Note")
        return {**fields.given, **_of(found), "by": by}

    command("bonus", fill, about=found["number"], sure=True)


def move(by: str) -> None:
    """Draw the form of money moved between brands' own accounts; it is posted after its quote was seen."""
    st.caption(sentence("what arrives is the amount less the fee, which is the sending brand's"))

    def fill(fields: Fields) -> Given:
        fields.choice("brand", "Brand that sends", open_brands())
        fields.text("from", "From channel or code", "card")
        fields.text("to", "To channel or code", "bank")
        fields.choice("to_brand", "To brand (if another)", open_brands())
        fields.amount("amount", "Amount", blank="1250.00")
        fields.amount("fee", "Fee (if any)")
        fields.text("reference", "Reference")
        fields.text("note", "Note")
        return {**fields.given, "by": by}

    command("move", fill, sure=True)


def _of(found: subjects.Row) -> Given:
    return {"account": found["number"], "currency": found["currency"]}


def balance_now(by: str) -> None:
    """Show how an account stands at this moment, with what no cut has yet."""
    found = subjects.account()
    if found is not None:
        subjects.balances(found)
