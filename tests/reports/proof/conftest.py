"""A book of all kinds of commands, sealed on three nights, with its lake."""

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.food.core.commands import parse
from ledger.food.postgres.post_orders import Desk
from ledger.postgres.database import initialise
from ledger.postgres.post import Ledger
from reports.lake.publish_cut import nightly_cut
from tests.conftest import made, on
from tests.ledger.streams import Stream, opening

NIGHTS = (date(2024, 1, 12), date(2024, 1, 31), date(2024, 2, 29))
NUMBER = 260


class SealedBook(NamedTuple):
    """A book and its lake."""

    url: str
    lake: str


def post(url: str, records: list[dict[str, Any]], commands: list[dict[str, Any]]) -> None:
    """Administer, then post."""
    desk = Desk(Ledger(url))
    try:
        for record_ in records:
            desk.administer([parse(record_)])  # type: ignore[list-item]
        for start in range(0, len(commands), 50):
            desk.post([parse(line) for line in commands[start : start + 50]])  # type: ignore[misc]
    finally:
        desk.close()


def known_then(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what the first release that sealed knew: no amended orders, financed discounts or weighed goods."""
    for line in lines:
        for item in line.get("items", ()) if line["type"] == "deliver" else ():
            item.pop("amount", None)
        if line["type"] != "amend" and "financed" not in line:
            yield line


@pytest.fixture(scope="session")
def sealed_template(
    server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Return the name of a database with a sealed book, and the folder of its lake."""
    folder = tmp_path_factory.mktemp("sealed") / "lake"
    name = f"tiffin_sealed_{os.getpid()}"
    for url in made(server, name, template_database):
        initialise(url, "Europe/Moscow")
        post(url, [*known_then(opening())], [*known_then(Stream(17).commands(NUMBER))])
        for night in NIGHTS:
            nightly_cut(url, str(folder), night)
        yield name, folder


@pytest.fixture
def sealed(
    server: str, sealed_template: tuple[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[SealedBook]:
    """Return a copy of the sealed book and its lake."""
    name, folder = sealed_template
    shutil.copytree(folder, tmp_path / "lake")
    copy = f"{name}_{abs(hash(request.node.nodeid)) % 10**9}"
    for url in made(server, copy, name):
        yield SealedBook(url, str(tmp_path / "lake"))


__all__ = ["NIGHTS", "SealedBook", "on", "post"]
