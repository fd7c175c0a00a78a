"""Does an independent accountant agree? hledger checks the journal of a home, and balances it at each month's end.

    TIFFIN_HOME=… python -m tests.benchmarks.check_hledger

`hledger check --strict` must pass, and at the end of every closed month hledger's balance of every account, the
brands' own too, must be the closing of trial-balance. hledger is in Debian. Ends with 1 if any balance differs.
"""

import csv
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import reports
from ledger.errors import Failure
from reports.formats.hledger import journal_text
from reports.run import LakeBook
from tests.benchmarks.check_acts import SHOWN, closed_days, months

Balances = dict[tuple[str, str], Decimal]  # by hledger's account name and currency; zeros are left out


@dataclass
class Agreed:
    """How many months and balances were compared, and every difference as a sentence."""

    months: int = 0
    balances: int = 0
    wrong: list[str] = field(default_factory=list)


def theirs(journal: Path, last: date) -> dict[str, Balances]:
    """Return hledger's balances at the end of each month, by month. Raises Failure when the journal is unsound."""
    checked = _hledger("-f", str(journal), "check", "--strict")
    if checked.returncode:
        raise Failure(f"hledger check: {checked.stderr.strip()}")
    flat = ("--flat", "--no-total", "--empty", "--layout=bare", "-O", "csv")
    end = ("--monthly", "--historical", "--end", (last + timedelta(days=1)).isoformat())
    header, *rows = csv.reader(_hledger("-f", str(journal), "balance", *end, *flat).stdout.splitlines())
    return {
        ended[:7]: {(row[0], row[1]): Decimal(row[at]) for row in rows if Decimal(row[at])}
        for at, ended in enumerate(header[2:], start=2)
    }


def _hledger(*arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(["hledger", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Failure("hledger is not installed: apt install hledger") from None


def ours(book: LakeBook, month: str, last: date) -> Balances:
    """Return the closings of trial-balance at the end of a month, debit as plus."""
    since = date.fromisoformat(f"{month}-01")
    until = min(last, (since + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    frame = book.report("trial-balance", first_day=since, last_day=until, by="account").frame
    balances: Balances = {}
    for row in frame.rows(named=True):  # adjustments have a row for each code of the chart
        name = _name(row), row["currency"]
        balances[name] = balances.get(name, Decimal(0)) + row["closing_debit"] - row["closing_credit"]
    return {name: balance for name, balance in balances.items() if balance}


def _name(row: dict[str, str]) -> str:
    clients = row["kind"] in ("money", "bonus")
    return f"clients:{row['kind']}:{row['account']}" if clients else f"brands:{row['brand']}:{row['kind']}"


def agreed(book: LakeBook, first: date, last: date, folder: Path) -> Agreed:
    """Compare every month from the first day's to the last day's, which must be the book's latest with entries."""
    journal = folder / "book.journal"
    journal.write_text(journal_text(book))
    found, balanced = Agreed(), theirs(journal, last)
    for month in months(first, last):
        mine, other = ours(book, month, last), balanced[month]
        found.months += 1
        found.balances += len(mine)
        found.wrong += [
            f"{month}: {name} is {other.get((name, currency), 0)} {currency} in hledger, "
            f"{mine.get((name, currency), 0)} in trial-balance"
            for name, currency in sorted({*mine} | {*other})
            if mine.get((name, currency), 0) != other.get((name, currency), 0)
        ]
    return found


def lines_of(found: Agreed) -> Sequence[str]:
    """Return what was found, as lines."""
    return [
        "hledger check --strict passes",
        f"{found.months} month ends, {found.balances} balances, {len(found.wrong)} differ",
        *found.wrong[:SHOWN],
    ]


def main() -> None:
    """Compare, and print how much was compared and what differs."""
    try:
        book = reports.open()
        with tempfile.TemporaryDirectory(prefix="tiffin-hledger-") as folder:
            found = agreed(book, *closed_days(book), Path(folder))
    except Failure as failure:
        sys.exit(str(failure))
    print(*lines_of(found), sep="\n")
    if found.wrong or not found.balances:
        sys.exit(1)


if __name__ == "__main__":
    main()
