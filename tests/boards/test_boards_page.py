"""docs/boards.md says what the board files say; `pytest --update-golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

from golden_files import GOLDEN, Golden

from tinycomp.target.boards import Board, list_boards

PAGE = Path("../../docs/boards.md")
HEADINGS = ("board", "name", "core", "clock", "flash", "RAM", "project", "compiler", "runs on")
TEXT = """\
# Boards

`tinycomp boards` lists them with what your computer can do with each, and `tinycomp boards NAME`
shows all settings of one. `tests/boards/test_boards_page.py` makes this table of the files in
`boards/`.

Flash and RAM are what is left for the library, in bytes. An emulated board is verified and measured
as it is. The library for any other one is compiled and run on its stand-in, an emulated board with
the same core. A board that is not here is one TOML file: [adding.md](adding.md#a-board).
"""


def _row(board: Board) -> str:
    memory = board.memory
    cells = (
        f"`{board.name}`",
        board.title,
        board.cpu,
        f"{board.clock / 1e6:g} MHz" if board.clock else "",
        "" if board.is_host else f"{memory.usable_flash:,}",
        "" if board.is_host else f"{memory.usable_ram:,}",
        board.project,
        f"{board.compiler.prefix}gcc",
        _runs_on(board),
    )
    return "| " + " | ".join(cells) + " |"


def _runs_on(board: Board) -> str:
    if board.emulator is not None:
        return f"{board.emulator.program}, which counts {board.emulator.tick_unit}"
    return f"stand-in `{board.stand_in}`" if board.stand_in else "itself"


def _page() -> str:
    rules = ("---:" if name in ("clock", "flash", "RAM") else "---" for name in HEADINGS)
    table = [f"| {' | '.join(HEADINGS)} |", f"| {' | '.join(rules)} |", *map(_row, list_boards())]
    return "\n".join([TEXT, *table, ""])


def test_the_page_is_up_to_date(golden: Golden) -> None:
    found = _page()
    assert (GOLDEN / PAGE).resolve().parent == Path(__file__).resolve().parents[2] / "docs"
    assert golden.text(str(PAGE), found) == found, "run pytest --update-golden"
