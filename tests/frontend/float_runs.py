"""Float graphs run by LiteRT, and how closely outputs must agree."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantize.export import write_tflite
from tinycomp.reference import oracle


def run(graph: Graph, x: Array) -> Array:
    """The output that LiteRT computes."""
    (output,) = oracle.run_float(write_tflite(graph), x).values()
    return output


def assert_close(found: Array, expected: Array) -> None:
    """Equal but for rounding, measured against the range of the output."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * max(1, np.abs(expected).max()))
