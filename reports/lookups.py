"""Look things up in the lake: accounts by name, one account with its terms, one transaction with all it did.

Nothing is summed here; figures come from the reports.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ledger.errors import Failure
from ledger.food.core.outcomes import REFUSALS
from ledger.values.refusals import with_names
from ledger.values.text import whole_number
from reports.run import LakeBook

Row = dict[str, Any]
SEARCHED = ("client", "legal_name", "reference", "party", "tax_id", "phone", "email", "contract_number")
DIGITS = 4
"""From how many digits on a telephone is looked for by them."""

LINE = """
    line brand service reference gross discount amount vat_rate vat source payer source_kind attributes
""".split()
LEG = """
    leg account account_kind owner currency amount held balance_after held_after paid_for channel chart due_on version
    business_date
""".split()


@dataclass(frozen=True)
class TransactionDetails:
    """A transaction: its own row, its entries, its service lines, and the transactions that refer to it."""

    facts: Row
    sentence: str
    legs: pl.DataFrame
    lines: pl.DataFrame
    later: pl.DataFrame


@dataclass(frozen=True)
class AccountDetails:
    """An account at the cut: its own row with client and holder, and all that is agreed about it."""

    facts: Row
    terms: pl.DataFrame
    links: pl.DataFrame
    limits: pl.DataFrame
    bonuses: pl.DataFrame


@dataclass(frozen=True)
class ClientDetails:
    """A client at the cut: who it is, its accounts, its last orders, points with their expiry, every change.

    Orders and changes stand latest first; `payers` are the links by which others pay for it.
    """

    facts: Row
    accounts: pl.DataFrame
    payers: pl.DataFrame
    orders: pl.DataFrame
    orders_in_all: int
    points: pl.DataFrame
    changes: pl.DataFrame


def _brands(book: LakeBook) -> pl.LazyFrame:
    return book.brands.select(brand_id="id", brand="code", brand_name="name")


def client_accounts(book: LakeBook) -> pl.LazyFrame:
    """Return clients' accounts at the cut: account, reference, client, party, holder, balance, held, status …"""
    parties = book.parties.select(
        "legal_name", "tax_id", "phone", "email", party_id="id", client="name", party="reference", party_kind="kind"
    )
    holders = book.brands.select(holder_id="id", holder="code", holder_name="name")
    return (
        book.accounts.filter(pl.col("party_id").is_not_null())
        .join(parties, on="party_id", how="left")
        .join(holders, on="holder_id", how="left")
        .join(_brands(book), on="brand_id", how="left")
        .rename({"id": "account"})
    )


def accounts_like(book: LakeBook, text: str = "", *, party: str | None = None) -> pl.DataFrame:
    """Return the accounts that every word of a text is found in: debtors first, by currency and debt, then by client.

    It is looked for in any part of the client's names, references, tax number, telephone, address of e-mail, contract
    and account number; a telephone is found by its digits, however it is written.
    """
    found = client_accounts(book)
    if party is not None:
        found = found.filter(pl.col("party") == party)
    one = re.fullmatch(r"[\d\s()+-]{7,}", text)  # a telephone, however it is written
    for part in [re.sub(r"\D", "", text)] if one else text.lower().split():
        inside = [pl.col(place).str.to_lowercase().str.contains(part, literal=True) for place in SEARCHED]
        number = pl.col("account").cast(pl.String).str.contains(part, literal=True)
        digits = re.sub(r"\D", "", part)
        dialled = pl.col("phone").str.replace_all(r"\D", "").str.contains(digits, literal=True)
        found = found.filter(
            pl.any_horizontal(*inside, number, dialled if len(digits) >= DIGITS else pl.lit(value=False))
        )
    owes = pl.col("balance") < 0
    first = (~owes, pl.when(owes).then("currency"), pl.when(owes).then("balance"))
    return found.sort(*first, "client", "account").collect()


def account(book: LakeBook, wanted: int | str) -> AccountDetails:
    """Return an account by number or reference. Raises Failure when there is none."""
    number = book.account(wanted)
    of_it = pl.col("account_id") == number
    names = client_accounts(book).select("account", "client")
    payer = names.rename({"account": "payer_id", "client": "payer_name"})
    sub = names.rename({"account": "account_id", "client": "account_name"})
    either = of_it | (pl.col("payer_id") == number)
    linked = _with_names(book.links.filter(either), payer, sub).sort("payer_id", "account_id").collect()
    return AccountDetails(
        facts=client_accounts(book).filter(pl.col("account") == number).collect().row(0, named=True),
        terms=book.credit_terms.filter(of_it).sort("id", descending=True).collect(),
        links=linked.with_columns(brands=_codes(book, linked["brands"])),
        limits=_with_names(book.limits.filter(either), payer, sub).sort("payer_id", "account_id", "period").collect(),
        bonuses=client_accounts(book).filter(pl.col("money_account_id") == number).sort("account").collect(),
    )


def client(book: LakeBook, reference: str) -> ClientDetails:
    """Return a client by its reference, with its last 30 orders. Raises Failure when there is none."""
    found = book.parties.filter(pl.col("reference") == reference).collect()
    if not found.height:
        raise Failure(f"cut {book.cut.number} has no client with the code {reference}")
    facts = found.row(0, named=True)
    accounts = client_accounts(book).filter(pl.col("party_id") == facts["id"]).sort("kind", "account").collect()
    of_its = pl.col("account_id").is_in(accounts["account"].to_list())
    names = client_accounts(book).select(payer_id="account", payer_name="client")
    payers = book.links.filter(of_its).join(names, on="payer_id", how="left").sort("account_id", "priority").collect()
    orders = book.orders.filter(pl.col("party_id") == facts["id"])
    lots = book.bonus_lots.filter(of_its, pl.col("points_left") > 0).join(
        client_accounts(book).select("brand_name", account_id="account"), on="account_id", how="left"
    )
    itself = (pl.col("kind") == "party") & (pl.col("subject") == reference)
    return ClientDetails(
        facts=facts,
        accounts=accounts,
        payers=payers.with_columns(brands=_codes(book, payers["brands"])),
        orders=orders.sort("id", descending=True).head(30).rename({"id": "transaction"}).collect(),
        orders_in_all=int(orders.select(pl.len()).collect().item()),
        points=lots.sort("gone_on", "transaction_id", nulls_last=True)
        .rename({"transaction_id": "transaction"})
        .collect(),
        changes=book.changes.filter(of_its | itself).sort("id", descending=True).collect(),
    )


def _codes(book: LakeBook, brands: pl.Series) -> pl.Series:
    """Return the codes of brands that are given as JSON lists of their numbers."""
    codes = dict(book.brands.select("id", "code").collect().iter_rows())
    return pl.Series([text and ", ".join(codes[id_] for id_ in json.loads(text)) for text in brands], dtype=pl.String)


def _with_names(frame: pl.LazyFrame, payer: pl.LazyFrame, sub: pl.LazyFrame) -> pl.LazyFrame:
    return frame.join(payer, on="payer_id", how="left").join(sub, on="account_id", how="left")


def latest(book: LakeBook) -> pl.DataFrame:
    """Return the last 20 transactions of the cut, the latest first, with the client that each was requested for."""
    names = client_accounts(book).select("client", account_id="account")
    last = book.transactions.sort("id", descending=True).head(20).join(names, on="account_id", how="left")
    wanted = ("posted_at", "kind", "client", "amount", "currency", "status", "key")
    return last.select(pl.col("id").alias("transaction"), *wanted).sort("transaction", descending=True).collect()


def transaction(book: LakeBook, wanted: int | str) -> TransactionDetails:
    """Return a transaction by number or key. Raises Failure when the cut has none."""
    facts = _found(book, str(wanted).strip())
    [facts["facts"]] = _named_facts(book, [facts["facts"]])
    number = facts["id"]
    names = client_accounts(book).select("client", account_id="account")
    entries = (
        book.entries.filter(pl.col("transaction_id") == number)
        .join(_brands(book), on="brand_id", how="left")
        .join(names, on="account_id", how="left")
        .join(names.rename({"account_id": "source_id", "client": "payer"}), on="source_id", how="left")
        .with_columns(owner=pl.coalesce("client", "brand_name"))
        .rename({"account_id": "account", "subaccount_id": "paid_for", "source_id": "source"})
        .sort("leg")
        .collect()
    )
    return TransactionDetails(
        facts=facts,
        sentence=sentence(facts["code"], facts["facts"]),
        legs=entries.select(LEG),
        lines=entries.filter(pl.col("account_kind") == "revenue").sort("line", "leg").select(LINE),
        later=book.transactions.filter(pl.col("refers_to") == number)
        .select("posted_at", "kind", "key", "status", "amount", "currency", transaction="id")
        .sort("transaction")
        .collect(),
    )


def _found(book: LakeBook, wanted: str) -> Row:
    number = whole_number(wanted)
    named = pl.col("key") == wanted
    if number is not None:
        named |= pl.col("id") == number
    found = book.transactions.filter(named).sort("id").collect()
    if not found.height:
        raise Failure(f"cut {book.cut.number} has no transaction with the number or key {wanted}")
    by_key = found.filter(pl.col("key") == wanted)  # a key may look like another transaction's number
    return (found if not by_key.height else by_key).row(0, named=True)


def declined(book: LakeBook, since: date, until: date, *, code: str | None, account: int | None = None) -> pl.DataFrame:
    """Return the declined transactions of the period with `sentence`, latest last."""
    found = book.transactions.filter(pl.col("status") == "declined", pl.col("business_date").is_between(since, until))
    if code is not None:
        found = found.filter(pl.col("code") == code)
    if account is not None:
        found = found.filter(pl.col("account_id") == account)
    names = client_accounts(book).select("client", account_id="account")
    rows = found.join(names, on="account_id", how="left").sort("id").collect()
    rows = rows.with_columns(pl.Series("facts", _named_facts(book, rows["facts"].to_list()), pl.String))
    sentences = [sentence(code_, facts) for code_, facts in rows.select("code", "facts").iter_rows()]
    return rows.with_columns(pl.Series("sentence", sentences, pl.String)).rename({"id": "transaction"})


def _named_facts(book: LakeBook, recorded: list[str | None]) -> list[str | None]:
    """Return the facts of declines, as JSON, with the names that their accounts' clients have at the cut."""
    facts = [json.loads(text) if text else {} for text in recorded]
    numbers = {fact[name] for fact in facts for name in ("account", "subaccount") if fact.get(name)}
    found = client_accounts(book).filter(pl.col("account").is_in(list(numbers))).select("account", "client").collect()
    names: dict[int, str] = dict(found.iter_rows())
    named = [json.dumps(with_names(fact, names.get), ensure_ascii=False) for fact in facts]
    return [new if old else old for old, new in zip(recorded, named, strict=True)]


def sentence(code: str | None, facts: str | None) -> str:
    """Return the sentence of a decline of either level; blank for what was posted."""
    if code is None:
        return ""
    recorded = json.loads(facts or "{}")
    try:
        return REFUSALS.sentence(code, recorded)
    except KeyError:  # recorded by another release, whose sentence used other facts
        return REFUSALS.get(code, code) if not recorded else f"{code}: {json.dumps(recorded, ensure_ascii=False)}"
