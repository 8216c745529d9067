"""Sums: different scales, zero points, activations, saturation, broadcast operands.

Both operands come from the model's one input, through convolutions that make them differ.
"""

from __future__ import annotations

import numpy as np
from conformance import (
    ACTIVATIONS,
    Case,
    CaseBuilder,
    extreme_inputs,
    parameters,
    weighted_constants,
)

from tinycomp.ir.tensor import QuantizationParameters, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.reshape import Reshape

SHAPE = (4, 5, 6)
A, B, C = parameters(0.1, 3), parameters(0.07, -9), parameters(0.12, 5)


def cases() -> list[Case]:
    scales = [
        _case(
            f"scales {a} + {b} to {c}",
            parameters(a, 3),
            parameters(b, -9),
            parameters(c, 5),
            seed=seed,
        )
        for seed, (a, b, c) in enumerate(
            (
                (0.1, 0.1, 0.2),
                (0.1, 0.013, 0.07),
                (0.002, 0.3, 0.1),
                (0.5, 0.25, 0.125),
                (0.3, 0.7, 0.001),
                (1e-5, 0.4, 0.4),
                (0.1, 0.2, 30.0),
            )
        )
    ]
    zero_points = [
        _case(
            f"zero points {a} + {b} to {c}",
            parameters(0.1, a),
            parameters(0.07, b),
            parameters(0.11, c),
        )
        for a, b, c in ((-128, -128, -128), (127, 127, -128), (-128, 127, 127))
    ]
    dwarfed = _case(
        "an output whose step dwarfs the inputs",
        parameters(0.07, -124),
        parameters(0.07, -124),
        parameters(34001.25, -128),
    )
    activations = [
        _case(
            activation.name,
            parameters(0.1, 3),
            parameters(0.07, -9),
            parameters(0.1, -20),
            activation,
        )
        for activation in ACTIVATIONS
    ]
    broadcasts = [
        _case(f"{kind}, {'first' if first else 'second'}", kind=kind, first=first, seed=7)
        for kind in ("image", "channels", "one axis", "scalar")
        for first in (False, True)
    ]
    return [*scales, *zero_points, dwarfed, *activations, *broadcasts]


def _case(
    name: str,
    a: QuantizationParameters = A,
    b: QuantizationParameters = B,
    c: QuantizationParameters = C,
    activation: Activation = Activation.NONE,
    *,
    kind: str = "image",
    first: bool = False,
    seed: int = 0,
) -> Case:
    """A sum with the given `kind` of operand b, which comes first if `first` is set."""
    rng = np.random.default_rng(seed)
    source = parameters(0.05, -1)
    builder = CaseBuilder(SHAPE, source)
    wide = _branch(builder, rng, Window((1, 1)), SHAPE[2], source, a)
    kernel, channels = {"image": ((1, 1), SHAPE[2]), "scalar": (SHAPE[:2], 1)}.get(
        kind, (SHAPE[:2], SHAPE[2])
    )
    narrow = _branch(builder, rng, Window((kernel[0], kernel[1])), channels, source, b)
    if kind == "one axis":
        narrow = builder.add(Reshape((channels,)), [narrow], b)
    builder.add(Add(activation), [narrow, wide] if first else [wide, narrow], c)
    return Case(name, builder.graph(), extreme_inputs(rng, SHAPE))


def _branch(
    builder: CaseBuilder,
    rng: np.random.Generator,
    window: Window,
    channels: int,
    source: QuantizationParameters,
    output: QuantizationParameters,
) -> str:
    """A convolution whose outputs fill the int8 range for any output parameters."""
    shape: Shape = (channels, *window.kernel, SHAPE[2])
    constants = weighted_constants(rng, shape, 0, source, per_channel=False)
    length = int(np.prod(shape[1:]))
    scale = output.scale * 40 / (source.scale * 74 * 73 * np.sqrt(length))
    scaled = [
        type(constant)(constant.name, constant.values, parameters(factor))
        for constant, factor in zip(constants, (scale, scale * source.scale), strict=True)
    ]
    return builder.add(Conv2D(window), ["input"], output, scaled)
