"""Files with 16-bit activations: operators are read back, what has no such form is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conformance import CaseBuilder, parameters
from int16_cases import cases
from tflite_edits import edited

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.int16._registry import on_int16
from tinycomp.ops.add import Add
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.simulate import run

FOUND = cases()


@pytest.mark.parametrize("operator", on_int16())
def test_files_are_read_back(operator: str) -> None:
    for case in FOUND[operator]:
        if "max_value=1.0" in case.name:  # written as a minimum with a constant, which is not read
            continue
        again = parse_tflite(write_tflite(case.graph), "x")
        np.testing.assert_array_equal(run(again, case.inputs), run(case.graph, case.inputs))


def test_an_operator_without_a_form_is_refused_by_name() -> None:
    builder = CaseBuilder((4, 3), parameters(0.001), "int16")
    builder.add(HardSwish(), ["input"], parameters(0.001))
    with pytest.raises(
        ModelError, match=r"'hard_swish' \(hard_swish\) reads int16 and returns int16: it has no"
    ):
        parse_tflite(write_tflite(builder.graph()), "x")


def test_sums_by_shifts_are_refused() -> None:
    builder = CaseBuilder((4, 3), parameters(0.125), "int16")
    builder.add(Add(), ["input", "input"], parameters(0.25))
    data = write_tflite(builder.graph())
    assert parse_tflite(data, "x").nodes

    def by_shifts(model: Any, subgraph: Any) -> None:
        subgraph.operators[0].builtinOptions.potScaleInt16 = True

    with pytest.raises(ModelError, match=r"ADD, 'add'\) adds int16 values by shifts"):
        parse_tflite(edited(data, by_shifts), "x")


def test_a_bias_of_32_bits_is_refused() -> None:
    graph = FOUND["fully_connected"][0].graph
    bias = graph.constants["bias"]
    short = replace(bias, values=bias.values.astype(np.int32))
    graph = replace(graph, constants=graph.constants | {"bias": short})
    with pytest.raises(ModelError, match=r"It has a bias that is not constant int64"):
        parse_tflite(write_tflite(graph), "x")
