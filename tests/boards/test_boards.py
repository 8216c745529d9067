"""Board files: built-in ones are complete; errors in others name the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tinycomp.common import resources
from tinycomp.common.errors import BoardError
from tinycomp.report.boards import board_details
from tinycomp.target.boards import list_boards, load_board

GOOD = """
title = "Mine"
cpu = "cortex-m4"
port = "qemu/cortex_m/cmsdk/mps2/an385"
project = "makefile"
[memory]
flash = 1000
ram = 100
[compiler]
prefix = "arm-none-eabi-"
packages = ["gcc-arm-none-eabi"]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    return path


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(BoardError) as caught:
        load_board(str(path))
    return str(caught.value)


def test_the_built_in_boards():
    names = [board.name for board in list_boards()]
    assert names == sorted(names)
    assert {"cortex-m0", "cortex-m4", "esp32", "host", "mega", "rv32imc", "uno"} <= {*names}


def test_only_the_host_has_no_cross_compiler():
    assert [board.name for board in list_boards() if board.is_host] == ["host"]


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_most_memory_of_a_board_is_not_reserved(board):
    assert board.memory.reserved_flash < board.memory.flash / 2
    assert board.memory.reserved_ram < board.memory.ram * 2 / 3


def test_avr_keeps_constants_in_near_program_memory():
    mega = load_board("mega").memory
    assert mega.harvard
    assert mega.constants is not None
    assert mega.constants <= 1 << 16


def test_boards_are_immutable():
    with pytest.raises(ValidationError):
        load_board("uno").title = "other"  # type: ignore[misc]


def test_an_unknown_board_lists_known_boards_and_the_closest():
    with pytest.raises(BoardError) as caught:
        load_board("cortexm4")
    known = ", ".join(board.name for board in list_boards())
    assert str(caught.value) == (
        f"There is no board 'cortexm4'. Expected one of: {known}. Did you mean 'cortex-m4'?"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("rp2040", "Did you mean 'pico'?"),
        ("rp", "Did you mean 'pico', 'pico2' or 'pico2-riscv'?"),
        ("nRF52840", "Did you mean 'nano33ble' or 'xiao-nrf52840'?"),
        ("atmega2560", "Did you mean 'mega'?"),
        ("Nucleo_L4R5", "Did you mean 'nucleo-l4r5zi'?"),
        ("unoo", "Did you mean 'uno'?"),
    ],
)
def test_boards_are_suggested_by_chip_title_and_name(name, hint):
    with pytest.raises(BoardError) as caught:
        load_board(name)
    assert str(caught.value).endswith(hint)


def test_the_settings_of_a_board_have_no_empty_rows():
    for board in list_boards():
        (_, values) = board_details(board, "emulated here").columns
        assert all(str(cell) for cell in values.cells), board.name


def test_a_pace_of_another_chip_says_so():
    quoting = [b for b in list_boards() if b.pace and "STM32L4R5" in b.pace.why and b.clock]
    assert {"nano33ble", "nucleo-l4r5zi"} <= {board.name for board in quoting}
    for board in quoting:
        assert ("STM32L4R5" in board.title) != ("for another Cortex-M4" in board.pace.why)


def test_an_unknown_board_without_a_close_match_suggests_a_file():
    with pytest.raises(BoardError, match=r"by its path: \./my\.toml\."):
        load_board("zzz")


def test_a_custom_board_is_named_after_its_file(mine):
    board = load_board(str(mine))
    assert (board.name, board.memory.flash, board.compiler.optimize) == ("mine", 1000, "-Os")


def test_a_byte_order_mark_is_skipped(mine):
    mine.write_text(GOOD, encoding="utf-8-sig")
    assert load_board(str(mine)).memory.flash == 1000


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 5000, "\x00"])
def test_invalid_toml_is_refused_with_the_file_name(mine, value):
    assert refusal(mine, f"{GOOD}x = {value}").startswith(f"Board file {mine} is not valid TOML")


def test_missing_board_file(tmp_path):
    with pytest.raises(BoardError, match=r"none\.toml can't be read: No such file or directory\."):
        load_board(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("flash =", "flsh ="), "key 'memory.flsh' is not known."),
        (GOOD.replace("flash =", "flsh ="), "Did you mean 'flash'?"),
        (GOOD.replace("title", "tittle"), "Did you mean 'title'?"),
        (GOOD.replace("flash = 1000\n", ""), "key 'memory.flash' is missing: size of the flash"),
        (
            GOOD.replace("1000", '"1000"'),
            "key 'memory.flash' should be a whole number, but it is '1000': size",
        ),
        (GOOD.replace("1000", '"1000"'), "size of the flash, in bytes."),
        ("clock = true\n" + GOOD, "'clock' should be a whole number, but it is True: clock in Hz"),
        (GOOD.replace('"Mine"', "1"), "key 'title' should be text in quotes, but it is 1: name"),
        (GOOD.replace("flash =", "harvard = 1\nflash ="), "should be true or false, but it is 1"),
        (GOOD.replace("1000", "-1"), "greater than or equal to 0, but it is -1: size"),
        (GOOD.replace("makefile", "cmake"), "Expected one of: arduino, makefile, platformio."),
        (GOOD.replace("makefile", "cmake"), "project = 'cmake', but templates/projects has no"),
        (
            GOOD.replace("makefile", "arduino"),
            "project = 'arduino' needs a table [arduino] with fqbn",
        ),
        (
            GOOD.replace("qemu/cortex_m/cmsdk/mps2/an385", "nowhere"),
            "firmware/ports has no such folder.",
        ),
        ('kernels = "mmx"\n' + GOOD, "firmware/kernels has no such folder."),
        ('name = "x"\n' + GOOD, "key 'name' is not allowed."),
        (GOOD + "[memory]\n", "is not valid TOML"),
    ],
)
def test_bad_board_file_names_file_and_key(mine, text, problem):
    message = refusal(mine, text)
    assert message.startswith(f"Board file {mine}")
    assert problem in message


def test_a_port_includes_its_parent_folders():
    names = {path.name for path in resources.port_files("qemu/cortex_m/cmsdk/mps2/an385")}
    assert {"board.h", "link.ld", "startup.c", "instructions.c", "sections.ld"} <= names
    assert "qemu/cortex_m/cmsdk/mps2/an385" in resources.ports()
    assert "qemu" not in resources.ports()


@pytest.mark.parametrize("port", resources.ports())
def test_file_names_of_a_port_are_unique(port):
    names = [path.name for path in resources.port_files(port)]
    assert len(set(names)) == len(names)


EMULATOR = """
[emulator]
program = "qemu-system-arm"
packages = ["qemu-system-arm"]
machine = "mps2-an386"
tick_unit = "{unit}"
"""
SILICON = """
[silicon]
title = "A chip"
core = "cortex-m4"
clock = 100_000_000
flash_wait_states = 3
flash_read = 16
"""


def test_a_chip_needs_an_emulator_that_counts_instructions(mine):
    mine.write_text(GOOD + EMULATOR.format(unit="instructions") + SILICON)
    silicon = load_board(str(mine)).silicon
    assert silicon is not None
    assert (silicon.code_lines, silicon.data_lines, silicon.prefetch) == (1, 1, False)
    expected = "a table [silicon] needs an emulator that counts instructions"
    assert expected in refusal(mine, GOOD + SILICON)
    assert expected in refusal(mine, GOOD + EMULATOR.format(unit="cycles") + SILICON)


def test_only_cores_with_published_timings_are_estimated(mine):
    text = GOOD + EMULATOR.format(unit="instructions") + SILICON
    assert "'silicon.core'" in refusal(
        mine, text.replace('core = "cortex-m4"', 'core = "cortex-m7"')
    )
