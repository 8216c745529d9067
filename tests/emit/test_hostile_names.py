"""Arbitrary names of layers, classes and models: the C code compiles without warnings and runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from host import run_on_host
from small_models import Layers, small_classifier, write_library

from tinycomp.common.resources import firmware
from tinycomp.device import firmware_build
from tinycomp.emit.c_syntax import c_identifier, c_prefix
from tinycomp.emit.library import harness_model
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.reference.simulate import simulate
from tinycomp.target.toolchain import STRICT

HOSTILE = (
    'say "cheese"',
    "end */ of /* comment",
    "größe/λ\u202e",
    "volatile",
    "line\nbreak\\",
    "??/ ??> %s %n",
    "",
)
"""One name for each layer of the classifier."""
OURS = ("output", "input", "invoke", "arena_t", "quantize_input", "invoke_watched", "assert_arena")
"""Names that the library itself uses after its prefix."""
PREFIXES = (
    *("model", "input", "text", "stack", "port", "main", "server", "watch", "host_runner"),
    *("string", "math", "stdint", "time", "signal", "features", "int", "3d Model", "ä"),
    *("tinycomp", "tinycomp add", "tc", "tc_model", "TC", "weights", "t_weights"),
    *("binary", "Print", "WString", "EOF", "co_await"),
)
"""Headers of the harness, C, kernels and Arduino's core; a macro, a keyword of C++20; and
ordinary names."""
ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")

pytestmark = pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with other names for its layers and tensors."""

    def new(name: str) -> str:
        return names.get(name, name)

    nodes = tuple(
        replace(
            node,
            name=new(node.name),
            inputs=tuple(map(new, node.inputs)),
            outputs=tuple(map(new, node.outputs)),
        )
        for node in graph.nodes
    )
    tensors = {new(key): replace(value, name=new(key)) for key, value in graph.tensors.items()}
    inputs, outputs = tuple(map(new, graph.inputs)), tuple(map(new, graph.outputs))
    return replace(graph, nodes=nodes, tensors=tensors, inputs=inputs, outputs=outputs)


def inputs_of(graph: Graph) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(0).integers(-128, 128, (2, *shape)).astype(np.int8)


def assert_runs(graph: Graph, folder: Path, prefix: str = "t") -> None:
    inputs = inputs_of(graph)
    expected = simulate(graph, inputs)
    found = run_on_host(graph, inputs, folder, prefix)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("names", [HOSTILE, OURS], ids=["hostile", "our own"])
def test_layers_may_have_any_name(names: tuple[str, ...], tmp_path: Path) -> None:
    graph = renamed(small_classifier(), {"input": "x"})
    renaming = dict(zip((node.name for node in graph.nodes), names, strict=True))
    graph = replace(renamed(graph, renaming), name="a */ b\\\n??/", class_names=HOSTILE[:5])
    assert_runs(graph, tmp_path)


def test_layer_names_may_equal_names_of_parts_of_others(tmp_path: Path) -> None:
    """Arrays and structs are named after their layer: conv_weights, conv_weights_values."""
    layers = Layers((5, 5, 2))
    x = "input"
    for _ in range(4):
        x = layers.conv(x, 3, Window((2, 2)))
    names = ("conv", "conv_weights", "conv_bias", "conv_weights_values")
    graph = layers.graph()
    renaming = dict(zip((node.name for node in graph.nodes), names, strict=True))
    assert_runs(renamed(graph, renaming), tmp_path / "down")
    renaming = dict(zip((node.name for node in graph.nodes), reversed(names), strict=True))
    assert_runs(renamed(graph, renaming), tmp_path / "up")


def test_names_with_equal_identifiers_stay_distinct(tmp_path: Path) -> None:
    graph = small_classifier()
    names = ("a/b", "a b", "A_B", "a-b", "a__b", "n1_depthwise_conv_2d", "_a.b_")
    renaming = dict(zip((node.name for node in graph.nodes), names, strict=True))
    assert_runs(renamed(graph, renaming), tmp_path)


def test_class_names_reach_the_program_unchanged(tmp_path: Path) -> None:
    names = (*HOSTILE, "tab\t\x01")
    library = write_library(replace(small_classifier(), class_names=names), tmp_path / "library")
    main = tmp_path / "main.c"
    main.write_text(
        '#include <stdio.h>\n#include "t.h"\n'
        "static const char *const names[T_CLASS_COUNT] = T_CLASS_NAMES;\n"
        "int main(void)\n{\n"
        "    for (int i = 0; i < T_CLASS_COUNT; i++) {\n"
        "        for (const char *c = names[i]; *c; c++) {\n"
        '            printf("%d ", (unsigned char)*c);\n        }\n        puts("");\n    }\n'
        "    return 0;\n}\n"
    )
    compiler = ["gcc", "-std=c99", *STRICT, f"-I{library}"]
    subprocess.run([*compiler, main, "-lm", "-o", tmp_path / "main"], check=True)
    lines = subprocess.run([tmp_path / "main"], check=True, capture_output=True).stdout.split(b"\n")
    found = [bytes(map(int, line.split())).decode() for line in lines[:-1]]
    assert json.dumps(found) == json.dumps(names)


@pytest.mark.parametrize("name", PREFIXES)
def test_models_may_have_any_name(name: str, tmp_path: Path) -> None:
    """The library and its harness file find their own headers and those of C.

    Their folder comes first in the include path (-I), as in Arduino and PlatformIO.
    """
    layers = Layers((3, 3, 2))
    layers.conv("input", 2, Window((2, 2)))
    prefix = c_prefix(name)
    library = write_library(renamed(layers.graph(), {"conv_2d": "add"}), tmp_path / "library", name)
    harness = firmware() / "harness"
    (tmp_path / "harness").mkdir()
    for path in harness.glob("*.[ch]"):
        (tmp_path / "harness" / path.name).write_text(path.read_text())
    model = tmp_path / "harness" / "tc_model.c"
    model.write_text(harness_model(name))
    sources = [library / f"{prefix}.c", library / f"{prefix}_weights.c", model]
    sources += [tmp_path / "harness" / f"{name}.c" for name in ("host_runner", "crc32", "inspect")]
    flags = (*STRICT, "-O0", "-fsyntax-only")
    include = f"-I{library}", f"-I{tmp_path / 'harness'}"
    done = subprocess.run(["gcc", "-std=c99", *flags, *include, *sources], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("name", ["model", "string", "tc"])
def test_a_model_with_a_conflicting_name_runs(name: str, tmp_path: Path) -> None:
    layers = Layers((3, 3, 2))
    layers.conv("input", 2, Window((2, 2)))
    assert_runs(layers.graph(), tmp_path, c_prefix(name))


def _header_names(folders: Iterable[Path]) -> set[str]:
    """Names that a library's header can't have, in lower case: file systems may ignore case."""
    return {path.stem.lower() for folder in folders for path in folder.glob("*.h")}


@pytest.mark.parametrize(
    "folders",
    [
        pytest.param(("/usr/lib/avr/include",), id="avr"),
        pytest.param((ARDUINO / "cores/arduino", *ARDUINO.glob("libraries/*/src")), id="arduino"),
        pytest.param(("/usr/lib/arm-none-eabi/include",), id="newlib"),
        pytest.param(("/usr/lib/picolibc/riscv64-unknown-elf/include",), id="picolibc"),
    ],
)
def test_no_header_of_a_toolchain_is_hidden(folders: tuple[str | Path, ...]) -> None:
    """Checked against the headers that are installed here."""
    found = [Path(folder) for folder in folders]
    if not all(folder.is_dir() for folder in found):
        pytest.skip(f"{found[0]} is missing")
    headers = {name for name in _header_names(found) if c_identifier(name) == name}
    ours = {f"{c_prefix(name)}{end}" for name in headers for end in ("", "_weights")}
    assert ours & _header_names(found) == set()
