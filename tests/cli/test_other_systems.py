"""Commands do without what Windows lacks: pseudo-terminals, fork, POSIX's users and signals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from golden_files import GOLDEN

from tinycomp.common.errors import ToolError
from tinycomp.device import emulator, firmware_build
from tinycomp.device.emulator import run_native
from tinycomp.target.boards import load_board

WITHOUT = """
import os
import signal
import sys

for name in ("curses", "grp", "pty", "pwd", "readline", "resource", "termios", "tty"):
    sys.modules[name] = None  # an import raises then
for module, names in (
    (os, ("fork", "forkpty", "geteuid", "getuid", "killpg", "mkfifo", "openpty", "setsid")),
    (signal, ("SIGALRM", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGUSR1", "alarm")),
):
    for name in names:
        delattr(module, name)
"""
COMMAND = """
from tinycomp.cli.main import main

main()
"""
IMPORT_ALL = """
import importlib
import pkgutil

import tinycomp

for module in pkgutil.walk_packages(tinycomp.__path__, "tinycomp."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def run(folder: Path, script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", WITHOUT + script, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_build_needs_no_terminal(tmp_path: Path) -> None:
    options = ("--board", "cortex-m4", "--no-verify", "--no-bench")
    out = run(tmp_path, COMMAND, "build", GOLDEN / "small.tflite", "-o", "out", *options)
    assert "Wrote out" in out
    assert (tmp_path / "out" / "library" / "small.c").is_file()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--help",), "Usage: tinycomp"),
        (("build", "--help"), "Usage: tinycomp build"),
        (("boards",), "cortex-m4"),
        (("inspect", GOLDEN / "small.tflite"), "flash, estimated"),
    ],
)
def test_commands_need_no_posix(arguments: tuple[object, ...], text: str, tmp_path: Path) -> None:
    assert text in " ".join(run(tmp_path, COMMAND, *arguments).split())


def test_no_module_needs_a_terminal_to_be_imported(tmp_path: Path) -> None:
    run(tmp_path, IMPORT_ALL)


def test_without_terminals_boards_are_not_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (emulator, firmware_build):
        monkeypatch.setattr(module, "has_terminals", lambda: False)
    assert firmware_build.missing(load_board("cortex-m4")) == (
        "this system has no pseudo-terminals. Emulated boards need one: use WSL, or a real board "
        "with --port."
    )
    with (
        pytest.raises(ToolError, match=r"^This system has no pseudo-terminals\. Emulated boards"),
        run_native(Path("program")),
    ):
        pass
