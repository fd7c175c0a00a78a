"""Code in pages runs: a page's `sh` blocks in one new book, its `python` blocks, as one program, on its lake."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/analysts.md", "docs/going-live.md"])
def test_the_code_of_a_page_runs(page: str, home: Path, tmp_path: Path) -> None:
    """A reader who types it in, block by block, meets no error."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert {language for language, _ in blocks} == {"sh", "python"}
    for code in (code for language, code in blocks if language == "sh"):
        run(["bash", "-euo", "pipefail", "-c", code], home, tmp_path)
    run([sys.executable, "-c", "\n".join(code for language, code in blocks if language == "python")], home, tmp_path)


def test_the_pictures_and_pages_that_the_readme_names_are_there() -> None:
    """A picture that is missing is worse than none."""
    named = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def run(program: list[str], home: Path, folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIFFIN_")}
    environment["TIFFIN_HOME"] = str(home)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(program, cwd=folder, env=environment, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, f"{program[-1]}\n{done.stdout}\n{done.stderr}"
