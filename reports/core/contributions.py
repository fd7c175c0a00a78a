"""What a report says of its figures: which entries make each of them, and which are made of others.

A report declares it in its own file, beside the function that adds the entries up, as `contributions` (DECISIONS D186).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.core.leads import Row
from reports.core.tables import Frame, Tables

Pieces = Callable[[Tables, Any, Row], Frame]

_SIGNS = {1: "+", -1: "−"}


@dataclass(frozen=True, eq=False)  # a report that has one can be a key
class Contributions:
    """Where the figures of a report come from.

    `pieces(tables, parameters, row)` gives a row an entry (`transaction_id`, `leg`), with the columns of the report's
    key and, by the name of each of `words`, what the entry adds to that figure. It may read only what the row needs;
    a column of the key that it leaves out is one that it has narrowed the entries to itself. `words` say what each
    figure is; `made` gives, of a figure that others of its row make, these with their signs.
    """

    pieces: Pieces
    words: Mapping[str, str]
    made: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def parts(self, column: str) -> dict[str, int]:
        """Return the figures that entries are added up to, with their signs, which make this one."""
        if column not in self.made:
            return {column: 1}
        return {part: sign * inner for of, sign in self.made[column].items() for part, inner in self.parts(of).items()}

    def sentence(self, column: str) -> str:
        """Return what a figure is, in words."""
        if column not in self.made:
            return self.words[column]
        first, *others = self.made[column].items()
        return f"{column} = {first[0]}" + "".join(f" {_SIGNS[sign]} {name}" for name, sign in others)
