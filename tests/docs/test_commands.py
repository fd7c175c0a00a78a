"""Every `tiffin …` that the pages tell people to type is one that the command line takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer._click.core import Command, Context
from typer.core import TyperGroup

from reports.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
INLINE, FENCED = re.compile(r"`(tiffin [^`]+)`"), re.compile(r"^[$#]? ?(?:[A-Z_]+=\S+ )*(tiffin .+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"[A-Z_…]+(?:\.\w+)?|…|.*[*…].*")


@pytest.fixture(scope="module")
def root() -> TyperGroup:
    main.assemble()
    command = typer.main.get_command(main.app)
    assert isinstance(command, TyperGroup)
    return command


def typed(page: Path) -> Iterator[str]:
    """Return the commands of a page: in lines of its blocks, and in running text."""
    text = page.read_text()
    blocks = re.findall(r"```(?:sh|console|bash|text)?\n(.*?)```", text, re.DOTALL)
    for block in blocks:
        yield from FENCED.findall(block)
    yield from (re.sub(r"\s+", " ", one) for one in INLINE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def wrong(root: TyperGroup, line: str) -> str | None:
    """Return what the command line does not know of a line: a command, a subcommand or an option; None if it does."""
    words = shlex.split(re.split(r" [|<>;&]|  #|\\$", line)[0])[1:]
    command: Command = root
    context = Context(command, info_name="tiffin")
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            return None if PLACEHOLDER.fullmatch(words[0]) else f"{line}: there is no {words[0]}"
        command, words = found, words[1:]
        context = Context(command, parent=context, info_name=command.name, **command.context_settings)
    known = {option for one in command.get_params(context) for option in (*one.opts, *one.secondary_opts)}
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    if context.ignore_unknown_options or context.allow_extra_args:
        return None  # a report's or a notebook's own parameters: their tests hold these
    return next((f"{line}: {command.name} has no {option}" for option in options if option not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_says_to_type_is_taken(root: TyperGroup, page: Path) -> None:
    """Commands, their subcommands and options."""
    assert [problem for line in typed(page) if (problem := wrong(root, line))] == []


def test_commands_are_found(root: TyperGroup) -> None:
    """In lines and in running text, and one that is not there is named."""
    assert sum(len(list(typed(page))) for page in PAGES) > 100
    assert wrong(root, "tiffin verify --everything") == "tiffin verify --everything: verify has no --everything"
    assert wrong(root, "tiffin lake polish") == "tiffin lake polish: there is no polish"
    assert wrong(root, "tiffin lake vacuum") is None
