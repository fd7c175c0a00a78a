"""The documentation: its links lead somewhere, its reference leaves nothing out, its examples are accepted."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from docs import build_site, lineage, reference
from ledger.food.cli import level
from ledger.intake.json_lines import answered, read
from ledger.postgres.post import Ledger
from ledger.values import refusals
from reports.cli.main import COMMANDS as COMMAND_LINE
from reports.core.report import REPORTS
from reports.lake.schema import TABLES

ROOT = Path(__file__).parents[2]
BLANK = re.compile(r"^\| `(\w+)` \|.*\|  \|$", re.MULTILINE)
CODE = ("ledger", "reports", "dashboards", "notebooks", "migrations", "docs", "tests")


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    """Return the site's Markdown by page."""
    return {place: text for place, text in build_site.gathered().items() if isinstance(text, str)}


def headings(page: str) -> set[str]:
    """Return the anchors of a page as Markdown makes them."""
    found = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    named = {anchor for title in found for anchor in re.findall(r"{ #(\w+) }", title)}
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", title) for title in found)
    return named | {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in plain}


def test_every_link_leads_to_a_page_a_file_or_a_heading(site: dict[str, str]) -> None:
    """Links of the written pages are checked as the site is gathered, those of the reference here."""
    for place, page in site.items():
        if place.startswith("source/"):
            continue  # code: what looks like a link there is none
        for path, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", page):
            target = (Path("/") / place).parent / path if path else Path("/") / place
            found = str(target.resolve()).lstrip("/")
            assert found in site or target.suffix in (".png", ".svg"), f"{place}: {path}"
            assert not anchor or anchor in headings(site[found]), f"{place}: {path}#{anchor}"


def test_a_link_to_what_is_not_there_is_refused() -> None:
    """A file that moved, or a function that was renamed, breaks the build."""
    with pytest.raises(build_site.BrokenLink, match="does not define gone"):
        build_site.named_in(ROOT / "ledger/core/decide.py", "`gone`")
    assert build_site.named_in(ROOT / "ledger/core/decide.py", "`decide.answer`") == "answer"


def test_every_written_page_is_in_the_navigation() -> None:
    """A page nobody can reach is not documentation."""
    navigation = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text())["project"]["nav"]
    listed = set(re.findall(r"'([\w/-]+\.md)'", str(navigation)))
    assert listed == {*build_site.PAGES.values(), *reference.pages()}


def test_the_reference_names_every_line_with_its_fields(site: dict[str, str]) -> None:
    """A command or a field that is added is in the reference without anybody's doing."""
    page = site["reference/commands.md"]
    for name, model in level.models().items():
        section = page.split(f"\n### {name}\n")[1].split("\n##")[0]
        assert model.__doc__, name
        for field in reference.sent_as(model):
            assert f"`{field}`" in section or f"`{field}`" in page.split("\n## ")[0], f"{name}.{field}"
    assert "Annotated" not in page
    blank = [(section.split("\n")[0], row) for section in page.split("\n### ") for row in BLANK.findall(section)]
    assert blank == [], "fields whose meaning is not in docs/meanings.toml"


def test_the_reference_names_every_decline_report_and_table(site: dict[str, str]) -> None:
    """Codes with sentence and facts; reports with columns and controls; tables with columns and lineage."""
    assert re.findall(r"^### (\w+)$", site["reference/declines.md"], re.MULTILINE) == list(reference.declines())
    assert set(reference.declines()) >= set(refusals.DECLINES)
    for report in REPORTS.values():
        section = site["reference/reports.md"].split(f"\n## {report.name}\n")[1].split("\n## ")[0]
        assert all(f"| `{column.name}` |" in section for column in report.columns)
        assert all(f"- `{check.name}`: " in section for check in report.checks)
    for table in TABLES:
        section = site["reference/lake.md"].split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert all(f"| `{column.name}` |" in section for column in table.columns)


def test_the_reference_names_every_command_of_the_command_line(site: dict[str, str]) -> None:
    """Whatever `tiffin --help` lists."""
    page = site["reference/command-line.md"]
    assert [name for name in COMMAND_LINE if not re.search(rf"^## `tiffin {name}`$", page, re.MULTILINE)] == []


def test_the_lineage_of_the_lake_is_found() -> None:
    """Each lake table comes from tables of PostgreSQL, and reports read what they scan."""
    for table in TABLES:
        assert lineage.lineage(table), table.name
        assert set(lineage.lineage(table)) <= set(SQLModel.metadata.tables)
    by_name = {table.name: table for table in TABLES}
    assert lineage.lineage(by_name["lot_changes"]) == [
        "entry",
        "account",
        "transaction",
        "bonus_lot_use",
        "bonus_lot",
    ]
    assert lineage.origin_of("balance", lineage.lineage(by_name["accounts"])) == "`balance.balance`"
    assert {"entries", "brands"} <= lineage.reads(REPORTS["brand-revenue"])


def test_the_examples_cover_every_line_and_are_accepted(database_url: str) -> None:
    """Posted one after another to a new book, as a reader would."""
    assert {name for name in level.models() if name != "mark"} == set(reference.examples())
    desk = level.shell(Ledger(database_url))
    lines = reference.EXAMPLES.read_text().splitlines()
    items = [(number, read(line, number, level.parse)) for number, line in enumerate(lines, 1)]
    for outcome in answered(items, post=desk.post, administer=desk.administer):
        assert outcome.to_json()["status"] in ("posted", "done"), json.dumps(outcome.to_json())


def test_every_decision_is_cited_by_what_it_explains() -> None:
    """Numbers are unique, stand in their groups with five answers each, and lead both ways."""
    text = (ROOT / "DECISIONS.md").read_text()
    numbers = re.findall(r"^### D(\d+) ", text, re.MULTILINE)
    assert len(set(numbers)) == len(numbers)
    for entry in text.split("\n### ")[1:]:
        body = entry.split("\n## ")[0].strip().splitlines()
        parts = [line.split("**")[1] for line in body[1:]]
        assert parts == ["Question:", "Choice:", "Why:", "Price:", "What would change our mind:"], body[0]
    cited = {number for text in _code() for number in re.findall(r"\bDECISIONS D(\d+)\b", text)}
    assert cited - set(numbers) == set(), "cited, but not there"
    assert set(numbers) - cited == set(), "there, but cited nowhere in the code"


def _code() -> list[str]:
    found = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".css", ".toml")]
    return [path.read_text() for path in (*found, ROOT / "bin/setup", ROOT / ".pre-commit-config.yaml")]


def test_the_picture_of_the_house_shows_the_folders_there_are() -> None:
    """A folder that is moved or added is drawn, or the picture lies."""
    picture = (ROOT / "docs" / "architecture.md").read_text().split("```text\n")[1].split("```")[0]
    write, _, read = picture.partition("a consistent cut")
    drawn = {
        "ledger": set(re.findall(r"(\w+)/", write)) - {"ledger"},
        "reports": set(re.findall(r"(\w+)/", read)) - {"reports", "dashboards", "notebooks"},
    }
    for folder, inside in drawn.items():
        there = {path.name for path in (ROOT / folder).iterdir() if (path / "__init__.py").exists()}
        assert inside <= there <= inside | {"cli", "demo"}, folder
    assert {"dashboards/", "notebooks/"} <= set(re.findall(r"\w+/", picture))


def test_no_meaning_is_kept_of_a_field_that_is_gone(site: dict[str, str]) -> None:
    """docs/meanings.toml names fields that lines and objects have."""
    page = site["reference/commands.md"]
    for name, fields in tomllib.loads(reference.MEANINGS.read_text()).items():
        section = page if name == "every" else page.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert [field for field in fields if f"`{field}`" not in section] == [], name


def test_a_package_has_one_version_in_all_pinned_lists() -> None:
    """One environment is set up from several lists: a second version would replace the first."""
    found: dict[str, set[str]] = {}
    for path in set((ROOT / "requirements").glob("*.txt")) - {ROOT / "requirements" / "oldest.txt"}:  # it stands apart
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE):
            found.setdefault(name.lower(), set()).add(version)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}
