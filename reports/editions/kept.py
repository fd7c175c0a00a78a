"""Editions: notebooks that are run after a night, kept with their cut, and say what changed since the last.

`editions.toml` in the home, or in the pack, lists them:

    [[edition]]
    notebook = "month_close"
    every = "month"                # day, week or month: run once for each that is closed, the latest first of all
    formats = ["html", "pdf"]
    parameters = { }               # those beside the period, which is filled in

They are kept in `editions/NOTEBOOK/PERIOD/` of the home. One whose controls differ is held back, and so is none.
"""

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.errors import Failure
from ledger.values.dates import month_days
from reports.editions.facts import Facts, Format
from reports.editions.parameters import options, read
from reports.editions.run import declared, path_of, run
from reports.pack import current

LIST = "editions.toml"
FACTS = "edition.json"


class Listed(BaseModel):
    """A notebook of the list: how often, in which forms, with which parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str
    every: Literal["day", "week", "month"] = "month"
    formats: Annotated[list[Format], Field(min_length=1)] = ["html"]
    parameters: dict[str, str | int | float | date] = {}

    def period(self, closed_until: date) -> tuple[date, date]:
        """Return the latest whole period that is closed."""
        if self.every == "day":
            return closed_until, closed_until
        if self.every == "week":
            until = closed_until - timedelta(days=(closed_until.weekday() + 1) % 7)
            return until - timedelta(days=6), until
        following = closed_until + timedelta(days=1)
        return month_days(f"{following.replace(day=1) - timedelta(days=1):%Y-%m}")

    def given(self, since: date, until: date) -> dict[str, str]:
        """Return the notebook's parameters of a period. Raises Failure when it takes no such period."""
        known = options(declared(self.notebook))
        own = {name: str(value) for name, value in self.parameters.items()}
        if self.every == "month" and "month" in known:
            days = {"month": f"{since:%Y-%m}"}
        elif "from" in known:
            days = {"from": since.isoformat(), "to": until.isoformat()}
        elif "as-of" in known:
            days = {"as-of": until.isoformat()}
        else:
            raise Failure(f"{LIST}: the notebook {self.notebook} takes no {self.every}")
        read(declared(self.notebook), {**days, **own})
        return {**days, **own}


@dataclass(frozen=True)
class Edition:
    """One edition: made now, found as it was kept, held back because controls differ, or failed in a cell."""

    notebook: str
    period: str
    state: Literal["made", "found", "held back", "failed"]
    folder: Path
    problems: tuple[str, ...] = ()


def list_of(home: Path) -> Path | None:
    """Return the list of editions: that of the home, else that of the pack; None where there is neither."""
    return next((path for path in (home / LIST, current().folder / LIST) if path.exists()), None)


def listed(home: Path) -> list[Listed]:
    """Return the editions of the list, none where there is no list. Raises Failure for what it can't be."""
    path = list_of(home)
    if path is None:
        return []
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(found.keys() - {"edition"})
        if unknown:
            raise Failure(f"{path}: there is no {unknown[0]} in a list of editions: each begins with [[edition]]")
        editions = [Listed.model_validate(one) for one in found.get("edition", [])]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise Failure(
            f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from None
    for number, one in enumerate(editions):
        path_of(one.notebook)
        if any((other.notebook, other.every) == (one.notebook, one.every) for other in editions[:number]):
            raise Failure(f"{path}: {one.notebook} of every {one.every} is listed twice")
    return editions


def make_due(home: Path, lake: str, closed_until: date) -> Iterator[Edition]:
    """Make the editions of the latest closed periods that are not kept yet. Raises Failure for a list that is wrong."""
    for one in listed(home):
        yield _made(one, one.period(closed_until), home / "editions" / one.notebook, lake)


def kept(home: Path) -> list[Edition]:
    """Return the editions that are kept, by notebook and period."""
    found = sorted((home / "editions").glob(f"*/*/{FACTS}"))
    return [Edition(path.parts[-3], path.parts[-2], "found", path.parent) for path in found]


def facts_of(one: Edition) -> Facts:
    """Return what is known of an edition that is kept."""
    return Facts(**json.loads((one.folder / FACTS).read_text(encoding="utf-8")))


def _made(one: Listed, days: tuple[date, date], folder: Path, lake: str) -> Edition:
    since, until = days
    period = f"{since:%Y-%m}" if one.every == "month" else f"{since}" if since == until else f"{since}--{until}"
    target, given = folder / period, one.given(since, until)
    if (target / FACTS).exists() and all((target / _file(one, form)).exists() for form in one.formats):
        return Edition(one.notebook, period, "found", target)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".") as making:
        files: dict[Format, Path] = {form: Path(making) / _file(one, form) for form in one.formats}
        try:
            facts = run(one.notebook, files, {**given, "lake": lake}, before=_before(folder, period))
        except Failure as failure:
            return Edition(one.notebook, period, "failed", target, (str(failure),))
        if facts.differing:
            return Edition(one.notebook, period, "held back", target, tuple(facts.differing))
        target.mkdir(exist_ok=True)
        for path in files.values():
            os.replace(path, target / path.name)
        made = Path(making) / FACTS
        made.write_text(json.dumps(asdict(facts), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.replace(made, target / FACTS)  # last: what has its facts is whole
    return Edition(one.notebook, period, "made", target)


def _file(one: Listed, form: Format) -> str:
    return f"{one.notebook}.{form}"


def _before(folder: Path, period: str) -> Facts | None:
    """Return the facts of the edition of the period before: a day's beside a day's, a month's beside a month's."""
    found = (path for path in folder.glob(f"*/{FACTS}") if len(path.parent.name) == len(period))
    earlier = sorted(path for path in found if path.parent.name < period)
    return Facts(**json.loads(earlier[-1].read_text(encoding="utf-8"))) if earlier else None
