"""The whole library of one small model, through the real command line, is what is checked in.

A refactoring leaves it untouched; a change of emitted code shows here and belongs in the changelog.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from golden_files import GOLDEN, Golden

from tinycomp.common.resources import firmware

MODEL = GOLDEN / "small.tflite"
"""Fixed: 1 convolution, 1 depthwise, 1 pointwise with few values, a sum, a pooling, 1 dense."""
COPIED = "library/tinycomp/"
GENERATED = ("library/", "harness/tc_model.c", "Makefile", "README.md")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The texts of the output folder by name."""
    folder = tmp_path_factory.mktemp("golden") / "out"
    command = [sys.executable, "-c", "from tinycomp.cli.main import main; main()", "build", MODEL]
    options = ["--no-verify", "--no-bench", "--board", "cortex-m4", "--name", "golden"]
    subprocess.run([*command, "-o", folder, *options], check=True, capture_output=True)
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tflite")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_what_is_generated_is_what_is_checked_in(written: dict[str, str], golden: Golden) -> None:
    found = {
        name: text
        for name, text in written.items()
        if name.startswith(GENERATED) and not name.startswith(COPIED)
    }
    assert golden.folder("project", found) == found


def test_which_headers_are_copied(written: dict[str, str], golden: Golden) -> None:
    names = sorted(name.removeprefix(COPIED) for name in written if name.startswith(COPIED))
    text = "".join(f"{name}\n" for name in names)
    assert golden.text("headers.txt", text) == text


def test_headers_are_copied_unchanged(written: dict[str, str]) -> None:
    texts = {path.read_text() for path in firmware().rglob("*.h")}
    copied = [name for name in written if name.startswith(COPIED)]
    assert len(copied) > 5
    assert all(written[name] in texts for name in copied)


def test_the_model_is_small_and_stays() -> None:
    assert MODEL.stat().st_size < 10_000
    assert Path(MODEL).read_bytes()[4:8] == b"TFL3"
