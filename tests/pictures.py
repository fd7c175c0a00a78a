"""Draw the README's pictures, of the dashboard and of two papers, from the demo: python -m tests.pictures [HOME]

The home is where `make demo` put the book, by default .tiffin.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ledger.settings import Settings
from tests.dashboards.chromium import browsing, served, settled

DOCS = Path(__file__).parents[1] / "docs"
PAPERS = {"statement": "household-900", "act": "household-71"}


def told(home: Path) -> dict[str, str]:
    """Return what the program is told by its environment."""
    lake = Settings(home=home).lake_url
    return {"TIFFIN_HOME": str(home.resolve()), "TIFFIN_LAKE": lake, "TIFFIN_LANGUAGE": "en"}


def paper(home: Path, kind: str) -> Path:
    """Write the picture of a paper's first page and return it."""
    picture = DOCS / f"{kind}.png"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "paper.pdf"
        asked = ["statement", PAPERS[kind], "--month", "2017-12", "--kind", kind, "-o", str(file)]
        subprocess.run([str(Path(sys.executable).with_name("tiffin")), *asked], check=True, env=os.environ | told(home))
        subprocess.run(
            ["pdftoppm", "-r", "90", "-png", "-singlefile", str(file), str(picture.with_suffix(""))], check=True
        )
    return picture


def dashboard(home: Path) -> Path:
    """Write the picture of the dashboard and return it."""
    picture = DOCS / "dashboard.png"
    with (
        served(**told(home)) as address,
        tempfile.TemporaryDirectory() as profile,
        browsing(Path(profile), width=1440, height=960) as context,
    ):
        page = context.new_page()
        page.goto(address)
        settled(page).screenshot(path=picture)
    return picture


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().home
    print(*(paper(given, kind) for kind in PAPERS), dashboard(given), sep="\n")
