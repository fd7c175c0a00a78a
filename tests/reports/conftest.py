"""Small books that several reports are tried on."""

import pytest

from tests.reports.story import Story


@pytest.fixture
def story() -> Story:
    """Return a book of two brands and no accounts yet."""
    story = Story()
    story.brand("sushi", "Sushi House")
    story.brand("pizza", "Pizza Piazza")
    return story
