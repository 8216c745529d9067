"""Reads an int8 .tflite into a Graph; what options mean is the business of each from_tflite.

The batch axis, which must be 1, is dropped. Whatever is not understood is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import (
    Array,
    Constant,
    Operands,
    QuantizationParameters,
    Shape,
    Tensor,
    Value,
)
from tinycomp.ops._quantized import parameters
from tinycomp.ops._registry import by_tflite_name, operators

IDENTIFIER = b"TFL3"
_DAMAGE = (
    struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError,
)  # fmt: skip
"""What flatbuffers' Python reader and NumPy raise for offsets and sizes that lead nowhere."""
_BUILTINS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if name.isupper()}
_QUANTIZE_AGAIN = (
    "Convert with full int8 quantization: representative data, "
    "inference_input_type and inference_output_type tf.int8."
)
_INSTEAD = {
    "DEQUANTIZE": _QUANTIZE_AGAIN,
    "SPLIT": "Split the layer before it into several layers.",
    "TRANSPOSE_CONV": "Use nearest-neighbour upsampling outside the model and a convolution.",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "Use convolutions over time instead of recurrent layers.",
    "WHILE": "Use convolutions over time instead of recurrent layers.",
    "CUSTOM": "Remove the custom operator from the model.",
}


def read_tflite(path: Path) -> Graph:
    """The graph of a .tflite file, named after the file.

    Raises:
        ModelError: the file can't be read, is no .tflite, or holds something not supported.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"The model {str(path)!r} can't be read: {reason}.") from error
    return parse_tflite(data, path.stem)


def parse_tflite(data: bytes, name: str) -> Graph:
    """The graph of the bytes of a .tflite file.

    Raises:
        ModelError: the bytes are not a .tflite, or hold something that is not supported.
    """
    if data[4:8] != IDENTIFIER:
        raise ModelError(
            f"The model {name!r} is not a .tflite file: it lacks the mark {IDENTIFIER.decode()!r}.",
            hint="Check the file, or export the model again.",
        )
    try:
        return _Reader(data, name).graph()
    except _DAMAGE as error:
        raise ModelError(
            f"The model {name!r} is damaged or cut off: {error or type(error).__name__}.",
            expected="A complete .tflite file.",
            hint="Copy or export the file again.",
        ) from error


_LONGEST_NAME = 32


def _layer_name(tensor: str) -> str:
    """A tensor's name, or the layer's in it: converters join all that an operator was made of."""
    if len(tensor) <= _LONGEST_NAME and ";" not in tensor:
        return tensor
    path = tensor.split(";")[0].split("/")
    return path[-2] if len(path) > 1 else path[0]


class _Reader:
    """One file being read: its tables, and the values that are made of them, by index."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.model = schema.ModelT.InitFromPackedBuf(data)
        if not self.model.subgraphs or len(self.model.subgraphs) != 1:
            raise ModelError(
                f"The model {name!r} has {len(self.model.subgraphs or [])} subgraphs.",
                expected="One: control flow is not supported.",
            )
        self.subgraph = self.model.subgraphs[0]
        self.names = _unique_names(self.subgraph.tensors)
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, Constant] = {}
        self.nodes: list[Node] = []

    def graph(self) -> Graph:
        """The whole model."""
        inputs = [self._input(int(index)) for index in self.subgraph.inputs]
        for operator in self.subgraph.operators:
            self._operator(operator)
        outputs = [self.names[int(index)] for index in self.subgraph.outputs]
        for output in outputs:
            if output not in self.tensors:
                raise ModelError(f"No operator of {self.name!r} computes its output {output!r}.")
        used = {name for node in self.nodes for name in node.inputs}
        constants = {key: value for key, value in self.constants.items() if key in used}
        return Graph(
            self.name, tuple(self.nodes), self.tensors, constants, tuple(inputs), tuple(outputs)
        )

    def _input(self, index: int) -> str:
        tensor = self._activation(index)
        self.tensors[tensor.name] = tensor
        return tensor.name

    def _operator(self, operator: Any) -> None:
        """Append the operator's node, with a reshape in front where TFLite implies one."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        builtin = _BUILTINS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "unknown")
        kind = by_tflite_name().get(builtin)
        index = int(operator.outputs[0])
        if kind is None or len(operator.outputs) != 1:
            raise _unsupported(builtin, self.names[index])
        output = self._activation(index)
        inputs = self._inputs(kind, operator, output)
        inputs = self._flattened(kind, inputs, output)
        op = kind.from_tflite(builtin, operator.builtinOptions, Operands(inputs, (output,)))
        # Other constants are attributes of the operator by now: a shape, axes, amounts of padding.
        kept = [
            value for value in inputs if isinstance(value, Tensor) or value.values.dtype == np.int8
        ]
        if kind.weight_axis is not None:
            kept = list(inputs)
        self._append(op, tuple(kept), output)

    def _append(self, op: Operator, inputs: tuple[Value, ...], output: Tensor) -> None:
        shape = op.infer_shape([value.shape for value in inputs])
        if shape != output.shape:
            raise ModelError(
                f"{output.name!r} ({op.name}) has the shape {output.shape} in the file.",
                expected=f"{shape}, which follows from its inputs.",
                hint="Export the model again with a fixed batch size of 1.",
            )
        name = _free(_layer_name(output.name), {node.name for node in self.nodes})
        self.nodes.append(Node(name, op, tuple(value.name for value in inputs), (output.name,)))
        self.tensors[output.name] = output

    def _inputs(self, kind: type[Operator], operator: Any, output: Tensor) -> tuple[Value, ...]:
        """The operator's inputs; a weighted one gets a bias of zeros where it has none."""
        present = [int(index) for index in operator.inputs if index >= 0]
        values = [self._value(index, output.name) for index in present]
        if kind.weight_axis is None:
            return tuple(values)
        source, weights = values[:2]
        if not isinstance(source, Tensor) or not isinstance(weights, Constant):
            raise ModelError(
                f"{output.name!r} ({kind.name}) has computed weights, or a constant input.",
                expected="One computed input, and constant weights and bias.",
                hint="Write computed weights as a multiplication of two tensors.",
            )
        _check_weights(kind, weights, output)
        if len(values) < 3:
            values.append(self._zero_bias(kind, source, weights))
        if not isinstance(values[2], Constant) or values[2].values.dtype != np.int32:
            raise ModelError(
                f"{output.name!r} ({kind.name}) has a bias that is not constant int32.",
                hint=_QUANTIZE_AGAIN,
            )
        return tuple(values)

    def _zero_bias(self, kind: type[Operator], source: Tensor, weights: Constant) -> Constant:
        """Zeros with the scales that a bias has: input scale * weight scale."""
        name = _free(f"{weights.name}/bias", {*self.names, *self.constants})
        known, axis = parameters(weights), kind.weight_axis or 0
        scales = np.float32(parameters(source).scale) * np.array(known.scales, np.float32)
        quantization = QuantizationParameters(
            tuple(float(scale) for scale in scales),
            (0,) * len(scales),
            None if known.axis is None else 0,
        )
        values = np.zeros(weights.shape[axis], np.int32)
        self.constants[name] = Constant(name, values, quantization)
        return self.constants[name]

    def _flattened(
        self, kind: type[Operator], inputs: tuple[Value, ...], output: Tensor
    ) -> tuple[Value, ...]:
        """A fully connected layer that implicitly flattens its input gets a reshape in front."""
        source = inputs[0]
        if kind.tflite_names != ("FULLY_CONNECTED",) or not isinstance(source, Tensor):
            return inputs
        length = inputs[1].shape[-1]
        if source.shape[-1:] == (length,) or source.size != length:
            return inputs
        name = _free(f"{output.name}/flatten", {*self.names, *self.tensors})
        flat = Tensor(name, (length,), "int8", source.quantization)
        self._append(
            operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (flat,))),
            (source,),
            flat,
        )
        return (flat, *inputs[1:])

    def _value(self, index: int, reader: str) -> Value:
        name = self.names[index]
        if name in self.tensors:
            return self.tensors[name]
        if name not in self.constants:
            self.constants[name] = self._constant(index, reader)
        return self.constants[name]

    def _constant(self, index: int, reader: str) -> Constant:
        table = self.subgraph.tensors[index]
        name, dtype = self.names[index], _TYPES[table.type]
        data = self.model.buffers[table.buffer].data
        if data is None:
            raise ModelError(f"{reader!r} reads {name!r}, which no operator before it computes.")
        if dtype not in ("int8", "int32", "int64"):
            raise _wrong_type(name, dtype)
        shape = tuple(int(n) for n in table.shape) if table.shape is not None else ()
        stored = np.asarray(data, np.uint8).view(np.dtype(dtype).newbyteorder("<"))
        values: Array = stored.astype(dtype).reshape(shape)
        return Constant(name, values, _quantization(table.quantization))

    def _activation(self, index: int) -> Tensor:
        table = self.subgraph.tensors[index]
        name, dtype = self.names[index], _TYPES[table.type]
        if dtype != "int8":
            raise _wrong_type(name, dtype)
        known = _quantization(table.quantization)
        if known is None or len(known.scales) != 1:
            raise ModelError(
                f"The tensor {name!r} has no scale and zero point of its own.", hint=_QUANTIZE_AGAIN
            )
        return Tensor(name, _shape(name, table), dtype, known)


def _check_weights(kind: type[Operator], weights: Constant, output: Tensor) -> None:
    """int8, symmetric, one scale a tensor or an output channel."""
    known = weights.quantization
    if weights.values.dtype != np.int8 or known is None:
        raise ModelError(
            f"{output.name!r} ({kind.name}) has weights of type {weights.values.dtype}.",
            expected="Quantized int8.",
            hint=_QUANTIZE_AGAIN,
        )
    if any(known.zero_points):
        raise ModelError(
            f"{output.name!r} ({kind.name}) has weights with a zero point that is not 0.",
            expected="Symmetric int8 weights, as the int8 specification wants them.",
            hint=_QUANTIZE_AGAIN,
        )
    along, channels = kind.weight_axis or 0, weights.shape[kind.weight_axis or 0]
    if known.axis not in (None, along) or len(known.scales) not in (1, channels):
        raise ModelError(
            f"{output.name!r} ({kind.name}) has weights with {len(known.scales)} scales along axis "
            f"{known.axis}.",
            expected=f"One for each of {channels} output channels, along axis {along}, or one.",
            hint=_QUANTIZE_AGAIN,
        )


def _quantization(table: Any) -> QuantizationParameters | None:
    if table is None or table.scale is None or len(table.scale) == 0:
        return None
    scales = tuple(float(scale) for scale in table.scale)
    zero_points = (
        tuple(int(zero) for zero in table.zeroPoint) if table.zeroPoint is not None else (0,)
    )
    if not all(np.isfinite(scale) and scale > 0 for scale in scales):
        raise ModelError(
            f"The model has the quantization scale {min(scales)}.",
            expected="Positive, finite scales.",
        )
    return QuantizationParameters(
        scales, zero_points, int(table.quantizedDimension) if len(scales) > 1 else None
    )


def _shape(name: str, table: Any) -> Shape:
    """The shape without the batch axis."""
    shape = tuple(int(n) for n in table.shape) if table.shape is not None else ()
    signature = table.shapeSignature
    dynamic = signature is not None and any(int(n) < 0 for n in signature[1:])
    if dynamic or not shape or shape[0] != 1 or any(n < 1 for n in shape):
        shown = tuple(int(n) for n in signature) if dynamic else shape
        raise ModelError(
            f"The tensor {name!r} has the shape {shown}.",
            expected="A fixed shape that starts with a batch of 1.",
            hint="Convert the model with a fixed input shape and a batch size of 1.",
        )
    return shape[1:]


def _wrong_type(name: str, dtype: str) -> ModelError:
    return ModelError(
        f"The tensor {name!r} is {dtype}.",
        expected="int8 everywhere, inputs and outputs included.",
        hint=_QUANTIZE_AGAIN,
    )


def _unsupported(builtin: str, output: str) -> ModelError:
    supported = ", ".join(sorted(by_tflite_name()))
    return ModelError(
        f"The operator {builtin}, which computes {output!r}, is not supported.",
        expected=f"Supported: {supported}.",
        hint=_INSTEAD.get(builtin, "Use layers that convert to these."),
    )


def _unique_names(tables: list[Any]) -> list[str]:
    """Each tensor's name, with a number behind it where an earlier one has it already."""
    names: list[str] = []
    taken: set[str] = set()
    for table in tables:
        text = (table.name or b"tensor").decode("utf-8", "replace")
        names.append(_free(text, taken))
        taken.add(names[-1])
    return names


def _free(name: str, taken: set[str] | Mapping[str, object]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate
