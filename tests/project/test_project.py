"""Projects build with the board's tools, if installed, and work as documented."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_project import CLASSES, SAMPLE, content

from tinycomp.emit.example import Example
from tinycomp.emit.project import lay_out, project_paths
from tinycomp.target.boards import list_boards, load_board
from tinycomp.target.sizes import section_sizes
from tinycomp.target.toolchain import Options, compile_objects, inference_sizes, is_available

STUBS = Path(__file__).parent / "stubs"
EXPECTED = {
    Example("class"): 'say "yes"?: 21.000',
    Example("threshold", 3.5): 'say "yes"?: 3.500',
    Example("threshold", 4.0): "no: 3.500",
    Example("error"): "mean squared error 157.167",
    Example("values"): "3.500 21.000 -5.000 ",
}
"""The expected output of each example for outputs 7, 42 and -10 with scale 0.5."""


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


def run(*command: str | Path, folder: Path, stdin: str = "") -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_all_files_are_in_place(board):
    files, where = lay_out(board, content()), project_paths(board, "tiny")
    assert {f"{where.library}/tiny.{suffix}" for suffix in "ch"} <= files.keys()
    assert f"{where.library}/tinycomp/tinycomp.h" in files
    assert {f"{where.harness}/server.c", f"{where.harness}/tc_model.c"} <= files.keys()
    assert any(name.startswith(f"{where.port}/port.c") for name in files)
    assert not any("host_runner" in name for name in files)
    assert "README.md" in files


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_no_text_of_a_project_contains_paths_or_dates(board):
    text = "".join(lay_out(board, content()).values())
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.name)
def test_the_rate_of_a_board_reaches_firmware_and_tools(board):
    files = lay_out(board.model_copy(update={"baud": 57600}), content())
    port = project_paths(board, "tiny").harness + "/port.h"
    assert "#define TC_BAUD 57600\n" in files[port]
    assert "115200" not in "".join(text for name, text in files.items() if "profile" not in name)
    assert "#define TC_BAUD 115200\n" in lay_out(board, content())[port]
    if board.project == "platformio":
        environment = platformio_environment(files["platformio.ini"])
        assert environment["monitor_speed"] == "57600"
        assert {key: environment[key] for key in ("platform", "board", "framework")} == {
            "platform": board.settings.platform,
            "board": board.settings.board,
            "framework": board.settings.framework,
        }
        assert environment.get("board_build.mcu", "") == (board.settings.mcu or "")


def platformio_environment(text: str) -> configparser.SectionProxy:
    """The keys that all environments of a platformio.ini have."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser["env"]


def test_the_sample_is_in_the_example():
    text = lay_out(load_board("uno"), content())["examples/once/sample.h"]
    assert [int(n) for n in re.findall(r"-?\d+", text.split("{")[1])] == SAMPLE.ravel().tolist()


def test_a_model_without_classes_prints_its_outputs():
    sketch = lay_out(load_board("uno"), content(()))["examples/once/once.ino"]
    assert "class_name" not in sketch
    assert "for (int i = 0; i < TINY_OUTPUT_SIZE; i++)" in sketch


@needs("make")
@needs("gcc")
def test_host_project_builds_and_answers(laid):
    folder = laid("host")
    run("make", "-s", folder=folder)
    answer = run("make", "-s", "run", folder=folder, stdin="profile%tc-nothing%")
    assert "m-model-[tiny01]" in answer
    assert answer.endswith("e-[Unknown command: tc-nothing]\nm-ready\n")


MADE = [board for board in list_boards() if board.project == "makefile" and board.emulator]


@needs("make")
@pytest.mark.parametrize("board", MADE, ids=lambda board: board.name)
def test_projects_for_emulated_boards_build(laid, board):
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    folder = laid(board.name)
    run("make", "-s", folder=folder)
    sizes = section_sizes(folder / "build" / "tiny.elf")
    assert 1000 < sizes.code < 100_000


def test_cortex_m4_project_runs_in_its_emulator():
    makefile = lay_out(load_board("cortex-m4"), content())["Makefile"]
    assert "\tqemu-system-arm -M mps2-an386 -icount shift=" in makefile


@pytest.mark.parametrize(("board", "main"), [("uno", "once.ino"), ("esp32", "main.cpp")])
@pytest.mark.parametrize("example", EXPECTED, ids=str)
@needs("g++")
def test_example_runs_on_stubs(laid, tmp_path, board, main, example):
    folder = laid(board, CLASSES, example)
    library = folder / project_paths(load_board(board), "tiny").library
    (program,) = folder.rglob(f"once/{main}")
    (tmp_path / "main.cpp").write_text(
        f'#include "{program}"\nint main() {{ setup(); loop(); return 0; }}\n'
    )
    sources = [tmp_path / "main.cpp", *sorted(library.glob("*.c"))]
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run("g++", *strict, f"-I{STUBS}", f"-I{library}", *sources, "-o", "once", folder=tmp_path)
    printed = run("./once", folder=tmp_path)
    assert printed == f"[115200 baud]{EXPECTED[example]} in 1000 us\n"


@needs("g++")
def test_esp32_serial_program_compiles_on_stubs(laid, tmp_path):
    folder = laid("esp32")
    include = [f"-I{STUBS}", f"-I{folder}/lib/tiny/src"]
    for name in ("main.cpp", "port.cpp"):
        run("g++", "-std=c++11", "-Wall", "-fsyntax-only", *include,
            folder / "src" / "serial" / name, folder=tmp_path)  # fmt: skip


@needs("xtensa-lx106-elf-gcc")
def test_c_of_the_esp32_project_compiles(laid, tmp_path):
    folder, compiler = laid("esp32"), load_board("esp32").compiler
    library = folder / "lib" / "tiny" / "src"
    objects = compile_objects(compiler, sorted(library.glob("*.c")), tmp_path, Options((library,)))
    assert inference_sizes(compiler, objects, "tiny_invoke", tmp_path).constants == 36
    harness = sorted((folder / "src" / "serial").glob("*.c"))
    assert len(compile_objects(compiler, harness, tmp_path, Options((library,)))) == len(harness)
