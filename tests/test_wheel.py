"""The wheel contains the package's data files, and the installed package finds them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("templates", "boards", "firmware")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_it_contains_every_file_of(name, unpacked):
    assert files(unpacked / "tinycomp" / name) == files(ROOT / name)


def test_it_contains_every_module_and_nothing_else(unpacked):
    shipped = {name for name in files(unpacked / "tinycomp") if name.split("/")[0] not in SHIPPED}
    assert shipped == files(ROOT / "tinycomp")
    assert {path.name.split("-")[0] for path in unpacked.iterdir()} == {"tinycomp"}


def test_an_installed_package_reads_its_own_copy(unpacked):
    program = (
        "from tinycomp.common import resources\n"
        "from tinycomp.target import boards\n"
        "print(len(boards.list_boards()))\n"
        "print(resources.firmware(), resources.templates(), resources.boards())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=unpacked, env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    count, folders = done.stdout.splitlines()
    assert int(count) >= 5
    assert folders == " ".join(
        str(unpacked / "tinycomp" / name) for name in ("firmware", "templates", "boards")
    )


def test_an_editable_installation_is_possible() -> None:
    """Hatchling can't relocate Python files in editable mode: Python templates are named .py.j2."""
    assert [path for folder in SHIPPED for path in (ROOT / folder).rglob("*.py")] == []
