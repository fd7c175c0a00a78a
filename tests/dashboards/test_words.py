"""Both languages say everything: no sentence of the screens without its Russian, no Russian without a use."""

import ast
from collections.abc import Iterator
from pathlib import Path

from dashboards import translations
from dashboards.forms import FORMS
from reports import month_close
from reports.core.report import REPORTS
from reports.formats import pivot_workbook
from reports.pivot import DIMENSIONS, MEASURES, OF

CODE = [
    *sorted(Path(translations.__file__).parent.rglob("*.py")),
    Path(month_close.__file__),
    Path(pivot_workbook.__file__),
]
FIELDS = ("amount", "choice", "day", "number", "one_of", "several", "text")
"""What draws a field, named by its second argument."""


def _nodes() -> Iterator[ast.AST]:
    for path in CODE:
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _texts() -> set[str]:
    return {node.value for node in _nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_has_its_russian() -> None:
    """What is given to tr() or sentence() as it stands, labels of fields, titles of forms, names of dimensions."""
    shown = {text for node in _nodes() if isinstance(node, ast.Call) for text in _shown(node)}
    assert len(shown) > 100
    titles = {title for title, _ in FORMS.values()}
    assert {*shown, *titles, *DIMENSIONS, *MEASURES, *OF} - set(translations.russian()) == set()


def test_every_step_of_a_close_has_its_russian() -> None:
    """Whatever is written with blanks in it, and is no docstring."""
    tree = ast.parse(Path(month_close.__file__).read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    said = {text.value for text in texts if " " in text.value and id(text) not in docs}
    assert len(said) > 15
    assert said - set(translations.russian()) == set()


def _shown(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    given = [*call.args[:1]] if name in ("tr", "sentence") else [*call.args[1:2]] if name in FIELDS else []
    given += [keyword.value for keyword in call.keywords if keyword.arg == "blank"]
    texts = (node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str))
    yield from (text for text in texts if any(map(str.isalpha, text)))  # 11:00 and 300.00 are the same in any language


def test_no_russian_is_left_over() -> None:
    """Every English sentence of the list is in the code, or a name that reports and pivots use."""
    choices = {
        str(value)
        for report in REPORTS.values()
        for schema in report.parameters.model_json_schema()["properties"].values()
        for value in schema.get("enum", [])
    }
    assert set(translations.russian()) - _texts() - {*DIMENSIONS, *MEASURES, *OF, *choices} == set()


def test_placeholders_are_the_same() -> None:
    """A translation names the same values."""
    for english, russian in translations.russian().items():
        assert sorted(_names(english)) == sorted(_names(russian)), english


def _names(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def test_names_stand_for_themselves() -> None:
    """A client may be called anything; the screen shows it letter by letter."""
    assert translations.as_markdown("*Star* [x](y) $5 a_b") == r"\*Star\* \[x\](y) \$5 a\_b"
