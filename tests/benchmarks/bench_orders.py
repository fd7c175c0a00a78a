"""How fast the desk takes orders, beside the debits that the ledger posts at the same batch size, in one run.

Both write the same service lines for the same accounts, with fsync on; an order is two dishes
and a delivery with a promotion, priced, and its rows and answer are kept. A debit of one line
is shown as well. Run: python -m tests.benchmarks.bench_orders
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.core.command_parts import Line
from ledger.core.commands import Debit
from ledger.food.core import commands as f
from ledger.food.postgres.post_orders import Desk
from ledger.postgres import embedded_server
from ledger.postgres.post import Ledger
from tests.benchmarks.bench_post import prepare

AT_LEAST = 0.52
"""Orders are taken at least at this share of the rate of debits with as many lines; 0.70 is wanted."""


def order(key: str, account: int) -> f.Order:
    """Return an order of three lines; parsed by then, as the debits are."""
    return f.Order(
        key=key,
        account=account,
        promo_codes=("TEN",),
        delivery=f.Extra(brand="sushi", amount="1.00"),
        items=(
            f.Item(brand="sushi", sku="set-4", name="Set 4", price="4.50", quantity=2),
            f.Item(brand="sushi", sku="tea", name="Tea", price="2.00"),
        ),
    )


def debit(lines: int) -> Callable[[str, int], Debit]:
    """Return what makes a debit of so many lines."""

    def made(key: str, account: int) -> Debit:
        return Debit(
            key=key,
            account=account,
            lines=tuple(
                Line(
                    brand="sushi",
                    service="dish",
                    reference=f"A-{line}",
                    amount="4.00",
                    gross="5.00",
                    attributes={"name": "Set 4", "quantity": 2},
                )
                for line in range(lines)
            ),
        )

    return made


Kind = tuple[Callable[[list[Any]], list[Any]], Callable[[str, int], Any]]


def rates(kinds: dict[str, Kind], accounts: list[int], many: int, batch: int) -> dict[str, float]:
    """Return commands a second of each kind, one writer; their batches take turns, in the same weather."""
    chance = random.Random(batch)
    seconds = dict.fromkeys(kinds, 0.0)
    for number in range(many // batch + 1):
        for name, (post, make) in kinds.items():
            commands = [make(f"{name}-{batch}-{number}-{n}", chance.choice(accounts)) for n in range(batch)]
            began = time.perf_counter()
            outcomes = post(commands)
            if number:  # the first batch of each warms up
                seconds[name] += time.perf_counter() - began
            assert all(outcome.to_json()["status"] == "posted" for outcome in outcomes)
    return {name: many // batch * batch / spent for name, spent in seconds.items()}


def main() -> None:
    """Print a table of rates and their ratios; exit 1 when orders are too slow."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0, help="more or fewer orders")
    scale = options.parse_args().scale
    home = Path(tempfile.mkdtemp(prefix="tiffin-bench-"))
    url = embedded_server.running(home)
    try:
        accounts = prepare(url)
        ledger = Ledger(url)
        desk = Desk(ledger)
        desk.administer([f.Promotion(code="TEN", kind="percent", value="10", max_uses=1_000_000)])
        table = Table("batch", "orders a second", "debits, 3 lines", "debits, 1 line", "ratio, 3 lines", box=None)
        ratios = []
        for batch, many in ((100, 3_000), (1_000, 10_000)):
            many = max(batch, int(many * scale) // batch * batch)
            kinds: dict[str, Kind] = {
                "order": (desk.post, order),
                "three": (ledger.post, debit(3)),
                "one": (ledger.post, debit(1)),
            }
            taken = rates(kinds, accounts, many, batch)
            ratios.append(taken["order"] / taken["three"])
            written = (f"{taken[name]:,.0f}" for name in ("order", "three", "one"))
            table.add_row(str(batch), *written, f"{ratios[-1]:.2f}")
        Console().print(table)
    finally:
        embedded_server.stop(home)
    if min(ratios) < AT_LEAST:
        raise SystemExit(f"orders are taken at {min(ratios):.2f} of the rate of debits, at least {AT_LEAST} is wanted")


if __name__ == "__main__":
    main()
