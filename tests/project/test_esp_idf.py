"""The ESP-IDF project next to PlatformIO's. CMake runs its build files with stubs of ESP-IDF's
functions, and its port is compiled with stub headers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_project import content

from tinycomp.emit.project import lay_out
from tinycomp.target.boards import Board, list_boards, load_board
from tinycomp.target.toolchain import STRICT, is_available, run_tool

STUBS = Path(__file__).parent / "stubs" / "esp_idf"
ESPRESSIF = [b for b in list_boards() if b.platformio and b.platformio.platform == "espressif32"]
FILES = {"CMakeLists.txt", "main/CMakeLists.txt", "main/app_main.c", "main/port.c",
         "lib/tiny/CMakeLists.txt", "lib/tiny/Kconfig", "sdkconfig.defaults"}  # fmt: skip
IN_IDF_4 = {"esp32", "esp32s2", "esp32s3", "esp32c3"}
"""Chips of version 4.4 (components/soc); the option's name is that of components/<chip>/Kconfig."""
needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")


@pytest.mark.parametrize("board", ESPRESSIF, ids=lambda board: board.name)
def test_every_chip_of_espressif_has_one(board: Board) -> None:
    files = lay_out(board, content())
    assert files.keys() >= FILES
    assert f"idf.py set-target {board.name}\n" in files["README.md"]
    megahertz = (board.clock or 0) // 1_000_000
    assert f"CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_{megahertz}=y\n" in files["sdkconfig.defaults"]
    old = f"CONFIG_{board.name.upper()}_DEFAULT_CPU_FREQ_{megahertz}=y\n"
    assert (old in files["sdkconfig.defaults"]) == (board.name in IN_IDF_4)
    since = "4.4" if board.name in IN_IDF_4 else "5.1"
    assert f"ESP-IDF {since} or later" in files["sdkconfig.defaults"]
    assert f"({since} or later)" in files["README.md"]


@pytest.mark.parametrize("name", ["esp8266", "nano33ble", "uno"])
def test_other_boards_have_none(name: str) -> None:
    files = lay_out(load_board(name), content())
    assert not files.keys() & FILES
    assert "idf.py" not in files["README.md"]


def configured(folder: Path, *options: str) -> Path:
    """The project's build folder, configured by CMake."""
    environment = {**os.environ, "IDF_PATH": str(STUBS)}
    command = ["cmake", "-S", folder, "-B", folder / "build", "-DCMAKE_EXPORT_COMPILE_COMMANDS=1"]
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build"


@needs_cmake
def test_it_builds_and_answers(laid: Callable[[str], Path]) -> None:
    build = configured(laid("esp32"))
    run_tool(["cmake", "--build", build], ["cmake"])
    done = subprocess.run(
        [build / "program"], input=b"profile%tc info%timestamp%", capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert "m-model-[tiny01]" in lines
    assert "m-tc-interrupts-[counted]" in lines
    assert lines[-1] == "m-ready"
    assert lines[-2].startswith("m-lap-us-")


@needs_cmake
@pytest.mark.parametrize("chosen", [True, False])
def test_inner_loops_are_in_internal_ram_if_chosen(
    laid: Callable[[str], Path], tmp_path: Path, chosen: bool
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(laid("esp32"), folder, ignore=shutil.ignore_patterns("build"))
    build = configured(folder, *(["-DCONFIG_TINY_IN_IRAM=y"] if chosen else []))
    commands = json.loads((build / "compile_commands.json").read_text())
    (command,) = [c["command"] for c in commands if c["file"].endswith("/tiny.c")]
    assert ("iram1.tinycomp" in command) == chosen
    run_tool(["cmake", "--build", build, "--target", "__idf_tiny"], ["cmake"])


@pytest.mark.parametrize("name", ["esp32", "esp32c3"])
@pytest.mark.parametrize("line", ["uart", "usb"])
def test_the_port_compiles_for_the_chips(
    laid: Callable[[str], Path], tmp_path: Path, name: str, line: str
) -> None:
    compiler = load_board(name).compiler
    if not is_available(compiler):
        pytest.skip(f"{compiler.prefix}gcc is not installed")
    project = laid(name)
    flags = [*STRICT, "-std=gnu11", *compiler.flags, *(
        ["-DCONFIG_ESP_CONSOLE_USB_SERIAL_JTAG=1"] if line == "usb" else []
    )]  # fmt: skip
    include = [f"-I{STUBS}", f"-I{project / 'src' / 'serial'}", "-DESP_PLATFORM"]
    for source in ("port.c", "app_main.c"):
        run_tool(
            [f"{compiler.prefix}gcc", *flags, *include, "-c", project / "main" / source,
             "-o", tmp_path / "object.o"],
            ["gcc"],
        )  # fmt: skip
