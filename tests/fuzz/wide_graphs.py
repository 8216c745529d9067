"""Random graphs on 16-bit activations, made of int8 ones."""

from __future__ import annotations

import numpy as np
from float_graphs import float_graph

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.types import Precision
from tinycomp.reading import clean_up

SAMPLES = 20
"""For calibration."""


def wide_graph(graph: Graph, seed: int, *, mixed: bool = False) -> tuple[Graph, Array]:
    """The layers of an int8 graph with real weights, quantized again, and the real samples of the
    calibration.

    Args:
        graph: on int8.
        seed: of the samples, and of the types.
        mixed: whether layers with weights draw 8 or 16 bits; else all have 16.
    """
    plain = clean_up(float_graph(graph, total=True))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(SAMPLES, *plain.tensors[plain.inputs[0]].shape)).astype(np.float32)
    weighted = [node.name for node in plain.nodes if node.op.weight_axis is not None]
    bits = {name: int(rng.choice([8, 16])) for name in weighted} if mixed else {}
    precision = Precision(int(rng.choice([8, 16])) if mixed else 16, bits)
    return quantize(plain, calibrate(plain, x, "min-max"), precision=precision), x
