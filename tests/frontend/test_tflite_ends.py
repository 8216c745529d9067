"""Files with type conversions around an int8 core: which are removed, and that values are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host import run_on_host
from tflite_edits import (
    CONVOLUTION,
    DENSE,
    FLOAT32,
    UINT8,
    convert_input,
    convert_output,
    edited,
    put,
)

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.emit.library import emit_library
from tinycomp.frontend.tflite import parse_tflite, standard_tflite
from tinycomp.ir.graph import Ends
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify

ENDS = {
    "float": (convert_input(FLOAT32), convert_output(FLOAT32)),
    "uint8": (convert_input(UINT8, 128), convert_output(UINT8, 128)),
    "float to uint8": (convert_input(FLOAT32), convert_output(UINT8, 128)),
    "uint8 to int8": (convert_input(UINT8, 128),),
    "int8 to float": (convert_output(FLOAT32),),
    "uint8 with other parameters": (convert_input(UINT8, 100), convert_output(UINT8, 130)),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("case", [CONVOLUTION, DENSE], ids=["conv_2d", "fully_connected"])
def test_core_equals_litert_running_the_whole_file(name: str, case: Any) -> None:
    data = edited(case, *ENDS[name])
    graph = reduce(parse_tflite(data, "model"), Silent())
    found = verify(graph, data, case.inputs, [simulator(graph)])
    assert found.equal, str(found.differences)
    expected = oracle.run_output(data, case.inputs)
    assert len(np.unique(expected)) > 3
    assert np.array_equal(run_on_host(graph, case.inputs)[graph.outputs[0]], expected)


def test_int8_inputs_reach_the_core_unchanged() -> None:
    for edits in (ENDS["float"], ENDS["uint8"]):
        tensors = oracle.run(edited(CONVOLUTION, *edits), CONVOLUTION.inputs)
        assert np.array_equal(tensors["input"], CONVOLUTION.inputs)


def test_removed_conversions_are_noted() -> None:
    graph = parse_tflite(edited(CONVOLUTION, *ENDS["float to uint8"]), "model")
    assert graph.ends == Ends("float32", "uint8")
    assert graph.inputs == ("input",)
    assert [node.op.name for node in graph.nodes] == ["conv_2d"]
    assert graph.notes == (
        "The file takes float32 (input 'outer_in'); the library takes int8: the conversion was "
        "taken off, and <name>_quantize_input() in the header does it.",
        "The file returns uint8 (output 'outer_out'); the library returns int8: the conversion was "
        "taken off, and <name>_output_to_uint8() in the header does it.",
    )


def test_header_has_helpers_for_uint8_ends() -> None:
    def header(*edits: Any) -> str:
        graph = parse_tflite(edited(CONVOLUTION, *edits), "m")
        return emit_library(plan(lower(graph)), prefix="m", model_hash="0")["m.h"]

    both = header(*ENDS["uint8"])
    assert "int8_t m_input_from_uint8(uint8_t value)" in both
    assert "uint8_t m_output_to_uint8(int8_t value)" in both
    assert "uint8_t" not in header(*ENDS["float"])


def test_a_wrong_quantized_dimension_is_corrected(tmp_path: Path) -> None:
    """As in TFLM's person_detect: LiteRT rejects a bias that is quantized along axis 3."""
    data = edited(CONVOLUTION, put(2, quantizedDimension=3))
    with pytest.raises(ModelError, match="quantized_dimension must be in range"):
        oracle.run(data, CONVOLUTION.inputs)
    graph = parse_tflite(data, "model")
    assert graph.notes == (
        "LiteRT rejects quantized_dimension of 1 tensor of one axis (the first: 'bias')"
        ". It was set to 0, which changes no value.",
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    mended = standard_tflite(path)
    assert sum(a != b for a, b in zip(data, mended, strict=True)) == 1
    assert verify(graph, mended, CONVOLUTION.inputs, [simulator(graph)]).equal
    assert parse_tflite(mended, "model").notes == ()


def test_implicit_flatten_is_verified() -> None:
    """As in TFLM's micro_speech: the file has no tensor for a dense layer's flattened input."""

    def reshape_input(model: Any, subgraph: Any) -> None:
        subgraph.tensors[int(subgraph.inputs[0])].shape = np.array([1, 4, 8, 2], np.int32)

    data = edited(DENSE, reshape_input)
    graph = parse_tflite(data, "model")
    inputs = DENSE.inputs.reshape(-1, 4, 8, 2)
    found = verify(graph, data, inputs, [simulator(graph)])
    assert found.equal
    assert found.tensors == 2
