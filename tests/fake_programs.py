"""Fake programs that record how they were called."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tinycomp.target import programs

SCRIPT = """#!{python}
import json, pathlib, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
{body}
"""


class FakePrograms:
    """A folder of fake programs, the only one on the path."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._log = folder / "calls"
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(programs, "own_folder", lambda: str(folder))

    def add(self, name: str, body: str = "") -> None:
        """A program that records its arguments, and then runs the shell code in `body`."""
        path = self.folder / name
        path.write_text(
            SCRIPT.format(python=sys.executable, log=str(self._log), name=name, body=body)
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def keep(self, path: str) -> None:
        """Keep a real program on the path."""
        (self.folder / Path(path).name).symlink_to(path)

    def calls(self) -> list[list[str]]:
        """The recorded calls, in order."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePrograms:
    return FakePrograms(tmp_path / "fake-programs", monkeypatch)
