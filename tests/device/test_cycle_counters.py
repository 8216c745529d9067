"""Cycle counters of real chips: their arithmetic on this computer, and counters of emulators."""

from __future__ import annotations

import ctypes
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_firmware import port_sources, skip_without

from tinycomp.common import resources
from tinycomp.device.emulator import emulate, qemu
from tinycomp.device.link import Link
from tinycomp.target.boards import Board, list_boards, load_board
from tinycomp.target.ports import link_flags
from tinycomp.target.toolchain import STRICT, Options, compile_objects, is_available, link, run_tool

SILICON = resources.firmware() / "ports" / "silicon"
HARNESS = resources.firmware() / "harness"
STUBS = Path(__file__).resolve().parents[1] / "project" / "stubs"
MAIN = Path(__file__).with_name("counter_main.c")
READ = ctypes.CFUNCTYPE(ctypes.c_uint32)
BITS_24, BITS_32 = (1 << 24) - 1, (1 << 32) - 1
MHZ = 1_000_000


class Cycles(ctypes.Structure):
    """tc_cycles_t."""

    _fields_ = (
        ("counter", READ), ("microseconds", READ), ("last", ctypes.c_uint32),
        ("per_second", ctypes.c_uint32), ("counted", ctypes.c_uint32), ("then", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
    )  # fmt: skip


class Chip:
    """A chip on which each read of a clock takes 50 cycles."""

    def __init__(self, library: ctypes.CDLL, hz: int, last: int, start: int = 0) -> None:
        self.library, self.hz, self.now = library, hz, start
        counter, micros = READ(lambda: self.read() % (last + 1)), READ(self.micros)
        self.cycles = Cycles(counter, micros, last)

    def read(self) -> int:
        self.now += 50
        return self.now

    def micros(self) -> int:
        return self.read() * MHZ // self.hz % (1 << 32)

    def start(self, nominal: int) -> bool:
        return bool(self.library.tc_cycles_start(ctypes.byref(self.cycles), nominal))

    def total(self) -> int:
        return int(self.library.tc_cycles_read(ctypes.byref(self.cycles)))


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Chip]:
    built = tmp_path_factory.mktemp("cycles") / "cycles.so"
    command = ["gcc", "-shared", "-fPIC", "-std=c99", *STRICT, "-o", built, SILICON / "cycles.c"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(built))
    library.tc_cycles_read.restype = ctypes.c_uint64
    library.tc_cycles_start.restype = ctypes.c_bool
    return lambda *values: Chip(library, *values)


@pytest.mark.parametrize(
    ("hz", "last", "start"),
    [
        pytest.param(600 * MHZ, BITS_32, 2**32 - 10_000, id="dwt"),
        pytest.param(120 * MHZ, BITS_32, 2**35 - 1, id="a counter about to wrap"),
        pytest.param(133 * MHZ, BITS_24, 0, id="systick"),
        pytest.param(16 * MHZ, 15_999, 123, id="systick with interrupts of a millisecond"),
    ],
)
def test_wraps_are_counted(chip: Callable[..., Chip], hz: int, last: int, start: int) -> None:
    board = chip(hz, last, start)
    assert board.start(hz)
    assert board.cycles.per_second == hz
    for seconds in (0, 1e-6, 0.0004, 0.1, 1, 20, 60, 4000):
        first, before = board.total(), board.now
        board.now += int(seconds * hz)
        taken, passed = board.total() - first, board.now - before
        assert abs(taken - passed) <= 100, seconds


def test_a_wrong_frequency_is_measured(chip: Callable[..., Chip]) -> None:
    """An ESP32 running at 80 MHz with software built for 240."""
    board = chip(80 * MHZ, BITS_32)
    assert board.start(240 * MHZ)
    assert board.cycles.per_second == pytest.approx(80 * MHZ, rel=1e-4)
    board = chip(80 * MHZ, BITS_32)
    assert board.start(0)
    assert board.cycles.per_second == pytest.approx(80 * MHZ, rel=1e-4)


def test_an_inaccurate_crystal_does_not_matter(chip: Callable[..., Chip]) -> None:
    """Cycles are counted, not computed from microseconds, which may be off by a percent."""
    board = chip(120 * MHZ, BITS_32)
    assert board.start(120 * MHZ)
    board.cycles.per_second = 121_200_000
    first, before = board.total(), board.now
    board.now += 25 * 120 * MHZ
    assert abs(board.total() - first - (board.now - before)) <= 100


def test_a_stopped_counter_is_detected(chip: Callable[..., Chip]) -> None:
    board = chip(120 * MHZ, BITS_32)
    board.cycles.counter = READ(lambda: 7)
    assert not board.start(120 * MHZ)


def built(board: Board, folder: Path) -> Path:
    """The program that prints the counts of the counter and of the board's clock."""
    port = resources.port_folders(board.port)
    options = Options((HARNESS, SILICON, *port), STRICT)
    sources = [*port_sources(board), SILICON / "cycles.c", MAIN]
    objects = compile_objects(board.compiler, sources, folder, options)
    return link(board.compiler, objects, folder / "program.elf", link_flags(board.port, port))


def counted(board: Board, folder: Path) -> list[int]:
    """The numbers that the program prints."""
    skip_without(board)
    assert board.emulator is not None
    with emulate(qemu(board.emulator), built(board, folder)) as port, Link(port) as line:
        text = line.read_line(time.monotonic() + 60)
    assert text is not None
    return [int(word) for word in text.split()]


@pytest.mark.parametrize(
    ("name", "hz", "clock"),
    [
        pytest.param("rv32imc", 1000 * MHZ, 10 * MHZ, id="mcycle"),
        pytest.param("lx106", 40 * MHZ, 40 * MHZ, id="ccount"),
        pytest.param("lx6", 40 * MHZ, 40 * MHZ, id="ccount-lx6"),
        pytest.param("cortex-m0", 25 * MHZ, 25 * MHZ, id="systick"),
    ],
)
def test_counters_of_emulators(name: str, hz: int, clock: int, tmp_path: Path) -> None:
    """The longest loop takes longer than the period of mcycle and SysTick."""
    works, per_second, *found = counted(load_board(name), tmp_path)
    assert works == 1
    assert per_second == pytest.approx(hz, rel=0.003)
    for cycles, ticks in zip(found[::2], found[1::2], strict=True):
        around = 600_000 if name == "rv32imc" else 20_000
        assert 0 <= cycles - ticks * hz // clock < around


def test_a_missing_counter_is_detected(tmp_path: Path) -> None:
    """QEMU's Cortex-M4 has no DWT."""
    assert counted(load_board("cortex-m4"), tmp_path)[:2] == [0, 0]


SKETCH_BOARDS = {
    (board.compiler.prefix, board.compiler.flags): board
    for board in list_boards()
    if board.port == "silicon/arduino" and board.project == "platformio"
}


@pytest.mark.parametrize("board", SKETCH_BOARDS.values(), ids=lambda board: board.name)
def test_the_port_for_arduino_compiles(board: Board, tmp_path: Path) -> None:
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    run_tool(
        [f"{board.compiler.prefix}g++", *board.compiler.flags, *STRICT, "-std=c++11", "-Os",
         f"-I{STUBS}", f"-I{HARNESS}", f"-I{SILICON}", "-c", SILICON / "arduino" / "port.cpp",
         "-o", tmp_path / "port.o"],
        ["gcc"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "flags", "reads"),
    [
        ("nano33ble", (), "e0001004"),
        ("nucleo-u575", (), "e0001004"),
        ("pico", (), "e000e018"),
        ("esp32c3", ("-DESP_PLATFORM", "-DCONFIG_IDF_TARGET_ESP32C3"), "0x7e2"),
        ("esp32c3", (), "mcycle"),
        ("esp32", (), "ccount"),
    ],
)
def test_the_counter_that_is_read(
    name: str, flags: tuple[str, ...], reads: str, tmp_path: Path
) -> None:
    compiler = load_board(name).compiler
    if not is_available(compiler):
        pytest.skip(f"{compiler.prefix}gcc is not installed")
    (tmp_path / "sdkconfig.h").write_text("")
    source = "uint32_t now(void);\nuint32_t now(void) { return tc_counter_read(); }\n"
    (tmp_path / "main.c").write_text(f'#include "counter.h"\n{source}')
    command = [f"{compiler.prefix}gcc", *compiler.flags, *flags, "-O2", f"-I{SILICON}"]
    text = run_tool([*command, f"-I{tmp_path}", "-S", "-o", "-", tmp_path / "main.c"], ["gcc"])
    literals = {f"{int(word) % 2**32:x}" for word in re.findall(r"-?\b\d{9,10}\b", text)}
    assert reads in text or any(int(reads, 16) - int(each, 16) in range(32) for each in literals)
