"""An entry of a bank is posted once: a naive bank writes files of any part of a day, in any order, and one of it all."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bank.core.read_file import read
from ledger.bank.core.recognition import KnownMovements, keys, recognised
from ledger.bank.core.statement import BankEntry, Statement
from tests.ledger.bank import written
from tests.ledger.bank.test_reading import entry, stmt

ACCOUNT = "DE91100000000123456789"
Writer = Callable[[Statement], str]
FAMILIES: dict[str, tuple[Writer, Writer]] = {
    "mt": (written.mt942, written.mt940),
    "camt": (written.camt052, written.camt),
    "notified": (written.camt054, written.camt),
    "1c": (written.one_c, written.one_c),
}
"""How a bank writes what is of a part of the day, and the whole day."""


class Ledger:
    """What an import keeps, and how often it posted each kind of entry."""

    def __init__(self) -> None:
        self.known = KnownMovements()
        self.posted: Counter[tuple[str, ...]] = Counter()
        self.used: set[str] = set()

    def take(self, content: str) -> None:
        """Import a file."""
        for statement in read(content.encode(), "f"):
            found, new = recognised(statement, self.known)
            self.known.add(new)
            for each, (key, known) in zip(statement.entries, found, strict=True):
                if known is None:
                    assert key not in self.used
                    self.used.add(key)
                    self.posted[kind(each)] += 1


def kind(each: BankEntry) -> tuple[str, ...]:
    """Return all that tells entries apart for the model: two of one kind are alike in everything."""
    return (str(each.booked_on), f"{each.amount:.2f}", each.name, each.account, each.text.split("; ")[-1][:40])


PAYERS = (("Alice", "DE42100100100043921105"), ("Bob", "DE02120300000000202051"), ("Bob", "DE02100500000054540402"))
MOVED = st.builds(
    lambda day, amount, payer, text, reference: entry(
        amount, day, bank_reference="", end_to_end=reference, name=payer[0], account=payer[1], text=text
    ),
    st.integers(5, 6),
    st.sampled_from(["50.00", "60.00"]),
    st.sampled_from(PAYERS),
    st.sampled_from(["alice-1", "bob-22"]),
    st.sampled_from(["", "rent", "NOTPROVIDED"]),
)


@st.composite
def days_at_a_bank(draw: st.DrawFn) -> tuple[str, list[BankEntry], list[list[BankEntry]]]:
    """Draw a bank's kind of file, what moved, and parts of it, in whatever order the bank writes them."""
    family = draw(st.sampled_from(sorted(FAMILIES)))
    moved = draw(st.lists(MOVED, max_size=7))
    named = draw(st.booleans())
    if named or family == "1c":  # 1C has no other reference than the document's number
        moved = [replace(each, bank_reference=f"REF{number:05}") for number, each in enumerate(moved)]
    elif draw(st.booleans()):  # numbers in the file, which start anew in each
        moved = [replace(each, bank_reference="1") for each in moved]
    parts = draw(st.lists(st.lists(st.sampled_from(range(len(moved))), unique=True), max_size=4)) if moved else []
    return family, moved, [[moved[n] for n in part] for part in parts]


def sound(case: tuple[str, list[BankEntry], list[list[BankEntry]]]) -> None:
    """Import the parts, then the whole day twice: never more than the bank moved, at least what one file reported."""
    family, moved, parts = case
    of_a_part, of_the_whole = FAMILIES[family]
    ledger = Ledger()
    moved_in_all = Counter(kinds(moved, of_the_whole))
    least: Counter[tuple[str, ...]] = Counter()
    for part in parts:
        ledger.take(of_a_part(statement(part)))
        least |= Counter(kinds(part, of_a_part))
        assert least <= ledger.posted <= moved_in_all
    for _ in range(2):
        ledger.take(of_the_whole(statement(moved)))
        assert ledger.posted == moved_in_all


def statement(entries: Sequence[BankEntry]) -> Statement:
    return stmt(*entries, account=ACCOUNT, currency="EUR", number="2")


def kinds(entries: Sequence[BankEntry], writer: Writer) -> list[tuple[str, ...]]:
    """Return the kinds of entries, as a file of them is read."""
    return [kind(each) for found in read(writer(statement(entries)).encode(), "f") for each in found.entries]


@settings(max_examples=80, deadline=None)
@given(days_at_a_bank())
def test_any_parts_of_a_day_in_any_order_post_each_entry_once(
    case: tuple[str, list[BankEntry], list[list[BankEntry]]],
) -> None:
    """A sample; `make soak` tries many more."""
    sound(case)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None)
@given(days_at_a_bank())
def test_many_more_parts_of_days(case: tuple[str, list[BankEntry], list[list[BankEntry]]]) -> None:
    """The same, for long."""
    sound(case)


# ---- the rule, case by case

BOB = entry("50.00", name="Bob", account="DE02120300000000202051", text="bob-22", bank_reference="")


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        (BOB, BOB, True),
        (BOB, replace(BOB, text="bob-22 and more of the purpose"), True),
        (BOB, replace(BOB, name="Bob Builder"), True),
        (BOB, replace(BOB, name="Alice"), False),
        (BOB, replace(BOB, account="DE02100500000054540402"), False),
        (BOB, replace(BOB, end_to_end="rent"), True),
        (replace(BOB, end_to_end="a"), replace(BOB, end_to_end="b"), False),
        (replace(BOB, bank_reference="REF-00001"), replace(BOB, bank_reference="REF-00002"), False),
        (replace(BOB, bank_reference="1"), replace(BOB, bank_reference="2"), True),
        (replace(BOB, bank_reference="REF-00001"), BOB, True),
        (replace(BOB, bank_reference="REF-00001"), replace(BOB, bank_reference="REF-00001", name="B.", text="x"), True),
        (
            replace(BOB, bank_reference="REF-00001"),
            replace(BOB, bank_reference="REF-00001", account="DE02100500000054540402"),
            False,
        ),
        (BOB, replace(BOB, value_date=BOB.value_date.replace(day=9)), True),
        (BOB, replace(BOB, booked_on=BOB.booked_on.replace(day=9)), False),
        (
            entry("50.00", bank_reference="", end_to_end="rent", name="Bob"),
            entry("50.00", bank_reference="", end_to_end="rent", name="Alice"),
            False,
        ),
        (BOB, entry("50.00", bank_reference=""), True),
    ],
)
def test_two_entries_are_one_by_the_rule(first: BankEntry, second: BankEntry, one: bool) -> None:
    """Whichever of the two files comes first."""
    for earlier, later in ((first, second), (second, first)):
        known = KnownMovements()
        known.add(recognised(stmt(earlier), known)[1])
        ((_, movement),) = recognised(stmt(later), known)[0]
        assert (movement is not None) is one


def test_a_batch_is_one_entry_whether_its_parts_are_told_or_not() -> None:
    """As parts first and as a sum then, or the reverse."""
    parts = [entry(amount, whole=entry("8.00").amount, bank_reference="B-77777") for amount in ("3.00", "5.00")]
    whole = entry("8.00", payments=2, bank_reference="B-77777")
    for first, second in ((parts, [whole]), ([whole], parts), (parts, parts)):
        known = KnownMovements()
        known.add(recognised(stmt(*first), known)[1])
        found, new = recognised(stmt(*second), known)
        assert new == []
        assert {key for key, _ in found} <= set(keys(stmt(*first)))


def test_two_batches_alike_stay_two() -> None:
    """Each with parts of its own."""
    parts = [entry(amount, whole=entry("8.00").amount) for amount in ("3.00", "5.00")] * 2
    assert len(set(keys(stmt(*parts)))) == 4
