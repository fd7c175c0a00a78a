"""What is known of an edition beside what it shows."""

from dataclasses import dataclass, field
from typing import Literal

Format = Literal["html", "pdf", "md"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "md")


@dataclass(frozen=True)
class Facts:
    """What is known of an edition beside its file: where its figures are from, and what they are.

    `figures` are the sums of its results by report, column and currency; `differing` the controls that do not hold.
    """

    notebook: str
    title: str
    parameters: dict[str, str]
    cut: int
    closed_until: str | None
    provisional: bool
    figures: dict[str, str] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
