"""Text of the C library: templates plus the plan. Returns {file name: text}; writes nothing.

Python computes, the template places: numbers, names and array literals are made here and arrive as
strings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinycomp import __version__
from tinycomp.codecs._codec import Encoded
from tinycomp.common.errors import ModelError
from tinycomp.emit.c_syntax import c_comment, c_identifiers, c_number, c_prefix
from tinycomp.emit.headers import facts, firmware_headers, included_headers
from tinycomp.emit.render import render
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array, Tensor
from tinycomp.ops._rows import rows
from tinycomp.plan.memory import Plan
from tinycomp.plan.moves import Move, move
from tinycomp.plan.place import ALIGNMENT
from tinycomp.plan.program import Operation
from tinycomp.plan.schedule import INPUT, Copy, Step, total_rows

_WIDTH = 100
_C_TYPES = {
    np.dtype(f"{kind}{bits}"): f"{kind}{bits}_t" for kind in ("int", "uint") for bits in (8, 16, 32)
}


@dataclass(frozen=True)
class ArrayText:
    """A constant array: C type, name, element count, and its values as lines."""

    type: str
    name: str
    length: int
    lines: tuple[str, ...]


@dataclass
class _Arrays:
    """The constant arrays of one library; equal ones are stored once."""

    prefix: str
    texts: list[ArrayText] = field(default_factory=list)
    known: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def add(self, name: str, values: Array) -> str:
        """The C name of an array with these values."""
        if values.dtype not in _C_TYPES:
            raise TypeError(f"{name}: no C type for {values.dtype}")
        key = (str(values.dtype), values.tobytes())
        if key not in self.known:
            self.known[key] = f"{self.prefix}_{name}"
            numbers = [c_number(int(value)) for value in values.ravel()]
            text = ArrayText(_C_TYPES[values.dtype], self.known[key], len(numbers), _wrap(numbers))
            self.texts.append(text)
        return self.known[key]


def _wrap(numbers: Sequence[str]) -> tuple[str, ...]:
    """Lines of a comma-separated list, as many numbers a line as fit."""
    count = max(1, (_WIDTH - 4) // (max(map(len, numbers)) + 2))
    return tuple(", ".join(numbers[i : i + count]) + "," for i in range(0, len(numbers), count))


def emit_library(plan: Plan, *, prefix: str, model_hash: str) -> dict[str, str]:
    """The library's files: header, inference, constant arrays, and the kernels and codecs that it
    uses.

    Args:
        plan: the planned program.
        prefix: of every public name; made a C identifier.
        model_hash: SHA-256 of the exported .tflite, in hexadecimal.
    """
    prefix = c_prefix(prefix)
    graph = plan.program.graph
    arrays = _Arrays(prefix)
    nodes = _nodes(plan, prefix, arrays)
    stretch, moved = plan.stretch, _moves(plan)
    context = {
        "prefix": prefix,
        "macro": prefix.upper(),
        "version": __version__,
        "model_hash": model_hash,
        "model_name": c_comment(graph.name),
        "input": _tensor(graph.tensors[graph.inputs[0]]),
        "output": _tensor(graph.tensors[graph.outputs[0]]),
        "input_offset": plan.buffers[graph.inputs[0]].offset,
        "output_offset": plan.buffers[graph.outputs[0]].offset,
        "class_names": graph.class_names,
        "arena": plan.arena,
        "scratch": plan.scratch_size,
        "nodes": nodes,
        "before": nodes[: stretch.start],
        "streamed": nodes[stretch.start : stretch.stop],
        "after": nodes[stretch.stop :],
        "schedule": _schedule(plan, moved),
        "moves": moved,
        "aligned": all(n % ALIGNMENT == 0 for m in moved for n in (m.used, m.waiting, m.size)),
        "offsets": 16 if plan.arena < 1 << 16 else 32,
        "cases": _cases(plan),
        "pushed": plan.pushed,
        "state_offset": plan.state,
        "input_view": _view(plan, graph.inputs[0]),
        "input_rows": rows(graph.tensors[graph.inputs[0]].shape)[0],
        "tensor_count": len(_tensor_numbers(graph)),
        "copy": _output_is_input(plan),
        "uses_arena": any("arena" in text for node in nodes for text in _pointers(node)),
        "facts": facts(plan.program.operations, plan.program.kernels),
        "includes": sorted(included_headers(plan.program.operations)),
        "arrays": arrays.texts,
    }  # fmt: skip
    names = {"library/model.h.j2": f"{prefix}.h", "library/model.c.j2": f"{prefix}.c"}
    names |= {
        "library/weights.h.j2": f"{prefix}_weights.h",
        "library/weights.c.j2": f"{prefix}_weights.c",
    }
    files = {name: render(template, context) for template, name in names.items()}
    return files | firmware_headers(plan.program.operations, plan.program.kernels)


def tensor_order(graph: Graph) -> tuple[str, ...]:
    """The tensors in the order of their numbers on the device: the input, then node outputs."""
    return tuple(_tensor_numbers(graph))


def _tensor_numbers(graph: Graph) -> dict[str, int]:
    names = [graph.inputs[0], *(name for node in graph.nodes for name in node.outputs)]
    return {name: number for number, name in enumerate(names)}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    if tensor.quantization is None:
        raise ModelError(
            f"Tensor '{tensor.name}' is not quantized.", hint="Quantize the model first."
        )
    return {
        "shape": "x".join(map(str, tensor.shape)),
        "size": tensor.size,
        "scale": f"{np.float32(tensor.quantization.scale)!s}f",
        "zero_point": tensor.quantization.zero_point,
    }


def _nodes(plan: Plan, prefix: str, arrays: _Arrays) -> list[dict[str, Any]]:
    """What the template places for each step that calls a kernel or renames a tensor."""
    graph, operations = plan.program.graph, plan.program.operations
    names = c_identifiers(
        [op.node.name for op in operations],
        [op.node.op.name for op in operations],
        [_parts(op) for op in operations],
    )
    numbers = _tensor_numbers(graph)
    nodes = []
    for index, (operation, name) in enumerate(zip(operations, names, strict=True)):
        nodes.append(
            {
                "index": index,
                "title": c_comment(_title(graph, operation.node)),
                "struct": f"{prefix}_{name}",
                "kernel": operation.call.kernel if operation.call else None,
                "members": _members(operation, name, arrays),
                "codec": _codec(operation, name, prefix, arrays),
                "inputs": [
                    _view(plan, value.name) for value in graph.operands(operation.node).activations
                ],
                "output": _view(plan, operation.node.outputs[0]),
                "tensor": numbers[operation.node.outputs[0]],
                "size": graph.operands(operation.node).output.size,
                "rows": total_rows(plan.program, index),
                "counts_input": operation.call is not None and operation.call.input_rows,
                "scratch": ", ".join(map(_address, plan.scratch.get(index, ()))) or "NULL",
            }
        )
    return nodes


def _schedule(plan: Plan, moved: Sequence[Move]) -> dict[str, Any]:
    """The streamed steps as numbers: the case of a step, above as many bits as hold one less than
    the most rows of a step. Behind what counts rows each move has two cases: to where rows wait,
    and back.
    """
    steps = [
        step
        for step in plan.steps
        if isinstance(step, Copy) or step.operation in (INPUT, *plan.stretch)
    ]
    if not steps:
        return {"lines": ()}
    counts = [step.last - step.first for step in steps if isinstance(step, Step)]
    bits = (max(counts) - 1).bit_length()
    numbers = {found: number for number, found in enumerate(moved)}
    entries = []
    for step in steps:
        if not isinstance(step, Copy):
            entries.append((_case(plan, step) << bits) + step.last - step.first - 1)
        elif (found := move(plan, step)) is not None:
            entries.append((_cases(plan) + 2 * numbers[found] + step.back) << bits)
    width = 8 if max(entries) <= 255 else 16
    return {
        "type": f"uint{width}_t",
        "read": f"TC_READ_U{width}",
        "bits": bits,
        "input": len(plan.stretch) << bits,
        "lines": _wrap([str(entry) for entry in entries]),
    }


def _case(plan: Plan, step: Step) -> int:
    """The streamed operations are counted from 0; then the input, if it is pushed."""
    return len(plan.stretch) if step.operation == INPUT else step.operation - plan.stretch.start


def _cases(plan: Plan) -> int:
    """What counts rows: the streamed operations, and the input, if it is pushed."""
    return len(plan.stretch) + plan.pushed


def _moves(plan: Plan) -> list[Move]:
    """All moves of rows, each once."""
    found = [move(plan, step) for step in plan.steps if isinstance(step, Copy)]
    return [*dict.fromkeys(each for each in found if each is not None)]


def _pointers(node: Mapping[str, Any]) -> list[str]:
    return [
        node["scratch"],
        node["output"]["pointer"],
        *(view["pointer"] for view in node["inputs"]),
    ]


def _title(graph: Graph, node: Node) -> str:
    operands = graph.operands(node)
    shapes = " + ".join("x".join(map(str, value.shape)) for value in operands.activations)
    macs = node.op.cost(operands).macs
    work = f", {macs} multiply-accumulates" if macs else ""
    output = "x".join(map(str, operands.output.shape))
    return f"{node.name}: {node.op.name}, {shapes} -> {output}{work}"


def _parts(operation: Operation) -> list[str]:
    """What is called after an operation: its arrays, its codec's struct and arrays."""
    encoded = [(name, e) for name, e in operation.fields.items() if isinstance(e, Encoded)]
    return [*operation.fields, *(f"{name}_{key}" for name, e in encoded for key in e.fields)]


def _members(operation: Operation, name: str, arrays: _Arrays) -> list[dict[str, str]]:
    """The struct's initialisers in the order of declaration, each with the member's name."""
    members = []
    for member, value in operation.fields.items():
        if isinstance(value, Encoded):
            text = f"&{arrays.prefix}_{name}_{member}.weights"
        elif isinstance(value, np.ndarray):
            text = arrays.add(f"{name}_{member}", value)
        else:
            text = c_number(int(value))
        members.append({"name": member, "value": text})
    return members


def _codec(operation: Operation, name: str, prefix: str, arrays: _Arrays) -> dict[str, Any] | None:
    """The codec's struct for an operation with weights."""
    for member, value in operation.fields.items():
        if isinstance(value, Encoded):
            fields = [
                {"name": key, "value": _codec_field(f"{name}_{member}_{key}", entry, arrays)}
                for key, entry in value.fields.items()
            ]
            return {
                "name": value.codec,
                "struct": f"{prefix}_{name}_{member}",
                "read": codec_read(operation, member),
                "members": fields,
            }
    return None


def codec_read(operation: Operation, member: str) -> str:
    """The function that reads an operation's weights; none for a kernel that calls none."""
    assert operation.call is not None
    weights, encoded = operation.call.fields[member], operation.fields[member]
    assert isinstance(weights, Weights)
    assert isinstance(encoded, Encoded)
    return f"tc_{encoded.codec}_read" if weights.block else "NULL"


def _codec_field(name: str, value: int | Array, arrays: _Arrays) -> str:
    return arrays.add(name, value) if isinstance(value, np.ndarray) else c_number(int(value))


def _view(plan: Plan, tensor: str) -> dict[str, Any]:
    """A tensor's rows: pointer expression, stride, ring."""
    buffer, graph = plan.buffers[tensor], plan.program.graph
    if not plan.pushed and _shares(plan, tensor, graph.inputs[0]):
        pointer = "input"
    elif _shares(plan, tensor, graph.outputs[0]):
        pointer = "output"
    else:
        pointer = _address(buffer.offset)
    return {"pointer": pointer, "stride": buffer.stride, "ring": buffer.ring}


def _shares(plan: Plan, tensor: str, other: str) -> bool:
    return plan.storage[tensor] == plan.storage[other]


def _output_is_input(plan: Plan) -> bool:
    """Whether the model only renames its input, so that the output has to be copied."""
    graph = plan.program.graph
    return _shares(plan, graph.inputs[0], graph.outputs[0])


def _address(offset: int) -> str:
    return f"arena->bytes + {offset}"


def harness_model(prefix: str) -> str:
    """tc_model.c: what the harness knows of a library, and the library's text a second time,
    watched.
    """
    prefix = c_prefix(prefix)
    return render("tc_model.c.j2", {"prefix": prefix, "macro": prefix.upper()})
