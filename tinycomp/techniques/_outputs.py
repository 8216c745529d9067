"""The outputs of a float model, to compare two models by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes._logits import ends_of, up_to
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_float


def float_outputs(graph: Graph, x: Array, logits: Sequence[bool] | bool = True) -> list[Array]:
    """Each output, (samples, *output shape), float32, computed by LiteRT.

    Args:
        graph: a float model.
        x: real inputs (samples, *graph.sample_shape).
        logits: whether to leave out a final softmax or sigmoid, of all or of each output.
    """
    names = ends_of(graph, logits)
    found = run_float(write_tflite(up_to(graph, *dict.fromkeys(names))), x)
    return [found[name] for name in names]


def difference(before: Sequence[Array], after: Sequence[Array]) -> float:
    """The mean squared difference of two models' outputs, relative to the variance of each: the
    mean over the outputs.
    """
    return float(np.mean([_relative(*both) for both in zip(before, after, strict=True)]))


def _relative(before: Array, after: Array) -> float:
    wide: NDArray[np.float64] = before.astype(np.float64)
    return float(((after - wide) ** 2).mean()) / max(float(wide.var()), 1e-12)
