"""Acquirers and depositors on the page of bank statements: the list, one made known, one revoked."""

from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
import streamlit as st
from psycopg import Connection

from dashboards import cached_book, display
from dashboards.translations import as_markdown, sentence, tr
from ledger.bank.core.depositors import Depositor
from ledger.bank.postgres.depositors import list_depositors, make_known, revoke_depositor
from ledger.errors import Failure
from reports.core.report import Column

DEPOSITORS = (
    Column("payer", "text", "Payer's account", "Счёт плательщика"),
    Column("name", "text", "Payer", "Плательщик"),
    Column("brand", "text", "Brand", "Бренд"),
    Column("channel", "text", "Channel", "Канал"),
    Column("fee_percent", "text", "Fee, %", "Комиссия, %"),
    Column("known_by", "text", "Made known by", "Кто добавил"),
    Column("revoked_by", "text", "Revoked by", "Отменил"),
)


def depositors(connection: Connection[Any], by: str) -> None:
    """Show who brings our own money to the bank, take in another, and revoke one on request."""
    with connection.transaction():
        known = list_depositors(connection)
    st.markdown(f"**{sentence('acquirers and depositors')}**")
    st.caption(
        tr("Their money was booked when clients paid: it is moved from its channel to the bank, not paid again.")
    )
    if known:
        rows = [{column.name: _text(getattr(each, column.name)) for column in DEPOSITORS} for each in known]
        schema = {column.name: pl.String for column in DEPOSITORS}
        display.table(pl.DataFrame(rows, schema), DEPOSITORS, key="depositors", hide_empty=True)
    payer, brand, channel, fee, button = st.columns([3, 2, 2, 1, 2], gap="medium", vertical_alignment="bottom")
    account = payer.text_input(sentence("its account: IBAN, or bank/account"), key="depositor")
    code = brand.selectbox(
        sentence("Brand"), cached_book.brands()["code"].to_list(), index=None, placeholder="…", key="depositor brand"
    )
    left = channel.text_input(sentence("channel that its money leaves"), key="depositor channel", placeholder="card")
    percent = fee.text_input(sentence("fee, %"), key="depositor fee")
    if button.button(sentence("make known"), key="make depositor known", disabled=not (account and code and left)):
        _make_known(connection, account, str(code), left.strip(), percent.strip(), by)
    now = {f"{each.payer} → {each.brand}, {each.channel}": each for each in known if each.revoked_at is None}
    if now:
        choice, press = st.columns([3, 1], gap="medium", vertical_alignment="bottom")
        chosen = choice.selectbox(sentence("depositor to forget"), list(now), index=None, placeholder="…")
        if press.button(sentence("revoke"), key="revoke depositor", disabled=chosen is None) and chosen is not None:
            with connection.transaction():
                revoke_depositor(connection, now[chosen].payer, now[chosen].brand, by)
            st.rerun()


def _make_known(connection: Connection[Any], payer: str, brand: str, channel: str, percent: str, by: str) -> None:
    try:
        fee = Decimal(percent.replace(",", ".")) if percent else None
        with connection.transaction():
            make_known(connection, Depositor(payer=payer, brand=brand, channel=channel, fee_percent=fee), by)
    except InvalidOperation:
        st.error(as_markdown(sentence("fee: {fee} is not a percentage", fee=percent)))
    except Failure as failure:
        st.error(as_markdown(str(failure)))
    else:
        st.rerun()


def _text(value: object) -> str:
    return "" if value is None else str(value)
