"""Text of the C library: templates plus the plan. Returns {file name: text}; writes nothing.

Python computes, the template places: numbers, names and array literals are made here and arrive as
strings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
from tinycomp.ir.graph import Ends, Graph
from tinycomp.ir.tensor import Shape, Tensor
from tinycomp.ops._rows import rows
from tinycomp.plan.memory import Plan
from tinycomp.plan.moves import Move
from tinycomp.plan.place import ALIGNMENT

FILES = {
    "model.h": "{}.h",
    "model.c": "{}.c",
    "weights.h": "{}_weights.h",
    "weights.c": "{}_weights.c",
    "input.c": "{}_input.c",
}
"""The templates of a library, and the names of their files by the prefix."""
TRANSFORM = "input.c"
"""The one of them that only libraries have that normalize raw input values."""


@dataclass(frozen=True)
class TensorText:
    """The model's input or output, for the header."""

    shape: str
    """"49x10x1"."""
    height: int
    """Rows; 1 of a tensor of one axis."""
    width: int
    """Pixels of a row; 1 of a tensor of one or two axes."""
    channels: int
    """The last axis."""
    size: int
    """In bytes."""
    scale: str
    """A float literal."""
    zero_point: int
    """The int8 value that stands for 0."""


@dataclass(frozen=True)
class TransformText:
    """What the library does to raw input values before they are int8."""

    features: int
    """Values that have a center and a gain of their own."""
    centers: tuple[str, ...]
    """Lines of float literals."""
    gains: tuple[str, ...]
    """Lines of float literals, in steps of the input's scale."""
    integers: bool
    """Whether it takes int16 too."""


@dataclass(frozen=True)
class LibraryContext:
    """Everything that the templates of a library may use."""

    prefix: str
    """Of public names in C."""
    macro: str
    """Of public macros."""
    version: str
    """The generator's."""
    model_hash: str
    """SHA-256 of the .tflite, in hexadecimal."""
    model_name: str
    """For comments."""
    input: TensorText
    """The model's input."""
    output: TensorText
    """The model's output."""
    transform: TransformText | None
    """Of raw input values, where the library has to normalize them."""
    input_offset: int
    """Where the input may lie in the arena, in bytes."""
    output_offset: int
    """Where the output may lie in the arena, in bytes."""
    class_names: tuple[str, ...]
    """One an output, or none."""
    ends: Ends
    """What types the model file takes and returns."""
    arena: int
    """Bytes of the arena, scratch included."""
    scratch: int
    """Bytes of scratch in it."""
    nodes: list[NodeText]
    """All nodes in order."""
    before: list[NodeText]
    """Those that run whole, before the streamed ones."""
    streamed: list[NodeText]
    """Those that run row by row."""
    after: list[NodeText]
    """Those that run whole, after the streamed ones."""
    schedule: ScheduleText
    """The order of streamed steps."""
    moves: list[Move]
    """Rows that wait for their next use: from where to where, and how many bytes."""
    aligned: bool
    """Whether all moves are of whole words."""
    offsets: int
    """Bits of an offset into the arena: 16 or 32."""
    cases: int
    """How many row counters there are."""
    pushed: bool
    """Whether the input comes row by row."""
    state_offset: int | None
    """Where a pushed inference keeps its row counters, in bytes."""
    input_view: ViewText
    """The rows of the input."""
    input_rows: int
    """How many rows the input has."""
    tensor_count: int
    """The input and all node outputs."""
    stack: int | None
    """Bytes of stack that an inference needs, where that is known."""
    stack_of: str
    """The board for which the compiler's code was measured, and its options."""
    copy: bool
    """Whether the model only renames its input, so that the output has to be copied."""
    uses_arena: bool
    """Whether any node has data in the arena."""
    facts: list[str]
    """Macros that specialise the kernels' headers."""
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
    plan: Plan, *, prefix: str, model_hash: str, stack: StackNeed | None = None
) -> dict[str, str]:
    """The library's files: header, inference, constant arrays, and the kernels and codecs that it
    uses.

    Args:
        plan: the planned program.
        prefix: of every public name; made a C identifier.
        model_hash: SHA-256 of the exported .tflite, in hexadecimal.
        stack: what an inference needs, once it has been compiled; the header says it.

    Raises:
        ModelError: the input or output is not quantized.
    """
    prefix = c_prefix(prefix)
    context = vars(_context(plan, prefix, model_hash, stack))
    files = {
        name.format(prefix): render(f"library/{template}.j2", context)
        for template, name in FILES.items()
        if template != TRANSFORM or context["transform"]
    }
    return files | firmware_headers(plan.program.operations, plan.program.kernels)


def _context(plan: Plan, prefix: str, model_hash: str, stack: StackNeed | None) -> LibraryContext:
    graph, operations = plan.program.graph, plan.program.operations
    (first,), (last,) = graph.inputs, graph.outputs
    arrays, stretch, moves = ConstantArrays(prefix), plan.stretch, moves_of(plan)
    nodes = node_texts(plan, prefix, arrays)
    return LibraryContext(
        prefix=prefix,
        macro=prefix.upper(),
        version=__version__,
        model_hash=model_hash,
        model_name=c_comment(graph.name),
        input=_tensor(graph.tensors[first]),
        output=_tensor(graph.tensors[last]),
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
        tensor_count=len(tensor_order(graph)),
        stack=stack.size if stack else None,
        stack_of=c_comment(stack.measured_for) if stack else "",
        copy=shares_storage(plan, first, last),
        uses_arena=any(node.uses_arena for node in nodes),
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
    shape = "x".join(map(str, tensor.shape))
    height, width, channels = _image(tensor.shape)
    return TensorText(
        shape, height, width, channels, tensor.size, scale, tensor.quantization.zero_point
    )


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
    """tc_model.c: what the harness knows of a library, and the library's text a second time,
    watched.

    Args:
        prefix: of the library's names.
        benchmark: which of MLPerf Tiny's it is; None: as its name tells.
    """
    prefix = c_prefix(prefix)
    chosen = benchmark_named(benchmark) or benchmark_of(prefix)
    context = {"prefix": prefix, "macro": prefix.upper(), "benchmark": chosen}
    return render("tc_model.c.j2", context)
