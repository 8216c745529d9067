"""The cases of the onnx package's own conformance suite, with all inputs but the first constant."""

from __future__ import annotations

import warnings
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx_runs import inside

from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_choices import CHOICES
from tinycomp.frontend._onnx_joins import JOINS
from tinycomp.frontend._onnx_moves import MOVES
from tinycomp.frontend._onnx_operators import OPERATORS
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.tensor import Array
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

ALWAYS = (
    "a batch of",
    "is of type",
    "The input 'x'",
    "An input of shape",
    "has the shape ()",
    "has an input of shape",
)
"""Refusals of inputs: the suite has batches, whole numbers and four axes besides."""
REFUSED = {
    "ArgMax": ["takes the last of equal values"],
    "ArgMin": ["takes the last of equal values"],
    "AveragePool": ["has dilations"],
    "BatchNormalization": ["is in training mode"],
    "Clip": ["clips to"],
    "ConvTranspose": ["has dilations"],
    "Dropout": ["The output 'z'", "drops values out"],
    "Gemm": ["adds a bias of shape (3, 4)"],
    "LpNormalization": ["divides by sums of values"],
    "Einsum": ["Expected one matrix for all", "...ii->...i"],
    "MatMul": ["Expected one matrix for all samples"],
    "Max": ["a bound for each value"],
    "MaxPool": ["has dilations", "the places of its maxima"],
    "Min": ["a bound for each value"],
    "Pow": ["raises to the power"],
    "Div": ["compute in whole numbers"],
    **{kind: ["(2, 0, 4)"] for kind in OPERATORS if kind.startswith("Reduce")},
    "Slice": ["takes no cell"],
    "Split": ["into [0, 0, 0]"],
    "Resize": ["cubic", "tf_crop", "blurs", "aspect ratio", "resizes (1, 1,", "half_pixel_symm"],
}
"""By operator, what the refusals of further cases say."""

ONE_SAMPLE = ("BatchNormalization", "GroupNormalization", "InstanceNormalization", "LRN")
"""Operators of which a case's first sample is taken."""
NONE_COMPUTED = (
    "Cast", "Concat", "Flatten", "Reciprocal", "LSTM", "GRU", "RNN", "QuantizeLinear",
    "DequantizeLinear", "CumSum", "MeanVarianceNormalization", "Not",
)  # fmt: skip
"""Operators whose cases have batches, whole numbers or several outputs: other tests have them."""


@cache
def cases() -> dict[str, list[Any]]:
    """By operator."""
    found = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = collect_testcases(None)
    for case in every:
        whole = case.model is not None and len(case.model.graph.node) == 1
        if whole and case.model.graph.node[0].op_type in OPERATORS and _usual(case):
            found[case.model.graph.node[0].op_type].append(case)
    return found


def _usual(case: Any) -> bool:
    """Whether all inputs are arrays of numbers, of operators since opset 7."""
    inputs = case.data_sets[0][0]
    arrays = all(isinstance(each, np.ndarray) and each.dtype != object for each in inputs)
    return arrays and case.model.opset_import[0].version >= 7


def test_most_operators_have_cases():
    assert OPERATORS.keys() <= cases().keys() | {"Cast", "CumSum", "Not"}
    assert sum(map(len, cases().values())) >= 400


@pytest.mark.parametrize("kind", sorted(OPERATORS.keys() - {*NONE_COMPUTED}))
def test_conformance(kind: str, tmp_path: Path) -> None:
    computed, refused = 0, []
    for case in cases()[kind]:
        path = tmp_path / f"{case.name}.onnx"
        whole, x, expected = _alone(case)
        onnx.save(whole, path)
        try:
            graph = read_onnx(path)
        except ModelError as error:
            refused.append(f"{case.name}: {error}")
            continue
        computed += 1
        shape = graph.tensors[graph.inputs[0]].shape
        x = inside(graph, "Input", x).reshape(1, *shape)
        for found in (lower_batch_normalization(graph), clean_up(graph)):
            outputs = oracle.run_float(write_tflite(found), x).values()
            for output, wanted in zip(outputs, expected, strict=True):
                values = inside(graph, "Output", wanted).astype(np.float32)
                near = 1e-2 if str(wanted.dtype) == "bfloat16" else 1e-4
                np.testing.assert_allclose(
                    output.ravel(), values.ravel(), rtol=near, atol=near, err_msg=case.name
                )
    assert computed
    texts = (*ALWAYS, *REFUSED.get(kind, []))
    assert [each for each in refused if not any(text in each for text in texts)] == []


def _alone(case: Any) -> tuple[Any, Array, list[Array]]:
    """The case's model with all inputs but the first as initializers, that input, and the outputs.

    Values that only move, or are compared, may be whole numbers in the suite, and statistics
    are second outputs.
    """
    copy = onnx.ModelProto.FromString(case.model.SerializeToString())
    kind, (inputs, expected) = copy.graph.node[0].op_type, case.data_sets[0]
    names = [each.name for each in copy.graph.input]
    for name, values in list(zip(names, inputs, strict=True))[1:]:
        copy.graph.initializer.append(numpy_helper.from_array(values, name))
    del copy.graph.input[1:]
    first = copy.graph.input[0].type.tensor_type
    if kind in {*MOVES, *CHOICES, *JOINS}:
        first.elem_type = onnx.TensorProto.FLOAT
    if kind == "LayerNormalization":
        del copy.graph.output[1:]
        expected = expected[:1]
    x = inputs[0]
    if kind in ONE_SAMPLE:
        first.shape.dim[0].dim_value = 1
        x, expected = x[:1], [each[:1] for each in expected]
    return copy, x.astype(np.float32), expected
