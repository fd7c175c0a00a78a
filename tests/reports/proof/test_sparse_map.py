"""The sparse Merkle map: each value and each absence is proven by its path, and nothing else is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.proof.sparse_map import Path, SparseMap, root_by


def numbered(count: int) -> dict[str, str]:
    """Return so many accounts."""
    return {f"account/{number}": f'{{"rows":{number}}}' for number in range(count)}


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=40), st.text(max_size=8))
def test_a_path_proves_what_is_there_and_what_is_not(values: dict[str, str], name: str) -> None:
    """With any value but its own, or with none, the path of a name leads to another root."""
    map_ = SparseMap(values)
    path = map_.path(name)
    assert root_by(path, name, values.get(name)) == map_.root
    assert root_by(path, name, "another value") != map_.root or values.get(name) == "another value"
    if name in values:
        assert root_by(path, name, None) != map_.root


def test_no_path_proves_that_a_name_is_not_there() -> None:
    """A forger of absence may put any other leaf in its place, or shorten the path: the root is another one."""
    map_ = SparseMap(numbered(50))
    path = map_.path("account/7")
    for other in range(50):
        foreign = map_.path(f"account/{other}")
        forged = replace(path, other=("00" * 32, "11" * 32))
        assert root_by(forged, "account/7", None) != map_.root
        assert root_by(Path(foreign.beside), "account/7", None) != map_.root
        assert root_by(Path(path.beside[:-1]), "account/7", None) != map_.root


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_the_root_does_not_depend_on_the_order(count: int) -> None:
    """Names come as they come."""
    values = numbered(count)
    assert SparseMap(values).root == SparseMap(dict(reversed(values.items()))).root


@pytest.mark.parametrize(
    ("count", "root"),
    [
        (0, "0000000000000000000000000000000000000000000000000000000000000000"),
        (1, "9b76c0d87c3f95fafd47be30d89541df71836f08ecadfd482b495abe45b59bfc"),
        (2, "781fb149a80c3b59dd3f1f7210d8dbb47013b7033e39c5067ccb7eee475783c8"),
        (100, "d30d01751fd5b7a387164b867cb1c9cc495aa41e53ee38d5f891e43d31e5e713"),
    ],
)
def test_roots_never_change(count: int, root: str) -> None:
    """What was sealed once is sealed for ever."""
    assert SparseMap(numbered(count)).root == root
