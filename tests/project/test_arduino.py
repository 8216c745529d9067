"""Sketches build with Debian's Arduino core, and run under simavr."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.common.errors import ToolError
from tinycomp.target import arduino
from tinycomp.target.boards import load_board
from tinycomp.target.sizes import Sizes, section_sizes

UNO = load_board("uno")

pytestmark = pytest.mark.skipif(
    not arduino.is_available(UNO), reason="gcc-avr or arduino-core-avr is not installed"
)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def once(laid, build) -> Path:
    return arduino.build_sketch(UNO, laid("uno"), laid("uno") / "examples" / "once", build)


def loaded(sizes: Sizes) -> int:
    return sizes.code + sizes.constants + sizes.data


def test_once_leaves_the_weights_out_of_ram(once):
    sizes = section_sizes(once)
    assert loaded(sizes) < 8000
    assert sizes.ram < 300


@pytest.mark.parametrize("name", ["uno", "mega"])
def test_serial_fits_the_board(laid, tmp_path, name):
    board = load_board(name)
    sketch = laid(name) / "examples" / "serial"
    sizes = section_sizes(arduino.build_sketch(board, laid(name), sketch, tmp_path))
    assert loaded(sizes) < board.memory.flash
    assert sizes.ram < board.memory.ram


@pytest.mark.timeout(60)
@pytest.mark.skipif(shutil.which("simavr") is None, reason="simavr is not installed")
def test_once_prints_class_value_and_time(once):
    command = ["simavr", "-m", "atmega328p", "-f", "16000000", str(once)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if "yes" in line)
    finally:
        process.kill()
        process.communicate()
    assert re.search(r'say "yes"\?: 21\.000 in \d+ us', line)


def test_a_mistake_in_a_sketch_is_shown(laid, tmp_path):
    sketch = tmp_path / "wrong"
    sketch.mkdir()
    (sketch / "wrong.ino").write_text("void setup() { Serial.begn(9600); }\nvoid loop() {}\n")
    with pytest.raises(ToolError, match=r"avr-g\+\+ failed .*\n.*has no member named 'begn'"):
        arduino.build_sketch(UNO, laid("uno"), sketch, tmp_path / "build")


def test_a_missing_core_is_named_with_its_package(laid, tmp_path, monkeypatch):
    monkeypatch.setattr(arduino, "CORE", tmp_path / "none")
    with pytest.raises(ToolError, match=r"apt install gcc-avr avr-libc arduino-core-avr\."):
        arduino.build_sketch(UNO, laid("uno"), laid("uno") / "examples" / "once", tmp_path)
