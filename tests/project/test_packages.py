"""Packages of the library: built, installed and found by the tools of their ecosystems, if
installed, and valid by their published schemas, if available.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tiny_project import SAMPLE, content

from tinycomp.common.errors import OutputError
from tinycomp.emit.folder import write_folder
from tinycomp.emit.package_files import package_files, package_notes
from tinycomp.emit.packages._package import package_name, package_version
from tinycomp.emit.packages._registry import packages, packaging_of
from tinycomp.emit.project import Content, lay_out
from tinycomp.options.build import Packaging
from tinycomp.target.boards import load_board
from tinycomp.target.programs import find_program
from tinycomp.target.toolchain import is_available

M4 = load_board("cortex-m4")
URL = "https://tiny.example/library"
MAIN = """
#include <tiny.h>
#include <twin.h>
#include <stdio.h>

static tiny_arena_t arena;
static twin_arena_t other;

int main(void)
{
    const int8_t input[TINY_INPUT_SIZE] = {SAMPLE};
    int8_t output[TINY_OUTPUT_SIZE], same[TWIN_OUTPUT_SIZE];
    tiny_invoke(&arena, input, output);
    twin_invoke(&other, input, same);
    for (int i = 0; i < TINY_OUTPUT_SIZE; i++) {
        printf("%d %d\\n", output[i], same[i]);
    }
    return 0;
}
""".replace("SAMPLE", ", ".join(map(str, SAMPLE.ravel().tolist())))
ONE = """
#include <tiny.h>
#include <stdio.h>

int main(void)
{
    static tiny_arena_t arena;
    const int8_t input[TINY_INPUT_SIZE] = {SAMPLE};
    int8_t output[TINY_OUTPUT_SIZE];
    tiny_invoke(&arena, input, output);
    printf("%d %d %d\\n", output[0], output[1], output[2]);
    return 0;
}
""".replace("SAMPLE", ", ".join(map(str, SAMPLE.ravel().tolist())))
PRINTED = "7 7\n42 42\n-10 -10\n"
USES = {
    "add_subdirectory": "add_subdirectory({tiny} tiny)\nadd_subdirectory({twin} twin)\n",
    "FetchContent": "include(FetchContent)\n"
    'FetchContent_Declare(tiny SOURCE_DIR "{tiny}")\n'
    'FetchContent_Declare(twin SOURCE_DIR "{twin}")\n'
    "FetchContent_MakeAvailable(tiny twin)\n",
    "find_package": "find_package(tiny 0.1 REQUIRED CONFIG)\nfind_package(twin REQUIRED CONFIG)\n",
}
needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")


def twin() -> Content:
    """The tiny library under another name."""
    plain = content()

    def renamed(text: str) -> str:
        return text.replace("tiny", "twin").replace("TINY", "TWIN").replace("twincomp", "tinycomp")

    library = {
        name if name.startswith("tinycomp/") else renamed(name):
        text if name.startswith("tinycomp/") else renamed(text)
        for name, text in plain.library.items()
    }  # fmt: skip
    return replace(plain, prefix="twin", library=library, model_hash="cd" * 32)


def written(folder: Path, *kinds: str, url: str | None = URL) -> Path:
    """Packages of both libraries."""
    for each in (content(), twin()):
        files = package_files(M4, each, Packaging(kinds, url))
        write_folder(folder / each.prefix, files)
    return folder


def package(folder: Path, kind: str, name: str = "tiny") -> Path:
    return folder / name / "packages" / kind / name


def run(*command: object, folder: Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cmake_build(source: Path, *options: str) -> Path:
    build = source / "build"
    run("cmake", "-S", source, "-B", build, *options, folder=source)
    run("cmake", "--build", build, folder=source)
    return build


@needs_cmake
@pytest.mark.parametrize("use", USES)
def test_cmake_two_models_in_one_program(use: str, tmp_path: Path) -> None:
    made = written(tmp_path / "made", "cmake")
    tiny, twin_ = package(made, "cmake"), package(made, "cmake", "twin")
    options = []
    if use == "find_package":
        for each in (tiny, twin_):
            build = cmake_build(each)
            run("cmake", "--install", build, "--prefix", tmp_path / "there", folder=tmp_path)
        options = [f"-DCMAKE_PREFIX_PATH={tmp_path / 'there'}"]
    program = tmp_path / "program"
    program.mkdir()
    (program / "main.c").write_text(MAIN)
    (program / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.14)\nproject(program C)\n"
        + USES[use].format(tiny=tiny, twin=twin_)
        + "add_executable(program main.c)\n"
        "target_link_libraries(program PRIVATE tiny::tiny twin::twin)\n"
    )
    build = cmake_build(program, *options)
    assert run(build / "program", folder=tmp_path) == PRINTED


@needs_cmake
@pytest.mark.parametrize("name", ["cortex-m4", "rv32imc"])
def test_cmake_for_other_cores(name: str, tmp_path: Path) -> None:
    compiler = load_board(name).compiler
    if not is_available(compiler):
        pytest.skip(f"{compiler.prefix}gcc is not installed")
    made = package(written(tmp_path, "cmake"), "cmake")
    build = cmake_build(
        made, "-DCMAKE_SYSTEM_NAME=Generic", f"-DCMAKE_C_COMPILER={compiler.prefix}gcc",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"-DCMAKE_C_FLAGS={' '.join(compiler.flags)}",
    )  # fmt: skip
    assert (build / "libtiny.a").is_file()


@needs_cmake
@pytest.mark.parametrize("kind", ["esp-idf", "zephyr"])
def test_components_name_their_sources(kind: str, tmp_path: Path) -> None:
    """Without ESP-IDF and Zephyr: functions with the same names do what is documented."""
    made = package(written(tmp_path / "made", kind), kind)
    folder = made if kind == "esp-idf" else made / "zephyr"
    (tmp_path / "main.c").write_text(ONE)
    (tmp_path / "CMakeLists.txt").write_text(
        """cmake_minimum_required(VERSION 3.14)
project(program C)
function(idf_component_register)
  cmake_parse_arguments(A "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
  add_library(component STATIC ${A_SRCS})
  target_include_directories(component PUBLIC ${A_INCLUDE_DIRS})
  set(COMPONENT_LIB component PARENT_SCOPE)
endfunction()
function(zephyr_library_named name)
  add_library(component STATIC)
endfunction()
function(zephyr_library_sources)
  target_sources(component PRIVATE ${ARGN})
endfunction()
function(zephyr_library_compile_options)
  target_compile_options(component PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories folder)
  get_filename_component(folder ${folder} ABSOLUTE)
  target_include_directories(component PUBLIC ${folder})
endfunction()
set(CONFIG_TINY y)
"""
        + f"add_subdirectory({folder} component)\nadd_executable(program main.c)\n"
        "target_link_libraries(program PRIVATE component)\n"
    )
    build = cmake_build(tmp_path)
    assert run(build / "program", folder=tmp_path) == "7 42 -10\n"


def test_descriptions_name_the_types_of_activations() -> None:
    mixed = replace(content(), arithmetic="int8 and int16")
    files = package_files(load_board("host"), mixed, Packaging(tuple(packages())))
    described = [text for text in files.values() if " inference in plain C" in text]
    assert len(described) > 2
    assert all("tiny: int8 and int16 inference in plain C" in text for text in described)


def test_manifests_of_components(tmp_path: Path) -> None:
    made = written(tmp_path, "esp-idf", "zephyr")
    component = yaml.safe_load((package(made, "esp-idf") / "idf_component.yml").read_text())
    assert component == {
        "version": "0.1.0+abababab", "description": "tiny: int8 inference in plain C", "url": URL,
        "dependencies": {"idf": ">=4.4"},
    }  # fmt: skip
    module = yaml.safe_load((package(made, "zephyr") / "zephyr" / "module.yml").read_text())
    assert module == {"name": "tiny", "build": {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"}}
    assert "config TINY\n\tbool" in (package(made, "zephyr") / "zephyr" / "Kconfig").read_text()


def properties(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


@pytest.mark.parametrize("prefix", ["tiny", "arduino_model", "m" * 90])
def test_arduino_properties_follow_the_specification(prefix: str, tmp_path: Path) -> None:
    for files in (
        package_files(M4, replace(content(), prefix=prefix), Packaging(("arduino",), URL)),
        lay_out(load_board("uno"), replace(content(), prefix=prefix)),
    ):
        name = next(name for name in files if name.endswith("library.properties"))
        found = dict(line.split("=", 1) for line in files[name].splitlines())
        assert len(found["name"]) <= 63
        assert not found["name"].lower().startswith("arduino")
        assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{8}", found["version"])
        assert found["url"].startswith("https://")
        assert all(found.values())
        assert found["includes"] == f"{prefix}.h"


def test_the_version_changes_with_the_model() -> None:
    assert package_version("0.1.0", "ab" * 32) != package_version("0.1.0", "cd" * 32)
    assert package_name("kws") == "kws"


def test_platformio_packs_the_library(tmp_path: Path) -> None:
    made = package(written(tmp_path, "platformio"), "platformio")
    manifest = json.loads((made / "library.json").read_text())
    assert (manifest["name"], manifest["headers"]) == ("tiny", "tiny.h")
    assert (made / manifest["build"]["srcDir"] / "tiny.c").is_file()
    pio = find_program(["pio"])
    if pio is None:
        pytest.skip("PlatformIO is not installed: its manifest was read, not packed")
    out = run(pio, "pkg", "pack", "--output", tmp_path / "tiny.tar.gz", made, folder=tmp_path)
    assert "Wrote a tarball" in out


def test_pack_description_names_its_files(tmp_path: Path) -> None:
    made = package(written(tmp_path, "cmsis-pack"), "cmsis-pack")
    root = ET.parse(made / "tinycomp.tiny.pdsc").getroot()
    (component,) = root.iter("component")
    assert component.attrib["Cclass"] == "Machine Learning"
    files = {each.attrib["name"] for each in component.iter("file")}
    assert {"src/tiny.c", "src/tiny.h", "src/tinycomp/tinycomp.h", "README.md"} <= files
    assert all((made / name).exists() for name in files)
    (release,) = root.iter("release")
    assert release.attrib["version"] == "0.1.0+abababab"


SCHEMA = os.environ.get("TINYCOMP_PACK_XSD")


@pytest.mark.skipif(SCHEMA is None, reason="TINYCOMP_PACK_XSD does not name CMSIS-Pack's PACK.xsd")
def test_pack_description_is_valid(tmp_path: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    made = package(written(tmp_path, "cmsis-pack"), "cmsis-pack")
    xmlschema.XMLSchema(SCHEMA).validate(made / "tinycomp.tiny.pdsc")


@pytest.mark.parametrize("kind", packages())
def test_titles_do_not_break_manifests(kind: str) -> None:
    hostile = replace(content(), title='a "b" <c> & \\d\n$(e) #f')
    files = package_files(M4, hostile, Packaging((kind,), URL))
    for name, text in files.items():
        if name.endswith((".json", ".yml")):
            assert yaml.safe_load(text)
        if name.endswith(".pdsc"):
            assert ET.fromstring(text.split("\n", 1)[1]) is not None
        if name.endswith("library.properties"):
            assert all("=" in line for line in text.splitlines())


def test_the_esp_idf_package_is_the_component_of_the_project() -> None:
    board = load_board("esp32")
    component = "lib/tiny/"
    project = lay_out(board, content())
    files = package_files(board, content(), Packaging(("esp-idf",), URL))
    folder = "packages/esp-idf/tiny/"
    own = {name.removeprefix(component) for name in project if name.startswith(component)}
    assert {"CMakeLists.txt", "Kconfig", "src/tiny.c"} <= own
    for name in own:
        assert files[folder + name] == project[component + name]
    assert "`TINY_IN_IRAM`" in files[f"{folder}README.md"]


@pytest.mark.parametrize("kind", packages())
def test_readmes_say_for_which_core_they_were_built(kind: str) -> None:
    files = package_files(load_board("nucleo-l4r5zi"), content(), Packaging((kind,), URL))
    (readme,) = [text for name, text in files.items() if name.endswith("README.md")]
    assert "for ST Nucleo-L4R5ZI (STM32L4R5)" in readme
    assert "its core, cortex-m4." in readme


@pytest.mark.parametrize(
    ("board", "kinds"),
    [
        ("nucleo-l4r5zi", ["esp-idf"]),
        ("uno", ["cmsis-pack", "esp-idf", "zephyr"]),
        ("esp32", ["cmsis-pack"]),
        ("esp32c3", ["cmsis-pack"]),
        ("host", ["arduino", "cmsis-pack", "esp-idf", "zephyr"]),
    ],
)
def test_a_note_says_where_package_and_core_do_not_match(board: str, kinds: list[str]) -> None:
    found = list(package_notes(load_board(board), Packaging(tuple(packages()), URL), "tiny"))
    assert [re.findall("The package for ([a-z-]+) ", note) for note in found] == [
        [kind] for kind in kinds
    ]
    (note,) = package_notes(load_board("uno"), Packaging(("esp-idf",), URL), "tiny")
    assert note == (
        "The package for esp-idf has the kernels of uno (atmega328p), but is for cores xtensa*, "
        "rv32*: it gives the same outputs there, not as fast. Name such a board with --board."
    )


def test_blocks_of_readmes_hold_one_language() -> None:
    files = package_files(M4, content(), Packaging(("zephyr",), URL))
    readme = next(text for name, text in files.items() if name.endswith("README.md"))
    blocks = re.findall(r"```\n(.*?)```", readme, re.DOTALL)
    assert ["CONFIG_" in block for block in blocks] == [True, False]
    assert ["west build" in block for block in blocks] == [False, True]


def test_unknown_kinds_are_refused_by_name() -> None:
    assert packaging_of("cmake, arduino,cmake", URL) == Packaging(("cmake", "arduino"), URL)
    assert packaging_of(None, None) == Packaging()
    with pytest.raises(OutputError) as caught:
        packaging_of("arduino,cmak", None)
    assert str(caught.value) == (
        "--package names 'cmak', an unknown kind of package. Expected one of: arduino, cmake, "
        "cmsis-pack, esp-idf, platformio, zephyr. Did you mean 'cmake'?"
    )
    with pytest.raises(OutputError, match="--package-url needs packages"):
        packaging_of(None, URL)
