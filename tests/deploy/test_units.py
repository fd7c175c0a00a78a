"""The systemd units start what there is, and let it do no more than it needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reports.cli.main import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("tiffin-*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("tiffin-*.timer"))
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")


def analyse(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what systemd-analyze says of the units, with a program in place of the installed one."""
    units = shutil.copytree(DEPLOY / "systemd", folder / "units")
    program = Path(sys.executable).with_name("tiffin")
    for unit in units.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/tiffin/.venv/bin/tiffin", str(program)))
    asked = [*SERVICES, *TIMERS] if words[0] == "verify" else SERVICES
    return subprocess.run(
        [
            "systemd-analyze",
            *words,
            *(str(units / unit.name) for unit in asked),
        ],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_PAGER": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify`: no unknown setting, no program that is not there."""
    done = analyse(tmp_path, "verify", "--man=no")
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_every_service_is_sandboxed(tmp_path: Path) -> None:
    """`systemd-analyze security`: an exposure of at most 2.0 of 10 each, of which 1.4 was measured."""
    done = analyse(tmp_path, "security", "--offline=true", "--no-pager", "--threshold=20")
    levels = re.findall(r"Overall exposure level for (\S+): ([\d.]+)", done.stdout)
    assert done.returncode == 0, levels
    assert len(levels) == len(SERVICES)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_starts_a_command_that_there_is(unit: Path) -> None:
    """And each timer its service."""
    [words] = re.findall(r"^ExecStart=/opt/tiffin/\.venv/bin/tiffin (.*)$", unit.read_text(), re.MULTILINE)
    assert words.split()[0] in COMMANDS
    for timer in TIMERS:
        assert timer.with_suffix(".service") in SERVICES


def test_containers_start_commands_that_there_are_and_may_do_little() -> None:
    """compose.yaml: read-only, without capabilities, with a health check where something listens."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    ours = {name: service for name, service in compose["services"].items() if name != "postgres"}
    assert ours.keys() >= {"door", "dashboard", "night"}
    for name, service in ours.items():
        assert service["command"][0] in COMMANDS
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert ("ports" in service) == ("healthcheck" in service), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    containerfile = (DEPLOY / "Containerfile").read_text()
    assert re.search(r"^USER 10001", containerfile, re.MULTILINE)
    assert containerfile.count("--require-hashes") == 2
