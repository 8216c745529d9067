"""Files that can't be built: each kind has its own message, and all reasons are named at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conformance import cases_of
from tflite_edits import (
    CONVOLUTION,
    FLOAT32,
    INT8,
    INT16,
    UINT8,
    Edit,
    add_code,
    add_tensor,
    builtin,
    case,
    edited,
    operator,
    put,
)

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite


def refused(*edits: Edit, source: Any = CONVOLUTION) -> str:
    with pytest.raises(ModelError) as caught:
        parse_tflite(edited(source, *edits), "x")
    return str(caught.value)


def _activations(dtype: int) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        for index in (*subgraph.inputs, *subgraph.outputs):
            subgraph.tensors[int(index)].type = dtype

    return edit


def _constants(numpy_type: Any, dtype: int) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        for index in subgraph.operators[0].inputs[1:]:
            table = subgraph.tensors[int(index)]
            values = np.zeros(int(np.prod(table.shape)), numpy_type)
            model.buffers[table.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
            table.type = dtype

    return edit


FORMATS: dict[str, tuple[tuple[Edit, ...], str]] = {
    "16x8 with zero points": (
        (_activations(INT16),),
        "The tensor 'input' (int16) has the zero point -3. Expected 0: 16-bit "
        "activations are symmetric.",
    ),
    "legacy uint8": (
        (_activations(UINT8), _constants(np.uint8, UINT8)),
        "'x.tflite' is quantized to uint8, the legacy format. Expected int8 weights and "
        "activations. Quantize the float model again with a TensorFlow of 2020 or later.",
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_number_formats(name: str) -> None:
    edits, text = FORMATS[name]
    assert refused(*edits).startswith(text)


def test_uint8_weights_in_an_int8_model() -> None:
    assert refused(put(1, type=UINT8)) == (
        "Operator 0 (CONV_2D, 'conv_2d'): The constant 'weights' is uint8. Expected int8 weights "
        "and int32 biases. uint8 weights are the legacy format: quantize the float model "
        "again. Convert with full int8 quantization: optimizations = [tf.lite.Optimize.DEFAULT], a "
        "representative_dataset, and target_spec.supported_ops = "
        "[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]."
    )


def test_no_output() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        subgraph.outputs = np.array([], np.int32)

    assert refused(edit).startswith("'x.tflite' has no output. Expected outputs, each once.")


def test_no_input() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        subgraph.inputs = np.array([], np.int32)

    assert (
        "'x.tflite' has no input. Expected inputs, each once. Export the model again."
        in refused(edit)
    )


def test_repeated_input() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        subgraph.inputs = np.array([*subgraph.inputs, *subgraph.inputs], np.int32)

    assert refused(edit).startswith(
        "'x.tflite' has the inputs 'input', 'input'. Expected inputs, each once"
    )


def _output_named(model: Any, subgraph: Any) -> None:
    """A second output: the rectified first."""
    extra = add_tensor(subgraph, "other", int(subgraph.outputs[0]), INT8)
    code = add_code(model, "RELU", 2)
    subgraph.operators.append(operator(code, [int(subgraph.outputs[0])], [extra]))
    subgraph.outputs = np.array([*subgraph.outputs, extra], np.int32)


def test_signature_of_other_tensors() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        _output_named(model, subgraph)
        subgraph.outputs = subgraph.outputs[:1]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serve", 0
        signature.inputs, signature.outputs = [schema.TensorMapT()], [schema.TensorMapT()]
        signature.inputs[0].tensorIndex = int(subgraph.inputs[0])
        signature.outputs[0].tensorIndex = len(subgraph.tensors) - 1
        model.signatureDefs = [signature]

    plain = parse_tflite(edited(CONVOLUTION), "x")
    graph = parse_tflite(edited(CONVOLUTION, edit), "x")
    assert graph.outputs == plain.outputs
    assert "The signature 'serve' reads tensors [0] and returns tensors [4]; " in graph.notes[0]


def _custom(name: bytes) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        builtin("CUSTOM")(model, subgraph)
        model.operatorCodes[0].customCode = name

    return edit


LAYERS: dict[str, tuple[Edit, str]] = {
    "recurrent": (
        builtin("UNIDIRECTIONAL_SEQUENCE_RNN"),
        "Operator 0 (UNIDIRECTIONAL_SEQUENCE_RNN, 'conv_2d') keeps state from one inference to "
        "the next (a streaming or recurrent model). Expected a model that computes its output "
        "from its input alone. Convert the non-streaming form of the model, which takes a "
        "whole window",
    ),
    "SVDF": (
        builtin("SVDF"),
        "from its input alone. An SVDF layer is a dense layer on each row and a depthwise "
        "convolution along time behind it: convert the model in that form",
    ),
    "no variable": (
        builtin("READ_VARIABLE"),
        "Operator 0 (READ_VARIABLE, 'conv_2d') uses a variable that no VAR_HANDLE before it names",
    ),
    "variable": (put(0, isVariable=True), "Operator 0 (CONV_2D, 'conv_2d') keeps state"),
    "control flow": (
        builtin("WHILE"),
        "Operator 0 (WHILE, 'conv_2d') is control flow, which is not supported. A loop over time",
    ),
    "custom": (
        _custom(b"TFLite_Detection_PostProcess"),
        "Operator 0 (custom 'TFLite_Detection_PostProcess', 'conv_2d') is not of TFLite's own "
        "operators. Expected built-in operators only. Cut the model before the custom operator,",
    ),
    "compiled for the Ethos-U": (
        _custom(b"ethos-u"),
        "The file is compiled for Arm's Ethos-U: build the .tflite that was given to Vela.",
    ),
    "compiled for the Edge TPU": (
        _custom(b"edgetpu-custom-op"),
        "The file is compiled for the Edge TPU: build the .tflite that was given to edgetpu_",
    ),
    "flex": (_custom(b"FlexErf"), "Convert without SELECT_TF_OPS"),
    "sorting": (builtin("TOPK_V2"), "is not supported. Save the model without it, and sort the"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    edit, text = LAYERS[name]
    assert text in refused(edit)


def test_float_island() -> None:
    """DEQUANTIZE, a float layer, QUANTIZE in the middle of an int8 model."""

    def edit(model: Any, subgraph: Any) -> None:
        before = int(subgraph.outputs[0])
        inner = [
            add_tensor(subgraph, name, before, FLOAT32, plain=True) for name in ("wide", "round")
        ]
        after = add_tensor(subgraph, "after", before, INT8)
        dequantize, rounding = add_code(model, "DEQUANTIZE", 2), add_code(model, "ROUND")
        quantize = add_code(model, "QUANTIZE")
        subgraph.operators += [
            operator(dequantize, [before], [inner[0]]),
            operator(rounding, inner[:1], inner[1:]),
            operator(quantize, inner[1:], [after], schema.QuantizeOptionsT()),
        ]
        subgraph.outputs = np.array([after], np.int32)

    text = refused(edit)
    assert "Operator 2 (ROUND, 'round') computes in float32 inside an int8 model." in text


def test_all_reasons_at_once() -> None:
    """Two unsupported layers of one kind, one of another kind, a broken scale, and two outputs."""

    def edit(model: Any, subgraph: Any) -> None:
        codes = [add_code(model, name) for name in ("CUMSUM", "TOPK_V2", "CUMSUM")]
        tensor = int(subgraph.outputs[0])
        for number, code in enumerate(codes):
            following = add_tensor(subgraph, f"t{number}", tensor, INT8)
            subgraph.operators.append(operator(code, [tensor], [following]))
            tensor = following

    text = refused(edit, put(1, zeroPoint=np.full(5, 3)))
    lines = text.splitlines()
    assert lines[0] == "'x.tflite' can't be built for 3 reasons:"
    assert lines[1].startswith(
        "1. Operator 0 (CONV_2D, 'conv_2d'): It has weights with a zero point that is not 0."
    )
    assert "Operator 1 (CUMSUM, 't0') and operator 3 (CUMSUM, 't2') are not supported." in text
    assert "Operator 2 (TOPK_V2, 't1') is not supported." in text


def test_every_broken_layer_is_named() -> None:
    """Both convolutions of a graph have broken weights: both are named."""

    def edit(model: Any, subgraph: Any) -> None:
        for each in subgraph.operators[:2]:
            weights = subgraph.tensors[int(each.inputs[1])]
            weights.quantization.zeroPoint = np.full(1, 3)

    text = refused(edit, source=case("add", "NONE"))
    assert text.startswith("'x.tflite' can't be built for 2 reasons:\n1. Operator 0 (CONV_2D, ")
    assert "\n2. Operator 1 (CONV_2D, " in text


QUANTIZATION: dict[str, tuple[Edit, str]] = {
    "negative": (put(0, scale=np.array([-0.1], np.float32)), "quantization scale -0.1."),
    "nan": (put(0, scale=np.array([np.nan], np.float32)), "quantization scale nan."),
    "infinite": (put(-1, scale=np.array([np.inf], np.float32)), "quantization scale inf."),
    "denormal": (put(0, scale=np.array([1e-40], np.float32)), "quantization scale 9.99995e-41."),
    "counts": (put(0, zeroPoint=np.array([0, 0])), "'input' has 1 scales and 2 zero points."),
    "no zero point": (put(0, zeroPoint=None), "'input' has 1 scales and 0 zero points."),
    "range": (put(0, zeroPoint=np.array([200])), "(int8) has the zero point 200. Expected -128 to"),
    "bias": (put(2, zeroPoint=np.full(5, 1)), "'bias' (int32) has the zero point 1. Expected 0."),
    "dimension": (
        put(1, quantizedDimension=7),
        "is quantized along axis 7. Expected one of its axes.",
    ),
    "many": (
        put(0, scale=np.ones(6, np.float32), zeroPoint=np.zeros(6, np.int64), quantizedDimension=2),
        "'input' has no scale and zero point.",
    ),
}


@pytest.mark.parametrize("name", QUANTIZATION)
def test_quantization(name: str) -> None:
    edit, text = QUANTIZATION[name]
    assert text in refused(edit)


def _int32(*values: int) -> Any:
    return np.array(values, np.int32)


def _options(**values: Any) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        for name, value in values.items():
            setattr(subgraph.operators[0].builtinOptions, name, value)

    return edit


def _operator(**values: Any) -> Edit:
    def edit(model: Any, subgraph: Any) -> None:
        for name, value in values.items():
            setattr(subgraph.operators[0], name, value)

    return edit


STRUCTURE: dict[str, tuple[Edit, str]] = {
    "stride": (_options(strideH=0), "has the stride (0, 1)."),
    "dilation": (_options(dilationWFactor=-3), "has the dilation (1, -3)."),
    "padding": (_options(padding=9), "has the padding number 9."),
    "inputs": (_operator(inputs=_int32(0, 99, 2)), "of operator 0 (CONV_2D) are tensors [0, 9"),
    "outputs": (_operator(outputs=_int32(-4)), "outputs of operator 0 (CONV_2D) are tensors ["),
    "kind": (_operator(opcodeIndex=9), "Operator 0 has the kind 9. Expected one of its 1 kinds of"),
    "cycle": (
        _operator(inputs=_int32(1, 2, 3)),
        "It reads 'conv_2d', which no operator",
    ),
    "itself": (_operator(outputs=_int32(0)), "It writes 'input', which is an input, a const"),
    "no input": (_operator(inputs=_int32(-1, 2, 3)), "It lacks an input."),
    "buffer": (put(1, buffer=77), "The tensor 'weights' has the buffer 77. Expected one of its"),
    "type": (put(0, type=99), "The tensor 'input' is of the unknown type 99."),
    "empty": (
        put(0, shape=_int32(1, 0, 6, 3)),
        "'input' has the shape (1, 0, 6, 3). Expected sizes",
    ),
    "huge": (
        put(0, shape=_int32(1, 1 << 30, 6, 3)),
        "Expected sizes from 1, and at most 16,777,216",
    ),
    "options": (_operator(builtinOptions=schema.AddOptionsT(), builtinOptionsType=11), "AddOptio"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(name: str) -> None:
    edit, text = STRUCTURE[name]
    assert text in refused(edit)


def test_a_tensor_that_is_written_twice() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        subgraph.operators.append(subgraph.operators[0])

    assert "It writes 'conv_2d', which is an input, a constant or written before." in refused(edit)


def test_float_options_are_numbers() -> None:
    def edit(model: Any, subgraph: Any) -> None:
        subgraph.operators[0].builtinOptions.beta = float("nan")

    text = refused(edit, source=cases_of("softmax")[0])
    assert text.startswith(
        "The option beta of operator 0 (SOFTMAX) is nan. Expected a number of at most"
    )


def test_a_variable_tensor_without_a_writer_is_one_reason() -> None:
    """A recurrent operator reads its variable tensor, and lists empty intermediates."""

    def edit(model: Any, subgraph: Any) -> None:
        source = int(subgraph.inputs[0])
        state = add_tensor(subgraph, "state", source, INT8)
        empty = add_tensor(subgraph, "intermediate", source, FLOAT32, plain=True)
        subgraph.tensors[state].isVariable = True
        subgraph.tensors[empty].shape = np.array([0], np.int32)
        recurrent = subgraph.operators[0]
        recurrent.inputs = np.array([*recurrent.inputs, state], np.int32)
        recurrent.intermediates = np.array([empty], np.int32)
        builtin("UNIDIRECTIONAL_SEQUENCE_RNN")(model, subgraph)

    text = refused(edit)
    assert "keeps state" in text
    assert "can't be built" not in text


def test_an_empty_tensor_between_operators() -> None:
    assert "has the shape (0,)" in refused(put(0, shape=np.array([0], np.int32)))
