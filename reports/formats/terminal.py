"""Results on a terminal, drawn by rich. Where the output is not a terminal nothing is cut or folded."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ledger.values.text import printable
from reports.core.forms import Language
from reports.core.result import Result
from reports.formats.captions import NUMBERS, control_line, facts, shown_rows, shown_subtotals, word


def show(result: Result, language: Language, console: Console) -> None:
    """Print the result: what it is, the rows, sums by currency, controls; what fails in red."""
    table = drawn(result, language)
    if not console.is_terminal:
        console.width = max(
            console.width, Measurement.get(console, console.options.update(max_width=10_000), table).maximum
        )
    console.print(Text(result.report.title(language), style="bold"))
    if result.provisional:
        console.print(Text(word("provisional", language), style="bold red"))
    console.print(
        Text(printable("  ".join(f"{fact.label} {fact.value}" for fact in facts(result, language)[1:])), style="dim")
    )
    console.print(table)
    for control in result.controls:
        console.print(Text(control_line(control, language), style="green" if control.holds else "bold red"))


def drawn(result: Result, language: Language) -> Table:
    """Return the rows and subtotals as a rich table."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in result.columns:
        numeric = column.kind in NUMBERS
        table.add_column(
            column.label(language), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for row in shown_rows(result, language):
        table.add_row(*(Text(printable(cell)) for cell in row))
    for row in shown_subtotals(result, language):
        table.add_row(*(Text(printable(cell), style="bold") for cell in row))
    return table
