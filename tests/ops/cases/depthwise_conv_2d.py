"""Depthwise convolutions: every window, multipliers, channel counts around multiples of 4,
extremes.
"""

from __future__ import annotations

from conformance import ACTIVATIONS, Case, weighted_case, windows

from tinycomp.ops._window import Window
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D

SIZE = (7, 6)


def cases() -> list[Case]:
    return [*_windows(), *_channels(), *_activations(), *_values()]


def _windows() -> list[Case]:
    found = []
    explicit = ("explicit padding", Window((3, 2), (2, 1), padding=(2, 0, 1, 3)))
    for seed, (name, window) in enumerate([*windows(SIZE), explicit]):
        weights = (1, *window.kernel, 5)
        found.append(weighted_case(name, DepthwiseConv2D(window), (*SIZE, 5), weights, seed=seed))
    return found


def _channels() -> list[Case]:
    window = Window.make("same", SIZE, (3, 3), (1, 2))
    return [
        weighted_case(
            f"{channels} channels times {multiplier}",
            DepthwiseConv2D(window, multiplier),
            (*SIZE, channels),
            (1, 3, 3, channels * multiplier),
            seed=100 + channels,
        )
        for channels, multiplier in ((1, 1), (1, 8), (2, 3), (4, 1), (5, 2), (8, 1), (3, 4))
    ]


def _activations() -> list[Case]:
    window = Window((2, 2))
    return [
        weighted_case(
            f"activation {activation.name}",
            DepthwiseConv2D(window, 1, activation),
            (*SIZE, 4),
            (1, 2, 2, 4),
            seed=200 + activation.value,
            zero_points=(17, -20),
        )
        for activation in ACTIVATIONS
    ]


def _values() -> list[Case]:
    same = DepthwiseConv2D(Window.make("same", SIZE, (3, 3)))
    shape, weights = (*SIZE, 8), (1, 3, 3, 8)
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
        weighted_case("factors above 1", same, shape, weights, seed=306, spread=60000),
    ]
