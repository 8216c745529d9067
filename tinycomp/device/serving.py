"""Keeps an emulated board running for any client, with its pseudo-terminal at a fixed name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tinycomp.device.emulator import Running, emulator_of, start, start_native
from tinycomp.device.port_links import linked, refuse_taken
from tinycomp.target.boards import Board


@contextmanager
def serving(
    board: Board, program: Path, link: Path | None, *, true_speed: bool
) -> Iterator[Running]:
    """Run a program on a board's emulator during the context.

    Args:
        board: with an emulator, or this computer.
        program: the harness with a model; an emulator's front end is built beside it.
        link: a symbolic link to the port, created here and removed at the end; None: no link.
        true_speed: whether the board's clock runs in real time.

    Raises:
        OutputError: the link can't be created.
        ToolError: the emulator is not installed, or can't run at true speed.
    """
    if link is not None:
        refuse_taken(link)
    with _started(board, program, true_speed) as running:
        if link is None:
            yield running
            return
        with linked(link, running.port):
            yield running


def _started(board: Board, program: Path, true_speed: bool) -> AbstractContextManager[Running]:
    if board.emulator is None:
        return start_native(program)
    return start(emulator_of(board.emulator, program.parent, true_speed=true_speed), program)
