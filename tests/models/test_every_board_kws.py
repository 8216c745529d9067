"""Keyword spotting at 4 bits on every board: it builds, or is refused with the numbers. Where core,
flags or kernels differ from those before, every byte is compared on the emulator.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tinycomp import pipeline
from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.options.build import Preparation
from tinycomp.report.record import Report
from tinycomp.target.boards import Board, list_boards, load_board
from tinycomp.target.toolchain import is_available

REFUSED = {"uno": ("RAM",)}
"""Boards that are too small, and what they have too little of."""
BOARDS = list_boards()

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed"),
]


def program_of(board: Board) -> object:
    """The program that an emulator runs: its core, compiler and kernels."""
    emulated = board if board.is_host else firmware_build.emulated_board(board)
    return emulated.name, emulated.compiler, board.kernels


def first_of_each() -> dict[object, str]:
    """The boards that are built and verified: one for each program, emulated ones first."""
    chosen: dict[object, str] = {}
    for board in sorted(BOARDS, key=lambda board: board.stand_in is not None):
        if board.name not in REFUSED:
            chosen.setdefault(program_of(board), board.name)
    return chosen


FIRST = first_of_each()
VERIFIED = {*FIRST.values()}


@cache
def report_of(name: str, shared: Path, folder: Path) -> Report:
    """Of a build for one of VERIFIED."""
    return pipeline.build(options(load_board(name), shared, folder / name), Silent())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("boards")


def options(board: Board, shared: Path, folder: Path) -> pipeline.BuildOptions:
    model = Preparation(shared / "models" / "kws_ref_model_int8.tflite", codebook_bits=4)
    verify = firmware_build.missing(board) is None
    return pipeline.BuildOptions(model, board.name, folder, 1, verify, bench=False)


def is_within(report: Report, board: Board) -> bool:
    """Whether flash and RAM are within the board's."""
    assert report.flash is not None
    assert report.ram is not None
    flash, ram = board.memory.flash, board.memory.ram
    return (
        report.flash.total <= flash - board.memory.reserved_flash
        and report.ram.total <= ram - board.memory.reserved_ram
    )


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_numbers(name: str, shared: Path, folder: Path) -> None:
    with pytest.raises(BoardError) as caught:
        report_of(name, shared, folder)
    for what in REFUSED[name]:
        numbers = rf"{what}.*?: needs [\d,]+ bytes, has [\d,]+, over by [\d,]+\."
        assert re.search(numbers, str(caught.value))


@pytest.mark.parametrize(
    "board", [b for b in BOARDS if b.name not in REFUSED], ids=lambda board: board.name
)
def test_it_fits(board: Board, shared: Path, folder: Path) -> None:
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    report = report_of(FIRST[program_of(board)], shared, folder)
    if not is_within(report, board):  # planned for more memory
        report = report_of(board.name, shared, folder)
    assert is_within(report, board)
    for verified in report.verify:
        assert verified.equal
        last = verified.executions[-1]
        assert last == "host" if board.is_host else "device" in last or "stand-in" in last


def test_every_core_is_verified() -> None:
    """All emulated boards but the smallest, and others that are compiled in another way."""
    emulated = {board.name for board in BOARDS if board.emulator} - REFUSED.keys()
    assert emulated <= VERIFIED
    assert len(VERIFIED) <= 2 * len(emulated) + 2
