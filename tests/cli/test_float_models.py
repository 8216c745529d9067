"""The complete build of a float model without Keras: a graph replaces the imported model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal, needs_gcc

from tinycomp import prepare
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.mean import Mean
from tinycomp.ops.pad import Pad
from tinycomp.ops.relu import Relu
from tinycomp.ops.softmax import Softmax


class _Builder(GraphBuilder):
    def __init__(self) -> None:
        super().__init__("keras")
        self.rng = np.random.default_rng(3)

    def weights(self, name: str, shape: tuple[int, ...], channels: int) -> list[str]:
        kernel = self.rng.normal(0, 0.4, shape).astype(np.float32)
        bias = self.rng.normal(0, 0.1, channels).astype(np.float32)
        return [self.constant(f"{name}/kernel", kernel), self.constant(f"{name}/bias", bias)]


def float_graph() -> Graph:
    """Layers that TFLite expresses only as chains: uneven padding, activations with odd bounds."""
    b = _Builder()
    x = b.input("input", (8, 7, 3))
    x = b.add(Pad(((2, 1), (0, 1), (0, 0))), [x], "padding")
    x = b.add(Conv2D(Window((3, 3), (2, 2))), [x, *b.weights("conv", (6, 3, 3, 3), 6)], "conv")
    x = b.add(LeakyRelu(0.1, 0.8), [x], "leaky")
    y = b.add(Pad(((1, 0), (2, 3), (0, 0))), [x], "padding_2")
    y = b.add(DepthwiseConv2D(Window((2, 6))), [y, *b.weights("depth", (1, 2, 6, 6), 6)], "depth")
    y = b.add(Relu(0.5), [y], "relu")
    x = b.add(Add(), [x, y], "add")
    x = b.add(Mean(), [x], "mean")
    x = b.add(FullyConnected(), [x, *b.weights("dense", (4, 6), 4)], "output")
    return b.build([b.add(Softmax(), [x], "softmax")])


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model.keras, and its data."""
    (folder / "model.keras").write_bytes(b"in place of a model")
    monkeypatch.setattr(prepare, "read_model", lambda path: float_graph())
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1, (60, 8, 7, 3)).astype(np.float32)
    y = rng.integers(0, 4, 60)
    np.savez(folder / "samples.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    return folder


@needs_gcc
def test_build_and_verify_agree_on_the_tensors(model: Path, run: Command) -> None:
    """`verify` reads the graph from the .tflite, where some layers are chains of operators."""
    options = ("--data", "samples.npz", "--codebook-bits", "4", "--sparsity", "0.2")
    done = run("build", "model.keras", "-o", "out", *options)
    assert done.code == 0, done
    assert "equal in every byte" in done.words
    report = json.loads((model / "out" / "report.json").read_text())
    accuracy = report["accuracy"]
    assert (accuracy["metric"], accuracy["samples"]) == ("top-1", 20)
    assert None not in (accuracy["float"], accuracy["dense_int8"], accuracy["int8"])
    done = run("verify", "out", "--data", "samples.npz")
    assert done.code == 0, done
    assert "litert = simulator = host: " in done.words
    assert done.words.endswith("Equal in every byte of every tensor.")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_nan(
    value: float, model: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = float_graph()
    name = "conv/kernel"
    values = graph.constants[name].values.copy()
    values[1, 2, 0, 1] = value
    changed = {**graph.constants, name: type(graph.constants[name])(name, values)}
    broken = Graph(graph.name, graph.nodes, graph.tensors, changed, graph.inputs, graph.outputs)
    monkeypatch.setattr(prepare, "read_model", lambda path: broken)
    text = refusal("build", "model.keras", "-o", "out", "--data", "samples.npz")
    assert "conv" in text
    assert "NaN" in text or "infinite" in text
