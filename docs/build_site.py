"""Build the documentation site: gather the pages, add the generated reference, run Zensical. `make docs`

The pages are written to be read in the repository; their links lead to other pages and
into the code. For the site they are gathered in one folder, and every linked source
file becomes a page of its own, so that the site needs no network and no repository.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from docs import reference

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
GATHERED = BUILD / "docs"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "DECISIONS.md": "decisions.md",
    **{f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))},
}
"""Where each hand-written page stands in the site, by its path in the repository."""

# Code comes first: nothing in it is a link, while a link's text may be code.
_LINK = re.compile(r"^(`{3,}).*?^\1`*$|(!?)\[([^\]]*)\]\(([^)\s]+)\)|`[^`\n]+`", re.MULTILINE | re.DOTALL)


class BrokenLink(Exception):
    """A link that leads nowhere."""


def gathered() -> dict[str, str | Path]:
    """Return every file of the site by its path: Markdown as text, pictures as the file to copy.

    Raises BrokenLink for a link to a file that is not there, or to a function that its file does not define.
    """
    files: dict[str, str | Path] = dict(reference.pages())
    linked: set[str] = set()
    for page, place in PAGES.items():
        files[place] = _relinked(page, place, linked, files)
    for path in sorted(linked):
        files[f"source/{path}.md"] = _source_page(ROOT / path, path)
    return files


def _relinked(page: str, place: str, linked: set[str], files: dict[str, str | Path]) -> str:
    def new(match: re.Match[str]) -> str:
        _, picture, text, target = match.groups()
        if target is None or re.match(r"https?:|mailto:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        found = os.path.normpath(PurePosixPath(page).parent / path)
        if found in PAGES:
            where = PAGES[found]
        elif not (ROOT / found).exists() or found.startswith(".."):
            raise BrokenLink(f"{page}: {target} is not there")
        elif picture or found.endswith(".png"):
            where = f"pictures/{PurePosixPath(found).name}"
            files[where] = ROOT / found
        else:
            linked.add(found)
            where, anchor = f"source/{found}.md", named_in(ROOT / found, text) or ""
        relative = os.path.relpath(where, PurePosixPath(place).parent)
        return f"{picture}[{text}]({relative}{anchor and '#'}{anchor})"

    return _LINK.sub(new, (ROOT / page).read_text())


def named_in(path: Path, text: str) -> str | None:
    """Return the definition that a link's text names, such as `decide` or `Ledger.post`; None if it names none.

    Raises BrokenLink when the file does not define it.
    """
    names = re.fullmatch(r"`([A-Za-z_][\w.]*)`(?:\(\))?", text)
    if names is None or path.suffix != ".py" or names[1].endswith(".py"):
        return None
    parts = names[1].removeprefix(f"{path.stem}.").split(".")
    if parts == [path.stem]:
        return None
    body: list[ast.stmt] = ast.parse(path.read_text()).body
    for part in parts:
        found = [node for node in body if part in _defines(node)]
        if not found:
            raise BrokenLink(f"{path.relative_to(ROOT)} does not define {names[1]}")
        body = getattr(found[0], "body", [])
    return parts[0]


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _source_page(path: Path, name: str) -> str:
    if path.is_dir():
        return f"# {name}/\n\n" + "".join(f"- `{inner.name}`: {_first_line(inner)}\n" for inner in _modules(path))
    text = path.read_text()
    if path.suffix != ".py":
        return f"# {name}\n\n{_fenced(text, path.suffix.lstrip('.'))}"
    lines = text.splitlines()
    starts = {1: ""} | {_start(node): names[0] for node in ast.parse(text).body if (names := _defines(node))}
    ends = [*(start - 1 for start in list(starts)[1:]), len(lines)]
    chunks = [
        (f"## {title} {{ #{title} }}\n\n" if title else "") + _fenced("\n".join(lines[start - 1 : end]), "python")
        for (start, title), end in zip(starts.items(), ends, strict=True)
    ]
    return f"# {name}\n\n" + "\n".join(chunks)


def _start(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.read_text().strip())


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text.strip(chr(10))}\n````\n"


def fetched(site: Path) -> list[str]:
    """Return what the site's pages would fetch from elsewhere: it has to be nothing."""
    found = (re.findall(r"<(?:script|link|img)[^>]+https?://[^>]+>", page.read_text()) for page in site.rglob("*.html"))
    return sorted({tag for tags in found for tag in tags})


def main() -> int:
    """Gather the pages and build the site. A broken link, or anything fetched from a network, fails it."""
    shutil.rmtree(GATHERED, ignore_errors=True)
    for place, content in gathered().items():
        (GATHERED / place).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, GATHERED / place)
        else:
            (GATHERED / place).write_text(content)
    # Zensical writes only next to its settings.
    shutil.copy(ROOT / "docs" / "zensical.toml", BUILD)
    zensical = Path(sys.executable).with_name("zensical")
    if subprocess.run([zensical, "build", "--strict", "--clean"], cwd=BUILD).returncode:
        return 1
    for tag in fetched(BUILD / "site"):
        print(f"the site would fetch {tag}", file=sys.stderr)
        return 1
    print("The site is in build/site. To read it with its search: python3 -m http.server -b 127.0.0.1 -d build/site")
    return 0


if __name__ == "__main__":
    sys.exit(main())
