"""The contracts of import-linter speak of every module that they are about."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_level_one_is_held_whole_not_to_know_level_two() -> None:
    """Whoever adds a module to `ledger/` adds it to the contract, too."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["name"] == "level one does not know level two"]
    modules = {f"ledger.{path.stem}" for path in (ROOT / "ledger").glob("*.py") if path.stem != "__init__"}
    assert set(contract["source_modules"]) == modules | {"ledger.bank"}
    assert contract["forbidden_modules"] == ["ledger.food"]
