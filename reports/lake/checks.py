"""What a check found: how many things it looked at, and a sentence for each thing that is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

NAMED = 10  # problems that are named; the rest are counted


@dataclass(frozen=True)
class CheckResult:
    """One rule, tried on everything it applies to."""

    name: str
    rule: str
    checked: int
    wrong: int = 0
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether nothing was wrong."""
        return self.wrong == 0


def found(name: str, rule: str, *, checked: int, problems: Iterable[str]) -> CheckResult:
    """Return a check with what it found."""
    rest = iter(problems)
    named = tuple(islice(rest, NAMED))
    return CheckResult(name, rule, checked, len(named) + sum(1 for _ in rest), named)
