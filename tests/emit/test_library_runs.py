"""Several libraries, arenas and threads in one program; models with unusual structure."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conformance import parameters
from host import run_on_host
from small_models import Layers, every_operator, small_classifier, write_library

from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.relu import Relu
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import run, simulate
from tinycomp.target.toolchain import SANITIZE, STRICT

MAIN = Path(__file__).parent / "two_models.c"
MODES = ("apart", "inside", "interleaved", "threads")
SAMPLES = 3

pytestmark = pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")


def random_inputs(graph: Graph, samples: int = SAMPLES) -> Array:
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(7).integers(-128, 128, (samples, *shape)).astype(np.int8)


def two_models(first: Graph, second: Graph, folder: Path, language: str) -> Path:
    """A program with two libraries, compiled as C or C++ with sanitizers."""
    sources = [
        source
        for graph, prefix in ((first, "first"), (second, "second"))
        for source in write_library(graph, folder / prefix, prefix).glob("*.c")
    ]
    include = [f"-I{folder / prefix}" for prefix in ("first", "second")]
    command = ["gcc", "-std=c99"] if language == "c" else ["g++", "-std=c++11", "-xc++"]
    program = folder / "program"
    libraries = ["-xnone", "-lm", "-lpthread", "-o", program]
    flags = [*STRICT, *SANITIZE, "-O1", *include]
    subprocess.run([*command, *flags, MAIN, *sources, *libraries], check=True)
    return program


def outputs(program: Path, mode: str, *inputs: Array) -> tuple[bytes, str]:
    samples = b"".join(values.tobytes() for pair in zip(*inputs, strict=True) for values in pair)
    done = subprocess.run([program, mode], input=samples, capture_output=True, check=True)
    return done.stdout, done.stderr.decode()


def expected_outputs(graphs: tuple[Graph, Graph], *inputs: Array) -> bytes:
    found = [run(graph, values) for graph, values in zip(graphs, inputs, strict=True)]
    return b"".join(values.tobytes() for pair in zip(*found, strict=True) for values in pair)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_two_models_in_one_program(language: str, tmp_path: Path) -> None:
    graphs = small_classifier(), every_operator()
    inputs = [random_inputs(graph) for graph in graphs]
    program = two_models(*graphs, tmp_path, language)
    expected = expected_outputs(graphs, *inputs)
    for mode in MODES:
        assert outputs(program, mode, *inputs) == (expected, ""), mode


def only_reshapes() -> Graph:
    layers = Layers((4, 3, 2))
    layers.reshape(layers.reshape("input", (24,)), (2, 12))
    return layers.graph()


def output_of_the_middle() -> Graph:
    """The output is also read by a later layer, and through a reshape by another."""
    layers = Layers((5, 5, 3))
    first = layers.conv("input", 4, Window((2, 2)))
    output = layers.apply(Relu(), first, layers.quantization(first))
    layers.add(output, output)
    layers.dense(layers.reshape(output, (64,)), 3)
    return layers.graph(output)


def in_place_on_the_input() -> Graph:
    """Layers that can run in place; the first one must not modify the caller's input."""
    layers = Layers((30,))
    layers.softmax(layers.apply(Relu(), "input", parameters(0.03, -20)))
    return layers.graph()


def input_read_late() -> Graph:
    """The input and a reshape of it are read again by the last layer."""
    layers = Layers((4, 4, 4))
    first = layers.conv("input", 4, Window((1, 1)))
    second = layers.conv(first, 4, Window((1, 1)))
    both = layers.add(layers.reshape(second, (16, 4)), layers.reshape("input", (16, 4)))
    layers.concatenate([layers.reshape(both, (4, 4, 4)), "input"])
    return layers.graph()


def one_operator() -> Graph:
    layers = Layers((7,))
    layers.dense("input", 1)
    return layers.graph()


UNUSUAL = {
    build.__name__: build
    for build in (
        *(only_reshapes, output_of_the_middle, in_place_on_the_input),
        *(input_read_late, one_operator),
    )
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_models_run(name: str, tmp_path: Path) -> None:
    """Compares every tensor, and the output for any placement of input and output buffers."""
    graph = UNUSUAL[name]()
    inputs = random_inputs(graph)
    expected = oracle.run(write_tflite(graph), inputs)
    for found in (simulate(graph, inputs), run_on_host(graph, inputs, tmp_path / "host")):
        assert all(np.array_equal(found[tensor], expected[tensor]) for tensor in found)
    program = two_models(graph, replace(graph, name="other"), tmp_path, "c")
    wanted = expected_outputs((graph, graph), inputs, inputs)
    for mode in MODES[:3]:
        assert outputs(program, mode, inputs, inputs) == (wanted, ""), mode


def test_reshapes_alone_need_only_memory_for_the_input() -> None:
    assert plan(lower(only_reshapes())).arena == 24


@pytest.mark.parametrize("stretch", [range(0), range(3)])
def test_small_code_runs(stretch: range, tmp_path: Path) -> None:
    """As with --optimize flash: without rings, unless rows are streamed."""
    graph = every_operator() if not stretch else small_classifier()
    inputs = random_inputs(graph)
    found = run_on_host(graph, inputs, tmp_path, stretch=stretch, small=True)
    text = (tmp_path / "library" / "t.c").read_text()
    assert ("#define TC_NO_RINGS 1" in text) == (not stretch)
    expected = simulate(graph, inputs)
    assert all(np.array_equal(values, expected[tensor]) for tensor, values in found.items())
