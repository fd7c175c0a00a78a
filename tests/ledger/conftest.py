"""Fixtures of the ledger's tests."""

from collections.abc import Iterator

import pytest

from tests.ledger.story import Story
from tests.ledger.worlds import Postgres, Pure


@pytest.fixture
def postgres(database_url: str) -> Iterator[Postgres]:
    """Return a fresh book in PostgreSQL."""
    world = Postgres(database_url)
    yield world
    world.ledger.close()


@pytest.fixture
def story(request: pytest.FixtureRequest, postgres: Postgres) -> Story:
    """Return the story that the test's docstring tells; `holds()` runs it in both worlds."""
    return Story(request.function.__doc__ or "", Pure(), postgres)
