"""Boards for tests that compile: each compiler with each set of flags once."""

from __future__ import annotations

import pytest

from tinycomp.target.boards import Board, list_boards


def distinct_boards() -> list[object]:
    """Parameters of a test, by name: one board for each compiler, its flags and port. Those that
    are not emulated differ from an emulated one in flags alone, and are slow tests.
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
