"""Raw values to int8: the pass that finds the transform, and C code equal to NumPy."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import HASH, Layers, write_library

from tinycomp.device.execution import emulated
from tinycomp.device.firmware_build import FirmwareBuild, host_available
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import emit_library, harness_model
from tinycomp.emit.project import Content, lay_out, project_paths
from tinycomp.ir.fixed_point import round_steps
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.input_transform import InputTransform
from tinycomp.ir.tensor import Array, QuantizationParameters
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.reshape import Reshape
from tinycomp.passes.lift_normalization import lift_normalization
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.quantization.affine import quantize_inputs, quantize_values
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_float
from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import SANITIZE, STRICT, is_available

SIZE = 640
"""Input shape of MLPerf's ad, whose firmware takes floats."""
TRANSFORM = InputTransform(
    tuple(np.float32([22.49, 1e5, -0.013, 7e-9, 612.5]).tolist()),
    tuple(np.float32([0.5, -1 / 900, 31.7, 2e8, 1 / 3]).tolist()),
    integers=True,
)
MAIN = """
#include <stdio.h>
#include "t.h"
int main(void)
{
    float raw[T_INPUT_SIZE];
    DTYPE_t input[T_INPUT_SIZE];
    while (fread(raw, sizeof raw, 1, stdin) == 1) {
        CONVERT
        fwrite(input, sizeof input, 1, stdout);
    }
    return 0;
}
"""
EACH = "for (int i = 0; i < T_INPUT_SIZE; i++) { input[i] = t_quantize_input(raw[i]); }"


def raw_values(count: int) -> Array:
    """Values around each feature's center, including exact ties, and some that are not finite."""
    rng, centers = np.random.default_rng(0), np.float32(TRANSFORM.centers)
    steps = rng.integers(-600, 600, (count, SIZE // 5, 5)) / 4
    x = (centers + steps / TRANSFORM.gains(0.05)).astype(np.float32)
    x[:, 0] = (np.nan, np.inf, -np.inf, 3e38, -3e38)
    return x.reshape(count, SIZE)


def identity(transform: InputTransform | None, dtype: str = "int8") -> Graph:
    """A model that returns its input."""
    layers = Layers((SIZE,))
    layers.reshape("input", (2, SIZE // 2))
    graph = layers.graph()
    parameters = QuantizationParameters((float(np.float32(0.05)),), (-7 * (dtype == "int8"),))
    tensors = {
        name: replace(tensor, dtype=dtype, quantization=parameters)
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors, input_transform=transform)


def run_c(graph: Graph, convert: str, values: Array, folder: Path, flags: Sequence[str]) -> Array:
    library = write_library(graph, folder / "library")
    main = folder / "main.c"
    dtype = graph.tensors[graph.inputs[0]].dtype
    main.write_text(MAIN.replace("CONVERT", convert).replace("DTYPE", dtype))
    command = ["gcc", *flags, f"-I{library}", main, *library.glob("*.c"), "-o", folder / "main"]
    subprocess.run(command, check=True)
    done = subprocess.run(
        [folder / "main"], input=values.tobytes(), capture_output=True, check=True
    )
    return np.frombuffer(done.stdout, dtype).reshape(values.shape)


@pytest.mark.skipif(not host_available(), reason="gcc is not installed")
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("flags", [(*STRICT, *SANITIZE), ("-O3", "-march=native", "-std=gnu17")])
def test_c_equals_numpy(flags: tuple[str, ...], dtype: str, tmp_path: Path) -> None:
    """Also if the compiler may fuse multiply and add. No math library is linked."""
    graph, x = identity(TRANSFORM, dtype), raw_values(40)
    found = run_c(graph, "t_normalize_input(raw, input);", x, tmp_path, flags)
    np.testing.assert_array_equal(found, quantize_inputs(graph, x))


@pytest.mark.skipif(not host_available(), reason="gcc is not installed")
def test_integers_in_c_equal_numpy(tmp_path: Path) -> None:
    convert = """int16_t whole[T_INPUT_SIZE];
        for (int i = 0; i < T_INPUT_SIZE; i++) { whole[i] = (int16_t)raw[i]; }
        t_normalize_input_int16(whole, input);"""
    graph = identity(TRANSFORM)
    x = np.random.default_rng(1).integers(-32768, 32768, (20, SIZE)).astype(np.float32)
    found = run_c(graph, convert, x, tmp_path, (*STRICT, *SANITIZE))
    np.testing.assert_array_equal(found, quantize_inputs(graph, x))


@pytest.mark.skipif(not host_available(), reason="gcc is not installed")
def test_the_headers_rounding_equals_numpys(tmp_path: Path) -> None:
    """Every half step and its neighbours, values far beyond int8, and non-finite values."""
    graph = identity(None)
    scale = np.float32(0.05)
    near = (np.arange(-600, 600) / 2).astype(np.float32) * scale
    x = np.concatenate([near, np.nextafter(near, -9), np.nextafter(near, 9)])
    x = np.concatenate([x, np.float32([np.nan, np.inf, -np.inf, 3e38, -3e38])])
    x = np.resize(x.astype(np.float32), (6, SIZE))
    found = run_c(graph, EACH, x, tmp_path, (*STRICT, *SANITIZE))
    np.testing.assert_array_equal(found, quantize_inputs(graph, x))
    assert found[np.isnan(x)].tolist() == [-7] * int(np.isnan(x).sum())


@pytest.mark.parametrize("name", ["cortex-m4", "mega"])
def test_a_device_equals_numpy(name: str, tmp_path: Path) -> None:
    """With float inputs, as in MLPerf's firmware for ad."""
    board = load_board(name)
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is not installed")
    graph, x = identity(TRANSFORM), raw_values(2)
    planned = plan(lower(graph, Storage(copied=board.memory.harvard)))
    library = emit_library(planned, prefix="ad", model_hash=HASH)
    sample = quantize_inputs(graph, x[:1])
    content = Content("ad", "ad", HASH, library, harness_model("ad"), sample[0], ())
    write_folder(tmp_path / "out", lay_out(board, content))
    folder = tmp_path / "out" / project_paths(board, "ad").library
    program = FirmwareBuild(board, folder, "ad", tmp_path / "build").board_program()
    with emulated(board, program) as device:
        for values in x:
            device.db_load(values.astype("<f4").tobytes())
            device.infer(1, 1)
            expected = quantize_inputs(graph, values[np.newaxis])[0]
            np.testing.assert_array_equal(device.output(), expected)


def test_the_tflite_describes_the_transform() -> None:
    transform = InputTransform((0.5, 1e5), (float(np.float32(0.1)), -2.0))
    assert transform.described == (
        "The .tflite takes (raw - center) * factor of each of 2 features: centers 0.5, 100000.0; "
        "factors 0.1, -2.0."
    )


def test_rounding_is_half_away_from_zero() -> None:
    steps = np.float32([0.49999997, 0.5, 1.5, 2.5, -0.49999997, -0.5, -1.5, -2.5, np.nan, np.inf])
    assert round_steps(steps, 0).tolist() == [0, 1, 2, 3, 0, -1, -2, -3, 0, 127]
    assert round_steps(-steps, -128).tolist()[-2:] == [-128, -128]
    zero_point = quantize_values(np.float32([np.nan]), QuantizationParameters((0.1,), (5,)))
    assert zero_point.tolist() == [5]


def normalized(scale: Array, offset: Array, *, reshaped: bool = False) -> Graph:
    rng, builder = np.random.default_rng(0), GraphBuilder("model")
    x = builder.input("x", (6,))
    if reshaped:
        x = builder.add(Reshape((2, 3)), [x], "pairs")
    names = [builder.constant("scale", scale), builder.constant("offset", offset)]
    x = builder.add(BatchNormalization(), [x, *names], "norm")
    if reshaped:
        x = builder.add(Reshape((6,)), [x], "flat")
    weights = builder.constant("w", rng.standard_normal((2, 6)).astype(np.float32))
    bias = builder.constant("b", np.zeros(2, np.float32))
    return builder.build([builder.add(FullyConnected(), [x, weights, bias], "y")])


@pytest.mark.parametrize("reshaped", [False, True])
def test_a_leading_normalization_leaves_the_graph(reshaped: bool) -> None:
    rng = np.random.default_rng(0)
    size = 3 if reshaped else 6
    scale, offset = 10 ** rng.uniform(-4, 2, size), rng.normal(size=size)
    graph = normalized(scale, offset, reshaped=reshaped)
    lifted = lift_normalization(graph)
    transform = lifted.input_transform
    assert transform is not None
    assert all(not isinstance(node.op, BatchNormalization) for node in lifted.nodes)
    x = (rng.normal(size=(50, 6)) / np.resize(scale, 6)).astype(np.float32)
    weights, bias = (graph.constants[name].values for name in ("w", "b"))
    expected = (x * np.resize(scale, 6) + np.resize(offset, 6)) @ weights.T + bias
    (found,) = run_float(write_tflite(lifted), transform.normalize(x)).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factor", [0.0, np.inf, 1e-60])
def test_a_factor_beyond_float32_stays_in_the_graph(factor: float) -> None:
    graph = normalized(np.array([1, 2, 3, 4, 5, factor]), np.ones(6))
    assert lift_normalization(graph) is graph
