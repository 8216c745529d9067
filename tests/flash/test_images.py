"""Programs in the formats of flash tools: equal to objcopy's output, and read back unchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.common.errors import ToolError
from tinycomp.target import toolchain
from tinycomp.target.boards import load_board
from tinycomp.target.images import Segment, read_image, write_image

SOURCE = """
int initialized[40] = {1, 2, 3};
const int constants[3] = {7, 8, 9};
volatile int zeros[10];
int main(void) { zeros[0] = initialized[1] + constants[2]; for (;;) {} }
"""
SCRIPT = """
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 64K
         RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 16K }
SECTIONS { .text : { *(.text*) *(.rodata*) . = ALIGN(256); } > FLASH
           .data : { *(.data*) } > RAM AT > FLASH
           .bss : { *(.bss*) } > RAM }
"""
RUNS = st.lists(
    st.tuples(st.integers(1, 3000), st.binary(min_size=1, max_size=700)), min_size=1, max_size=5
)


def linked(board: str, folder: Path) -> Path:
    compiler = load_board(board).compiler
    if not toolchain.is_available(compiler):
        pytest.skip(f"{compiler.prefix}gcc is not installed")
    (folder / "main.c").write_text(SOURCE)
    (folder / "flash.ld").write_text(SCRIPT)
    own = [] if board == "uno" else ["-nostdlib", f"-T{folder}/flash.ld"]
    command = [f"{compiler.prefix}gcc", *compiler.flags, f"{folder}/main.c", "-o", "main.elf"]
    subprocess.run([*command, *own], cwd=folder, check=True)
    return folder / "main.elf"


@pytest.mark.parametrize(("board", "address"), [("cortex-m4", 0x08000000), ("uno", 0)])
@pytest.mark.parametrize(("form", "target"), [("bin", "binary"), ("hex", "ihex")])
def test_equal_to_objcopy(board: str, address: int, form: str, target: str, tmp_path: Path) -> None:
    program = linked(board, tmp_path)
    ours = write_image(read_image(program, 0), tmp_path / f"ours.{form}", address, None)
    prefix = load_board(board).compiler.prefix
    theirs = tmp_path / f"theirs.{form}"
    subprocess.run([f"{prefix}objcopy", "-O", target, program, theirs], check=True)
    assert read_image(ours, address) == read_image(theirs, address)
    if form == "bin":
        assert ours.read_bytes() == theirs.read_bytes()


@given(runs=RUNS, base=st.sampled_from([0, 0x10000000, 0x0800FFF0]))
def test_hex_is_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, bytes]], base: int
) -> None:
    segments, at = [], base
    for gap, data in runs:
        segments.append(Segment(at + gap, data))
        at += gap + len(data)
    path = tmp_path_factory.getbasetemp() / "x.hex"
    assert read_image(write_image(tuple(segments), path, 0, None), 0) == tuple(segments)


def test_uf2_has_whole_pages_at_their_addresses(tmp_path: Path) -> None:
    segments = (Segment(0x10000010, bytes(range(250))), Segment(0x10000300, b"\x01"))
    path = write_image(segments, tmp_path / "x.uf2", 0, 0xE48BFF56)
    data = path.read_bytes()
    assert len(data) == 3 * 512
    assert data[:32].hex(" ", 4) == (
        "5546320a 5751 5d9e 00200000 00000010 00010000 00000000 03000000 56ff8be4".replace(
            "5751 5d9e", "57515d9e"
        )
    )
    assert data[508:512].hex() == "306fb10a"
    first, second = read_image(path, 0)
    assert (first.address, len(first.data)) == (0x10000000, 512)
    assert first.data[0x10 : 0x10 + 250] == bytes(range(250))
    assert (second.address, second.data[:2]) == (0x10000300, b"\x01\x00")


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("x.hex", b":0100000001FE\n", "its end is missing"),
        ("x.hex", b":0100000001FF\n:00000001FF\n", "line 1 is not a complete Intel HEX record"),
        ("x.hex", b"nonsense", "line 1 is not a complete Intel HEX record"),
        ("x.uf2", b"UF2\nWQ]\x9e" + bytes(100), "block 0 is not complete"),
        ("x.elf", b"\x7fELF\x01", "not a complete ELF file"),
        ("x.bin", b"", "has no data for the flash"),
    ],
)
def test_damaged_files(name: str, body: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(ToolError, match=problem) as caught:
        read_image(tmp_path / name, 0)
    assert name in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="can't be read: No such file"):
        read_image(tmp_path / "x.bin", 0)


def test_raw_bytes_start_at_the_start_of_flash(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="it begins at 0x10, before the flash at 0x20"):
        write_image((Segment(0x10, b"x"),), tmp_path / "x.bin", 0x20, None)
