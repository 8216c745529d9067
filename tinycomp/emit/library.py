"""Text of the C library: templates plus the plan. Returns {file name: text}; writes nothing.

Numbers, names and array literals are formatted here; the templates only place strings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinycomp import __version__
from tinycomp.common.errors import ModelError
from tinycomp.emit.arrays import ArrayText, ConstantArrays, literal_lines
from tinycomp.emit.benchmarks import benchmark_named, benchmark_of
from tinycomp.emit.c_syntax import c_comment, c_prefix
from tinycomp.emit.headers import facts, firmware_headers, included_headers
from tinycomp.emit.nodes import (
    NodeText,
    ViewText,
    node_texts,
    shares_storage,
    tensor_order,
    view,
)  # fmt: skip
from tinycomp.emit.render import render
from tinycomp.emit.schedule import ScheduleText, moves_of, row_counters, schedule_text
from tinycomp.ir.graph import Ends, Graph, Stream
from tinycomp.ir.tensor import Shape, Tensor
from tinycomp.ops._rows import rows
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.plan.memory import Plan
from tinycomp.plan.moves import Move
from tinycomp.plan.place import ALIGNMENT

FORMAT = 1
"""Of libraries: TC_VERSION of the headers, checked when a library is compiled."""
FILES = {
    "model.h": "{}.h",
    "model.c": "{}.c",
    "weights.h": "{}_weights.h",
    "weights.c": "{}_weights.c",
    "input.c": "{}_input.c",
}
"""The templates of a library, with file names that depend on the prefix."""
TRANSFORM = "input.c"
"""The template only for libraries that normalize raw input values."""


@dataclass(frozen=True)
class TensorText:
    """The model's input or output, for the header."""

    shape: str
    """"49x10x1"."""
    height: int
    """Rows; 1 for a tensor of one axis."""
    width: int
    """Pixels per row; 1 for a tensor of one or two axes."""
    channels: int
    """The last axis."""
    size: int
    """Number of values."""
    type: str
    """C type of a value: "int8_t", "int16_t"."""
    low: int
    """The least value of that type."""
    high: int
    """The greatest value of that type."""
    scale: str
    """A float literal."""
    zero_point: int
    """The stored value of 0."""


@dataclass(frozen=True)
class PartText:
    """One of several outputs, for the header."""

    name: str
    """In the model, for a comment."""
    offset: int
    """Of its first byte in the output."""
    tensor: TensorText
    """Shape and quantization."""


@dataclass(frozen=True)
class StateText:
    """A tensor that is kept between inferences."""

    name: str
    """In the model, for a comment."""
    offset: int
    """Of its first byte among the states."""
    size: int
    """In bytes."""
    fill: int | None
    """The one value that all its bytes have at first; None: they differ."""
    initial: str
    """The array of its first values, if they differ."""


@dataclass(frozen=True)
class TransformText:
    """The library's normalization of raw input values."""

    features: int
    """Number of values with their own center and gain."""
    centers: tuple[str, ...]
    """Lines of float literals."""
    gains: tuple[str, ...]
    """Lines of float literals, in steps of the input's scale per raw unit."""
    integers: bool
    """Whether there is a version for int16."""


@dataclass(frozen=True)
class LibraryContext:
    """The variables of a library's templates."""

    prefix: str
    """Prefix of public C names."""
    macro: str
    """Prefix of public macros."""
    format: int
    """Of the library: its interface, and what it expects of the headers of the kernels."""
    version: str
    """Of the generator."""
    model_hash: str
    """SHA-256 of the .tflite, in hexadecimal."""
    model_name: str
    """Name for comments."""
    input: TensorText
    """The model's input; of several, all bytes with the first one's scale and zero point."""
    input_parts: tuple[PartText, ...]
    """The inputs, if there are several."""
    output: TensorText
    """The model's output, likewise."""
    parts: tuple[PartText, ...]
    """The outputs, if there are several."""
    states: tuple[StateText, ...]
    """What is kept between inferences, in order."""
    state_size: int
    """Bytes of it."""
    stream: Stream | None
    """How a window is taken hop by hop, if it is."""
    lends_output: bool
    """Whether an inference writes its output where the states are."""
    transform: TransformText | None
    """Normalization of raw input values, if the library does it."""
    input_offset: int
    """Offset for the input in the arena, in bytes."""
    output_offset: int
    """Offset for the output in the arena, in bytes."""
    class_names: tuple[str, ...]
    """One per output, or none."""
    ends: Ends
    """Types of the model file's input and output."""
    arena: int
    """Bytes of the arena, including scratch."""
    scratch: int
    """Bytes of scratch in it."""
    nodes: list[NodeText]
    """All nodes in order."""
    before: list[NodeText]
    """Nodes that run whole before the streamed ones."""
    streamed: list[NodeText]
    """Nodes that run row by row."""
    after: list[NodeText]
    """Nodes that run whole after the streamed ones."""
    schedule: ScheduleText
    """The table of streamed steps."""
    moves: list[Move]
    """Moves of carried rows: offsets and bytes."""
    aligned: bool
    """Whether all moves are of whole words."""
    offsets: int
    """Width of an offset into the arena: 16 or 32 bits."""
    cases: int
    """Number of row counters."""
    pushed: bool
    """Whether the input arrives row by row."""
    state_offset: int | None
    """Offset of a pushed inference's row counters, in bytes."""
    input_view: ViewText
    """The rows of the input."""
    input_rows: int
    """Number of input rows."""
    input_row: int
    """Values of an input row."""
    tensor_count: int
    """The input and all node outputs."""
    stack: int | None
    """Bytes of stack that an inference needs, if known."""
    stack_of: str
    """The board and compiler options of that measurement."""
    copy: str | None
    """Where the model only renames its input, or a piece of it: what is copied to the output."""
    uses_arena: bool
    """Whether any node has data in the arena."""
    small: bool
    """Whether code is compiled for size."""
    no_rings: bool
    """Whether code leaves out rings, as all tensors are whole in memory."""
    facts: list[str]
    """Macros that specialize the kernels' headers."""
    includes: list[str]
    """Headers of kernels and codecs that the library includes."""
    arrays: list[ArrayText]
    """The constant arrays."""


@dataclass(frozen=True)
class StackNeed:
    """The stack of an inference."""

    size: int
    """In bytes."""
    measured_for: str
    """Whose compiler, with which options: "cortex-m4 (arm-none-eabi-gcc -O2)"."""


def emit_library(
    plan: Plan,
    *,
    prefix: str,
    model_hash: str,
    stack: StackNeed | None = None,
    small: bool = False,
) -> dict[str, str]:
    """The library's files: header, inference, constant arrays, and the kernels and codecs in use.

    Args:
        plan: the planned program.
        prefix: of every public name; made a C identifier.
        model_hash: SHA-256 of the exported .tflite, in hexadecimal.
        stack: what an inference needs, once it has been compiled; the header says it.
        small: whether code is compiled for size, whatever the compiler's options are.

    Raises:
        ModelError: the input or output is not quantized.
    """
    prefix = c_prefix(prefix)
    context = vars(_context(plan, prefix, model_hash, stack, small=small))
    files = {
        name.format(prefix): render(f"library/{template}.j2", context)
        for template, name in FILES.items()
        if template != TRANSFORM or context["transform"]
    }
    return files | firmware_headers(plan.program.operations, plan.program.kernels)


def _context(
    plan: Plan, prefix: str, model_hash: str, stack: StackNeed | None, *, small: bool
) -> LibraryContext:
    graph, operations = plan.program.graph, plan.program.operations
    (first,), (last,) = graph.inputs, graph.outputs
    arrays, stretch, moves = ConstantArrays(prefix), plan.stretch, moves_of(plan)
    nodes = node_texts(plan, prefix, arrays)
    return LibraryContext(
        prefix=prefix,
        macro=prefix.upper(),
        format=FORMAT,
        version=__version__,
        model_hash=model_hash,
        model_name=c_comment(graph.name),
        input=_end(graph.sources),
        input_parts=_parts(graph, graph.sources),
        output=_end(output_parts(graph)),
        parts=_parts(graph, output_parts(graph)),
        states=_states(graph, arrays),
        state_size=sum(state.initial.size for state in graph.states),
        stream=graph.stream,
        lends_output=bool(graph.states) and plan.buffers[last].offset >= plan.arena,
        transform=_transform(graph),
        input_offset=plan.buffers[first].offset,
        output_offset=plan.buffers[last].offset,
        class_names=graph.class_names,
        ends=graph.ends,
        arena=plan.arena,
        scratch=plan.scratch_size,
        nodes=nodes,
        before=nodes[: stretch.start],
        streamed=nodes[stretch.start : stretch.stop],
        after=nodes[stretch.stop :],
        schedule=schedule_text(plan, moves),
        moves=moves,
        aligned=all(n % ALIGNMENT == 0 for m in moves for n in (m.used, m.waiting, m.size)),
        offsets=16 if plan.arena < 1 << 16 else 32,
        cases=row_counters(plan),
        pushed=plan.pushed,
        state_offset=plan.state,
        input_view=view(plan, first),
        input_rows=rows(graph.tensors[first].shape)[0],
        input_row=rows(graph.tensors[first].shape)[1],
        tensor_count=len(tensor_order(graph)),
        stack=stack.size if stack else None,
        stack_of=c_comment(stack.measured_for) if stack else "",
        copy=view(plan, last).pointer if shares_storage(plan, first, last) else None,
        uses_arena=any(node.uses_arena for node in nodes),
        small=small,
        no_rings=small and not stretch and not plan.pushed,
        facts=facts(operations, plan.program.kernels),
        includes=sorted(included_headers(operations)),
        arrays=arrays.texts,
    )


def _tensor(tensor: Tensor) -> TensorText:
    if tensor.quantization is None:
        raise ModelError(
            f"Tensor '{tensor.name}' is not quantized.", hint="Quantize the model first."
        )
    scale = _float(tensor.quantization.scale)
    shape, found = "x".join(map(str, tensor.shape)), np.iinfo(tensor.dtype)
    height, width, channels = _image(tensor.shape)
    return TensorText(
        shape, height, width, channels, tensor.size, f"{tensor.dtype}_t", int(found.min),
        int(found.max), scale, tensor.quantization.zero_point,
    )  # fmt: skip


def _end(parts: Sequence[Tensor]) -> TensorText:
    """The input or output; several as one row of bytes."""
    if len(parts) == 1:
        return _tensor(parts[0])
    return _tensor(replace(parts[0], shape=(sum(part.size for part in parts),)))


def _parts(graph: Graph, parts: Sequence[Tensor]) -> tuple[PartText, ...]:
    found, offset = [], 0
    for part in parts:
        found.append(PartText(c_comment(graph.label(part.name)), offset, _tensor(part)))
        offset += part.size
    return tuple(found) if len(found) > 1 else ()


def _states(graph: Graph, arrays: ConstantArrays) -> tuple[StateText, ...]:
    found, offset = [], 0
    for number, state in enumerate(graph.states):
        values = state.initial.ravel()
        fill = int(values[0]) if (values == values[0]).all() else None
        initial = "" if fill is not None else arrays.value(f"state_{number}", values)
        name = c_comment(graph.label(state.name))
        found.append(StateText(name, offset, values.size, fill, initial))
        offset += values.size
    return tuple(found)


def _image(shape: Shape) -> tuple[int, int, int]:
    """Height, width and channels; (length, channels) is a column of pixels."""
    height = shape[0] if len(shape) > 1 else 1
    return height, math.prod(shape[1:-1]), math.prod(shape[-1:])


def _transform(graph: Graph) -> TransformText | None:
    transform, source = graph.input_transform, graph.tensors[graph.inputs[0]].quantization
    if transform is None or source is None:
        return None
    centers, gains = (
        literal_lines([_float(value) for value in values])
        for values in (transform.centers, transform.gains(source.scale))
    )
    return TransformText(len(transform.centers), centers, gains, transform.integers)


def _float(value: float) -> str:
    """A float literal: the shortest that names this float32."""
    return f"{np.float32(value)!s}f"


def harness_model(prefix: str, benchmark: str | None = None) -> str:
    """tc_model.c: the description of a library for the harness, and the library's source once more,
    with hooks.

    Args:
        prefix: of the library's names.
        benchmark: of MLPerf Tiny; None: according to the prefix.
    """
    prefix = c_prefix(prefix)
    chosen = benchmark_named(benchmark) or benchmark_of(prefix)
    context = {"prefix": prefix, "macro": prefix.upper(), "benchmark": chosen}
    return render("tc_model.c.j2", context)
