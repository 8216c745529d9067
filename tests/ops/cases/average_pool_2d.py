"""Average pooling: every window without dilation, activations, zero points, exact ties."""

from __future__ import annotations

from conformance import ACTIVATIONS, Case, parameters, unary_case, windows

from tinycomp.ops._window import Window
from tinycomp.ops.average_pool_2d import AveragePool2D

SIZE = (7, 6)


def cases() -> list[Case]:
    shape, tied = (*SIZE, 5), parameters(0.05, -4)
    plain = [(name, window) for name, window in windows(SIZE) if window.dilation == (1, 1)]
    plain += [("2x2 stride 2", Window((2, 2), (2, 2))), ("1x4", Window((1, 4), (1, 3)))]
    found = [unary_case(name, AveragePool2D(window), shape, tied, tied) for name, window in plain]
    for activation in ACTIVATIONS:
        op = AveragePool2D(Window.make("same", SIZE, (2, 3)), activation)
        for zero_point in (-128, 0, 100):
            tied = parameters(0.03, zero_point)
            found.append(
                unary_case(f"{activation.name}, zero point {zero_point}", op, shape, tied, tied)
            )
    large = AveragePool2D(Window((64, 66)))
    return [*found, unary_case("64x66", large, (64, 66, 2), tied, tied)]
