"""Max pooling: every window without dilation, activations, zero points."""

from __future__ import annotations

from conformance import ACTIVATIONS, Case, parameters, unary_case, windows

from tinycomp.ops._window import Window
from tinycomp.ops.max_pool_2d import MaxPool2D

SIZE = (7, 6)


def cases() -> list[Case]:
    shape, tied = (*SIZE, 5), parameters(0.05, -4)
    plain = [(name, window) for name, window in windows(SIZE) if window.dilation == (1, 1)]
    plain += [("2x2 stride 2", Window((2, 2), (2, 2)))]
    found = [unary_case(name, MaxPool2D(window), shape, tied, tied) for name, window in plain]
    for activation in ACTIVATIONS:
        op = MaxPool2D(Window.make("same", SIZE, (2, 3), (2, 1)), activation)
        tied = parameters(0.03, 60)
        found.append(unary_case(activation.name, op, shape, tied, tied))
    return found
