"""Keyword spotting at 4 bits on every board: it builds, or is refused with the numbers. Where core,
flags or kernels differ from those before, every byte is compared on the emulator.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinycomp import pipeline
from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.prepare import Preparation
from tinycomp.target.boards import Board, list_boards
from tinycomp.target.toolchain import is_available

REFUSED = {"uno": ("Flash", "RAM"), "nano-every": ("RAM",)}
"""Boards that are too small, and what they have too little of."""
BOARDS = list_boards()

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed"),
]


def emulated_as(board: Board) -> object:
    """What decides the program that is verified: the emulated board, its flags and kernels."""
    if board.is_host:
        return board.name
    stand_in = firmware_build.emulated_board(board)
    return stand_in.name, stand_in.compiler, stand_in.kernels


def first_of_its_kind() -> set[str]:
    """The boards that are verified: one for each program that an emulator runs."""
    chosen: dict[object, str] = {}
    for board in sorted(BOARDS, key=lambda board: board.stand_in is not None):
        if board.name not in REFUSED:
            chosen.setdefault(emulated_as(board), board.name)
    return {*chosen.values()}


VERIFIED = first_of_its_kind()


def options(board: Board, shared: Path, folder: Path) -> pipeline.BuildOptions:
    model = Preparation(shared / "models" / "kws_ref_model_int8.tflite", codebook_bits=4)
    verify = board.name in VERIFIED and firmware_build.missing(board) is None
    return pipeline.BuildOptions(model, board.name, folder / "out", 1, verify, bench=False)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_it_builds_or_is_refused_with_numbers(board: Board, shared: Path, tmp_path: Path) -> None:
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    wanted = options(board, shared, tmp_path)
    if board.name in REFUSED:
        with pytest.raises(BoardError) as caught:
            pipeline.build(wanted, Silent())
        text = str(caught.value)
        for what in REFUSED[board.name]:
            assert re.search(rf"{what}.*?: needs [\d,]+ bytes, has [\d,]+, over by [\d,]+\.", text)
        return
    report = pipeline.build(wanted, Silent())
    assert report.flash is not None
    assert report.ram is not None
    memory = board.memory
    assert report.flash.total <= memory.flash - memory.reserved_flash
    assert report.ram.total <= memory.ram - memory.reserved_ram
    if wanted.verify:
        (verified,) = report.verify
        assert verified.equal
        assert verified.executions[-1] == ("host" if board.is_host else "device")


def test_every_core_is_verified() -> None:
    """All emulated boards but the smallest, and others that are compiled in another way."""
    emulated = {board.name for board in BOARDS if board.emulator} - REFUSED.keys()
    assert emulated <= VERIFIED
    assert len(VERIFIED) <= 2 * len(emulated) + 2
