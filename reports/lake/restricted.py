"""A lake as somebody sees it who may see some brands only: every table holds the rows of these brands, and no others.

Whatever reads it (reports, pivots, look-ups, SQL) is restricted with it. Theirs are the entries of the brands' own and
bonus accounts, the client accounts that they hold, with every entry on them (DECISIONS D185), and the clients of these.
Of a transaction that is on no such account, the amount, texts and account are blank: they may be of other brands. A
table without a rule here is not shown at all (DECISIONS D171).
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from ledger.errors import Failure
from reports.core.result import CutFacts, TableSource

BETWEEN = frozenset(
    {"advances", "bank", "brand-settlements", "cash-by-channel", "control", "declines", "trial-balance"}
)
"""Reports that set brands beside each other, or follow money between them: of some brands they would be wrong."""


class RestrictedLake:
    """The tables of a lake, narrowed to brands, given by their codes. It has no dated file: that holds all of them."""

    whole = False

    def __init__(self, lake: TableSource, brands: Sequence[str]) -> None:
        self._lake = lake
        self._brands = tuple(brands)

    @property
    def cut(self) -> CutFacts:
        """Return the cut that is read."""
        return self._lake.cut

    def at(self, cut: int) -> "RestrictedLake":
        """Return the same at an earlier cut. Raises Failure where it is not kept."""
        return RestrictedLake(self._lake.at(cut), self._brands)

    def scan(self, name: str) -> pl.LazyFrame:
        """Return a table's rows of these brands. Raises Failure for a table that nothing is known of."""
        rule = _RULES.get(name)
        if rule is None:
            raise Failure(f"{name} is for those who may see all brands")
        return rule(self, self._lake.scan(name))

    @cached_property
    def brands(self) -> pl.DataFrame:
        """Return the numbers of the brands: brand_id."""
        of_them: pl.LazyFrame = self._lake.scan("brands").filter(pl.col("code").is_in(self._brands))
        return of_them.select(brand_id="id").collect()

    @cached_property
    def other_codes(self) -> list[str]:
        """Return the codes of the other brands."""
        others: pl.LazyFrame = self._lake.scan("brands").filter(~pl.col("code").is_in(self._brands))
        return others.select("code").collect()["code"].to_list()

    @cached_property
    def accounts(self) -> pl.DataFrame:
        """Return the numbers of the accounts that may be seen, and whose they are: account_id, party_id."""
        ids = self.brands["brand_id"]
        of_brand = pl.col("brand_id").is_in(ids.implode()).fill_null(False)
        held = (pl.col("kind") == "money") & pl.col("holder_id").is_in(ids.implode()).fill_null(False)
        accounts: pl.LazyFrame = self._lake.scan("accounts")
        return accounts.filter(of_brand | held).select("party_id", account_id="id").collect()

    @cached_property
    def names(self) -> pl.Series:
        """Return what changes call the accounts that may be seen: the reference or, without one, the number."""
        accounts: pl.LazyFrame = self.scan("accounts")
        named = accounts.select(pl.coalesce("reference", pl.col("id").cast(pl.String)).alias("name"))
        return named.collect()["name"]

    @cached_property
    def transactions(self) -> pl.DataFrame:
        """Return the numbers of the transactions with an entry that may be seen: transaction_id."""
        return self.scan("entries").select("transaction_id").unique().collect()

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Return the numbers of the orders that have lines of these brands only: order_id."""
        lines: pl.LazyFrame = self._lake.scan("order_lines")
        ours = pl.col("brand_id").is_in(self.brands["brand_id"].implode()).all()
        return lines.group_by("order_id").agg(ours=ours).filter("ours").select("order_id").collect()

    def among(self, frame: pl.LazyFrame, column: str, known: pl.DataFrame, name: str) -> pl.LazyFrame:
        """Return the rows whose column is among the known ones."""
        return frame.join(known.lazy().select(pl.col(name).alias(column)).unique(), on=column, how="semi")

    def of_accounts(self, frame: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
        """Return the rows whose accounts all may be seen; a column may be null."""
        known = self.accounts["account_id"].implode()
        return frame.filter(pl.col(column).is_null() | pl.col(column).is_in(known) for column in columns)

    def seen(self, column: str) -> pl.Expr:
        """Return an account's number, blank where it may not be seen."""
        known = self.accounts["account_id"].implode()
        return pl.when(pl.col(column).is_in(known)).then(pl.col(column)).alias(column)

    def ours(self, column: str) -> pl.Expr:
        """Return a JSON list of brands' numbers with these brands only."""
        ids = set(self.brands["brand_id"].to_list())
        return pl.col(column).map_elements(lambda text: _kept(text, ids), return_dtype=pl.String)


def _kept(text: str, ids: set[int]) -> str:
    return json.dumps([id_ for id_ in json.loads(text) if id_ in ids])


Rule = Callable[[RestrictedLake, pl.LazyFrame], pl.LazyFrame]


def _of_brand(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    return lake.among(frame, "brand_id", lake.brands, "brand_id")


def _of_account(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    return lake.of_accounts(frame, "account_id")


def _of_ends(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    return lake.of_accounts(frame, "account_id", "payer_id")


def _entries(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    theirs = lake.among(frame, "account_id", lake.accounts, "account_id")
    return theirs.with_columns(lake.seen("source_id"), lake.seen("subaccount_id"))


def _transactions(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    posted = lake.among(frame.filter(pl.col("status") == "posted"), "id", lake.transactions, "transaction_id")
    seen = pl.col("account_id").is_in(lake.accounts["account_id"].implode()).fill_null(False)
    hidden = ("amount", "account_id", "channel", "reason", "note", "by")
    return posted.with_columns(pl.when(seen).then(pl.col(name)).alias(name) for name in hidden)


def _attributes(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.join(lake.scan("entries").select("transaction_id", "leg"), on=["transaction_id", "leg"], how="semi")


def _changes(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the changes of accounts that may be seen, except those that name another brand, or a payer of theirs."""
    frame = lake.among(frame, "account_id", lake.accounts, "account_id")
    written = pl.concat_str(pl.col("before", "after").fill_null(""))
    subject, kind = pl.col("subject"), pl.col("kind")
    payer = (
        pl.when(kind == "link")
        .then(subject.str.split(" <- ").list.last())
        .when(kind == "write_off_limit")
        .then(subject.str.split(" -> ").list.first())
    )
    return frame.filter(
        *(~written.str.contains(f'"{code}"', literal=True) for code in lake.other_codes),
        payer.is_in(lake.names.implode()).fill_null(True),
    )


def _holds(lake: RestrictedLake, frame: pl.LazyFrame) -> pl.LazyFrame:
    return lake.of_accounts(_of_brand(lake, frame), "account_id", "source_id")


_RULES: dict[str, Rule] = {
    "transactions": _transactions,
    "entries": _entries,
    "attributes": _attributes,
    "parties": lambda lake, frame: lake.among(frame, "id", lake.accounts.drop_nulls(), "party_id"),
    "brands": lambda lake, frame: lake.among(frame, "id", lake.brands, "brand_id"),
    "accounts": lambda lake, frame: lake.among(frame, "id", lake.accounts, "account_id"),
    "holders": lambda lake, frame: lake.among(_of_account(lake, frame), "holder_id", lake.brands, "brand_id"),
    "credit_terms": _of_account,
    "links": lambda lake, frame: _of_ends(lake, frame).with_columns(lake.ours("brands")),
    "limits": _of_ends,
    "usage": _of_ends,
    "holds": _holds,
    "open_debits": _of_account,
    "changes": _changes,
    "closings": lambda lake, frame: frame,
    "orders": lambda lake, frame: _of_account(lake, lake.among(frame, "id", lake.orders, "order_id")),
    "order_lines": lambda lake, frame: lake.among(_of_brand(lake, frame), "order_id", lake.orders, "order_id"),
    "promotions": lambda lake, frame: _of_brand(lake, frame),
    "promotion_uses": lambda lake, frame: lake.among(frame, "order_id", lake.orders, "order_id"),
    "bonus_programs": lambda lake, frame: _of_brand(lake, frame).with_columns(lake.ours("spend_at")),
    "bonus_lots": _of_account,
    "lot_changes": _of_brand,
    "bonus_owed": lambda lake, frame: _of_account(lake, _of_brand(lake, frame)),
    "bank_entries": _of_brand,
    "bank_statements": _of_brand,
}


def seen_by(lake: TableSource, brands: Sequence[str] | None) -> Any:
    """Return the lake as it is seen by who may see these brands; None means all."""
    return lake if brands is None else RestrictedLake(lake, brands)
