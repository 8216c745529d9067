"""Windows taken hop by hop: the outputs are LiteRT's on every whole window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from public_functions import run_library
from small_models import Layers

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.passes._upright import upright
from tinycomp.plan.check import check
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import by_hops, reduce
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify, windows
from tinycomp.reference.simulate import sequence

MORE = 4
"""Hops after the first whole window."""


def hops(graph: Graph, seed: int = 0) -> Array:
    """A random stream that ends MORE windows after the first one."""
    assert graph.stream is not None
    count = graph.stream.ready + MORE
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (count, *graph.sample_shape)).astype(np.int8)


def expected(model: bytes, graph: Graph, inputs: Array) -> Array:
    """LiteRT's outputs on the whole windows, in one row each."""
    assert graph.stream is not None
    whole = windows(graph.stream, inputs)
    assert len(whole) == MORE + 1
    shaped = whole.reshape(len(whole), *oracle.input_shape(model))
    outputs = oracle.run_outputs(model, shaped).values()
    return np.concatenate([each.reshape(len(whole), -1) for each in outputs], axis=1)


def require_equal(graph: Graph, hop: int) -> Graph:
    """The streamed graph, whose outputs must be LiteRT's, and whose work must be less."""
    model, found = write_tflite(graph), by_hops(reduce(graph, Silent()), hop)
    inputs = hops(found)
    assert found.stream is not None
    right = expected(model, found, inputs)
    assert len(np.unique(right)) > 1
    ours = sequence(found, inputs)[found.outputs[0]][found.stream.ready - 1 :, : right.shape[1]]
    assert np.array_equal(ours, right)
    assert found.cost().macs < graph.cost().macs
    return found


class Growing(Layers):
    """Random layers that keep time apart."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng((seed, 5))
        super().__init__((int(rng.integers(30, 50)), int(rng.integers(1, 5)), 3), seed)
        self.pace = 1

    def window(self, x: str, kernel: int, stride: int, dilation: int) -> Window:
        width = min(2, self.shape(x)[1])
        return Window((kernel, width), (stride, 1), (dilation, 1))

    def layer(self, x: str) -> str:
        kind = self.rng.integers(7)
        kernel, dilation = int(self.rng.integers(1, 5)), int(self.rng.integers(1, 3))
        stride = int(self.rng.integers(1, 3)) if self.pace < 4 else 1
        if self.shape(x)[0] < 12:
            kernel = dilation = stride = 1
        if kind in (0, 1):
            self.pace *= stride
            return self.conv(x, 5, self.window(x, kernel, stride, dilation), Activation.RELU)
        if kind == 2:
            return self.depthwise(x, self.window(x, kernel, 1, dilation))
        if kind == 3:
            self.pace *= stride
            window = replace(self.window(x, kernel, stride, 1), dilation=(1, 1))
            return self.max_pool(x, window) if self.rng.random() < 0.5 else self.pool(x, window)
        if kind == 4:  # a residual: the later rows of x beside a convolution
            window = Window((kernel, 1), (1, 1), (dilation, 1))
            y = self.conv(x, self.shape(x)[2], window)
            rows, (height, width, channels) = self.shape(y)[0], self.shape(x)
            parts = ((height - rows, rows, 1), (0, width, 1), (0, channels, 1))
            return self.add(self.move(StridedSlice(parts), x), y)
        if kind == 5:  # causal: rows of zeros in front, which are cut off again
            before = (kernel - 1) * dilation
            padded = self.move(Pad(((before, 0), (0, 0), (0, 0))), x)
            y = self.conv(padded, 4, Window((kernel, 1), (1, 1), (dilation, 1)))
            height, width, channels = self.shape(y)
            parts = ((before, height - before, 1), (0, width, 1), (0, channels, 1))
            return self.move(StridedSlice(parts), y)
        return self.concatenate([x, self.conv(x, 2, Window((1, 1)))], 2)

    def pool(self, x: str, window: Window) -> str:
        return self.apply(AveragePool2D(window), x, self.quantization(x))

    def max_pool(self, x: str, window: Window) -> str:
        return self.apply(MaxPool2D(window), x, self.quantization(x))

    def move(self, op: Any, x: str) -> str:
        return self.apply(op, x, self.quantization(x))

    def end(self, x: str) -> Graph:
        if self.rng.random() < 0.5:
            x = self.apply(Mean(), x, self.quantization(x))
        else:
            x = self.move(Reshape((int(np.prod(self.shape(x))),)), x)
        return self.graph(self.dense(x, 4))


def temporal(seed: int) -> tuple[Graph, int]:
    """A random graph over time, and a hop that fits its strides."""
    growing = Growing(seed)
    x = growing.conv("input", 4, growing.window("input", 3, 1, 1), Activation.RELU)
    for _ in range(int(growing.rng.integers(2, 6))):
        x = growing.layer(x)
    return growing.end(x), growing.pace * int(growing.rng.integers(1, 3))


def test_random_graphs_equal_litert() -> None:
    for seed in range(14):
        graph, hop = temporal(seed)
        found = require_equal(graph, hop)
        check(plan(lower(found)))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_library_equals_litert(seed: int, tmp_path: Path) -> None:
    graph, hop = temporal(seed)
    found = by_hops(reduce(graph, Silent()), hop)
    inputs = hops(found)
    assert found.stream is not None
    right = expected(write_tflite(graph), found, inputs)
    ours = run_library(found, inputs, tmp_path)
    assert np.array_equal(ours[found.stream.ready - 1 :], right)
    header = (tmp_path / "library" / "m.h").read_text()
    assert f"#define M_WINDOW_READY {found.stream.ready} " in header


def test_a_difference_of_the_window_is_found() -> None:
    graph, hop = temporal(3)
    found = by_hops(reduce(graph, Silent()), hop)
    model = write_tflite(graph)
    assert verify(found, model, hops(found), [simulator(found)]).equal
    node = next(node for node in graph.nodes if node.op.name == "fully_connected")
    bias = graph.constants[node.inputs[2]]
    other = replace(bias, values=bias.values[::-1] + 3000)
    graph = replace(graph, constants={**graph.constants, bias.name: other})
    wrong = verify(found, write_tflite(graph), hops(found), [simulator(found)])
    assert [each.execution for each in wrong.differences] == ["stream"]


def _sequence_on_its_side() -> Graph:
    layers = Layers((40, 6))
    x = layers.apply(Reshape((1, 40, 6)), "input", layers.quantization("input"))
    x = layers.conv(x, 8, Window((1, 5), dilation=(1, 2)), Activation.RELU)
    y = layers.conv(x, 8, Window((1, 1)))
    x = layers.add(x, y)
    x = layers.depthwise(x, Window((1, 3), (1, 2)))
    x = layers.apply(Reshape((layers.shape(x)[1], 8)), x, layers.quantization(x))
    x = layers.dense(x, 3)
    flat = layers.apply(Reshape((int(np.prod(layers.shape(x))),)), x, layers.quantization(x))
    return layers.graph(layers.dense(flat, 5))


def test_sequences_along_the_width_are_turned() -> None:
    graph = _sequence_on_its_side()
    turned = upright(graph)
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 40, 6)).astype(np.int8)
    before, after = sequence(graph, inputs), sequence(turned, inputs)
    for name, values in before.items():
        assert np.array_equal(values.ravel(), after[name].ravel())
    found = require_equal(graph, 2)
    assert found.cost().macs < graph.cost().macs / 4


@pytest.mark.shared
def test_a_long_stream_of_speech(shared: Path) -> None:
    """The wake-word model of MLPerf Tiny over ten seconds: every window, a hop at a time."""
    path = shared / "models" / "str_ww_ref_model_int8.tflite"
    graph = reduce(read_tflite(path), Silent())
    found = by_hops(graph, 1)
    archive = np.load(shared / "data" / "sww_stream.npz")
    frames = next(v for k, v in archive.items() if v.ndim >= 2 and len(v) > 300)
    parameters = graph.sources[0].quantization
    assert parameters is not None
    assert found.stream is not None
    frames = frames.reshape(len(frames), 1, 1, 40) / parameters.scale + parameters.zero_point
    inputs = np.clip(np.rint(frames), -128, 127).astype(np.int8)
    result = verify(found, path.read_bytes(), inputs, [simulator(found)])
    assert result.equal, str(result.differences)
    assert result.samples == len(inputs) - 29
    assert found.cost().macs < graph.cost().macs / 15


def _layers(top: int, bottom: int, *, flat: bool) -> Graph:
    layers = Layers((20, 1, 3))
    x = layers.conv("input", 4, Window((3, 1), padding=(top, 0, bottom, 0)))
    last = layers.shape(x)[0] - 1
    op = Reshape(((last + 1) * 4,)) if flat else StridedSlice(((last, 1, 1), (0, 1, 1), (0, 4, 1)))
    x = layers.apply(op, x, layers.quantization(x))
    if not flat:
        x = layers.apply(Reshape((4,)), x, layers.quantization(x))
    return layers.graph(layers.dense(x, 2))


def test_causal_padding_before_the_last_step() -> None:
    require_equal(_layers(2, 0, flat=False), 1)


@pytest.mark.parametrize(
    ("graph", "hop", "text"),
    [
        (_layers(1, 1, flat=True), 1, "pads the end of the window with 1 rows of zeros"),
        (_layers(2, 0, flat=True), 1, "rows 0 to 1 of .* In a stream, earlier rows"),
        (_layers(0, 0, flat=True), 20, "Expected 1 to 19 rows"),
        (_layers(0, 0, flat=True), 0, "Expected 1 to 19 rows"),
    ],
)
def test_refusals(graph: Graph, hop: int, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        by_hops(graph, hop)


def test_a_hop_that_does_not_fit_the_strides() -> None:
    layers = Layers((20, 1, 3))
    x = layers.conv("input", 4, Window((3, 1), (2, 1)))
    x = layers.apply(Mean(), x, layers.quantization(x))
    text = r"takes every 2th row.* Expected a multiple of 2. --stream 2"
    with pytest.raises(ModelError, match=text):
        by_hops(layers.graph(layers.dense(x, 2)), 3)


def test_a_model_that_mixes_all_rows() -> None:
    layers = Layers((20, 3))
    x = layers.apply(Reshape((60,)), "input", layers.quantization("input"))
    with pytest.raises(ModelError, match="mixes all rows of the window"):
        by_hops(layers.graph(layers.dense(x, 2)), 1)
