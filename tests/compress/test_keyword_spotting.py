"""Codebooks on a real model: bytes and accuracy of keyword spotting with 4 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.plan.program import lower
from tinycomp.reference.simulate import run, simulate
from tinycomp.techniques.bias_correction import correct_biases
from tinycomp.techniques.cluster import Cluster, check_codebooks
from tinycomp.techniques.error_feedback import feed_back_errors
from tinycomp.techniques.prune import Prune

BYTES = 12_500
POINTS = 1.5


def _bytes(graph: Graph) -> int:
    operations = lower(graph).operations
    return sum(encoded.size for operation in operations for encoded in operation.encoded)


@pytest.mark.shared
@pytest.mark.parametrize("sparsity", [0.0, 0.3])
def test_four_bits_are_small_and_accurate(shared: Path, sparsity: float) -> None:
    dense = read_tflite(shared / "models" / "kws_ref_model_int8.tflite")
    with np.load(shared / "data" / "kws01.npz") as data:
        x, y = data["x_test"], data["y_test"]
    pruned = Prune(sparsity).apply(dense)
    clustered = Cluster(4).apply(pruned)
    activations = simulate(dense, x[:100])
    better = feed_back_errors(clustered, dense, activations, pruned)
    better = correct_biases(better, dense, activations)
    check_codebooks(better)
    assert 22_000 < _bytes(dense) < 22_200
    assert _bytes(better) <= BYTES
    accuracy = [100 * (run(g, x).argmax(axis=-1) == y).mean() for g in (dense, clustered, better)]
    assert accuracy[2] >= accuracy[0] - POINTS
    if sparsity:
        assert accuracy[2] > accuracy[1] + 5  # what pruning costs where nothing makes up for it
