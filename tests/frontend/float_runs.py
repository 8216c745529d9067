"""Runs float graphs with LiteRT, and compares outputs."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle


def run(graph: Graph, x: Array) -> Array:
    """The output computed by LiteRT."""
    (output,) = oracle.run_float(write_tflite(graph), x).values()
    return output


def assert_close(found: Array, expected: Array) -> None:
    """Equal up to rounding, relative to the range of the output."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * max(1, np.abs(expected).max()))
