"""A message about a board file names all of its problems, each with its line and what to try."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinycomp.common.errors import BoardError
from tinycomp.target.boards import load_board

BASE = """\
title = "Base"
based_on = "uno"
colour = 1
[memory]
flash = -5
"""
MANY = """\
title = "Many"
based_on = "base.toml"
clok = 8_000_000
kernels = "avrr"
[memory]
ram = "2 KB"
reserved_flash = 50_000
[usb]
ids = ["2341:0043", "2341:006A"]
[pace]
least = 2
most = 1
why = "measured"
[flash]
tools = ["avrdude", "opnocd", "dfu-util"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(text: str) -> list[str]:
    Path("mine.toml").write_text(text)
    with pytest.raises(BoardError) as caught:
        load_board("mine.toml")
    return re.split(r" ?\(\d+\) ", str(caught.value))


def test_all_problems_are_named_with_their_lines(folder: Path) -> None:
    Path("base.toml").write_text(BASE)
    first, *problems = refusal(MANY)
    assert first == "Board file mine.toml has 9 problems:"
    expected = [
        "line 3: key 'clok' is not known. Did you mean 'clock'?",
        "line 4: kernels = 'avrr', but firmware/kernels has no such folder. Expected",
        "line 6: key 'memory.ram' should be a whole number, but it is '2 KB': size of the RAM",
        "line 9: key 'usb.ids.1' has another form, but it is '2341:006A': ids of its serial port",
        "line 11: key 'pace.least' is larger than 'pace.most'.",
        "line 15: flash.tools names 'opnocd', which is not a known tool. Expected",
        "line 15: flash.tools names 'dfu-util', which needs a table [flash.dfu-util] with ",
        "line 3 of base.toml: key 'colour' is not known. Known here: title, ",
        "line 5 of base.toml: key 'memory.flash' should be greater than or equal to 0, but",
    ]
    assert [found[: len(wish)] for found, wish in zip(problems, expected, strict=True)] == expected


def test_one_problem_is_a_sentence(folder: Path) -> None:
    (text,) = refusal('title = "Mine"\nbased_on = "uno"\n[memory]\nreserved_ram = 3_000\n')
    assert text == (
        "Board file mine.toml: line 4: 'memory.reserved_ram' = 3,000 is more than 'memory.ram' = "
        "2,048: nothing is left for a model."
    )


def test_missing_keys_say_what_they_are(folder: Path) -> None:
    _, *problems = refusal("[memory]\nflash = 1000\n")
    assert "key 'memory.ram' is missing: size of the RAM, in bytes." in problems
    assert "key 'cpu' is missing: the core, or the chip on AVR." in problems


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('title = "a\\nb"', "key 'title' has another form"),
        ('title = " "', "key 'title' has another form"),
        ("[memory]\nflash = 0x1_0000_0000", "should be less than or equal to 4294967295"),
        ("[flash]\nuf2_family = -1", "should be greater than or equal to 0"),
        ("[usb]\nids = []", "key 'usb.ids' should not be empty"),
        ('stand_in = "mine.toml"', "which has no emulator"),
    ],
)
def test_values_that_no_board_has(folder: Path, line: str, problem: str) -> None:
    title = "" if line.startswith("title") else 'title = "Mine"\n'
    assert problem in " ".join(refusal(f'{title}based_on = "nano33ble"\n{line}\n'))


def test_a_stand_in_is_named_relative_to_its_file(folder: Path) -> None:
    (folder / "boards").mkdir()
    (folder / "boards" / "own.toml").write_text('title = "Own"\nbased_on = "cortex-m4"\n')
    (folder / "boards" / "mine.toml").write_text(
        'title = "Mine"\nbased_on = "nano33ble"\nstand_in = "own.toml"\n'
    )
    stand_in = load_board("boards/mine.toml").stand_in
    assert stand_in is not None
    assert load_board(stand_in).title == "Own"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nano33ble.toml", "Name a built-in board without '.toml': nano33ble."),
        ("mine.TOML", "The name of a board file ends in .toml: rename 'mine.TOML'."),
        ("gone.toml", "can't be read: No such file or directory."),
    ],
)
def test_names_that_are_almost_right(folder: Path, name: str, hint: str) -> None:
    Path("mine.TOML").touch()
    with pytest.raises(BoardError) as caught:
        load_board(name)
    assert str(caught.value).endswith(hint)
