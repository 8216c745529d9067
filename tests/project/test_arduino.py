"""Sketches build with Debian's Arduino core, and run under simavr."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.common import resources
from tinycomp.common.errors import DeviceError, ToolError
from tinycomp.device.emulator import emulate, emulator_of, front_end
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device
from tinycomp.target import arduino
from tinycomp.target.boards import load_board
from tinycomp.target.sizes import Sizes, section_sizes
from tinycomp.target.toolchain import compiles, run_tool

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


LEONARDO = """
title = "Leonardo"
based_on = "uno"
cpu = "atmega32u4"
[compiler]
flags = ["-mmcu=atmega32u4"]
[arduino]
define = "AVR_LEONARDO"
variant = "leonardo"
[emulator]
machine = "atmega32u4"
[usb]
ids = ["2341:8036"]
"""


def test_a_chip_with_its_own_usb_builds_and_is_refused_by_the_emulator(laid, tmp_path):
    (tmp_path / "leonardo.toml").write_text(LEONARDO)
    board = load_board(str(tmp_path / "leonardo.toml"))
    sketch = laid("uno") / "examples" / "serial"
    program = arduino.build_sketch(board, laid("uno"), sketch, tmp_path / "build")
    assert b"USB IO Board" in program.read_bytes()
    if not compiles(load_board("host").compiler, front_end(board.emulator)):
        pytest.skip("simavr is not installed")
    with (
        pytest.raises(DeviceError, match="simavr's atmega32u4 has no UART 0; a chip with its own"),
        emulate(emulator_of(board.emulator, tmp_path / "emulator"), program) as port,
        Link(port) as link,
    ):
        Device(link, startup_seconds=3)


def test_a_board_without_pins_is_left_to_arduino_cli(tmp_path):
    (tmp_path / "mine.toml").write_text(LEONARDO.replace('"leonardo"', '""'))
    assert not arduino.is_available(load_board(str(tmp_path / "mine.toml")))


def test_chips_without_mul_are_refused_with_what_to_try(tmp_path):
    source = tmp_path / "x.c"
    source.write_text('#include "output_avr.h"\n')
    kernels = resources.firmware() / "kernels"
    command = ["avr-gcc", f"-I{kernels}", f"-I{kernels / 'avr'}"]
    with pytest.raises(ToolError, match=r"which this chip lacks: set kernels = .*generic"):
        run_tool([*command, "-mmcu=attiny85", "-fsyntax-only", source], UNO.compiler.packages)
    run_tool([*command, "-mmcu=atmega328p", "-fsyntax-only", source], UNO.compiler.packages)
