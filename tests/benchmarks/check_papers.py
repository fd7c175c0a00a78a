"""Is every paper right? Draws papers, has them read by others, and sets what is read beside the reports.

Run on a home that has closed days: TIFFIN_HOME=… python -m tests.benchmarks.check_papers [MONTH …] [--every N].
For each month, by default the last two closed: statement, act and invoice in every language for each company and
each Nth of the other accounts that get a paper; then the edge cases of the tests. Each is read by two validators, and
aloud; the totals in its text are those of turnover and of the lake's service lines, to the kopeck; its embedded JSON
has the rows of the account card; its code, scanned, requests what turnover shows as owed. The figures of the edge
cases, which have no reports, are summed from their operations. Ends with 1 if anything differs, and if there was
nothing to compare.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import polars as pl

import reports
from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.documents.build_statement import CHARGES, statement
from reports.documents.bulk import Selection, chosen
from reports.documents.design import KINDS, Design, Kind
from reports.documents.fetch_facts import groups, known
from reports.documents.language import LANGUAGES, language
from reports.documents.page import MOST_OPERATIONS, Page, paper_number
from reports.documents.papers import controlled
from reports.documents.render import pdf
from reports.documents.statement import ZERO, Statement
from reports.run import LakeBook
from tests.reports.documents.inspected import complaints, scanned, shown, text
from tests.reports.documents.test_papers import CASES

SHOWN = 30
REPORT_EVERY_S = 20
MOVES = ("version", "transaction", "kind", "amount", "balance", "held")
SERVED = (*CHARGES, "refund")
FORMS = {
    "Balance at the start": "Сальдо начальное",
    "Turnover of the period": "Обороты за период",
    "Balance at the end": "Сальдо конечное",
    "To pay": "Всего к оплате",
    "Total": "Итого",
}
"""What the forms of Russia call what other papers call so."""
Sums = dict[str, Decimal]


@dataclass(frozen=True)
class Wanted:
    """What a paper must say: opening, debits, credits and closing, sums of its lines, and its operations."""

    account: Sums
    lines: Sums
    moves: list[tuple[Any, ...]]


@dataclass
class Found:
    """How many papers of which kind were read, how many figures compared, and every difference as a sentence."""

    papers: Counter[str] = field(default_factory=Counter)
    figures: int = 0
    rows: int = 0
    codes: int = 0
    wrong: list[str] = field(default_factory=list)


def lines_of(rows: Sequence[tuple[str, Decimal, Decimal, Decimal, Decimal | None]]) -> Sums:
    """Return sums of service lines (kind, gross, discount, amount, VAT): of all, and of those charged alone."""
    names = ("gross", "discount", "amount", "vat")
    every = {name: sum((row[at] or ZERO for row in rows), start=ZERO) for at, name in enumerate(names, start=1)}
    charged = [row for row in rows if row[0] in CHARGES]
    return every | {
        "charged": sum((row[1] for row in charged), start=ZERO),
        "discounted": sum((row[2] for row in charged), start=ZERO),
    }


def by_reports(book: LakeBook, month: str, accounts: Sequence[int]) -> Iterator[tuple[Statement, Wanted]]:
    """Yield each account's paper of a month, and what reports and lake say that it must show."""
    since, until = month_days(month)
    at, rows = known(book, until), controlled(book, since, until).frame.iter_rows(named=True)
    turnover = {
        row["account"]: {name: row[name] for name in ("opening", "debits", "credits", "closing")} for row in rows
    }
    served = book.entries.filter(
        pl.col("business_date").is_between(since, until),
        pl.col("account_kind") == "revenue",
        pl.col("kind").is_in(SERVED),
    ).select("source_id", "transaction_id", "kind", "gross", "discount", "amount", "vat")
    lines = served.collect().partition_by("source_id", as_dict=True, include_key=False)
    served_none = served.drop("source_id").limit(0).collect()
    for group, facts in groups(book, list(accounts), since=since, until=until):
        for account in group:
            card = book.report("account-card", account=account, **{"from": since, "to": until}).frame
            moved = card.with_columns(amount=pl.col("credit") - pl.col("debit"))
            nothing = dict.fromkeys(("opening", "debits", "credits", "closing"), ZERO)
            # What an account was given free beside what its company paid for moved nothing of its own.
            own = lines.get((account,), served_none).filter(
                pl.col("transaction_id").is_in(card["transaction"].to_list())
            )
            yield (
                statement(facts, account, since=since, until=until, known=at),
                Wanted(
                    turnover.get(account, nothing),
                    lines_of(own.drop("transaction_id").rows()),
                    moved.select(MOVES).rows(),
                ),
            )


def by_operations(paper: Statement) -> Wanted:
    """Return what a paper made up for a test must show, from its operations alone."""
    moves = [(one.version, one.transaction, one.kind, one.amount, one.balance, one.held) for one in paper.operations]
    amounts = [one.amount for one in paper.operations]
    opening = paper.operations[0].balance - amounts[0] if amounts else paper.summary.opening
    lines = [
        (one.kind, line.gross, line.discount, line.amount, line.vat) for one in paper.operations for line in one.lines
    ]
    account = {
        "opening": opening,
        "debits": sum((-amount for amount in amounts if amount < 0), start=ZERO),
        "credits": sum((amount for amount in amounts if amount > 0), start=ZERO),
        "closing": opening + sum(amounts, start=ZERO),
    }
    return Wanted(account, lines_of(lines), moves)


def labelled(kind: Kind, wanted: Wanted) -> list[tuple[str, list[Decimal]]]:
    """Return the lines of figures that must stand on a paper: the English label, and the figures after it."""
    sums, lines = wanted.account, wanted.lines
    opening, closing, debits, credits_ = (sums[name] for name in ("opening", "closing", "debits", "credits"))
    if kind == "act":
        return [
            ("Balance at the start", [max(ZERO, -opening), max(ZERO, opening)]),
            ("Turnover of the period", [debits, credits_]),
            ("Balance at the end", [max(ZERO, -closing), max(ZERO, closing)]),
        ]
    totals = [lines["gross"], lines["discount"], lines["vat"], lines["amount"]]
    if kind == "invoice":
        return [("To pay", [max(ZERO, -closing)]), *([("Total", totals)] if any(totals) else [])]
    if kind == "services":
        return [("Total", totals)] if any(totals) else []
    paid = sum((move[3] for move in wanted.moves if move[2] in ("payment", "allocate")), start=ZERO)
    refunds = sum((move[3] for move in wanted.moves if move[2] == "refund"), start=ZERO)
    return [
        ("Balance at the start", [opening]),
        ("Services before discounts", [-lines["charged"]]),
        ("Discounts", [lines["discounted"]]),
        ("Refunds", [refunds]),
        ("Paid", [paid]),
        ("Balance at the end", [closing]),
        *([("Total", [debits, credits_, closing])] if any(move[3] or move[5] for move in wanted.moves) else []),
    ]


def read(found: Found, paper: Statement, wanted: Wanted, kind: Kind, code: str, file: Path) -> list[str]:
    """Return what is wrong with a drawn paper."""
    wrong, words = complaints(file), text(file)
    page = Page(paper, kind, language(code))
    russian = kind != "statement" and page.russian
    for label, figures in labelled(kind, wanted):
        if label == "To pay" and not any(figures):  # the sum in the client's favour stands there
            label, figures = page.verdict, [wanted.account["closing"]]
        if russian and label == "Total":  # VAT and amount alone
            figures = figures[2:]
        written = [re.escape(shown(figure, code)) for figure in figures]
        if russian and label == "Total" and not figures[0]:
            written[0] = f"(?:{written[0]}|–)"  # a dash where nothing has VAT
        # Many operations are summed by day: their number stands between.
        many = label == "Total" and kind == "statement" and len(paper.operations) > MOST_OPERATIONS
        said = FORMS.get(label, label) if russian else language(code).text(label)
        line = r"\s+".join([re.escape(said), *([r"\d+"] if many else []), *written])
        found.figures += len(figures)
        if not re.search(rf"{line}(?![\d.,])", words, re.IGNORECASE):  # some headings are in capitals
            wrong.append(f"{label} is not {', '.join(map(str, figures))}")
    with pikepdf.open(file) as drawn:
        embedded = {name: spec.get_file().read_bytes() for name, spec in drawn.attachments.items()}
    facts = json.loads(embedded[f"{paper_number(paper, kind)}.json"])
    rows = [tuple(str(move[name]) for name in MOVES) for move in facts["operations"]]
    found.rows += len(rows)
    if rows != [tuple(map(str, move)) for move in wanted.moves]:
        wrong.append("the embedded operations are not those of the account card")
    return wrong + check_code(found, paper, wanted, kind, file)


def check_code(found: Found, paper: Statement, wanted: Wanted, kind: Kind, file: Path) -> list[str]:
    """Return what is wrong with the code to pay by: there when it can be, and for what is owed."""
    owed = max(ZERO, -wanted.account["closing"])
    page = Page(paper, kind, language("en"))
    payable = bool(page.requisite({"RUB": "bic", "EUR": "iban"}.get(paper.currency, "")))
    # Ten digits of euros are more than the code can carry.
    due = kind in ("statement", "invoice") and payable and owed and (paper.currency == "RUB" or owed < 10**9)
    codes = scanned(file) if due or len(paper.operations) <= 10 else []
    found.codes += len(codes)
    sum_ = f"|Sum={owed * 100:.0f}|" if paper.currency == "RUB" else f"\nEUR{f'{owed:f}'.removesuffix('.00')}"
    if len(codes) != bool(due) or any(sum_ not in code for code in codes):
        return [f"codes to pay {owed} {paper.currency}: {codes}"]
    return []


def check(found: Found, papers: Iterator[tuple[str, Statement, Wanted]], what: str) -> None:
    """Draw and read each paper in every kind and language."""
    reported_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for name, paper, wanted in papers:
            for kind in KINDS if paper.issuer else KINDS[:1]:
                for code in LANGUAGES:
                    file = Path(folder) / f"{kind}.pdf"
                    file.write_bytes(pdf(paper, Design(kind, code)))
                    found.papers[f"{what} {kind} {code}"] += 1
                    found.wrong += [
                        f"{name}, {kind}, {code}: {wrong}" for wrong in read(found, paper, wanted, kind, code, file)
                    ]
            if time.monotonic() - reported_at > REPORT_EVERY_S:
                reported_at = time.monotonic()
                print(f"{what}: {found.papers.total()} papers, {len(found.wrong)} differences", flush=True)


def accounts(book: LakeBook, month: str, every: int) -> list[int]:
    """Return the companies' accounts and each so many of the others that get a paper for a month."""
    since, until = month_days(month)
    turnover = controlled(book, since, until)
    numbers = chosen(book, turnover, Selection())
    companies = book.parties.filter(pl.col("kind") == "legal_entity").select(party_id="id")
    theirs = set(book.accounts.join(companies, on="party_id").select("id").collect()["id"])
    others = [number for number in numbers if number not in theirs]
    return sorted([number for number in numbers if number in theirs] + others[::every])


def months(book: LakeBook, given: Sequence[str]) -> list[str]:
    """Return the months requested, or the last two that are closed. Raises Failure when none is."""
    last = book.cut.closed_until
    if given or last is None:
        if last is None:
            raise Failure("the lake has no closed days to make papers of")
        return list(given)
    last_month = (last + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return [f"{last_month.replace(day=1) - timedelta(days=1):%Y-%m}", f"{last_month:%Y-%m}"]


def main() -> None:
    """Check, and print how much was read and what differs."""
    parser = argparse.ArgumentParser(description="Is every paper right, of a home's months and of the edge cases?")
    parser.add_argument("months", nargs="*", metavar="MONTH", help="YYYY-MM")
    parser.add_argument("--every", type=int, default=20, help="of the accounts that are no company's, one in so many")
    asked_for = parser.parse_args()
    found = Found()
    try:
        book = reports.open()
        for month in months(book, asked_for.months):
            numbers = accounts(book, month, asked_for.every)
            of_month = by_reports(book, month, numbers)
            check(found, ((f"{month} account {paper.account}", paper, wanted) for paper, wanted in of_month), month)
    except Failure as failure:
        sys.exit(str(failure))
    compared = found.rows
    made_up = ((name, make()) for name, make in CASES.items())
    check(found, ((name, paper, by_operations(paper)) for name, paper in made_up), "edge cases")
    for what, number in sorted(found.papers.items()):
        print(f"{what}: {number}")
    print(
        f"{found.papers.total()} papers, {found.figures} figures in their text beside the reports',",
        f"{found.rows} embedded rows, {found.codes} codes scanned",
    )
    print(f"{len(found.wrong)} differences", *found.wrong[:SHOWN], sep="\n")
    if found.wrong or not compared:
        sys.exit(1)


if __name__ == "__main__":
    main()
