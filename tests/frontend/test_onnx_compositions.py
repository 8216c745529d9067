"""Operators of ONNX that are several here, compared with onnxruntime: choices, quotients, powers,
sums of functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_runs import assert_same, model, operators, weights

from tinycomp.common.errors import ModelError
from tinycomp.frontend.onnx import read_onnx

X = [1, 3, 5, 4]
"""An image."""


def node(kind: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, [to], **attributes)


def saved(tmp_path: Path, nodes: list[Any], constants: dict[str, Any], shape: list[int]) -> Path:
    path = tmp_path / "m.onnx"
    onnx.save(model(nodes, shape, constants), path)
    return path


def cast(source: str, to: str, kind: int = onnx.TensorProto.FLOAT) -> Any:
    return helper.make_node("Cast", [source], [to], to=kind)


ZERO = {"zero": np.zeros((), np.float32)}
POSITIVE = [node("Greater", "x", "zero", to="c")]
MASK = np.tril(np.ones((4, 4), bool))
CASES: dict[str, tuple[list[Any], dict[str, Any], list[int]]] = {
    "where of tensors": (
        [*POSITIVE, node("Exp", "x", to="e"), node("Where", "c", "x", "e")], ZERO, X
    ),
    "where of a tensor and channels": (
        [*POSITIVE, node("Where", "c", "x", "w")], {**ZERO, "w": weights(3, 1, 1)}, X
    ),
    "where of numbers": (
        [*POSITIVE, node("Where", "c", "a", "b")],
        {**ZERO, "a": np.float32([2.5]), "b": np.float32([-1])}, X,
    ),
    "where of zero": ([*POSITIVE, node("Where", "c", "x", "zero")], ZERO, X),
    "known choice": (
        [node("Where", "c", "x", "w")], {"c": MASK[np.newaxis], "w": weights(1, 4, 4)}, [1, 4, 4]
    ),
    "known choice of zero": (
        [node("Where", "c", "zero", "x")], {"c": MASK[np.newaxis], **ZERO}, [1, 4, 4]
    ),
    "causal mask": (
        [node("Where", "c", "x", "low", to="s"), node("Softmax", "s", axis=-1)],
        {"c": MASK[np.newaxis], "low": np.float32(-np.inf)}, [1, 4, 4],
    ),
    "logic": (
        [
            *POSITIVE, node("Less", "x", "one", to="d"), node("And", "c", "d", to="a"),
            node("Not", "a", to="n"), node("Xor", "n", "d", to="o"), node("Or", "o", "c", to="r"),
            cast("r", "i", onnx.TensorProto.INT64), cast("i", "r1"), node("Mul", "r1", "x"),
        ],
        {**ZERO, "one": np.ones((1,), np.float32)}, X,
    ),
    "quotient": (
        [node("Exp", "x", to="e"), node("ReduceSum", "e", "axes", to="s"), node("Div", "e", "s")],
        {"axes": np.array([1])}, [1, 6],
    ),
    "quotient of a number": (
        [node("Exp", "x", to="e"), node("Div", "two", "e")], {"two": np.float32([2])}, X
    ),
    "inverse": ([node("Exp", "x", to="e"), node("Reciprocal", "e")], {}, X),
    "power of two": ([node("Pow", "two", "x")], {"two": np.float32([2])}, X),
    **{
        f"power {power}": (
            [node("Exp", "x", to="e"), node("Pow", "e", "p")], {"p": np.float32([power])}, X
        )
        for power in (-3, -2, -1.5, -1, -0.75, -0.5, 0.75, 1.5, 3, 4)
    },
    "running sum": ([node("CumSum", "x", "axis")], {"axis": np.array(2)}, X),
    "running sum from behind": (
        [node("CumSum", "x", "axis", exclusive=1, reverse=1)], {"axis": np.array(-1)}, [1, 5, 6]
    ),
    "thresholded": ([node("ThresholdedRelu", "x", alpha=0.3)], {}, X),
    **{
        f"computed statistics, {title}": (
            [
                node("ReduceMean", "x", to="m", axes=[0, 2], keepdims=0),
                node("Abs", "m", to="v"),
                node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=0.1),
            ],
            {"s": scale, "b": bias}, [1, 5, 4],
        )
        for title, scale, bias in (
            ("plain", np.ones(5, np.float32), np.zeros(5, np.float32)),
            ("scaled", weights(5), weights(5, seed=1)),
        )
    },
    "neighbours": ([node("LRN", "x", size=3, alpha=0.5, beta=0.5, bias=2.0)], {}, X),
    "standardized": ([node("MeanVarianceNormalization", "x", axes=[2, 3])], {}, X),
    "computed bias": (
        [node("Tanh", "x", to="t"), node("Gemm", "x", "w", "t", beta=0.5)], {"w": weights(6, 6)},
        [1, 6],
    ),
    "class token": (
        [node("Concat", "t", "x", "u", axis=1)],
        {"t": weights(1, 1, 4), "u": weights(1, 2, 4, seed=1)}, [1, 5, 4],
    ),
    "constants between tensors": (
        [node("Exp", "x", to="e"), node("Concat", "x", "t", "e", axis=2)],
        {"t": weights(1, 3, 1, 4)}, X,
    ),
    "zeros behind": (
        [node("Concat", "x", "t", axis=-1)], {"t": np.zeros((1, 5, 2), np.float32)}, [1, 5, 4]
    ),
    "normalization of several axes": (
        [node("LayerNormalization", "x", "w", "b", axis=1)],
        {"w": weights(5, 4), "b": weights(5, 4, seed=1)}, [1, 5, 4],
    ),
    "einsum of two": (
        [node("Tanh", "x", to="t"), node("Einsum", "x", "t", equation="bid,bjd->bij")], {},
        [1, 5, 4],
    ),
    "einsum of heads": (
        [node("Tanh", "x", to="t"), node("Einsum", "x", "t", equation="bqhd,bkhd->bhqk")], {},
        [1, 3, 2, 4],
    ),
    "einsum with weights": (
        [node("Einsum", "x", "w", equation="btd,dhe->bhte")], {"w": weights(4, 2, 3)}, [1, 5, 4]
    ),
    "einsum with weights before": (
        [node("Einsum", "w", "x", equation="ed,btd->bte")], {"w": weights(3, 4)}, [1, 5, 4]
    ),
    "einsum of one": ([node("Einsum", "x", equation="bij->ji")], {}, [1, 5, 4]),
    "distance": (
        [node("Mul", "x", "x", to="m"), node("ReduceSum", "m", "a", to="s"), node("Pow", "s", "p")],
        {"a": np.array([1]), "p": np.float32([0.49999976])}, [1, 5],
    ),
    "logarithm of a sum": (
        [node("ReduceLogSumExp", "x", axes=[1], keepdims=0)], {}, [1, 4, 6]
    ),
}  # fmt: skip
"""By what is tested: nodes, constants, and the input's shape."""


@pytest.mark.parametrize("case", CASES)
def test_composition(tmp_path: Path, case: str) -> None:
    nodes, constants, shape = CASES[case]
    assert_same(saved(tmp_path, nodes, constants, shape))


def test_a_mask_of_scores_is_added(tmp_path: Path) -> None:
    graph = read_onnx(saved(tmp_path, *CASES["causal mask"]))
    assert operators(graph) == ["add_constant", "softmax"]


def test_infinities_that_are_added_are_large_numbers(tmp_path: Path) -> None:
    """Zero times infinity would be NaN where a mask is quantized."""
    mask = np.where(MASK, 0, -np.inf).astype(np.float32)[np.newaxis]
    nodes = [node("Add", "x", "m", to="s"), node("Softmax", "s", axis=-1)]
    graph = assert_same(saved(tmp_path, nodes, {"m": mask}, [1, 4, 4]))
    assert all(np.isfinite(each.values).all() for each in graph.constants.values())


def test_computed_conditions_take_no_infinity(tmp_path: Path) -> None:
    nodes = [*POSITIVE, node("Where", "c", "x", "low")]
    path = saved(tmp_path, nodes, {**ZERO, "low": np.float32(-np.inf)}, X)
    with pytest.raises(ModelError, match="where a computed condition says so"):
        read_onnx(path)


@pytest.mark.parametrize(
    ("equation", "text"),
    [("bii->b", "none twice"), ("...ij->...ji", "computes"), ("bij,bjk->bi", "both have")],
)
def test_other_equations_are_refused(tmp_path: Path, equation: str, text: str) -> None:
    inputs = ["x"] * (1 + equation.count(","))
    path = saved(tmp_path, [node("Einsum", *inputs, equation=equation)], {}, [1, 4, 4])
    with pytest.raises(ModelError, match=text):
        read_onnx(path)


def test_other_powers_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, [node("Pow", "x", "p")], {"p": np.float32([0.4])}, X)
    with pytest.raises(ModelError, match=r"Expected 0\.5, 0\.75, 1, 1\.5, 2, 3 or 4"):
        read_onnx(path)
