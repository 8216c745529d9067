"""Reads UNIDIRECTIONAL_SEQUENCE_LSTM: its 20 or 24 inputs, states and intermediates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_kinds import QUANTIZE_AGAIN
from tinycomp.frontend._tflite_values import constant, quantization
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Operands, QuantizationParameters, Tensor
from tinycomp.ops._quantized import parameters
from tinycomp.ops.lstm import GATES, LEAST_EXPONENT, MOST_EXPONENT, Lstm

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_INPUT_WEIGHTS, _STATE_WEIGHTS, _BIASES = range(1, 5), range(5, 9), range(12, 16)
_STATE, _CELL = 18, 19
_ABSENT = (
    ((9, 10, 11), "peephole connections"),
    ((16, 17), "a projection"),
    ((20, 21, 22, 23), "layer normalization"),
)
_HIDDEN = 4
"""Of the intermediates: the output before a projection; here the output itself."""
_TANH = 4
"""Number of the activation in TFLite."""


def read_lstm(
    file: TfliteFile,
    operator: FileOperator,
    operands: Operands,
    free: Callable[[str], str],
) -> tuple[Operator, Constant, Constant]:
    """The operator, its weights and its bias.

    Args:
        file: the file.
        operator: in the file.
        operands: the input (steps, features), and the output, whose shape does not matter.
        free: makes an unused name.

    Raises:
        ModelError: it has parts that are not supported, or wrong types.
    """
    _require_plain(operator)
    integer = operands.output.dtype == "int8"
    groups = [
        [_constant(file, operator.inputs[place], operands.output.dtype) for place in places]
        for places in (_INPUT_WEIGHTS, _STATE_WEIGHTS, _BIASES)
    ]
    inputs, states, biases = groups
    _require_shapes(operands, inputs, states, biases)
    rows = [np.concatenate([each.values for each in group]) for group in groups]
    weights = Constant(free(f"{operands.output.name}/weights"), np.concatenate(rows[:2], axis=1))
    bias = Constant(free(f"{operands.output.name}/bias"), rows[2])
    op = Lstm(float(operator.options.cellClip))
    if not integer:
        return op, weights, bias
    units = len(biases[0].values)
    scales = [_scales(group) for group in (inputs, states)]
    source = np.float32(parameters(operands.activations[0]).scale)
    weights = _scaled(weights, np.repeat(scales[0], units))
    bias = _scaled(bias, np.repeat(source * scales[0], units))
    same = np.array_equal(scales[0], scales[1])
    known = tuple(float(each) for each in scales[1])
    return (
        Lstm(op.cell_clip, _exponent(file, operator, operands), None if same else known),
        weights,
        bias,
    )


def _require_plain(operator: FileOperator) -> None:
    """Refuse the operator's other forms by name."""
    if len(operator.inputs) not in (20, 24):
        raise ModelError(
            f"It has {len(operator.inputs)} inputs.",
            expected="Expected 24, or 20 in old files.",
            hint="Copy or export the file again.",
        )
    for places, what in _ABSENT:
        if any(operator.inputs[place] >= 0 for place in places if place < len(operator.inputs)):
            raise ModelError(f"It has {what}.", expected="Expected an LSTM without.", hint=_PLAIN)
    if any(operator.inputs[place] < 0 for place in (1, 5, 12)):
        raise ModelError(
            "It couples the input gate with the forget gate.",
            expected="Expected an LSTM with four gates.",
            hint=_PLAIN,
        )
    options = operator.options
    if options is None or options.fusedActivationFunction != _TANH:
        code = None if options is None else options.fusedActivationFunction
        raise ModelError(
            f"Its activation has the number {code}.", expected="Expected TANH.", hint=_PLAIN
        )
    if getattr(options, "diagonalRecurrentTensors", False):
        raise ModelError(
            "It has diagonal weights of the state.", expected="Expected matrices.", hint=_PLAIN
        )


_PLAIN = "Use keras.layers.LSTM with its default activations."


def _constant(file: TfliteFile, index: int, dtype: str) -> Constant:
    if index < 0:
        raise ModelError("It lacks weights or a bias.", hint="Copy or export the file again.")
    table = file.tensors[index]
    if table.values is None:
        raise ModelError(
            f"It reads {table.name!r}, which is not constant.",
            expected="Expected constant weights and biases.",
            hint="Export the model again.",
        )
    return constant(table, dtype)


def _require_shapes(
    operands: Operands,
    inputs: Sequence[Constant],
    states: Sequence[Constant],
    biases: Sequence[Constant],
) -> None:
    """All gates have matrices of one shape, and a bias for each of their rows."""
    features = operands.activations[0].shape[-1]
    units = biases[0].values.size
    integer = operands.output.dtype == "int8"
    for group, shape, wanted in (
        (inputs, (units, features), "int8" if integer else "float32"),
        (states, (units, units), "int8" if integer else "float32"),
        (biases, (units,), "int32" if integer else "float32"),
    ):
        for each in group:
            if each.shape != shape or each.values.dtype != wanted:
                raise ModelError(
                    f"{each.name!r} is {each.values.dtype} of shape {each.shape}.",
                    expected=f"Expected {wanted} of shape {shape}.",
                    hint=QUANTIZE_AGAIN if integer else "Export the model again.",
                )


def _scales(matrices: Sequence[Constant]) -> NDArray[np.float32]:
    """One scale for each gate."""
    for gate, matrix in zip(GATES, matrices, strict=True):
        known = matrix.quantization
        if known is None or len(known.scales) != 1 or known.zero_points != (0,):
            raise ModelError(
                f"{matrix.name!r}, weights of the {gate} gate, have no single scale.",
                expected="Expected one scale, and the zero point 0.",
                hint=QUANTIZE_AGAIN,
            )
    return np.array([parameters(matrix).scale for matrix in matrices], np.float32)


def _scaled(constant: Constant, scales: NDArray[np.float32]) -> Constant:
    known = QuantizationParameters(tuple(map(float, scales)), (0,) * len(scales), 0)
    return Constant(constant.name, constant.values, known)


def _exponent(file: TfliteFile, operator: FileOperator, operands: Operands) -> int:
    """The power of two that is the cell state's scale.

    Raises:
        ModelError: the states have other types or scales than LiteRT's kernel wants.
    """
    state, cell = (file.tensors[max(operator.inputs[place], 0)] for place in (_STATE, _CELL))
    _require_output(state, operands.output, "int8")
    if len(operator.intermediates) > _HIDDEN:
        _require_output(file.tensors[operator.intermediates[_HIDDEN]], operands.output, "int8")
    scale = cell.scales[0] if len(cell.scales) == 1 else 0.0
    exponent = int(np.log2(scale)) if scale > 0 else 0
    if cell.dtype != "int16" or not cell.variable or scale != 2.0**exponent:
        raise ModelError(
            f"Its cell state {cell.name!r} is {cell.dtype} with the scale {scale:g}.",
            expected="Expected a variable of int16, whose scale is a power of two.",
            hint=QUANTIZE_AGAIN,
        )
    if not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:
        raise ModelError(
            f"Its cell state {cell.name!r} has the scale 2^{exponent}.",
            expected=(
                f"Expected 2^{LEAST_EXPONENT} to 2^{MOST_EXPONENT}, as LiteRT's kernel has it."
            ),
            hint="Calibrate with data that makes the cell state other than zero, and not huge.",
        )
    return exponent


def _require_output(tensor: FileTensor, output: Tensor, dtype: str) -> None:
    """Check that the state, or what it is made of, is quantized like the output."""
    if tensor.dtype != dtype or quantization(tensor) != output.quantization:
        raise ModelError(
            f"{tensor.name!r} is {tensor.dtype} with the scales {tensor.scales} and zero points "
            f"{tensor.zero_points}.",
            expected=f"Expected those of its output {output.name!r}.",
            hint=QUANTIZE_AGAIN,
        )
