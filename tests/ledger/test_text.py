"""What characters a text may have: said once, refused when a line comes in, replaced or escaped on every way out."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core import commands
from ledger.core.outcomes import Invalid
from ledger.intake.json_lines import read, written
from ledger.values import text

PAYMENT = {"type": "payment", "key": "k", "account": 1000017, "amount": "1", "brand": "sushi"}
UNFIT = ["\x00", "\x08", "\x0b", "\x1b", "\x7f", "\x85", "\x9b", "\ufdd0", "\ufffe", "\uffff", "\U0001fffe", "\ud800"]
FIT = ["\t", "\n", " ", "Ж", "שלום", "\u200d", "\u202e", "\ue000", "\ufffd", "🍣", "e\u0301"]


@pytest.mark.parametrize("letter", UNFIT, ids=ascii)
def test_a_line_with_a_character_that_no_text_may_have_is_invalid(letter: str) -> None:
    """The field is named, and what is wrong."""
    with pytest.raises(ValueError, match=r"note: has (control|an unpaired|U\+)"):
        commands.parse(PAYMENT | {"note": f"a{letter}b"})


@pytest.mark.parametrize("letter", FIT, ids=ascii)
def test_every_other_character_is_kept(letter: str) -> None:
    """Any script, marks of direction and joiners too."""
    assert commands.parse(PAYMENT | {"note": f"a{letter}b"}).note == f"a{letter}b"
    assert text.readable(letter) == letter


@given(st.text(st.characters(codec=None, categories=None)))
def test_what_is_readable_is_xml_and_fit(anything: str) -> None:
    """Any text, once readable, goes into an XML document and comes back, and is refused no more."""
    shown = text.readable(anything)
    assert text.wrong_character(shown) is None
    root = ElementTree.Element("p")
    root.text = shown
    # XML reads \r\n as \n, but \r is in no text.
    assert (ElementTree.fromstring(ElementTree.tostring(root, "utf-8")).text or "") == shown


@given(st.text(st.characters(codec=None, categories=None)))
def test_an_outcome_is_one_line_of_exact_json_for_every_reader(key: str) -> None:
    """U+2028, U+2029 and U+0085 cut a line in two for some readers; escaped they do not, and the key is the same."""
    line = written([Invalid(line=1, key=key, message=key)])
    assert len(line.splitlines()) == 1
    two_halves_are_one = key.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(line.encode())["message"] == two_halves_are_one
    assert not set(line) & set("\x1b\x7f\x85\x9b\u2028\u2029\u202e\ufffe")


def test_a_terminal_is_not_forged(tmp_path: Path) -> None:
    """Neither colours nor cursors nor a turned order of letters reach it."""
    assert text.printable("\x1b[31mred\x9b2J\u202egnp\n") == "�[31mred�2J�gnp�"


def test_the_key_of_a_refused_line_comes_back_as_it_was_sent() -> None:
    """Escaped, so that the caller can tell which line it was."""
    outcome = read(json.dumps(PAYMENT | {"key": "a\x9bb"}), 1)
    assert isinstance(outcome, Invalid)
    assert '"a\\u009bb"' in written([outcome])
