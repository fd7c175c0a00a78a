"""What a report says of its figures: which rows make each of them, and which are made of others.

A report declares it in its own file, beside the function that adds the rows up, as `contributions` (DECISIONS D186).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.core.leads import Row
from reports.core.tables import Frame, Tables

Pieces = Callable[[Tables, Any, Row], Frame]

_SIGNS = {1: "+", -1: "−"}


@dataclass(frozen=True)
class Source:
    """Rows of one table that figures are added up from.

    `pieces(tables, parameters, row)` gives them with what identifies each (`transaction_id` and `leg` of an entry, else
    `transaction_id`, `id` or nothing), the columns of the report's key and, by the name of each of `words`, what it
    adds to that figure. It may read only what the row needs; a column of the key that it leaves out is one that it has
    narrowed the rows to itself. Rows that are no entries bring what they are, as far as there is such a thing:
    `business_date`, `kind`, `account_id`, `currency`, `amount`. `words` say what each figure is.
    """

    pieces: Pieces
    words: Mapping[str, str]
    table: str = "entries"


class Contributions:
    """Where the figures of a report come from.

    `made` gives, of a figure that others of its row make, these with their signs; `ratios`, of one that is a quotient,
    what is divided by what, and by which column of the row that is multiplied. A figure that is named only there need
    not be a column of the report.
    """

    def __init__(
        self,
        *sources: Source,
        made: Mapping[str, Mapping[str, int]] | None = None,
        ratios: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.sources = sources
        self.made = made or {}
        self.ratios = ratios or {}

    @property
    def names(self) -> list[str]:
        """Return the figures of which something is known."""
        return [*(name for source in self.sources for name in source.words), *self.made, *self.ratios]

    def parts(self, column: str) -> dict[str, int]:
        """Return the figures that rows are added up to, with their signs, which make this one."""
        if column not in self.made:
            return {column: 1}
        return {part: sign * inner for of, sign in self.made[column].items() for part, inner in self.parts(of).items()}

    def sentence(self, column: str) -> str:
        """Return what a figure is, in words."""
        if column in self.ratios:
            above, below, *times = self.ratios[column]
            return " × ".join([f"{column} = {above} / {below}", *times])
        if column not in self.made:
            return next(source.words[column] for source in self.sources if column in source.words)
        first, *others = self.made[column].items()
        return f"{column} = {first[0]}" + "".join(f" {_SIGNS[sign]} {name}" for name, sign in others)
