"""The image is built and run: a post, a night with a paper, a report, a ready door, as nobody, at home."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("buildah", "mmdebstrap")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]

INSIDE = r"""
set -eu
touch /tmp/began
tiffin init
tiffin post - <<'END'
{"type": "brand", "code": "sushi", "name": "Sushi House", "legal_name": "Sushi House LLC"}
{"type": "party", "reference": "anna", "kind": "individual", "name": "Анна"}
{"type": "account", "reference": "anna", "party": "anna", "currency": "RUB", "holder": "sushi"}
{"type": "payment", "key": "p1", "account": "anna", "amount": "900.00", "brand": "sushi", "at": "2026-03-02T09:00:00Z"}
END
tiffin nightly --date 2026-03-31 --statements all
tiffin report turnover --from 2026-03-01 --to 2026-03-31 --format json -o turnover.json
tiffin verify
python - <<'END'
import subprocess, time, urllib.request
started = time.monotonic()
door = subprocess.Popen(["tiffin", "serve", "--listen", "127.0.0.1:8699"])
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8699/readyz")
        break
    except OSError:
        assert door.poll() is None
        time.sleep(0.05)
print(f"door ready after {time.monotonic() - started:.1f} s")
door.terminate()
assert door.wait(60) == 0
END
tiffin stop
id -u
ls statements/2026-03
find / -xdev -newer /tmp/began -type f \
    ! -path '/proc/*' ! -path '/sys/*' ! -path '/tmp/*' ! -path '/var/lib/tiffin/*' 2>/dev/null || true
"""


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[list[str]]:
    """Return a buildah with a store of its own, which is removed after the test."""
    yield ["buildah", "--root", str(tmp_path / "store"), "--runroot", str(tmp_path / "run"), "--storage-driver", "vfs"]
    shutil.rmtree(tmp_path, ignore_errors=True)


def run(*command: str | Path) -> str:
    """Return what a command said. Raises AssertionError with its errors when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.soak
@pytest.mark.skipif(bool(MISSING) or os.geteuid() != 0, reason=f"needs root and {', '.join(TOOLS)}")
def test_the_image_is_built_and_runs(buildah: list[str], tmp_path: Path) -> None:
    """From a base made here, for no image can be relied on to be pulled; wheels as this machine's pip finds them."""
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "-d", str(wheels)]
    for pins in ("build", "tiffin"):
        run(*pip, "-r", ROOT / "requirements" / f"{pins}.txt")
    run("mmdebstrap", "-q", "--variant=minbase", "bookworm", tmp_path / "base.tar")
    made = run(*buildah, "from", "scratch").strip()
    run(*buildah, "add", "-q", made, tmp_path / "base.tar", "/")
    run(*buildah, "commit", "-q", "--rm", made, "base")
    settings = ("BASE=localhost/base", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")
    arguments = [word for setting in settings for word in ("--build-arg", setting)]
    containerfile = ROOT / "deploy" / "Containerfile"
    run(
        *buildah,
        "build",
        "--isolation=chroot",
        "-q",
        "-v",
        f"{wheels}:/wheels:ro",
        *arguments,
        "-t",
        "tiffin",
        "-f",
        containerfile,
        "--ignorefile",
        ROOT / "deploy" / "containerignore",
        ROOT,
    )
    [image] = json.loads(run(*buildah, "images", "--json", "tiffin"))
    print(f"the image has {image['size']}")

    container = run(*buildah, "from", "tiffin").strip()
    said = run(*buildah, "run", "--isolation=chroot", container, "--", "sh", "-c", INSIDE)
    assert "door ready after" in said
    end = said[said.index("PostgreSQL is stopped.") :].splitlines()
    assert end[1] == "10001"
    assert any(name.endswith(".pdf") for name in end[2:])
    assert not [line for line in end if line.startswith("/")], "it wrote outside its home"
