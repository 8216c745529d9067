"""Keeps an emulated board running for any client, with its pseudo-terminal at a fixed name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tinycomp.common.errors import OutputError
from tinycomp.device.emulator import Running, emulator_of, start, start_native
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
        with _linked(link, running.port):
            yield running


def _started(board: Board, program: Path, true_speed: bool) -> AbstractContextManager[Running]:
    if board.emulator is None:
        return start_native(program)
    return start(emulator_of(board.emulator, program.parent, true_speed=true_speed), program)


def refuse_taken(link: Path) -> None:
    """Refuse the name of an existing file; a leftover link of an earlier run may be replaced.

    Raises:
        OutputError: a file or a folder has the name, or there is no folder for it.
    """
    left_behind = link.is_symlink() and not link.exists()
    if not left_behind and (link.exists() or link.is_symlink()):
        raise OutputError(
            f"'{link}' exists.", hint="Name another link, or remove it: another board may use it."
        )
    if not link.parent.is_dir():
        raise OutputError(f"There is no folder '{link.parent}'.", hint="Make it first.")


@contextmanager
def _linked(link: Path, port: str) -> Iterator[None]:
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(port)
    except OSError as error:
        raise OutputError(f"'{link}' can't be made: {error.strerror or error}.") from error
    try:
        yield
    finally:
        with suppress(OSError):
            if str(link.readlink()) == port:
                link.unlink()
