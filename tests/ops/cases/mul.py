"""Products: scales, zero points, activations, saturation; operands that repeat, and constants."""

from __future__ import annotations

import numpy as np
from conformance import ACTIVATIONS, Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir import Constant, QuantizationParameters, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.quantize import Quantize

SHAPE = (4, 5, 6)
SOURCE = parameters(0.05, -1)
WIDE = parameters(0.04, 3)
OTHER = parameters(0.02, -9)
OUTPUT = parameters(0.1, 5)


def cases() -> list[Case]:
    scales = [
        _case(f"scales {a} * {b} to {c}", parameters(a, 3), parameters(b, -9), parameters(c, 5))
        for a, b, c in ((0.1, 0.1, 0.3), (0.05, 0.02, 0.001), (0.07, 0.3, 2.0), (2.0, 0.5, 0.7))
    ]
    zero_points = [
        _case(f"zero points {zeros}", *(parameters(0.06, zero) for zero in zeros))
        for zeros in ((-128, -128, -128), (127, 127, -128), (-128, 127, 127))
    ]
    activations = [
        _case(activation.name, output=parameters(0.07, -20), activation=activation)
        for activation in ACTIVATIONS
    ]
    repeated = [
        _case(f"{kind}, {'first' if first else 'second'}", kind=kind, first=first)
        for kind in ("image", "row", "channels", "one axis", "squared")
        for first in (False, True)
    ]
    constants = [
        _constant_case(shape, first)
        for shape in (SHAPE, (5, 6), (6,), (1, 1, 6), (1,))
        for first in (False, True)
    ]
    others = [_one_axis_case(), _one_value_case(False), _one_value_case(True)]
    return [*scales, *zero_points, *activations, *repeated, *constants, *others]


def _case(
    name: str,
    wide: QuantizationParameters = WIDE,
    other: QuantizationParameters = OTHER,
    output: QuantizationParameters = OUTPUT,
    activation: Activation = Activation.NONE,
    *,
    kind: str = "image",
    first: bool = False,
) -> Case:
    """`kind` of the operand that may repeat; `first` puts it in front."""
    builder = CaseBuilder(SHAPE, SOURCE)
    image = builder.add(Quantize(), ["input"], wide)
    if kind == "squared":
        narrow = image
    elif kind in ("channels", "one axis"):
        narrow = builder.add(Mean(kind == "channels"), ["input"], other)
    else:
        rows = SHAPE[0] if kind == "row" else 1
        pooled = builder.add(MaxPool2D(Window((rows, 1))), ["input"], SOURCE)
        narrow = builder.add(Quantize(), [pooled], other)
    builder.add(Mul(activation), [narrow, image] if first else [image, narrow], output)
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(1), SHAPE))


def _constant_case(shape: Shape, first: bool) -> Case:
    rng = np.random.default_rng(len(shape))
    values = rng.integers(-128, 128, shape).astype(np.int8)
    builder = CaseBuilder(SHAPE, SOURCE)
    name = builder.builder.constant("factors", values)
    builder.builder.constants[name] = Constant(name, values, OTHER)
    builder.add(Mul(), [name, "input"] if first else ["input", name], OUTPUT)
    place = "first" if first else "second"
    return Case(f"constant {shape}, {place}", builder.graph(), extreme_inputs(rng, SHAPE))


def _one_axis_case() -> Case:
    builder = CaseBuilder((20,), SOURCE)
    scaled = builder.add(Quantize(), ["input"], OTHER)
    builder.add(Mul(), ["input", scaled], OUTPUT)
    return Case("vectors", builder.graph(), extreme_inputs(np.random.default_rng(2), (20,)))


def _one_value_case(first: bool) -> Case:
    builder = CaseBuilder((4, 5, 1), SOURCE)
    value = builder.add(Mean(), ["input"], OTHER)
    builder.add(Mul(), [value, "input"] if first else ["input", value], OUTPUT)
    name = f"one value, {'first' if first else 'second'}"
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(3), (4, 5, 1)))
