"""Networks as exporters write them: equal to onnxruntime, and without transpositions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_runs import assert_same, input_shape, model, operators, weights

from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.tensor import Array
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

node = helper.make_node
Save = Callable[[Any], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(whole: Any) -> Path:
        onnx.save(whole, tmp_path / "model.onnx")
        return tmp_path / "model.onnx"

    return write


def statistics(channels: int) -> dict[str, Array]:
    """Of a batch normalization."""
    return {
        "s": weights(channels, seed=1),
        "b": weights(channels, seed=2),
        "m": weights(channels, seed=3),
        "v": weights(channels, seed=4) ** 2 + 0.5,
    }


def test_convolutions_flatten_and_dense_layer(save: Save) -> None:
    """The dense layer's weights take the order of height, width, channels."""
    whole = model(
        [
            node("Conv", ["x", "k"], ["a"], pads=[0, 1, 2, 1], strides=[2, 1]),
            node("BatchNormalization", ["a", "s", "b", "m", "v"], ["n"]),
            node("Relu", ["n"], ["r"]),
            node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("Flatten", ["p"], ["f"]),
            node("Gemm", ["f", "w", "c"], ["g"], transB=1),
            node("Softmax", ["g"], ["y"]),
        ],
        ("n", 3, 10, 9),
        {"k": weights(4, 3, 3, 3), **statistics(4), "w": weights(5, 60), "c": weights(5)},
    )
    graph = assert_same(save(whole))
    assert operators(graph) == ["conv_2d", "max_pool_2d", "fully_connected", "softmax"]
    assert input_shape(graph) == (10, 9, 3)
    assert graph.channels_first
    assert (
        "Input 'x' has channels in front, (3, 10, 9): the library takes them behind"
        in (graph.notes[0])
    )


def test_transpositions_of_an_exporter_vanish(save: Save) -> None:
    """tf2onnx turns images around every group of convolutions."""
    whole = model(
        [
            node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            node("Conv", ["t", "k"], ["a"], auto_pad="SAME_UPPER", strides=[2, 2]),
            node("Transpose", ["a"], ["u"], perm=[0, 2, 3, 1]),
            node("Relu", ["u"], ["r"]),
            node("Reshape", ["r", "shape"], ["f"]),
            node("MatMul", ["f", "w"], ["y"]),
        ],
        (1, 7, 9, 3),
        {"k": weights(4, 3, 3, 3), "shape": np.array([1, 80]), "w": weights(80, 5)},
    )
    graph = assert_same(save(whole))
    assert operators(graph) == ["conv_2d", "fully_connected"]
    assert input_shape(graph) == (7, 9, 3)
    assert not graph.channels_first


def test_a_channel_shuffle_is_one_move(save: Save) -> None:
    whole = model(
        [
            node("Conv", ["x", "k"], ["a"]),
            node("Reshape", ["a", "apart"], ["r"]),
            node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
            node("Reshape", ["t", "whole"], ["s"]),
            node("Conv", ["s", "d"], ["y"], group=6, pads=[1, 1, 1, 1]),
        ],
        (1, 3, 6, 6),
        {
            "k": weights(6, 3, 1, 1),
            "apart": np.array([0, 2, 3, 6, 6]),
            "whole": np.array([1, -1, 6, 6]),
            "d": weights(6, 1, 3, 3),
        },
    )
    assert operators(assert_same(save(whole))) == ["conv_2d", "transpose", "depthwise_conv_2d"]


def test_gates_and_residuals(save: Save) -> None:
    """Squeeze and excitation, a hard swish and a swish in their parts."""
    whole = model(
        [
            node("HardSigmoid", ["x"], ["h"], alpha=1 / 6, beta=0.5),
            node("Mul", ["x", "h"], ["a"]),
            node("GlobalAveragePool", ["a"], ["g"]),
            node("Conv", ["g", "k"], ["c"]),
            node("Sigmoid", ["c"], ["s"]),
            node("Mul", ["s", "a"], ["m"]),
            node("Add", ["m", "x"], ["r"]),
            node("Sigmoid", ["r"], ["i"]),
            node("Mul", ["r", "i"], ["y"]),
        ],
        (1, 4, 5, 5),
        {"k": weights(4, 4, 1, 1)},
    )
    found = operators(assert_same(save(whole)))
    assert found == ["hard_swish", "mean", "conv_2d", "logistic", "mul", "add", "function"]


@pytest.mark.parametrize("swapped", [False, True])
def test_gelu_of_the_error_function(swapped: bool, save: Save) -> None:
    last = [node("Mul", ["p", "half"], ["h"]), node("Mul", ["x", "h"], ["y"])] if swapped else [
        node("Mul", ["x", "p"], ["h"]), node("Mul", ["h", "half"], ["y"])
    ]  # fmt: skip
    whole = model(
        [node("Div", ["x", "root"], ["d"]), node("Erf", ["d"], ["e"]),
         node("Add", ["e", "one"], ["p"]), *last],
        (1, 40),
        {"root": np.float32(2) ** 0.5, "one": np.float32(1), "half": np.float32(0.5)},
    )  # fmt: skip
    assert operators(assert_same(save(whole))) == ["gelu"]


@pytest.mark.parametrize(("bound", "opset"), [("Clip", 17), ("Max", 18), ("", 17)])
def test_vectors_divided_by_their_lengths(bound: str, opset: int, save: Save) -> None:
    """As torch.nn.functional.normalize is exported."""
    axes = ({"axes": [-1]}, []) if opset < 18 else ({}, ["axes"])
    nodes = [
        node("MatMul", ["x", "w"], ["v"]),
        node("ReduceL2", ["v", *axes[1]], ["l"], keepdims=1, **axes[0]),
        *([node(bound, ["l", "small"], ["b"])] if bound else []),
        node("Shape", ["v"], ["s"]),
        node("Expand", ["b" if bound else "l", "s"], ["e"]),
        node("Div", ["v", "e"], ["y"]),
    ]
    known = {"w": weights(8, 5), "small": np.float32(1e-12), "axes": np.array([-1])}
    graph = assert_same(save(model(nodes, (1, 4, 8), known, opset=opset)))
    assert operators(graph) == ["fully_connected", "l2_normalization"]


def test_a_softsign_of_its_parts(save: Save) -> None:
    nodes = [node("Abs", ["x"], ["a"]), node("Add", ["a", "one"], ["d"]),
             node("Div", ["x", "d"], ["y"])]  # fmt: skip
    assert operators(assert_same(save(model(nodes, (1, 50), {"one": np.float32(1)})))) == [
        "function"
    ]


@pytest.mark.parametrize(
    "change", [{"small": np.float32(0.5)}, {"axes": [0]}, {"keepdims": 0}, {"one": np.float32(2)}]
)
def test_other_quotients_are_no_such_layers(change: dict[str, Any], save: Save) -> None:
    options = {"axes": change.get("axes", [-1]), "keepdims": change.get("keepdims", 1)}
    if options["axes"] == [0]:
        options["axes"] = [1, 2]
    divisor = [node("ReduceL2", ["x"], ["l"], **options), node("Clip", ["l", "small"], ["d"])]
    if "one" in change:
        divisor = [node("Abs", ["x"], ["l"]), node("Add", ["l", "one"], ["d"])]
    known = {"small": np.float32(0), "one": np.float32(1)}
    known |= {name: value for name, value in change.items() if name in known}
    graph = assert_same(save(model([*divisor, node("Div", ["x", "d"], ["y"])], (1, 8, 8), known)))
    assert "l2_normalization" not in operators(graph)
    assert operators(graph) != ["function"]


def test_shape_arithmetic_is_computed(save: Save) -> None:
    """view(x.shape[0], -1) as older exporters write it; the batch is open."""
    whole = model(
        [
            node("Conv", ["x", "k"], ["a"], group=2),
            node("Shape", ["a"], ["s"]),
            node("Gather", ["s", "zero"], ["n"]),
            node("Unsqueeze", ["n"], ["u"], axes=[0]),
            node("Concat", ["u", "rest"], ["t"], axis=0),
            node("Reshape", ["a", "t"], ["f"]),
            node("Gemm", ["f", "w"], ["y"]),
        ],
        ("batch", 4, 6),
        {
            "k": weights(6, 2, 3), "zero": np.array(0), "rest": np.array([-1]),
            "w": weights(24, 3),
        },
        opset=11,
    )  # fmt: skip
    assert "transpose" not in operators(assert_same(save(whole)))


@pytest.mark.parametrize("groups", [1, 2])
def test_an_output_keeps_channels_behind(groups: int, save: Save) -> None:
    whole = model(
        [
            node("ConvTranspose", ["x", "k", "b"], ["a"], strides=[2, 3], pads=[0, 1, 1, 0],
                 output_padding=[1, 0], group=groups),
            node("Resize", ["a", "", "scales"], ["y"], mode="linear"),
        ],
        (1, 4, 5, 4),
        {
            "k": weights(4, 3, 3, 4), "b": weights(3 * groups),
            "scales": np.array([1, 1, 2, 2], np.float32),
        },
    )  # fmt: skip
    graph = assert_same(save(whole))
    assert graph.notes[1].startswith(f"Output 'y' has channels in front, ({3 * groups}, 22, 24)")


@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("counted", [0, 1])
def test_average_pools_of_any_padding(ceil: int, counted: int, save: Save) -> None:
    pool = node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2],
                pads=[1, 0, 1, 1], ceil_mode=ceil, count_include_pad=counted)  # fmt: skip
    assert_same(save(model([pool], (1, 2, 8, 9), opset=19)))


@pytest.mark.parametrize("rectified", [True, False])
def test_maxima_beside_padding(rectified: bool, save: Save) -> None:
    """Zeros where values can't be negative, else copies of the border; both are the same maxima."""
    pool = node("MaxPool", ["h"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    before = node("Relu" if rectified else "Tanh", ["x"], ["h"])
    graph = assert_same(save(model([before, pool], (1, 2, 8, 6))), -2, -0.5)
    assert ("pad" if rectified else "gather") in operators(graph)


@pytest.mark.parametrize("low", [0.25, -0.75, None])
@pytest.mark.parametrize("high", [1.5, None])
def test_bounds(low: float | None, high: float | None, save: Save) -> None:
    bounds = {"low": low, "high": high}
    names = [name if value is not None else "" for name, value in bounds.items()]
    known = {name: np.float32(value) for name, value in bounds.items() if value is not None}
    assert_same(save(model([node("Clip", ["x", *names], ["y"])], (1, 50), known)))


@pytest.mark.parametrize(("kind", "opset"), [("Swish", 24), ("Celu", 17)])
def test_curves_of_any_steepness(kind: str, opset: int, save: Save) -> None:
    """Compared with their definitions, as onnxruntime has no Swish."""
    alpha = 1.7
    whole = model([node(kind, ["x"], ["y"], alpha=alpha)], (1, 50), opset=opset)
    graph = read_onnx(save(whole))
    x = np.linspace(-4, 4, 50, dtype=np.float32)
    below = alpha * np.expm1(np.minimum(x, 0) / alpha)
    wanted = x / (1 + np.exp(-alpha * x)) if kind == "Swish" else np.maximum(x, 0) + below
    (found,) = oracle.run_float(write_tflite(clean_up(graph)), x[np.newaxis]).values()
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-5)


def test_constants_of_every_shape(save: Save) -> None:
    """One for each row, column, channel, value; on either side."""
    whole = model(
        [
            node("Mul", ["x", "rows"], ["a"]),
            node("Sub", ["columns", "a"], ["b"]),
            node("Add", ["b", "channels"], ["c"]),
            node("Sub", ["c", "every"], ["d"]),
            node("Div", ["d", "one"], ["y"]),
        ],
        (1, 3, 4, 5),
        {
            "rows": weights(4, 1), "columns": weights(5), "channels": weights(3, 1, 1),
            "every": weights(1, 3, 4, 5), "one": np.float32(0.7),
        },
    )  # fmt: skip
    assert_same(save(whole))


def test_attention_of_two_heads(save: Save) -> None:
    """Reshapes and transpositions of heads; products of two computed tensors."""
    nodes = []
    for name in "qkv":
        nodes += [
            node("MatMul", ["x", f"{name}w"], [f"{name}m"]),
            node("Reshape", [f"{name}m", "heads"], [f"{name}r"]),
            node("Transpose", [f"{name}r"], [f"{name}t"],
                 perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]),
        ]  # fmt: skip
    nodes += [
        node("MatMul", ["qt", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["shares"], axis=-1),
        node("MatMul", ["shares", "vt"], ["mixed"]),
        node("Transpose", ["mixed"], ["turned"], perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "joined"], ["flat"]),
        node("LayerNormalization", ["flat", "s", "b"], ["y"]),
    ]
    constants = {f"{name}w": weights(6, 8, seed=ord(name)) for name in "qkv"}
    shapes = {"heads": np.array([1, 5, 2, 4]), "joined": np.array([1, 5, 8])}
    assert_same(save(model(nodes, (1, 5, 6), {**constants, **shapes, **statistics(8)})))


LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
ZOO = {
    "squeezenet": {"conv_2d", "max_pool_2d", "concatenation", "mean", "softmax"},
    "shufflenet": {
        "conv_2d", "depthwise_conv_2d", "pad", "max_pool_2d", "strided_slice", "transpose",
        "concatenation", "add", "mean", "mul", "fully_connected", "softmax", "average_pool_2d",
        "relu",
    },
    "densenet121": {
        "conv_2d", "pad", "max_pool_2d", "depthwise_conv_2d", "average_pool_2d",
        "concatenation", "mean",
    },
    "inception_v2": {
        "conv_2d", "depthwise_conv_2d", "max_pool_2d", "average_pool_2d", "concatenation",
        "fully_connected", "softmax",
    },
    "resnet50": {
        "conv_2d", "pad", "max_pool_2d", "add", "average_pool_2d", "fully_connected", "softmax",
    },
}  # fmt: skip
"""Networks of the ONNX model zoo, whose structures the onnx package ships, and the operators that
they become.
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_structures_of_the_model_zoo(name: str, save: Save) -> None:
    whole = _randomized(onnx.load(os.fspath(LIGHT / f"light_{name}.onnx")))
    assert set(operators(assert_same(save(whole)))) <= ZOO[name]


def _randomized(whole: Any) -> Any:
    """The model with random weights instead of constant ones."""
    rng = np.random.default_rng(0)
    sizes = {each.name: numpy_helper.to_array(each) for each in whole.graph.initializer}
    positive = {each.input[4] for each in whole.graph.node if each.op_type == "BatchNormalization"}
    kept = []
    for each in whole.graph.node:
        if each.op_type != "ConstantOfShape":
            kept.append(each)
            continue
        shape = tuple(int(size) for size in sizes[each.input[0]])
        deviation = (2 / max(1, np.prod(shape[1:]))) ** 0.5 if len(shape) > 1 else 0.3
        values = rng.normal(0, deviation, shape)
        values = np.abs(values) + 0.5 if each.output[0] in positive else values
        whole.graph.initializer.append(
            numpy_helper.from_array(values.astype(np.float32), each.output[0])
        )
    del whole.graph.node[:]
    whole.graph.node.extend(kept)
    return whole


def test_half_precision_is_noted(save: Save) -> None:
    whole = model([node("Mul", ["x", "w"], ["y"])], (1, 4), {"w": weights(4)})
    whole.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights(4).astype(np.float16), "w"))
    graph = read_onnx(save(whole))
    assert graph.notes == ("Values of float16 were converted to float32.",)
