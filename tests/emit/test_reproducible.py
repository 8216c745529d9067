"""The same model always gives the same bytes, on any machine."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import every_operator, write_library

from tinycomp.emit.library import harness_model

SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from small_models import every_operator, write_library
write_library(every_operator(), Path(sys.argv[1]))
"""


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_the_same_model_gives_the_same_bytes(seed: str, tmp_path: Path) -> None:
    """In another process, folder, hash seed, time zone and locale."""
    tests = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    there = tmp_path / "a folder"
    command = [sys.executable, "-c", SCRIPT, there, tests, tests / "ops"]
    subprocess.run(command, env=environment, cwd=tests.parent, check=True)
    here = write_library(every_operator(), tmp_path / "here")
    assert contents(there) == contents(here)


def test_no_file_contains_paths_or_dates(tmp_path: Path) -> None:
    library = write_library(every_operator(), tmp_path)
    texts = [path.read_text() for path in library.rglob("*") if path.is_file()]
    texts.append(harness_model("t"))
    for text in texts:
        assert not re.search(r"__(DATE|TIME|FILE|TIMESTAMP)__", text)
        assert not re.search(r"20\d\d-\d\d|\d\d:\d\d", text)
        for place in (Path.home(), Path.cwd(), tmp_path, Path("/tmp")):
            assert str(place) not in text
