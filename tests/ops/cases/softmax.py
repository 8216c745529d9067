"""Softmax: scales from flat to one-hot, betas, ranks, vectors of one value and of many."""

from __future__ import annotations

import numpy as np
from conformance import Case, parameters, unary_case

from tinycomp.ops.softmax import OUTPUT, Softmax
from tinycomp.reference.compare import aborting


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
    return [*found, *_long()]


def _long() -> list[Case]:
    """More than 511 values, few of which are near the largest: LiteRT aborts at a sum of 512."""
    found = []
    for size, scale in ((512, 0.1), (1000, 0.05), (9000, 0.3)):
        rng = np.random.default_rng(size)
        values = np.clip(rng.normal(-60, 12, (4, size)), -128, 0).astype(np.int8)
        values[1, 7], values[2, -1] = 127, 90
        values[3] = np.where(np.arange(size) < 500, 127, -128)
        graph = unary_case("", Softmax(), (size,), parameters(scale), OUTPUT).graph
        inputs = values[~aborting(graph, values)]
        assert len(inputs) > 1
        found.append(Case(f"{size} values, scale {scale}", graph, inputs))
    return found
