"""Inheritance between boards: which keys are merged, which are not, and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycomp.common.errors import BoardError
from tinycomp.target.boards import load_board


def board_file(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_tables_are_merged_and_lists_replaced(tmp_path: Path) -> None:
    text = (
        'title = "Mine"\nbased_on = "cortex-m4"\n[memory]\nram = 65_536\n'
        '[compiler]\nflags = ["-mcpu=cortex-m4"]\n'
    )
    board, base = load_board(board_file(tmp_path, "mine", text)), load_board("cortex-m4")
    assert (board.name, board.title, board.based_on) == ("mine", "Mine", "cortex-m4")
    assert (board.memory.ram, board.memory.flash) == (65_536, base.memory.flash)
    assert board.compiler.flags == ("-mcpu=cortex-m4",)
    assert board.compiler.prefix == base.compiler.prefix
    assert (board.kernels, board.emulator) == (base.kernels, base.emulator)


def test_the_title_is_not_inherited(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"key 'title' is missing: name for users"):
        load_board(board_file(tmp_path, "mine", 'based_on = "cortex-m4"\n'))


def test_a_board_with_a_stand_in_does_not_inherit_the_emulator(tmp_path: Path) -> None:
    text = 'title = "Mine"\nbased_on = "cortex-m4"\nstand_in = "cortex-m4"\n'
    board = load_board(board_file(tmp_path, "mine", text))
    assert (board.emulator, board.silicon) == (None, None)
    assert board.pace == load_board("cortex-m4").pace


def test_the_base_may_be_a_file_in_the_same_folder(tmp_path: Path) -> None:
    board_file(tmp_path, "first", 'title = "First"\nbased_on = "uno"\nclock = 8_000_000\n')
    text = 'title = "Second"\nbased_on = "first.toml"\n'
    assert load_board(board_file(tmp_path, "second", text)).clock == 8_000_000


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    board_file(tmp_path, "a", 'title = "A"\nbased_on = "b.toml"\n')
    path = board_file(tmp_path, "b", 'title = "B"\nbased_on = "a.toml"\n')
    with pytest.raises(BoardError, match="in a circle: b -> a -> b"):
        load_board(path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('based_on = "cortex_m4"', "There is no board 'cortex_m4'."),
        ('based_on = "cortex_m4"', "Did you mean 'cortex-m4'?"),
        ('based_on = "none.toml"', "but there is no file '"),
        ("based_on = 4", "key 'based_on' should be the name of a board, but it is 4."),
    ],
)
def test_an_unknown_base_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(BoardError) as caught:
        load_board(board_file(tmp_path, "mine", f'title = "Mine"\n{line}\n'))
    assert problem in str(caught.value)


def test_steps_by_hand_belong_to_the_flash_tools(tmp_path: Path) -> None:
    text = 'title = "Mine"\nbased_on = "pico"\nstand_in = "cortex-m0"\n[flash]\n'
    same = load_board(board_file(tmp_path, "same", text + "address = 0x2000\n")).flash
    other = load_board(board_file(tmp_path, "other", text + 'tools = ["bossac"]\n')).flash
    assert same is not None
    assert other is not None
    assert same.advice is not None
    assert (other.advice, other.touch) == (None, same.touch)
