"""Writes a float32 or int8 graph as a standard .tflite; each operator defines its own conversion.

Every activation gets a leading batch axis of 1. The same graph gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import PREVIOUS, TfliteOperator
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Shape, Tensor

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
_SIGNATURE = "serving_default"
_WRITER = "tinycomp"
"""What the description of a file that comes from here begins with."""
ALIGNMENT = 16
"""Bytes: the schema's force_align for constant data, which the Python object API ignores."""

_WRITTEN: WeakKeyDictionary[Graph, bytes] = WeakKeyDictionary()
"""Files of graphs that still exist. A float model is run for its ranges, its outputs and the errors
of its layers, and one with recurrent layers, which are unrolled, takes seconds to write.
"""

_TYPES = {
    "bool": schema.TensorType.BOOL,
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
}


INT16_VERSIONS = {
    "ADD": 4, "AVERAGE_POOL_2D": 3, "CONCATENATION": 3, "CONV_2D": 4, "DEPTHWISE_CONV_2D": 5,
    "FULLY_CONNECTED": 7, "GATHER": 4, "LEAKY_RELU": 2, "LOGISTIC": 3, "MAXIMUM": 4,
    "MAX_POOL_2D": 3, "MEAN": 3, "MINIMUM": 4, "MUL": 4, "PAD": 3, "QUANTIZE": 2, "REDUCE_MAX": 3,
    "REDUCE_MIN": 3, "RELU": 3, "RELU6": 3, "RESIZE_NEAREST_NEIGHBOR": 4, "SOFTMAX": 3,
    "STRIDED_SLICE": 4, "SUB": 5, "TANH": 3, "TRANSPOSE": 5,
}  # fmt: skip
"""Versions of the operators that a file with 16-bit activations names."""


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """Constant data aligned to ALIGNMENT bytes, so that a reader can use it in place."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name is flatbuffers'
        data: bytes = self.data
        builder.StartVector(1, len(data), ALIGNMENT)
        builder.head = builder.head - len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class _Writer:
    """Collects the tables of one model: tensors by name, buffers, operator codes, operators."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.indices: dict[str, int] = {}
        # Buffer 0 is empty; all activations refer to it.
        self.buffers: list[Any] = [schema.BufferT()]
        self.codes: dict[tuple[int, int], int] = {}
        self.operators: list[Any] = []

    def activation(
        self,
        name: str,
        shape: Shape,
        dtype: str,
        quantization: QuantizationParameters | None,
    ) -> int:
        """Add an activation of any batch size; returns its index."""
        tensor = schema.TensorT(
            shape=[1, *shape],
            shapeSignature=[-1, *shape] if dtype == "float32" else None,
            type=_TYPES[dtype],
            name=name,
            quantization=_quantization(quantization),
        )
        return self._tensor(name, tensor)

    def constant(
        self, name: str, values: Array, quantization: QuantizationParameters | None = None
    ) -> int:
        """Add constant data, little-endian, float64 as float32; returns its index."""
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        self.buffers.append(_AlignedBuffer(data=_little_endian(values)))
        tensor = schema.TensorT(
            shape=list(values.shape),
            type=_TYPES[values.dtype.name],
            buffer=len(self.buffers) - 1,
            name=name,
            quantization=_quantization(quantization),
        )
        return self._tensor(name, tensor)

    def state(self, tensor: Tensor) -> int:
        """Add a tensor that keeps its values from one inference to the next; returns its index."""
        name = self.unique(tensor.name)
        made = schema.TensorT(
            shape=[1, *tensor.shape],
            type=_TYPES[tensor.dtype],
            name=name,
            quantization=_quantization(tensor.quantization),
            isVariable=True,
        )
        return self._tensor(name, made)

    def _intermediate(self, tensor: Tensor) -> int:
        name = self.unique(tensor.name)
        made = schema.TensorT(
            shape=list(tensor.shape),
            type=_TYPES[tensor.dtype],
            name=name,
            quantization=_quantization(tensor.quantization),
        )
        return self._tensor(name, made)

    def operator(self, op: TfliteOperator, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Append an operator."""
        key = (getattr(schema.BuiltinOperator, op.builtin), op.version)
        code = self.codes.setdefault(key, len(self.codes))
        options = getattr(schema.BuiltinOptions, op.options_type) if op.options_type else 0
        self.operators.append(
            schema.OperatorT(
                opcodeIndex=code,
                inputs=list(inputs),
                outputs=list(outputs),
                builtinOptionsType=options,
                builtinOptions=op.options,
                intermediates=[self._intermediate(each) for each in op.intermediates] or None,
            )
        )

    def unique(self, name: str) -> str:
        """The name itself, or with a number appended if it is taken."""
        candidate, count = name, 1
        while candidate in self.indices:
            candidate, count = f"{name}_{count}", count + 1
        return candidate

    def _tensor(self, name: str, tensor: Any) -> int:
        self.indices[name] = len(self.tensors)
        self.tensors.append(tensor)
        return self.indices[name]

    def pack(self, graph: Graph, description: str) -> bytes:
        """The file."""
        subgraph = schema.SubGraphT(
            tensors=self.tensors,
            inputs=[self.indices[name] for name in graph.inputs],
            outputs=[self.indices[name] for name in graph.outputs],
            operators=self.operators,
            name=graph.name,
        )
        model = schema.ModelT(
            version=SCHEMA_VERSION,
            operatorCodes=[_operator_code(code, version) for code, version in self.codes],
            subgraphs=[subgraph],
            description=description,
            buffers=self.buffers,
            signatureDefs=_signatures(graph, self.indices),
        )
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())


def _signatures(graph: Graph, indices: Mapping[str, int]) -> list[Any] | None:
    """The names of several outputs as their author gave them; none where the tensors have them."""
    outputs = graph.outputs[: len(graph.outputs) - len(graph.states)]
    if len(outputs) == 1 or not any(name in graph.labels for name in outputs):
        return None
    ends = [
        [schema.TensorMapT(name=graph.label(name), tensorIndex=indices[name]) for name in names]
        for names in (graph.inputs, graph.outputs)
    ]
    return [schema.SignatureDefT(inputs=ends[0], outputs=ends[1], signatureKey=_SIGNATURE)]


def write_tflite(graph: Graph, compression: Mapping[str, Any] | None = None) -> bytes:
    """The graph as a .tflite that LiteRT and every tool that reads TFLite's schema can run.

    Tensors and constants keep their names. Float graphs run in batches of any size.

    Args:
        graph: float32 or int8.
        compression: the recipe that made its weights, which the file's description then holds;
            None or empty: none did.

    Raises:
        ModelError: the graph reads or returns a tensor that no node writes.
    """
    if compression:
        return _written(graph, f"{_WRITER} {json.dumps(compression)}")
    if graph not in _WRITTEN:
        _WRITTEN[graph] = _written(graph, _WRITER)
    return _WRITTEN[graph]


def _written(graph: Graph, description: str) -> bytes:
    writer = _Writer()
    _write_graph(writer, graph)
    return writer.pack(graph, description)


def _write_graph(writer: _Writer, graph: Graph) -> None:
    """Write the tensors that the file lacks, the constants and the nodes."""
    repacked = {
        name
        for node in graph.nodes
        if node.op.repacked
        for name in node.inputs
        if all(each.op.repacked for each in graph.consumers(name))
    }
    for tensor in graph.tensors.values():
        if tensor.name not in writer.indices:
            writer.activation(tensor.name, tensor.shape, tensor.dtype, tensor.quantization)
    for constant in graph.constants.values():
        if constant.name not in repacked:
            writer.constant(constant.name, constant.values, constant.quantization)
    _require_order(graph)
    for node in graph.nodes:
        _write_node(writer, graph, node)


def compression_of(tflite: bytes) -> dict[str, Any]:
    """The recipe that made the weights of a file that write_tflite wrote; empty for others."""
    text = schema.Model.GetRootAs(tflite).Description() or b""
    writer, _, recipe = text.decode("utf-8", "replace").partition(" ")
    try:
        found = json.loads(recipe) if writer == _WRITER and recipe else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write_node(writer: _Writer, graph: Graph, node: Node) -> None:
    """Write the chain of TFLite operators that computes a node; temporaries get unique names."""
    operands = graph.operands(node)
    expansion = node.op.expansion(operands)
    if expansion is not None:
        _write_graph(writer, expansion)
        return
    written = node.op.to_tflite(operands)
    chain = written if isinstance(written, tuple) else (written,)
    if operands.output.dtype == "int16":
        chain = tuple(_on_int16(link) for link in chain)
    previous: list[int] = []
    for link in chain:
        reads = link.reads
        if reads is None:
            reads = () if previous else tuple(range(len(node.inputs)))
        before, behind = (
            [
                writer.constant(
                    writer.unique(f"{node.name}/{link.builtin.lower()}"),
                    values,
                    _of_extra(values, operands.output),
                )
                for values in constants
            ]
            for constants in (link.before, link.extra)
        )
        if link.operands is not None:
            inputs = [
                previous[0] if each == PREVIOUS else _operand(writer, node, each)
                for each in link.operands
            ]
        else:
            read = [writer.indices[node.inputs[index]] for index in reads]
            inputs = [*before, *previous, *read, *behind]
        if link is chain[-1]:
            outputs = [writer.indices[name] for name in node.outputs]
        else:
            name = writer.unique(f"{node.name}/temporary")
            shape = operands.output.shape if link.shape is None else link.shape
            dtype = link.dtype or operands.output.dtype
            outputs = [writer.activation(name, shape, dtype, link.quantization)]
        writer.operator(link, inputs, outputs)
        previous = outputs


def _operand(writer: _Writer, node: Node, operand: int | Constant | Tensor | None) -> int:
    """The index of an operator's input in the file."""
    match operand:
        case None:
            return -1
        case int():
            return writer.indices[node.inputs[operand]]
        case Constant():
            return writer.constant(
                writer.unique(operand.name), operand.values, operand.quantization
            )
        case Tensor():
            return writer.state(operand)


def _on_int16(link: TfliteOperator) -> TfliteOperator:
    """The operator as LiteRT reads it on int16: ADD and SUB with scales of any kind."""
    options = link.options
    if hasattr(options, "potScaleInt16"):
        options = copy(options)
        options.potScaleInt16 = False
    return replace(link, options=options, version=INT16_VERSIONS.get(link.builtin, link.version))


def _require_order(graph: Graph) -> None:
    """Check that every tensor is an input, or written before it is read."""
    known = set(graph.inputs) | set(graph.constants)
    for node in graph.nodes:
        for name in node.inputs:
            if name not in known:
                raise ModelError(
                    f"Layer {node.name!r} reads {name!r}, which no layer before it writes.",
                    hint="The model's graph is broken; export it again from Keras.",
                )
        known.update(node.outputs)
    for name in graph.outputs:
        if name not in known:
            raise ModelError(
                f"The model's output {name!r} is written by no layer.",
                hint="The model's graph is broken; export it again from Keras.",
            )


def _quantization(parameters: QuantizationParameters | None) -> Any:
    if parameters is None:
        return None
    return schema.QuantizationParametersT(
        scale=np.asarray(parameters.scales, np.float32),
        zeroPoint=np.asarray(parameters.zero_points, np.int64),
        quantizedDimension=parameters.axis or 0,
    )


def _of_extra(values: Array, output: Tensor) -> QuantizationParameters | None:
    """Of a constant that is an attribute in the IR: an int8 or int16 one (a bound) is in output
    steps.
    """
    return output.quantization if values.dtype == output.dtype else None


def _operator_code(builtin: int, version: int) -> Any:
    """Readers before schema 3a know only the one-byte code, which is 127 for larger codes."""
    return schema.OperatorCodeT(
        builtinCode=builtin, deprecatedBuiltinCode=min(builtin, 127), version=version
    )


def _little_endian(values: Array) -> bytes:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
