"""`tiffin demo`: a year of real orders through the ledger, the nightly cut, reports and papers.

Killed anywhere, the next run completes it: keys are replayed, cuts and papers that are there stay.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ledger.errors import Failure
from ledger.settings import Settings

if TYPE_CHECKING:
    from reports.demo.figures import Figure
    from reports.demo.play import Tally

app = typer.Typer()
console = Console()

YEAR_CLOSES, LUNCHES_CLOSE = date(2017, 12, 31), date(2018, 2, 28)
HOUSEHOLDS, COMPANIES = 2_469, 36
LUNCH_STATEMENTS = 50  # a company's has hundreds of operations, and takes its time
PLAIN_STEPS = 10


@app.command()
def demo(
    households: Annotated[int, typer.Option(min=1, help="Number of households to play.")] = HOUSEHOLDS,
    statements: Annotated[
        int, typer.Option(min=0, help="How many statements to print for December; fewer for February.")
    ] = 200,
    companies: Annotated[int, typer.Option(min=1, help="Number of companies whose lunches are played.")] = COMPANIES,
) -> None:
    """Play a real year of orders through the ledger, then close it, report on it and print its papers."""
    import reports
    from ledger.food.postgres.post_orders import Desk
    from ledger.postgres.database import initialise, migrate, server_url
    from ledger.postgres.post import Ledger
    from reports.cli.lake import nightly, verify
    from reports.demo import complete_journey as journey
    from reports.demo import figures, lunches, play, year

    settings = Settings()
    url = server_url(settings, make=True)
    migrate(url)
    initialise(url, journey.TIME_ZONE, journey.CURRENCY)
    desk = Desk(Ledger(url))

    console.print(f"The Complete Journey: a year of baskets of {min(households, HOUSEHOLDS):,} households")
    till = journey.till_lines()
    brands = journey.brands(till)
    lines = journey.lines(journey.some(till, households), brands)
    baskets, holders = journey.baskets(lines), journey.households(lines)

    records = list(year.registry(brands, holders))
    with _progress("brands, parties, accounts", len(records)) as progress:
        play.administer(desk, records, progress)
    payments = baskets.filter(baskets["top_up"] > 0).height
    with _progress("payments (derived) and baskets", payments + baskets.height) as progress:
        year_tally = play.post(desk, year.commands(baskets, holders), progress)
    if year_tally.declined:
        raise Failure(f"the ledger declined baskets of the demo: {dict(year_tally.declined)}")
    nightly(date=YEAR_CLOSES.isoformat(), statements=statements)

    console.print("Company lunches, derived: January and February 2018")
    records = list(lunches.registry(companies))
    with _progress("companies, employees, terms, promotions", len(records)) as progress:
        play.administer(desk, records, progress)
    orders = list(lunches.commands(companies))
    with _progress("payments, orders, what became of them", len(orders)) as progress:
        lunch_tally = play.post(desk, orders, progress)
    nightly(date=LUNCHES_CLOSE.isoformat(), statements=min(statements, LUNCH_STATEMENTS))
    verify()

    _show(year_tally, lunch_tally, figures.figures(lines, reports.open()))


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number done since the last call: a bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield _plain(what, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def _plain(what: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        before, done = done, done + more
        if before * PLAIN_STEPS // total < done * PLAIN_STEPS // total:
            console.print(f"{what}: {done:,} of {total:,}")

    return advance


def _show(year: "Tally", lunch: "Tally", figures: "list[Figure]") -> None:
    table = Table(title="The year, without the derived lunches", title_justify="left")
    for name, justify in (("", "left"), ("data set", "right"), ("lake", "right"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich wants a Literal
    for figure in figures:
        same = "the same" if figure.same else "[red]differs[/red]"
        table.add_row(figure.name, f"{figure.data_set:,}", f"{figure.lake:,}", same)
    console.print(table)
    console.print(_answered("the year", year), soft_wrap=True)
    console.print(_answered("lunches (derived)", lunch), soft_wrap=True)
    for code, times in lunch.declined.most_common():
        console.print(f"    {times:,} × {code}")
    console.print(NEXT, highlight=False)
    if not all(figure.same for figure in figures):
        raise Failure("the lake's figures of the year are not the data set's")


def _answered(what: str, tally: "Tally") -> str:
    counts = f"{what}: {tally.posted:,} posted, {tally.declined.total():,} declined"
    if tally.replayed:  # a replay only reads: its rate is not that of posting
        return f"{counts}; {tally.replayed:,} of them had been answered before"
    return f"{counts}; {tally.rate:,.0f} transactions a second by one writer, durable, in batches of up to 1,000"


NEXT = """
Next:
  tiffin dashboard                          the finance team's screens
  tiffin report brand-revenue --from 2017-01-01 --to 2018-01-01
  tiffin statement household-900 --month 2017-12
  tiffin stop                               stops the embedded database
"""
