"""How fast the ledger posts lunches that a company pays, with the rules of employers and without, in one run.

Of a lunch of 4.00 the company pays 3.20 and the employee the rest: by a limit on each order, or by a share of 80 %, in
hours, out of a department's budget of a month. Both have a limit a day. Run: python -m tests.benchmarks.bench_lunches
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.administration.administration_lines import parse
from ledger.core.command_parts import Line
from ledger.core.commands import Debit
from ledger.postgres import embedded_server
from ledger.postgres.database import initialise, migrate
from ledger.postgres.post import Ledger
from tests.benchmarks.bench_orders import Kind, rates

AT_LEAST = 0.8
"""Lunches with share, hours and group are posted at least at this share of the rate of those without."""

EMPLOYEES = 400
RULES = {"share": "80", "when": {"from": "00:00", "to": "23:59"}, "group": "kitchen"}


def lunch(key: str, employee: str) -> Debit:
    """Return a debit of one lunch."""
    return Debit(key=key, account=employee, lines=(Line(brand="sushi", service="lunch", amount="4.00"),))


def of(company: str) -> list[str]:
    """Return the references of a company's employees."""
    return [f"{company}-{number}" for number in range(EMPLOYEES)]


def settle(ledger: Ledger) -> None:
    """Set up both companies, their employees, and what is agreed."""
    records: list[dict[str, Any]] = [{"type": "brand", "code": "sushi"}]
    for company, rules in (("plain", {}), ("ruled", RULES)):
        for who in (company, *of(company)):
            records += [
                {"type": "party", "reference": who, "kind": "individual", "name": who},
                {"type": "account", "reference": who, "party": who, "currency": "RUB"},
                {"type": "credit_terms", "account": who, "limit": "1000000.00", "valid_from": "2024-01-01"},
            ]
        for who in of(company):
            records += [
                {"type": "write_off_limit", "payer": company, "account": who, "period": "day", "amount": "100000.00"},
                {"type": "link", "account": who, "payer": company, **rules},
            ]
    records += [
        *(
            {"type": "write_off_limit", "payer": "plain", "account": who, "period": "order", "amount": "3.20"}
            for who in of("plain")
        ),
        {"type": "write_off_limit", "payer": "ruled", "group": "kitchen", "period": "month", "amount": "10000000.00"},
    ]
    outcomes = ledger.administer([parse(record) for record in records])
    assert all(outcome.to_json()["status"] == "done" for outcome in outcomes)


def main() -> None:
    """Print a table of rates and their ratio; exit 1 when lunches with rules are too slow."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="more or fewer lunches")
    scale = options.parse_args().scale
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    url = embedded_server.running(home)
    try:
        migrate(url)
        initialise(url)
        ledger = Ledger(url)
        settle(ledger)
        table = Table("batch", "lunches a second", "with share, hours, group", "ratio", box=None)
        ratios = []
        for batch, many in ((100, 3_000), (1_000, 10_000)):
            many = max(batch, int(many * scale) // batch * batch)
            kinds: dict[str, Kind] = {
                name: (ledger.post, lambda key, number, name=name: lunch(key, f"{name}-{number}"))
                for name in ("plain", "ruled")
            }
            taken = rates(kinds, list(range(EMPLOYEES)), many, batch)
            ratios.append(taken["ruled"] / taken["plain"])
            table.add_row(str(batch), f"{taken['plain']:,.0f}", f"{taken['ruled']:,.0f}", f"{ratios[-1]:.2f}")
        Console().print(table)
    finally:
        embedded_server.stop(home)
    if min(ratios) < AT_LEAST:
        raise SystemExit(f"lunches with rules are posted at {min(ratios):.2f}, at least {AT_LEAST} is wanted")


if __name__ == "__main__":
    main()
