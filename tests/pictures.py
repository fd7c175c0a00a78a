"""Draw the pictures of the documentation: python -m tests.pictures [HOME | --forms]

The README's, of the dashboard and of two papers, are of the demo; the home is where `make demo` put its book, by
default .tiffin. The Russian forms in docs/papers.md are of the little book of docs/papers.jsonl, made for the purpose.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ledger.settings import Settings
from tests.dashboards.chromium import browsing, served, settled

DOCS = Path(__file__).parents[1] / "docs"
FORMS = ("invoice", "act", "services")
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


def forms() -> list[Path]:
    """Make the book of docs/papers.jsonl, close its month, and return the pictures of its Russian papers."""
    program = str(Path(sys.executable).with_name("tiffin"))
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | told(Path(folder) / "home") | {"TIFFIN_LANGUAGE": "ru"}

        def tiffin(*words: str) -> None:
            subprocess.run([program, *words], check=True, env=env, stdout=subprocess.DEVNULL)

        tiffin("init")
        try:
            tiffin("post", str(DOCS / "papers.jsonl"))
            tiffin("nightly", "--date", "2026-10-31", "--statements", "none")
            return [_form(tiffin, Path(folder) / f"{kind}.pdf", kind) for kind in FORMS]
        finally:
            tiffin("stop")


def _form(tiffin: Callable[..., None], file: Path, kind: str) -> Path:
    tiffin("statement", "romashka", "--month", "2026-10", "--kind", kind, "-o", str(file))
    picture = DOCS / f"form-{kind}.png"
    subprocess.run(["pdftoppm", "-r", "90", "-png", "-singlefile", str(file), str(picture.with_suffix(""))], check=True)
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
    if sys.argv[1:] == ["--forms"]:
        print(*forms(), sep="\n")
        sys.exit()
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().home
    print(*(paper(given, kind) for kind in PAPERS), dashboard(given), sep="\n")
