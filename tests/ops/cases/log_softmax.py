"""Logarithms of softmaxes: scales from flat to one-hot, ranks, vectors of one value and of many."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.log_softmax import OUTPUT, LogSoftmax


def cases() -> list[Case]:
    scales = [
        unary_case(f"scale {scale}", LogSoftmax(), (12,), parameters(scale, 7), OUTPUT, seed)
        for seed, scale in enumerate((1e-6, 0.001, 0.013, 0.1447, 0.5, 1.7, 3.0, 10.0))
    ]
    shapes = [
        unary_case(f"shape {shape}", LogSoftmax(), shape, parameters(0.07, -128), OUTPUT)
        for shape in ((1,), (2,), (3, 10), (2, 3, 5), (511,), (4000,))
    ]
    return [*scales, *shapes]
