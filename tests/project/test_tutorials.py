"""Follows docs/tutorials line by line: runs the commands, and writes the files that are shown.

Blocks marked `board` need one, and are only checked to be commands that exist. ESP-IDF's idf.py and
Zephyr's west are replaced by stubs that run CMake with functions of the same names; `pio` blocks
run where PlatformIO is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from golden_files import GOLDEN

from tinycomp.cli.main import app
from tinycomp.device import firmware_build
from tinycomp.target.boards import load_board

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
STUBS = Path(__file__).parent / "stubs"
NEEDS = {
    "arduino": ("uno", ()),
    "bare-metal": ("cortex-m4", ("cmake", "arm-none-eabi-gcc")),
    "esp-idf": ("lx6", ("cmake", "gcc")),
    "platformio": ("cortex-m0", ()),
    "zephyr": ("cortex-m4", ("cmake", "gcc")),
}
FILES = {"c": "main.c", "cmake": "CMakeLists.txt"}
RUN = {"sh", "idf", "west", *(["pio"] if shutil.which("pio") else [])}
"""Blocks of commands that are run."""


def blocks(name: str) -> list[tuple[str, str, str]]:
    """Kind, name of the file, text."""
    text = (TUTORIALS / f"{name}.md").read_text()
    return [
        (kind, path or FILES.get(kind, ""), body)
        for kind, path, body in re.findall(
            r"^```(\w+)(?: ([\w./]+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        )
    ]


def test_every_tutorial_is_followed() -> None:
    assert {path.stem for path in TUTORIALS.iterdir()} == NEEDS.keys()


@pytest.mark.parametrize("name", NEEDS)
def test_commands_exist(name: str) -> None:
    known = {str(command.callback.__name__) for command in app.registered_commands}  # type: ignore[union-attr]
    for kind, _, text in blocks(name):
        if kind in ("sh", "board"):
            used = re.findall(r"^tinycomp (\w+)", text, re.MULTILINE)
            assert used or re.match(r"cmake|mkdir|pio|west", text)
            assert {*used} <= known


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_line_by_line(name: str, tmp_path: Path) -> None:
    board, tools = NEEDS[name]
    absent = [tool for tool in tools if shutil.which(tool) is None]
    why = firmware_build.missing(load_board(board)) or ", ".join(absent)
    if why:
        pytest.skip(f"{name} needs {why}")
    shutil.copyfile(GOLDEN / "small.tflite", tmp_path / "small.tflite")
    program = tmp_path / "bin" / "tinycomp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tinycomp "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{STUBS / 'programs'}:{os.environ['PATH']}"
    frameworks = {"IDF_PATH": str(STUBS / "esp_idf"), "ZEPHYR_BASE": str(STUBS / "zephyr")}
    environment = {**os.environ, **frameworks, "PATH": path, "PYTHONPATH": str(ROOT)}
    for kind, file, text in blocks(name):
        if file:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(text)
        if kind in RUN:
            done = subprocess.run(
                ["sh", "-e", "-c", text], cwd=tmp_path, env=environment, capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, text + done.stdout + done.stderr
