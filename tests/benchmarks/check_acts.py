"""Do acts join up? Each opens with what the act before it closed with, for every money account of a home.

Run on a home that has closed days: TIFFIN_HOME=… python -m tests.benchmarks.check_acts [--from 2017-01] [--to 2018-02].
By default the months are all that the lake has closed. Opening and closing are those that the act prints, made from
the same facts but not drawn. They are also set beside turnover of the month, which sums amounts where an act takes the
balance that the ledger wrote; an account that turnover leaves out must be at zero. Ends with 1 if any sum
differs, and if nothing could be compared.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

import reports
from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.documents.act_and_invoice import ActPage
from reports.documents.build_statement import statement
from reports.documents.fetch_facts import known, read, read_last
from reports.documents.language import language
from reports.documents.printed_rows import BalanceRow
from reports.documents.statement import ZERO
from reports.run import LakeBook

SHOWN = 20


@dataclass(frozen=True)
class Ends:
    """What an act begins and ends with, plus is the client's, and how many operations are between."""

    opening: Decimal
    closing: Decimal
    operations: int


@dataclass
class Found:
    """How much was compared, and every difference as a sentence."""

    acts: int = 0
    moved: int = 0
    joints: int = 0
    joints_not_at_zero: int = 0
    beside_turnover: int = 0
    wrong: list[str] = field(default_factory=list)


def signed(balance: BalanceRow) -> Decimal:
    """Return what an act prints in two columns as one figure: plus is what the client has."""
    return balance.credit - balance.debit


def acts(book: LakeBook, accounts: Sequence[int], month: str, wrong: list[str]) -> dict[int, Ends]:
    """Return the ends of every account's act of a month; one that cannot be made is noted as wrong."""
    since, until = month_days(month)
    tables, at, words = book.tables(until), known(book, until), language("en")
    facts = read(tables, accounts, read_last(tables, accounts, until=until), since=since, until=until)
    found: dict[int, Ends] = {}
    for account in accounts:
        try:
            page = ActPage(statement(facts, account, since=since, until=until, known=at), "act", words)
        except Failure as failure:
            wrong.append(f"{month}: {failure}")
            continue
        found[account] = Ends(signed(page.opening), signed(page.closing), len(page.paper.operations))
    return found


def turnover(book: LakeBook, month: str, wrong: list[str]) -> dict[int, tuple[Decimal, Decimal]]:
    """Return opening and closing of the month's turnover by account; a control that does not hold is wrong."""
    since, until = month_days(month)
    result = book.report("turnover", **{"from": since, "to": until})
    wrong += [
        f"{month}: control {one.name} of turnover is off by {one.difference} {one.currency}"
        for one in result.controls
        if not one.holds
    ]
    rows = result.frame.select("account", "opening", "closing").iter_rows()
    return {account: (opening, closing) for account, opening, closing in rows}


def compare(
    found: Found,
    month: str,
    made: Mapping[int, Ends],
    before: Mapping[int, Ends],
    sums: Mapping[int, tuple[Decimal, Decimal]],
) -> None:
    """Set a month's acts beside those of the month before, and beside turnover."""
    for account, ends in made.items():
        found.acts += 1
        found.moved += ends.operations > 0
        if account in before:
            closed = before[account].closing
            found.joints += 1
            found.joints_not_at_zero += closed != ZERO
            if ends.opening != closed:
                found.wrong.append(f"{month}: account {account} opens with {ends.opening}, closed with {closed}")
        found.beside_turnover += account in sums
        summed = sums.get(account, (ZERO, ZERO))
        if (ends.opening, ends.closing) != summed:
            found.wrong.append(
                f"{month}: account {account} goes from {ends.opening} to {ends.closing}, "
                f"turnover from {summed[0]} to {summed[1]}"
            )


def months(first: date, last: date) -> Iterator[str]:
    """Yield the months between two days, as YYYY-MM."""
    day = first.replace(day=1)
    while day <= last:
        yield f"{day:%Y-%m}"
        day = (day + timedelta(days=31)).replace(day=1)


def check(book: LakeBook, first: date, last: date) -> Found:
    """Compare the acts of all money accounts over these months."""
    found, before = Found(), dict[int, Ends]()
    accounts = book.accounts.filter(pl.col("kind") == "money").select(pl.col("id").sort()).collect()["id"].to_list()
    for month in months(first, last):
        made = acts(book, accounts, month, found.wrong)
        compare(found, month, made, before, turnover(book, month, found.wrong))
        before = made
    return found


def closed_days(book: LakeBook) -> tuple[date, date]:
    """Return the first day with an entry and the last closed one. Raises Failure when there are none."""
    first = book.entries.select(pl.col("business_date").min()).collect().item()
    if first is None or book.cut.closed_until is None:
        raise Failure("the lake has no closed days to compare acts of")
    return first, book.cut.closed_until


def main() -> None:
    """Compare, and print how much was compared and what differs."""
    parser = argparse.ArgumentParser(description="Do acts join up, month to month, for every money account?")
    parser.add_argument("--from", dest="first", metavar="MONTH", help="first month, YYYY-MM")
    parser.add_argument("--to", dest="last", metavar="MONTH", help="last month, YYYY-MM")
    given = parser.parse_args()
    try:
        book = reports.open()
        first, last = closed_days(book)
        first = month_days(given.first)[0] if given.first else first
        found = check(book, first, month_days(given.last)[0] if given.last else last)
    except Failure as failure:
        sys.exit(str(failure))
    print(f"{found.acts} acts from {first:%Y-%m}, {found.moved} with operations")
    print(f"{found.joints} openings beside the closing before, {found.joints_not_at_zero} of these not at zero")
    print(
        f"{found.beside_turnover} acts beside their row of turnover, {found.acts - found.beside_turnover} without one"
    )
    print(f"{len(found.wrong)} differences", *found.wrong[:SHOWN], sep="\n")
    if found.wrong or not found.joints_not_at_zero or not found.beside_turnover:
        sys.exit(1)


if __name__ == "__main__":
    main()
