"""The four commands of the README, from a Keras model to milliseconds, typed as they are there with
the name of another port: a bootloader on a pseudo-terminal takes the program, and then an emulated
board answers on the same port.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from fake_esp_rom import FakeEspRom
from fake_programs import FakePrograms, fake_programs
from fake_serial import FakeSerial
from fake_stk500 import FakeStk500
from test_flash_command import (
    APPLICATION,
    ESPTOOL,
    PIO,
    needs_avrdude,
    needs_core,
    needs_esptool,
    needs_uno,
)

from tinycomp.device import firmware_build
from tinycomp.device.emulator import emulate, emulator_of
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.report.record import read_report
from tinycomp.target.boards import load_board

__all__ = ["fake_programs"]

ROOT = Path(__file__).resolve().parents[2]
README_PORT = "/dev/ttyUSB0"
PORT = "the-port"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning"),
]


def commands(board: str) -> list[list[str]]:
    """The commands of the README for a board, without the program's name."""
    text = (ROOT / "README.md").read_text()
    found = re.search(r"four commands lead to milliseconds:\n\n```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    lines = found[1].strip().splitlines()
    words = [shlex.split(re.sub(r"--board \w+", f"--board {board}", line)) for line in lines]
    assert [line[:2] for line in words] == [
        ["tinycomp", name] for name in ("build", "flash", "verify", "bench")
    ]
    return [[PORT if word == README_PORT else word for word in line[1:]] for line in words]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with model.keras and data.npz as the README names them."""
    import keras

    monkeypatch.chdir(tmp_path)
    layers = [
        keras.layers.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    x = np.random.default_rng(0).random((24, 8, 8, 1), np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(24) % 3)
    return tmp_path


def connect(folder: Path, port: str) -> None:
    (folder / PORT).unlink(missing_ok=True)
    (folder / PORT).symlink_to(port)


def flashed(model: Path, run: Command, board: str, bootloader: FakeSerial) -> bytes:
    """Run the first two commands; return what the bootloader has."""
    build, flash, *_ = commands(board)
    done = run(*build)
    assert done.code == 0, done.err
    with bootloader:
        connect(model, bootloader.port)
        done = run(*flash)
    assert done.code == 0, done.err
    flash_memory = bootloader.flash  # type: ignore[attr-defined]
    return bytes(flash_memory)


@contextmanager
def running(model: Path, emulated: str, program: Path) -> Iterator[None]:
    """The board runs its program on the same port."""
    settings = load_board(emulated).emulator
    assert settings is not None
    with emulate(emulator_of(settings, model), program) as port:
        connect(model, port)
        yield


def measured(run: Command, board: str) -> str:
    """Run the other two commands; return the output of the last."""
    _, _, verify, bench = commands(board)
    done = run(*verify)
    assert done.code == 0, done.err
    assert re.search(r"litert = simulator = host = device: \d+ tensors, 8 samples", done.words)
    done = run(*bench)
    assert done.code == 0, done.err
    return done.words


@needs_core
@needs_avrdude
@needs_uno
def test_uno(model: Path, run: Command) -> None:
    written = flashed(model, run, "uno", FakeStk500())
    (program,) = (model / "out" / "build").glob("*.elf")
    raw = model / "raw.bin"
    subprocess.run(["avr-objcopy", "-O", "binary", program, raw], check=True)
    assert written.rstrip(b"\xff") == raw.read_bytes().rstrip(b"\xff")
    with running(model, "uno", program):
        words = measured(run, "uno")
    milliseconds = re.search(r"([\d.]+) ms, uno at 16 MHz", words)
    assert milliseconds is not None, words
    cycles = re.search(r"([\d,]+) cycles", words)
    assert cycles is not None, words
    counted = int(cycles[1].replace(",", ""))
    assert float(milliseconds[1]) == pytest.approx(counted / 16e3, rel=0.01)


@needs_esptool
@pytest.mark.skipif(
    firmware_build.missing(load_board("lx6")) is not None, reason="there is no emulated lx6"
)
def test_esp32(
    model: Path, run: Command, fake_programs: FakePrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PlatformIO has no compiler here: a fake one has built, and the stand-in runs the library."""
    assert ESPTOOL is not None
    fake_programs.keep(ESPTOOL)
    fake_programs.add("pio", PIO.format(application=APPLICATION.hex()))
    monkeypatch.setenv("PATH", f"{fake_programs.folder}:/usr/bin:/bin")
    written = flashed(model, run, "esp32", FakeEspRom())
    assert written[0x10000 : 0x10000 + len(APPLICATION)] == APPLICATION
    out, lx6 = model / "out", load_board("lx6")
    prefix = read_report(out).prefix
    library = out / "lib" / prefix / "src"
    program = FirmwareBuild(lx6, library, prefix, model / "program").board_program()
    with running(model, "lx6", program):
        words = measured(run, "esp32")
    assert re.search(r"[\d.]+ (to [\d.]+ )?ms, esp32 at 240 MHz", words), words
