"""Boards for compilation tests: each combination of compiler and flags once."""

from __future__ import annotations

import pytest

from tinycomp.target.boards import Board, list_boards


def distinct_boards() -> list[object]:
    """Test parameters by name: one board for each combination of compiler, flags and port. Boards
    without an emulator differ from an emulated one only in flags, and are marked slow.
    """
    chosen: dict[object, Board] = {}
    for board in sorted(list_boards(), key=lambda board: board.stand_in is not None):
        compiler = board.compiler
        key = (compiler.prefix, compiler.flags, compiler.optimize, board.kernels, board.port)
        chosen.setdefault(key, board)
    return [
        pytest.param(
            board, id=board.name, marks=[pytest.mark.slow] if board.stand_in is not None else []
        )
        for board in sorted(chosen.values(), key=lambda board: board.name)
    ]
