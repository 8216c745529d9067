"""Softmaxes: scales from flat to one-hot, betas, ranks, vectors of one value and of many."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.softmax import OUTPUT, Softmax


def cases() -> list[Case]:
    found = [
        unary_case(
            f"scale {scale}, beta {beta}", Softmax(beta), (12,), parameters(scale, 7), OUTPUT, seed
        )
        for seed, (scale, beta) in enumerate(
            (scale, beta)
            for scale in (1e-6, 0.001, 0.013, 0.1447, 0.5, 3.0, 40.0)
            for beta in (0.1, 1.0, 2.5)
        )
    ]
    for shape in ((1,), (2,), (3, 10), (2, 3, 5), (511,)):
        source = parameters(0.07, -128)
        found.append(unary_case(f"shape {shape}", Softmax(), shape, source, OUTPUT))
    return found
