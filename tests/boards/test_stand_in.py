"""Boards without an emulator: their stand-ins, and times at their own clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycomp.common.errors import BoardError
from tinycomp.device import firmware_build
from tinycomp.proof.time import time_of
from tinycomp.report.numbers import show_time
from tinycomp.target.boards import list_boards, load_board

BOUGHT = [board for board in list_boards() if board.stand_in is not None]
NANO, M4, UNO = load_board("nano33ble"), load_board("cortex-m4"), load_board("uno")


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_every_board_is_emulated_or_has_a_stand_in(board):
    assert board.is_host or (board.emulator is None) != (board.stand_in is None)


@pytest.mark.parametrize("board", BOUGHT, ids=lambda board: board.name)
def test_every_hardware_board_can_measure_time(board):
    stand_in = firmware_build.emulated_board(board)
    unit = stand_in.emulator.tick_unit
    time = time_of(board, stand_in, 1_000_000, unit)
    assert 0 < time.least < time.most
    assert not time.exact


@pytest.mark.parametrize("board", BOUGHT, ids=lambda board: board.name)
def test_the_stand_in_uses_the_board_s_optimization_level(board):
    stand_in = firmware_build.emulated_board(board)
    assert stand_in.compiler.optimize == board.compiler.optimize
    assert stand_in.compiler.flags == load_board(board.stand_in).compiler.flags
    assert stand_in.kernels == board.kernels


def test_an_emulated_board_needs_no_stand_in():
    assert firmware_build.emulated_board(M4) == M4


def test_cycles_are_exact_and_instructions_give_a_range():
    cycles = time_of(UNO, None, 16_000, "cycles")
    assert (cycles.least, cycles.most, cycles.exact) == (1.0, 1.0, True)
    assert show_time(cycles) == "1 ms at 16 MHz"
    estimate = time_of(NANO, M4, 64_000, "instructions")
    assert (estimate.least, estimate.most) == pytest.approx((NANO.pace.least, NANO.pace.most))
    assert show_time(estimate) == "about 1.2 to 2 ms at 64 MHz"
    assert estimate.why.startswith("1.2 to 2 cycles per instruction: ")


def test_the_device_s_clock_frequency_is_used():
    """An ESP32 set to 80 MHz counts 80 million cycles per second."""
    esp32 = load_board("esp32")
    cycles = time_of(esp32, None, 80_000, "cycles", 80_000_000)
    assert (cycles.least, cycles.most, cycles.exact, cycles.clock) == (1.0, 1.0, True, 80_000_000)
    slow = time_of(esp32, None, 2_500, "microseconds", 1_000_000)
    assert (slow.least, slow.most, slow.exact, slow.clock) == (2.5, 2.5, True, 240_000_000)
    assert time_of(M4, None, 1_000, "microseconds", 1_000_000) is None


def test_cycles_of_another_chip_are_not_exact():
    every = load_board("nano-every")
    time = time_of(every, load_board("mega"), 16_000, "cycles")
    assert (time.least, time.most) == (every.pace.least, every.pace.most)
    assert "per cycle of the stand-in" in time.why


def test_no_time_without_clock_or_cycles():
    assert time_of(M4, None, 1000, "instructions") is None  # no clock
    assert time_of(NANO, None, 1000, "microseconds") is None
    without = NANO.model_copy(update={"pace": None})
    assert time_of(without, M4.model_copy(update={"pace": None}), 1000, "instructions") is None


@pytest.mark.parametrize(
    ("base", "stand_in", "problem"),
    [
        ("cortex-m4", "nano33ble", "which has no emulator."),
        ("cortex-m4", "cortex-m0", "runs the kernels 'scalar', this board 'armv7e_m'."),
        ("cortex-m4", "cortex-m5", "There is no board 'cortex-m5'."),
    ],
)
def test_a_stand_in_has_an_emulator_and_the_same_kernels(tmp_path: Path, base, stand_in, problem):
    mine = tmp_path / "mine.toml"
    mine.write_text(f'title = "Mine"\nbased_on = "{base}"\nstand_in = "{stand_in}"\n')
    with pytest.raises(BoardError) as caught:
        load_board(str(mine))
    assert problem in str(caught.value)


def test_an_emulator_and_a_stand_in_are_mutually_exclusive(tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'title = "Mine"\nbased_on = "cortex-m4"\nstand_in = "cortex-m4"\n[emulator]\n'
        'program = "x"\npackages = ["x"]\nmachine = "x"\ntick_unit = "instructions"\n'
    )
    with pytest.raises(BoardError, match=r"the board has its own \[emulator\]"):
        load_board(str(mine))


def test_the_state_of_a_board_depends_on_installed_tools():
    absent = M4.compiler.model_copy(update={"prefix": "no-such-"})
    described = NANO.model_copy(update={"stand_in": None, "compiler": absent})
    assert firmware_build.state_of(described) == "described only"
    host = load_board("host")
    if firmware_build.host_available():
        assert firmware_build.state_of(host) == "runs here"
    if firmware_build.missing(M4) is None:
        assert firmware_build.state_of(M4) == "emulated here"
        assert firmware_build.state_of(NANO) == "stand-in cortex-m4"
        unplugged = NANO.model_copy(update={"stand_in": None})
        assert firmware_build.state_of(unplugged) == "compiled here"
