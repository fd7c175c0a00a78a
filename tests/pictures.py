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

from playwright.sync_api import BrowserContext

from ledger.settings import Settings
from tests.dashboards.chromium import browsing, served, settled

DOCS = Path(__file__).parents[1] / "docs"
FORMS = ("invoice", "act", "services")
SENDER = "bills@tiffin.example"
SCREEN, PHONE = (1440, 960), (390, 844)
SHOTS = (
    ("dashboard", "", "en", "light", SCREEN),
    ("dashboard-dark", "", "en", "dark", SCREEN),
    ("dashboard-today", "today", "en", "light", SCREEN),
    ("dashboard-client", "client?party=company-03", "ru", "dark", SCREEN),
    ("dashboard-close", "close?month=2018-02", "ru", "light", SCREEN),
    ("dashboard-phone", "", "ru", "light", PHONE),
)
"""Name, address, language, theme, and size of the window."""
PAPERS = {"statement": "household-900", "act": "household-71"}


def told(home: Path) -> dict[str, str]:
    """Return what the program is told by its environment."""
    lake = Settings(home=home).lake_url
    return {"TIFFIN_HOME": str(home.resolve()), "TIFFIN_LAKE": lake, "TIFFIN_LANGUAGE": "en", "TIFFIN_SENDER": SENDER}


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


def dashboard(home: Path) -> list[Path]:
    """Write the pictures of the dashboard and return them."""
    with (
        served(**told(home)) as address,
        tempfile.TemporaryDirectory() as profile,
        browsing(Path(profile)) as context,
    ):
        return [_shot(context, address, *shot) for shot in SHOTS]


def _shot(
    context: BrowserContext, address: str, name: str, path: str, language: str, scheme: str, size: tuple[int, int]
) -> Path:
    picture = DOCS / f"{name}.png"
    context.add_cookies([{"name": "tiffin_language", "value": language, "url": address}])
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/{path}")
    settled(page)
    page.wait_for_function("!document.body.innerText.match(/checking the book|проверяем книгу/)")
    settled(page).screenshot(path=picture)
    page.close()
    return picture


if __name__ == "__main__":
    if sys.argv[1:] == ["--forms"]:
        print(*forms(), sep="\n")
        sys.exit()
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Settings().home
    print(*(paper(given, kind) for kind in PAPERS), *dashboard(given), sep="\n")
