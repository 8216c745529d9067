"""Follows docs/adding.md: a board, a codec and an operator are added by new files, without edits.

The files of `example/` are copied into a copy of the project, to the paths given by the page. There
the project's own tests must find them and pass.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "example"
COPIED = ("boards", "docs", "firmware", "templates", "tests", "tinycomp", "pyproject.toml")

TESTS = {
    "board": [
        "tests/boards",
        "tests/cli/test_help.py",
        "tests/device/test_every_board.py",
        "-k=(tiny-m4 or not every_board) and not page_is_up_to_date",
    ],
    "codec": [
        "tests/codecs/test_codec_round_trip.py",
        "tests/codecs/test_codec_decoders.py",
        "tests/codecs/test_kernels_with_codecs.py::test_all_tensors_are_equal[generic-4-ternary]",
    ],
    "operator": [
        "tests/ops/test_conformance.py::test_operator_is_complete[clipped]",
        "tests/ops/test_conformance.py::test_kernel_on_the_host_equals_simulator[clipped]",
        "tests/ops/test_conformance.py::test_simulator_equals_litert[clipped: zero point 3]",
        "tests/ops/test_round_trip.py::test_reads_what_it_writes[clipped]",
        "tests/test_architecture.py",
    ],
}
"""The tests that must pass for each addition."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's files in their places."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    for path in EXAMPLE.rglob("*.*"):
        target = folder / path.relative_to(EXAMPLE)
        if path.is_file() and path.suffix != ".pyc":
            assert not target.exists(), f"{target} already exists"
            shutil.copyfile(path, target)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("addition", TESTS)
def test_additions_need_no_edits(addition: str, project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS[addition]]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(project)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
