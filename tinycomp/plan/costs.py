"""Predicted instructions of a schedule: a sum of a few terms per kernel, with coefficients measured
on emulated boards by benchmarks/fit_costs.py.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._costs import decoding_costs
from tinycomp.codecs._registry import codecs
from tinycomp.ir.tensor import Operands
from tinycomp.ops._rows import byte_rows
from tinycomp.ops._window import Window
from tinycomp.plan.program import Operation, Program
from tinycomp.plan.schedule import INPUT, Copy, Step, total_rows

FOLDER = Path(__file__).resolve().parent.parent / "kernels" / "costs"
"""One file per instruction set: {kernel: coefficients of its terms}."""
PER_CALL = ("calls", "channels", "weights", "filled")
"""Terms per kernel call: the call, its output channels, the weights read, and the
multiply-accumulates of padding pixels in its last tile.
"""
PER_INFERENCE = (
    "rows", "lines", "outputs", "windows", "macs", "pieces", "rests", "scattered", "spare",
    "signed",
)  # fmt: skip
"""Terms that don't depend on the schedule: rows; rows times channels; output values; values of
windows, each counted once for all channels; multiply-accumulates, or values that are pooled; parts
of windows that lie together in the input; bytes of these that fill no word; values of windows whose
parts are dilated or shorter than a word; multiply-accumulates of channels that fill up a group;
output values that may be negative, which kernels round differently.
"""
WORD = 4
"""Bytes in a word, and channels in a group."""
STEPS = ("steps", "copies", "copied bytes")
"""Terms of the schedule's own loop."""
ANY, SCHEDULE, GENERIC = "any", "schedule", "generic"
"""Names of the coefficients for kernels that were not measured and for the loop; the instruction
set used for sets without measurements.
"""

Vector = NDArray[np.float64]


def kernel_name(operation: Operation) -> str:
    """A kernel's name, followed by the codec if it decodes weights."""
    assert operation.call is not None
    codecs = [encoded.codec for encoded in operation.encoded if encoded.buffered]
    return " ".join([operation.call.kernel, *codecs])


def call_terms(program: Program, index: int, count: int) -> Vector:
    """The amounts of the terms PER_CALL for a call of an operation that computes `count` rows."""
    operation = program.operations[index]
    operands = program.graph.operands(operation.node)
    weights = sum(math.prod(constant.shape) for constant in operands.constants)
    tile = operation.call.tile if operation.call is not None else 1
    filled = 0.0
    if tile > 1:
        pixels = math.prod(operands.output.shape[:-1])
        unused = -(count * pixels // total_rows(program, index)) % tile
        filled = unused * _macs(operation, operands) / pixels
    return np.array([1, operands.output.shape[-1], weights, filled], float)


def inference_terms(program: Program, index: int) -> Vector:
    """The amounts of the terms PER_INFERENCE for an operation."""
    operation = program.operations[index]
    operands = program.graph.operands(operation.node)
    channels, height = operands.output.shape[-1], total_rows(program, index)
    positions = max(value.size for value in (operands.output, *operands.activations))
    counts_input = operation.call is not None and operation.call.input_rows
    outputs = positions if counts_input else operands.output.size
    macs = _macs(operation, operands)
    windows = macs / channels / min(1, _share(operation))
    spare = -channels % WORD * windows
    parts = _parts(operation, operands, windows)
    known = operands.output.quantization
    signed = 0 if known is not None and known.zero_points == (-128,) else outputs
    terms = [height, height * channels, outputs, windows, macs, *parts, spare, signed]
    return np.array(terms, float)


def _parts(operation: Operation, operands: Operands, windows: float) -> tuple[float, float, float]:
    """Of windows with weights: their parts that lie together, the bytes of these that fill no
    word, and the windows' values if the parts are dilated or shorter than a word.
    """
    window = _window(operation)
    if window is None or not operands.constants:
        return 0.0, 0.0, 0.0
    (height, width), (_, dilation) = window.kernel, window.dilation
    together = width if dilation == 1 else 1
    length = together * operands.activations[0].shape[-1]
    pieces = operands.output.size / operands.output.shape[-1] * height * width / together
    scattered = windows if dilation > 1 or length < WORD else 0.0
    return pieces, pieces * (length % WORD), scattered


def _window(operation: Operation) -> Window | None:
    """What a convolution or pooling reads for each output."""
    found = getattr(operation.node.op, "window", None)
    return found if isinstance(found, Window) else None


def _share(operation: Operation) -> float:
    return operation.call.share if operation.call is not None else 1


def _macs(operation: Operation, operands: Operands) -> float:
    """The multiply-accumulates that its kernel really computes, or the values that it pools."""
    window, macs = _window(operation), operation.node.op.cost(operands).macs
    if window is not None and not operands.constants:
        macs = operands.output.size * math.prod(window.kernel)
    return _share(operation) * macs


def loop_terms(program: Program, steps: Sequence[Step | Copy]) -> Vector:
    """The amounts of the terms STEPS for an inference."""
    tensors = program.graph.tensors
    copies = [step for step in steps if isinstance(step, Copy)]
    strides = {name: byte_rows(tensors[name])[1] for name in {copy.tensor for copy in copies}}
    copied = sum([copy.moved * strides[copy.tensor] for copy in copies])
    moving = sum([copy.moved > 0 for copy in copies])
    return np.array([len(steps) - len(copies) + moving, moving, copied], float)


@cache
def coefficients(kernels: str) -> Mapping[str, Mapping[str, float]]:
    """The measurements of an instruction set, or else of the portable kernels."""
    path = FOLDER / f"{kernels}.json"
    if not path.is_file():
        path = FOLDER / f"{GENERIC}.json"
    found: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return found


class Costs:
    """Predictions for one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.known = coefficients(program.kernels)
        self.loop = self._of(SCHEDULE, STEPS)
        self.calls: dict[tuple[int, int], float] = {}
        self.fixed = sum(
            float(inference_terms(program, index) @ self._operation(index, PER_INFERENCE))
            for index in range(len(program.operations))
        )

    def instructions(self, steps: Sequence[Step | Copy]) -> float:
        """Predicted instructions of an inference with these steps."""
        counts = Counter(
            [(step.operation, step.last - step.first) for step in steps if isinstance(step, Step)]
        )
        calls = sum(times * self._call(*key) for key, times in counts.items())
        return self.fixed + calls + float(loop_terms(self.program, steps) @ self.loop)

    def _call(self, index: int, count: int) -> float:
        """Instructions of a call that computes `count` rows of an operation."""
        if index == INPUT:
            return 0.0
        if (index, count) not in self.calls:
            found = call_terms(self.program, index, count) @ self._operation(index, PER_CALL)
            self.calls[index, count] = float(found)
        return self.calls[index, count]

    def _operation(self, index: int, wanted: Sequence[str]) -> Vector:
        """The coefficients of an operation's kernel."""
        operation = self.program.operations[index]
        if operation.call is None:
            return np.zeros(len(wanted))
        name = kernel_name(operation)
        if name in self.known:
            return self._of(name, wanted)
        found = self._of(
            operation.call.kernel if operation.call.kernel in self.known else ANY, wanted
        )
        if "weights" in wanted:
            found[wanted.index("weights")] += self._decoding(operation)
        return found

    def _decoding(self, operation: Operation) -> float:
        """Instructions that decoding a weight takes, by a kernel that was measured without it."""
        costs = decoding_costs(self.program.kernels)
        return sum(
            costs.of(codecs()[encoded.codec], encoded) / costs.scale
            for encoded in operation.encoded
            if encoded.buffered
        )

    def _of(self, name: str, wanted: Sequence[str]) -> Vector:
        return np.array([self.known[name].get(term, 0.0) for term in wanted])
