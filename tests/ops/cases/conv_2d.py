"""Convolutions: every window, channel counts around multiples of 4, activations, extremes."""

from __future__ import annotations

from conformance import ACTIVATIONS, Case, weighted_case, windows

from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D

SIZE = (7, 6)


def cases() -> list[Case]:
    return [*_windows(), *_channels(), *_activations(), *_values()]


def _windows() -> list[Case]:
    found = []
    explicit = ("explicit padding", Window((3, 2), (2, 1), padding=(2, 0, 1, 3)))
    for seed, (name, window) in enumerate([*windows(SIZE), explicit]):
        weights = (5, *window.kernel, 3)
        found.append(weighted_case(name, Conv2D(window), (*SIZE, 3), weights, seed=seed))
    return found


def _channels() -> list[Case]:
    window = Window.make("same", SIZE, (3, 3))
    return [
        weighted_case(
            f"{inputs} to {outputs} channels",
            Conv2D(window),
            (*SIZE, inputs),
            (outputs, 3, 3, inputs),
            seed=100 + outputs,
        )
        for inputs, outputs in ((1, 1), (2, 3), (16, 4), (5, 8), (1, 6))
    ]


def _activations() -> list[Case]:
    window = Window((2, 2))
    return [
        weighted_case(
            f"activation {activation.name}",
            Conv2D(window, activation),
            (*SIZE, 4),
            (4, 2, 2, 4),
            seed=200 + activation.value,
            zero_points=(17, -20),
        )
        for activation in ACTIVATIONS
    ]


def _values() -> list[Case]:
    same = Conv2D(Window.make("same", SIZE, (3, 3)))
    relu = Conv2D(Window((1, 1)), Activation.RELU)
    shape, weights = (*SIZE, 4), (8, 3, 3, 4)
    return [
        weighted_case("extreme weights", same, shape, weights, seed=300, extreme=True),
        weighted_case(
            "zero points -128 and 127", same, shape, weights, seed=301, zero_points=(-128, 127)
        ),
        weighted_case(
            "zero points 127 and -128", same, shape, weights, seed=302, zero_points=(127, -128)
        ),
        weighted_case("saturating", same, shape, weights, seed=303, spread=4000),
        weighted_case("nearly all zero", same, shape, weights, seed=304, spread=0.05),
        weighted_case("one scale", same, shape, weights, seed=305, per_channel=False),
        weighted_case("factors above 1", relu, shape, (8, 1, 1, 4), seed=306, spread=60000),
        weighted_case("one cell", relu, (1, 1, 9), (7, 1, 1, 9), seed=307),
    ]
