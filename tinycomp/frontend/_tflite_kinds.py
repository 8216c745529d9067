"""Kinds of unsupported model files, and advice.

Float models, other quantizations, models with state, control flow and custom operators each have
their own text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.ops._registry import by_tflite_name

QUANTIZE_AGAIN = (
    "Convert with full int8 quantization: optimizations = [tf.lite.Optimize.DEFAULT], a "
    "representative_dataset, and target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]."
)
_LEGACY = "Quantize the float model again with a TensorFlow of 2020 or later. " + QUANTIZE_AGAIN
CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that only change a tensor's type."""
_STATE = {
    "SVDF", "UNIDIRECTIONAL_SEQUENCE_RNN",
    "BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN", "LSTM", "RNN",
}  # fmt: skip
_LOOP = (
    "A loop over time is read if it is an LSTM, GRU or SimpleRNN in float32, with tanh, sigmoid or "
    "a kind of ReLU and a fixed number of steps, from a state of zeros. Build the .keras or .h5 "
    "file, which may have more, or convert the model without optimizations; unroll other loops."
)
_WINDOW = (
    "Convert the non-streaming form of the model, which takes a whole window; --push-input hands "
    "it in row by row. Use convolutions over time instead of recurrent layers."
)
_SVDF = (
    "An SVDF layer is a dense layer on each row and a depthwise convolution along time behind it: "
    "convert the model in that form, which takes a whole window; with --stream 1 the library takes "
    "one new row at a time."
)
_LISTS = "TensorList"
"""In names of custom operators that serve loops."""
_CONTROL = {"IF", "WHILE", "CALL", "STABLEHLO_WHILE", "STABLEHLO_CASE"}
_INSTEAD = {
    "EMBEDDING_LOOKUP": "Look indices up outside the model, and hand the vectors in.",
    "CUMSUM": "LiteRT has no int8 form of it: multiply with a triangular matrix of ones (a Dense "
    "layer without bias) instead.",
    **dict.fromkeys(
        ("SELECT", "SELECT_V2"),
        "A choice is read in float models where it makes an activation of Keras's of one tensor, "
        "and where it is known at build time. Use maximum, minimum or an activation instead.",
    ),
    "SUM": "LiteRT's reference kernel takes int8 sums for uint8, so that nothing could verify "
    "them: use a mean, and multiply it by the number of terms.",
    "TOPK_V2": "Save the model without it, and sort the outputs in the firmware.",
    "SPACE_TO_BATCH_ND": "It is read around a convolution of stride 1, as its dilation.",
    "BATCH_TO_SPACE_ND": "It is read around a convolution of stride 1, as its dilation.",
    "DEQUANTIZE": "It is read at the end of an int8 model, where its result is the output.",
}


def listed(file: TfliteFile, operators: Sequence[FileOperator]) -> str:
    """Labels of operators, with a capital first letter; at most the first eight."""
    shown = [file.label(operator) for operator in operators[:8]]
    if len(operators) > len(shown):
        shown.append(f"{len(operators) - len(shown)} more")
    text = ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
    return text[0].upper() + text[1:]


def calls(file: TfliteFile) -> Iterator[ModelError]:
    """Refuse several subgraphs, and repeated inputs and outputs, which a library can't
    represent.
    """
    if not file.inputs or len(set(file.inputs)) != len(file.inputs):
        yield ModelError(
            f"{file.name + '.tflite'!r} has "
            f"{'the inputs ' + file.names(file.inputs) if file.inputs else 'no input'}.",
            expected="Expected inputs, each once.",
            hint="Export the model again.",
        )
    if not file.outputs or len(set(file.outputs)) != len(file.outputs):
        yield ModelError(
            f"{file.name + '.tflite'!r} has "
            f"{'the outputs ' + file.names(file.outputs) if file.outputs else 'no output'}.",
            expected="Expected outputs, each once.",
            hint="Export the model again.",
        )
    called = any(op.builtin in _CONTROL | _STATE for op in file.operators)
    if len(file.subgraphs) - len(file.started) > 1 and not called:
        names = ", ".join(map(repr, file.subgraphs))
        yield ModelError(
            f"{file.name + '.tflite'!r} has {len(file.subgraphs)} subgraphs: {names}.",
            expected="Expected one: only the first would be built.",
            hint="Export each function as a separate model.",
        )


def operators(file: TfliteFile) -> Iterator[ModelError]:
    """Refuse operators by name, each type once."""
    with_state = [op for op in file.operators if op.builtin in _STATE or _variable(file, op)]
    if with_state:
        svdf = all(each.builtin == "SVDF" for each in with_state)
        yield ModelError(
            f"{listed(file, with_state)} {_keeps(with_state)} state from one inference to the next "
            "(a streaming or recurrent model).",
            expected="Expected a model that computes its output from its input alone.",
            hint=_SVDF if svdf else _WINDOW,
        )
    control = [op for op in file.operators if op.builtin in _CONTROL]
    if control:
        yield ModelError(
            f"{listed(file, control)} {_is(control)} control flow, which is not supported.",
            hint=_LOOP
            if any(op.builtin == "WHILE" for op in control)
            else "Choose branches before the export.",
        )
    custom = [op for op in file.operators if op.custom and not (control and _LISTS in op.custom)]
    if custom:
        yield _custom(file, custom)


def unsupported(file: TfliteFile, operators: Iterable[FileOperator]) -> Iterator[ModelError]:
    """Refuse operators without a module in ops/, each type once, except those with other texts."""
    known = {*by_tflite_name(), *_STATE, *_CONTROL, "CUSTOM"}
    found: dict[str, list[FileOperator]] = {}
    for operator in operators:
        if operator.builtin not in known and not _variable(file, operator):
            found.setdefault(operator.builtin, []).append(operator)
    otherwise = f"Use layers that convert to the supported operators: {_supported()}."
    for builtin, same in found.items():
        yield ModelError(
            f"{listed(file, same)} {_is(same)} not supported.",
            hint=_INSTEAD.get(builtin, otherwise),
        )


def _supported() -> str:
    return ", ".join(sorted(by_tflite_name()))


def number_format(file: TfliteFile) -> ModelError | None:
    """The refusal of a file in uint8; None for all others."""
    computing = [op for op in file.operators if op.builtin not in CONVERSIONS and op.outputs]
    results = {file.tensors[op.outputs[0]].dtype for op in computing}
    model = f"{file.name + '.tflite'!r}"
    if results & {"int8", "int16"}:
        return None
    if "uint8" in results:
        return ModelError(
            f"{model} is quantized to uint8, the legacy format.",
            expected="Expected int8 weights and activations.",
            hint=_LEGACY,
        )
    return None


def islands(file: TfliteFile) -> Iterator[ModelError]:
    """Refuse layers of an int8 model with another data type, each type once."""
    found: dict[str, list[FileOperator]] = {}
    for operator in file.operators:
        if operator.outputs and operator.builtin not in CONVERSIONS:
            dtype = file.tensors[operator.outputs[0]].dtype
            if dtype not in ("int8", "int16", "int32", "int64", "bool"):
                found.setdefault(dtype, []).append(operator)
    for dtype, layers in found.items():
        legacy = dtype == "uint8"
        yield ModelError(
            f"{listed(file, layers)} compute{'s' if len(layers) == 1 else ''} in {dtype} inside an "
            "int8 model.",
            expected="Expected int8 layers, with conversions only at the model's input and output.",
            hint=_LEGACY if legacy else "The converter left them so, as they have no int8 form: "
            "take them out of the model, or use others. " + QUANTIZE_AGAIN,
        )  # fmt: skip


def powers_of_two(file: TfliteFile) -> Iterator[ModelError]:
    """Refuse sums on int16 that LiteRT computes by shifts, as all their scales are powers of 2."""
    for operator in file.operators:
        if not getattr(operator.options, "potScaleInt16", False) or not operator.outputs:
            continue
        tensors = [file.tensors[index] for index in (*operator.inputs, *operator.outputs)]
        scales = [scale for tensor in tensors for scale in tensor.scales]
        if all(tensor.dtype == "int16" for tensor in tensors) and all(map(_is_power, scales)):
            yield ModelError(
                f"{listed(file, [operator])} adds int16 values by shifts (pot_scale_int16).",
                expected="Expected pot_scale_int16 = false, as today's converters write it.",
                hint="Convert the model again with a TensorFlow of 2021 or later.",
            )


def _is_power(scale: float) -> bool:
    log = math.log2(scale)
    return abs(log - round(log)) < 1e-3


_COMPILED = {
    "edgetpu-custom-op": ("the Edge TPU", "edgetpu_compiler"),
    "ethos-u": ("Arm's Ethos-U", "Vela"),
}
"""By custom operator, the unit for which a compiler has replaced layers, and that compiler."""
_CUT = "Cut the model before the custom operator, and compute the rest in the firmware."


def _custom(file: TfliteFile, custom: Sequence[FileOperator]) -> ModelError:
    names = {operator.custom for operator in custom}
    hint = _CUT
    for name in sorted(names & {*_COMPILED}):
        unit, compiler = _COMPILED[name]
        hint = f"The file is compiled for {unit}: build the .tflite that was given to {compiler}."
    if any(name.startswith("Flex") for name in names):
        hint = "Convert without SELECT_TF_OPS, and use layers that have a TFLite operator."
    return ModelError(
        f"{listed(file, custom)} {_is(custom)} not of TFLite's own operators.",
        expected="Expected built-in operators only.",
        hint=hint,
    )


def _variable(file: TfliteFile, operator: FileOperator) -> bool:
    """Whether it keeps state, other than what an LSTM starts anew with every inference."""
    return operator.builtin != "UNIDIRECTIONAL_SEQUENCE_LSTM" and any(
        file.tensors[i].variable for i in (*operator.inputs, *operator.outputs) if i >= 0
    )


def _is(operators: Iterable[FileOperator]) -> str:
    return "is" if len(list(operators)) == 1 else "are"


def _keeps(operators: Sequence[FileOperator]) -> str:
    return "keeps" if len(operators) == 1 else "keep"
