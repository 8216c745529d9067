"""Edits of a .tflite's tables through the schema, starting from a conformance case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from conformance import Case, cases_of

from tinycomp.quantization.export import write_tflite

Edit = Callable[[Any, Any], None]
FLOAT32, INT16, UINT8 = schema.TensorType.FLOAT32, schema.TensorType.INT16, schema.TensorType.UINT8
INT8, INT32, FLOAT16 = schema.TensorType.INT8, schema.TensorType.INT32, schema.TensorType.FLOAT16


def case(operator: str, name: str) -> Case:
    """A conformance case by its name."""
    return next(case for case in cases_of(operator) if case.name == name)


CONVOLUTION = case("conv_2d", "3x3 same")
DENSE = case("fully_connected", "(64,) to 12, tensor scales")


def edited(source: Case | bytes, *edits: Edit) -> bytes:
    """The case's .tflite (or the file) after applying each edit(model, subgraph)."""
    data = source if isinstance(source, bytes) else write_tflite(source.graph)
    model = schema.ModelT.InitFromPackedBuf(data)
    for edit in edits:
        edit(model, model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def put(tensor: int, **fields: Any) -> Edit:
    """An edit of a tensor's fields: 0 is the activation, 1 weights, 2 bias, -1 the output."""

    def edit(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        index = operator.outputs[0] if tensor < 0 else operator.inputs[tensor]
        for name, value in fields.items():
            if name in ("scale", "zeroPoint", "quantizedDimension"):
                setattr(subgraph.tensors[index].quantization, name, value)
            else:
                setattr(subgraph.tensors[index], name, value)

    return edit


def builtin(name: str) -> Edit:
    """Replaces the first operator by another one without options."""

    def edit(model: Any, subgraph: Any) -> None:
        code = getattr(schema.BuiltinOperator, name)
        model.operatorCodes[0].builtinCode = code
        model.operatorCodes[0].deprecatedBuiltinCode = min(code, 127)
        subgraph.operators[0].builtinOptions = None
        subgraph.operators[0].builtinOptionsType = 0

    return edit


def add_code(model: Any, name: str, version: int = 1) -> int:
    """Add an operator code; returns its index."""
    code = getattr(schema.BuiltinOperator, name)
    table = schema.OperatorCodeT()
    table.builtinCode, table.deprecatedBuiltinCode = code, min(code, 127)
    table.version = version
    model.operatorCodes.append(table)
    return len(model.operatorCodes) - 1


def add_tensor(
    subgraph: Any, name: str, like: int, dtype: int, *, zero_shift: int = 0, plain: bool = False
) -> int:
    """Add a tensor with another's shape (and quantization, unless plain); returns its index."""
    model = subgraph.tensors[like]
    quantization = None
    if not plain:
        quantization = schema.QuantizationParametersT()
        quantization.scale = np.array(model.quantization.scale)
        quantization.zeroPoint = np.array(model.quantization.zeroPoint) + zero_shift
    table = schema.TensorT()
    table.shape, table.type, table.buffer = np.array(model.shape), dtype, 0
    table.name, table.quantization = name.encode(), quantization
    subgraph.tensors.append(table)
    return len(subgraph.tensors) - 1


def constant(model: Any, subgraph: Any, name: str, values: Any) -> int:
    """Add a constant tensor of integers; returns its index."""
    array = np.asarray(values)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(array.tobytes(), np.uint8)
    model.buffers.append(buffer)
    table = schema.TensorT()
    table.shape, table.buffer = np.array(array.shape, np.int32), len(model.buffers) - 1
    table.type, table.name = getattr(schema.TensorType, array.dtype.name.upper()), name.encode()
    subgraph.tensors.append(table)
    return len(subgraph.tensors) - 1


def operator(code: int, inputs: list[int], outputs: list[int], options: Any = None) -> Any:
    """An operator table."""
    table = schema.OperatorT()
    table.opcodeIndex = code
    table.inputs, table.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    if options is not None:
        name = type(options).__name__.removesuffix("T")
        table.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        table.builtinOptions = options
    return table


def convert_input(dtype: int, zero_shift: int = 0) -> Edit:
    """Adds a QUANTIZE at the start that converts another type to the int8 input."""

    def edit(model: Any, subgraph: Any) -> None:
        core = int(subgraph.inputs[0])
        plain = dtype == FLOAT32
        outer = add_tensor(subgraph, "outer_in", core, dtype, zero_shift=zero_shift, plain=plain)
        code = add_code(model, "QUANTIZE", 2 if dtype != FLOAT32 else 1)
        subgraph.operators.insert(0, operator(code, [outer], [core], schema.QuantizeOptionsT()))
        subgraph.inputs = np.array([outer], np.int32)

    return edit


def convert_output(dtype: int, zero_shift: int = 0) -> Edit:
    """Adds a DEQUANTIZE or QUANTIZE after the int8 output."""

    def edit(model: Any, subgraph: Any) -> None:
        core = int(subgraph.outputs[0])
        plain = dtype == FLOAT32
        outer = add_tensor(subgraph, "outer_out", core, dtype, zero_shift=zero_shift, plain=plain)
        code = add_code(model, "DEQUANTIZE" if plain else "QUANTIZE", 2)
        options = schema.DequantizeOptionsT() if plain else schema.QuantizeOptionsT()
        subgraph.operators.append(operator(code, [core], [outer], options))
        subgraph.outputs = np.array([outer], np.int32)

    return edit
