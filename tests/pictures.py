"""Draw the README's picture of the dashboard from the demo: python -m tests.pictures [HOME]

The home is where `make demo` put the book, by default .tiffin.
"""

import sys
import tempfile
from pathlib import Path

from ledger.settings import Settings
from tests.dashboards.chromium import browsing, served, settled

DOCS = Path(__file__).parents[1] / "docs"


def draw(home: Path) -> Path:
    """Write docs/dashboard.png and return it."""
    settings = Settings(home=home)
    picture = DOCS / "dashboard.png"
    picture.parent.mkdir(exist_ok=True)
    told = {"TIFFIN_HOME": str(home.resolve()), "TIFFIN_LAKE": settings.lake_url, "TIFFIN_LANGUAGE": "en"}
    with (
        served(**told) as address,
        tempfile.TemporaryDirectory() as profile,
        browsing(Path(profile), width=1440, height=960) as context,
    ):
        page = context.new_page()
        page.goto(address)
        settled(page).screenshot(path=picture)
    return picture


if __name__ == "__main__":
    print(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().home))
