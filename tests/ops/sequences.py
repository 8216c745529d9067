"""Cases of layers over time that are several operators at every step."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, channel_parameters, extreme_inputs, parameters

from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Shape
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops._recurrent_steps import TYPES
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.strided_slice import StridedSlice

SIZES: tuple[tuple[Shape, int], ...] = (
    ((1, 1), 1), ((5, 3), 2), ((12, 9), 16), ((6, 6), 5), ((2, 30), 21),
)  # fmt: skip
"""Of the input, and units."""


def sequence_case(
    name: str,
    op: Recurrent,
    shape: Shape,
    units: int,
    *,
    seed: int,
    zero_point: int = -3,
    gain: float = 1.0,
    bias: float = 1.0,
    values: tuple[int, ...] = (),
    dtype: str = "int8",
    masked: bool = False,
    given: bool = False,
) -> Case:
    """A layer whose sums are of about `gain` over the input, and biases of about `bias`.

    Args:
        values: of the weights; none given: all.
        masked: whether steps count only where the input's first feature is not zero.
        given: whether it starts from what the first features of the first row are quantized to.
        dtype: of activations; zero points are 0 on int16, and scales are so much finer.
    """
    rng = np.random.default_rng(seed)
    finer = (TYPES[dtype].highest + 1) / 128
    zero_point = zero_point if dtype == "int8" else 0
    source = parameters(float(rng.uniform(0.005, 0.05)) / finer, zero_point)
    constants = sequence_constants(
        rng, op, (shape[1], units), source, gain=gain, bias=bias, values=values, dtype=dtype
    )
    builder = CaseBuilder(shape, source, dtype)
    output, inputs = state_parameters(op, dtype), extreme_inputs(rng, shape, dtype=dtype)
    behind = []
    if masked:
        behind.append(add_mask(builder))
        inputs = with_masked_steps(rng, inputs, source.zero_point)
    target = "int16" if op.wide_output else dtype
    if given:
        behind.append(add_first(builder, op.width(units), output, target))
    builder.add(op, ["input"], output, constants, dtype=target, behind=behind)
    return Case(name, builder.graph(), inputs)


def add_mask(builder: CaseBuilder) -> str:
    """Add a mask, the input's first feature."""
    steps, _ = builder.builder.tensors["input"].shape
    first = StridedSlice(((0, steps, 1), (0, 1, 1)))
    return builder.add(first, ["input"], builder.quantization["input"])


def add_first(builder: CaseBuilder, width: int, output: QuantizationParameters, dtype: str) -> str:
    """Add a row of so many values of the input's first row, with a layer's parameters."""
    part = StridedSlice(((0, 1, 1), (0, width, 1)), (0,))
    row = builder.add(part, ["input"], builder.quantization["input"], name="row")
    return builder.add(Quantize(), [row], output, dtype=dtype)


def with_masked_steps(rng: np.random.Generator, inputs: Array, zero: int) -> Array:
    """Inputs with zeros as the first feature of some steps: drawn ones, the first, the last, all,
    none.
    """
    samples, steps, _ = inputs.shape
    skipped = rng.random((samples, steps)) < 0.5
    skipped[1, 0] = skipped[2, -1] = True
    skipped[3], skipped[4] = True, False
    inputs[..., 0] = np.where(skipped, zero, inputs[..., 0])
    return inputs


def sequence_constants(
    rng: np.random.Generator,
    op: Recurrent,
    sizes: tuple[int, int],
    source: QuantizationParameters,
    *,
    gain: float = 1.0,
    bias: float = 1.0,
    values: tuple[int, ...] = (),
    dtype: str = "int8",
) -> tuple[Constant, Constant]:
    """Weights and biases of a layer; see sequence_case.

    Args:
        sizes: features and units.
        source: parameters of the input.
    """
    kind, (features, units) = TYPES[dtype], sizes
    rows, length = op.gates * units, features + units
    weights = rng.integers(-127, 128, (rows, length))
    if values:
        weights = rng.choice(values, (rows, length))
    finer = (kind.highest + 1) / 128
    wanted = gain / (source.scale * finer * 74 * 73 * np.sqrt(features))
    groups = op.scale_groups(rows)
    scales = (wanted * np.exp(rng.uniform(-0.5, 0.5, groups))).astype(np.float32)
    scales = np.repeat(scales, rows // groups)
    count = op.biases(units)
    bias_scales = op.bias_scales(source.scale, scales, count, dtype)
    biases = np.rint(rng.normal(0, bias, count) / bias_scales).astype(kind.bias)
    return (
        Constant("weights", weights.astype(np.int8), channel_parameters(scales, 0)),
        Constant("bias", biases, channel_parameters(bias_scales, 0)),
    )


def state_parameters(op: Recurrent, dtype: str = "int8") -> QuantizationParameters:
    """Those of a layer's states."""
    if op.wide_output:
        return parameters(op.scales.cell)  # type: ignore[attr-defined]
    if getattr(op, "state_scale", None) or getattr(op, "activation", None):
        found: QuantizationParameters = op.state  # type: ignore[attr-defined]
        return found
    return TYPES[dtype].state
