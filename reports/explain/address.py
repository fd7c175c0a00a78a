"""Where a figure stands: report, parameters, cut, key of the row, column; as a value, and as the query of a link.

With what it is compared with, it is the address of a difference.

A link is the same for the same figure, whenever it is made: its parts are in the order of the address.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ledger.errors import Failure
from ledger.values.text import whole_number
from reports.core.report import named, near
from reports.core.result import Result

PATH = "explanation"
"""The dashboard's page of an explanation."""
DIFFERENCE = "difference"
"""The dashboard's page of a difference."""
_ROW, _AGAINST = "row.", "against."


@dataclass(frozen=True)
class Address:
    """Where a figure stands: everything that it takes to find it again; `against`: the figure it is compared with."""

    report: str
    parameters: dict[str, Any]
    cut: int
    key: dict[str, Any]
    column: str
    against: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        """Return the address as the query of a URL: report, column, cut, the parameters; before the key `row.`, before
        what it is compared with `against.`.
        """
        given = {name: _text(value) for name, value in self.parameters.items()}
        row = {f"{_ROW}{name}": _text(value) for name, value in self.key.items()}
        against = {f"{_AGAINST}{name}": _text(value) for name, value in self.against.items()}
        return {"report": self.report, "column": self.column, "cut": str(self.cut), **given, **row, **against}

    def url(self, dashboard: str) -> str:
        """Return the link to the explanation, or the difference, in the dashboard at that address."""
        return f"{dashboard.rstrip('/')}/{DIFFERENCE if self.against else PATH}?{urlencode(self.query)}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def parameters_of(result: Result) -> dict[str, Any]:
    """Return the parameters that a result was asked for, by the names that people give them."""
    return result.parameters.model_dump(mode="json", by_alias=True, exclude_none=True)


def key_of(result: Result, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells a row of a result from all others."""
    return {name: row[name] for name in result.report.key if name in result.frame.columns}


def read_address(query: Mapping[str, str]) -> Address:
    """Return the address that the query of a link is. Raises Failure where it is none."""
    rest = dict(query)
    report, column, cut = (rest.pop(name, "") for name in ("report", "column", "cut"))
    known = [one.name for one in named(report).columns]
    if column not in known:
        raise Failure(f"{report} has no column {column}{near(column, known)}")
    key, against = (
        {name.removeprefix(prefix): rest.pop(name) for name in query if name.startswith(prefix)}
        for prefix in (_ROW, _AGAINST)
    )
    return Address(report, rest, whole_number(cut) or 0, key, column, against)


def links(result: Result, dashboard: str) -> Iterator[dict[str, str]]:
    """Give, for each row of a result, the links to the explanations of its figures, by column."""
    contributions = result.report.contributions
    columns = [name for name in contributions.names if name in result.frame.columns] if contributions else []
    given, cut = parameters_of(result), result.cut.number
    for row in result.frame.iter_rows(named=True):
        key = key_of(result, row)
        yield {
            name: Address(result.report.name, given, cut, key, name).url(dashboard)
            for name in columns
            if row[name] is not None
        }
