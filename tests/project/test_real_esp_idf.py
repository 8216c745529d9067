"""A component in a build of ESP-IDF itself, for its target `linux`: no compiler of Espressif's is
needed, and its FreeRTOS runs on this computer.

Needs TINYCOMP_ESP_IDF, the path of an ESP-IDF of version 5 or later, and optionally
TINYCOMP_ESP_IDF_PYTHON, a Python with the packages of its tools/requirements.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from golden_files import GOLDEN

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.emit.packages._registry import packaging_of
from tinycomp.options.build import Preparation

ESP_IDF = os.environ.get("TINYCOMP_ESP_IDF")
PYTHON = Path(os.environ.get("TINYCOMP_ESP_IDF_PYTHON", sys.executable))
PROJECT = """cmake_minimum_required(VERSION 3.16)
set(COMPONENTS main)
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(app)
"""
MAIN = """#include <stdio.h>
#include <stdlib.h>
#include "small.h"
static small_arena_t arena;
static int8_t input[SMALL_INPUT_SIZE], output[SMALL_OUTPUT_SIZE];
ENTRY
{
    for (int i = 0; i < SMALL_INPUT_SIZE; i++) {
        input[i] = (int8_t)(7 * i);
    }
    small_invoke(&arena, input, output);
    for (int i = 0; i < SMALL_OUTPUT_SIZE; i++) {
        printf("output %d\\n", output[i]);
    }
    fflush(stdout);
    exit(0);
}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ESP_IDF is None, reason="TINYCOMP_ESP_IDF does not name an ESP-IDF"),
]


def run(command: list[object], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def outputs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("output ")]


@pytest.mark.timeout(900)
def test_a_component_in_a_real_build(tmp_path: Path) -> None:
    assert ESP_IDF is not None
    options = pipeline.BuildOptions(
        Preparation(GOLDEN / "small.tflite"), "host", tmp_path / "out", verify=False, bench=False,
        packaging=packaging_of("esp-idf", None),
    )  # fmt: skip
    pipeline.build(options, Silent())
    component = tmp_path / "out" / "packages" / "esp-idf" / "small"
    app = tmp_path / "app"
    (app / "main").mkdir(parents=True)
    (app / "components").mkdir()
    (app / "components" / "small").symlink_to(component)
    (app / "CMakeLists.txt").write_text(PROJECT)
    (app / "main" / "CMakeLists.txt").write_text(
        'idf_component_register(SRCS "main.c" REQUIRES small)\n'
    )
    (app / "main" / "main.c").write_text(MAIN.replace("ENTRY", "void app_main(void)"))
    environment = {
        **os.environ, "IDF_PATH": str(Path(ESP_IDF).resolve()), "IDF_COMPONENT_MANAGER": "0",
        "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
    }  # fmt: skip
    run(["cmake", "-G", "Ninja", "-B", "build", "-DIDF_TARGET=linux", "-DPYTHON_DEPS_CHECKED=1",
         "-DESP_PLATFORM=1", "."], app, environment)  # fmt: skip
    built = run(["cmake", "--build", "build"], app, environment)
    assert "components/small" not in built, "warnings of the component"
    (app / "plain.c").write_text(MAIN.replace("ENTRY", "int main(void)"))
    sources = sorted((component / "src").glob("*.c"))
    run(["gcc", f"-I{component / 'src'}", "plain.c", *sources, "-lm", "-o", "plain"], app)
    expected = outputs(run(["./plain"], app))
    assert len(expected) > 1
    assert outputs(run(["build/app.elf"], app)) == expected
