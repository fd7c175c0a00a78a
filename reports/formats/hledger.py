"""The whole book as a journal of hledger, an independent accountant: `hledger check` must pass.

Accounts are named clients:KIND:NUMBER and brands:CODE:KIND. Debit is plus there, and plus
here is what the company owes, so every sign is turned. What only holds money is no entry.
"""

import io
from collections.abc import Iterator
from typing import Any

import polars as pl

from ledger.values.text import printable
from reports.run import LakeBook


def journal_text(book: LakeBook) -> str:
    """Return every transaction that has amounts, in order, in hledger's journal format."""
    out = io.StringIO()
    for currency in sorted(book.entries.select(pl.col("currency").unique()).collect().to_series()):
        out.write(f"commodity 1000.00 {currency}\n")
    names = _accounts(book)
    for name in sorted(names.values()):
        out.write(f"account {name}\n")
    for line in _lines(_entries(book), names):
        out.write(line)
    return out.getvalue()


def _accounts(book: LakeBook) -> dict[int, str]:
    brands = dict(book.brands.select("id", "code").collect().iter_rows())
    accounts = book.accounts.select("id", "kind", "party_id", "brand_id").collect()
    return {
        number: f"brands:{_plain(brands[brand])}:{kind}" if party is None else f"clients:{kind}:{number}"
        for number, kind, party, brand in accounts.iter_rows()
    }


def _plain(code: str) -> str:
    return printable(" ".join(code.replace(":", "-").replace(";", "-").split()))


def _entries(book: LakeBook) -> pl.DataFrame:
    keys = book.transactions.select("key", transaction_id="id")
    columns = ("transaction_id", "leg", "business_date", "kind", "key", "account_id", "currency", "amount")
    entries = book.entries.join(keys, on="transaction_id", how="left").select(columns)
    return entries.sort("business_date", "transaction_id", "leg").collect()


def _lines(entries: pl.DataFrame, names: dict[int, str]) -> Iterator[str]:
    """Give a transaction's head, then one line per entry; entries that only hold money move nothing."""
    current: Any = None
    for id_, _, day, kind, key, account, currency, amount in entries.filter(pl.col("amount") != 0).iter_rows():
        if id_ != current:
            current = id_
            yield f"\n{day.isoformat()} ({id_}) {kind} | {_plain(key)}\n"
        yield f"    {names[account]}  {-amount:.2f} {currency}\n"
