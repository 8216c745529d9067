"""The harness and the ports compile without warnings with every installed compiler."""

from __future__ import annotations

from pathlib import Path

import pytest
from distinct_boards import distinct_boards
from fake_firmware import FAKE_MODEL, harness_sources, port_sources, skip_without
from native_compilers import CLANGS

from tinycomp.common import resources
from tinycomp.target import boards
from tinycomp.target.toolchain import STRICT, Options, compile_objects, is_available, run_tool


@pytest.mark.parametrize("board", distinct_boards())
def test_harness(board: boards.Board, tmp_path: Path) -> None:
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    include = (resources.firmware() / "harness", *resources.port_folders(board.port))
    sources = [*harness_sources(), *port_sources(board), FAKE_MODEL]
    compile_objects(board.compiler, sources, tmp_path, Options(include, STRICT))


@pytest.mark.parametrize("compiler", ["g++", *CLANGS[-1:]])
def test_other_compilers(compiler: str) -> None:
    language = ("-x", "c++", "-std=c++11") if compiler == "g++" else ("-std=c99",)
    include = f"-I{resources.firmware() / 'harness'}"
    sources = [*harness_sources(), resources.firmware() / "harness" / "host_runner.c"]
    try:
        run_tool([compiler, *language, *STRICT, include, "-fsyntax-only", *sources], [compiler])
    except Exception as error:
        if "is not installed" in str(error):
            pytest.skip(f"{compiler} is not installed")
        raise


def test_front_end_of_simavr() -> None:
    source = resources.firmware() / "emulators" / "simavr.c"
    skip_without(boards.load_board("uno"))
    command = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    run_tool([*command, source], ["gcc"])
