"""Graphs with several inputs and with states, made from others; .tflite files with variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import Graph, State
from tinycomp.ir.tensor import Tensor
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.quantization.export import write_tflite


def cut(graph: Graph, names: Sequence[str]) -> Graph:
    """The graph with these computed tensors as inputs, after its own."""
    nodes = tuple(node for node in graph.nodes if node.outputs[0] not in names)
    return remove_dead_nodes(replace(graph, nodes=nodes, inputs=(*graph.inputs, *names)))


def delayed(graph: Graph, names: Sequence[str], seed: int = 0) -> Graph:
    """The graph with these computed tensors delayed by one inference: readers see the values of the
    one before.
    """
    rng = np.random.default_rng(seed)
    tensors, nodes = dict(graph.tensors), list(graph.nodes)
    for name in names:
        late = f"{name}/next"
        tensors[late] = replace(tensors[name], name=late)
        nodes = [replace(n, outputs=(late,)) if n.outputs == (name,) else n for n in nodes]
    states = tuple(
        _state(rng, graph.tensors[name], number % 2) for number, name in enumerate(names)
    )
    return replace(
        graph, nodes=tuple(nodes), tensors=tensors, states=states,
        inputs=(*graph.inputs, *names), outputs=(*graph.outputs, *(f"{n}/next" for n in names)),
    )  # fmt: skip


def _state(rng: np.random.Generator, tensor: Tensor, free: int) -> State:
    """A state that starts at random values, or at one value throughout."""
    limits = np.iinfo(tensor.dtype)
    values = rng.integers(limits.min, limits.max + 1, tensor.shape if free else ())
    return State(tensor.name, np.broadcast_to(values, tensor.shape).astype(tensor.dtype))


def some(graph: Graph, most: int, seed: int) -> list[str]:
    """One to `most` random tensors of a graph that it computes and does not return."""
    rng = np.random.default_rng((seed, 99))
    names = [node.outputs[0] for node in graph.nodes if node.outputs[0] not in graph.outputs]
    count = min(len(names), int(rng.integers(1, most + 1)))
    return [str(name) for name in rng.choice(names, count, replace=False)]


def with_variables(graph: Graph) -> bytes:
    """The .tflite of a graph with states, which it keeps in variables."""
    data = write_tflite(graph)
    model = schema.ModelT.InitFromPackedBuf(data)
    subgraph, count = model.subgraphs[0], len(graph.states)
    codes = {name: _code(model, name) for name in
             ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")}  # fmt: skip
    before, behind = [_call_once(codes)], []
    start = schema.SubGraphT()
    start.name, start.tensors, start.operators = b"start", [], []
    start.inputs = start.outputs = np.array([], np.int32)
    for number, state in enumerate(graph.states):
        name = f"state {number}".encode()
        source, target = subgraph.inputs[number - count], subgraph.outputs[number - count]
        handle = _handle(subgraph, name)
        before += [
            _var_handle(codes, name, handle),
            _op(codes["READ_VARIABLE"], [handle], [source]),
        ]
        behind.append(_op(codes["ASSIGN_VARIABLE"], [handle, target], []))
        first = _handle(start, name)
        value = _constant(model, start, subgraph.tensors[source], state)
        start.operators += [_var_handle(codes, name, first),
                            _op(codes["ASSIGN_VARIABLE"], [first, value], [])]  # fmt: skip
    subgraph.inputs, subgraph.outputs = subgraph.inputs[:-count], subgraph.outputs[:-count]
    subgraph.operators = [*before, *subgraph.operators, *behind]
    model.subgraphs.append(start)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(model: Any, name: str) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = getattr(schema.BuiltinOperator, name), 1
    code.deprecatedBuiltinCode = 127
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _op(code: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex = code
    made.inputs, made.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    if options is not None:
        made.builtinOptions = options
        kind = type(options).__name__.removesuffix("T")
        made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return made


def _call_once(codes: dict[str, int]) -> Any:
    options = schema.CallOnceOptionsT()
    options.initSubgraphIndex = 1
    return _op(codes["CALL_ONCE"], [], [], options)


def _var_handle(codes: dict[str, int], name: bytes, tensor: int) -> Any:
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", name
    return _op(codes["VAR_HANDLE"], [], [tensor], options)


def _handle(subgraph: Any, name: bytes) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.buffer = name + b"/handle", schema.TensorType.RESOURCE, 0
    tensor.shape = np.array([], np.int32)
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _constant(model: Any, subgraph: Any, like: Any, state: State) -> int:
    buffer = schema.BufferT()
    buffer.data = state.initial.ravel().view(np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name, tensor.type = like.name + b"/first", like.type
    tensor.shape, tensor.quantization = like.shape, like.quantization
    tensor.buffer = len(model.buffers) - 1
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1
