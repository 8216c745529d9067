"""Writers of a folder that are killed at any step, run at once, or while the user saves files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from folder_faults import NEW, OLD, USERS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs os.fork and signals")

FAULTS = Path(__file__).parent / "folder_faults.py"
KILLED, ENDED = -9, 100


def run(*arguments: object, folder: Path) -> list[dict[str, Any]]:
    """The output of folder_faults.py."""
    command, *rest = map(str, arguments)
    done = subprocess.run(
        [sys.executable, FAULTS, command, folder / "alone" / "out", *rest],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty parent of the output folder."""
    (tmp_path / "alone").mkdir()
    return tmp_path


EVERY = pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
"""Some steps in quick tests, all in slow ones."""


@EVERY
@pytest.mark.parametrize("mode", ["exchange", "renames", "in place", "fresh"])
def test_killed_at_a_step(place: Path, mode: str, stride: int) -> None:
    rows = run("kill", mode, stride, folder=place)
    assert len(rows) * stride > 20
    assert {row["code"] for row in rows[:-1]} == {KILLED}
    assert rows[-1]["code"] == ENDED
    users = {} if mode == "fresh" else USERS
    whole = [OLD | users, NEW | users]
    for row in rows:
        away = mode in ("renames", "fresh") or sys.platform != "linux"  # renameat2 is Linux's
        missing = row["after"] is None and away
        assert mode == "in place" or missing or row["after"] in whole, row
        # the next run starts from whole files, writes whole files and leaves nothing behind
        assert (row["again"], row["final"]) == (0, OLD | users), row
        assert (row["beside"], row["intact"]) == (["out"], True), row


@EVERY
def test_files_that_the_user_saves_meanwhile_are_kept(place: Path, stride: int) -> None:
    saved = {"notes.txt": "mine, saved again", "build/new.o": "new object"}
    rows = run("meddle", "exchange", stride, folder=place)
    assert len(rows) * stride > 20
    for row in rows[:-1]:
        assert (row["code"], row["after"]) == (0, NEW | USERS | saved), row
        assert (row["final"], row["beside"]) == (OLD | USERS | saved, ["out"]), row


def test_many_writers_at_once(place: Path) -> None:
    (found,) = run("race", 8, 6, folder=place)
    assert found["codes"] == [0] * 8
    assert (found["beside"], found["intact"]) == (["out"], True)
    files = {name: text for name, text in found["final"].items() if name not in USERS}
    (number,) = {int(text.split()[0]) for text in files.values()}
    names = ("kws.c", "lib/a.h", "lib/b.h")
    assert files == {name: f"{number} {name}" for name in names} | {
        f"only/{number % 3}.h": f"{number} only"
    }
    assert USERS.items() <= found["final"].items()
