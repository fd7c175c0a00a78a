"""Fixtures of food's tests."""

from collections.abc import Iterator

import pytest

from tests.ledger.food.shops import Food


@pytest.fixture
def food(database_url: str) -> Iterator[Food]:
    """Return a fresh shop in both worlds."""
    food = Food(database_url)
    yield food
    food.postgres.ledger.close()
