"""Ranges: the choice of each method, inclusion of zero, and errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.common.errors import DataError, ModelError
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array, Constant, dequantize_values
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.quantization.affine import quantize_values
from tinycomp.quantization.calibration import (
    METHODS,
    Histogram,
    Method,
    calibrate,
    least_error_range,
    percentile_range,
)
from tinycomp.quantization.ranges import Range


def relu() -> Graph:
    """t has the values of the input: calibration may clip its range, but not the input's."""
    builder = GraphBuilder("relu")
    same = builder.add(Reshape((10, 10)), [builder.input("x", (100,))], "t")
    return builder.build([builder.add(Relu(), [same], "y")])


def squared_error(values: Array, found: Range) -> float:
    parameters = found.parameters
    restored = dequantize_values(quantize_values(values, parameters), parameters)
    return float(np.mean((restored.astype(np.float64) - values) ** 2))


def heavy_tails() -> Array:
    return np.random.default_rng(0).standard_t(3, (2000, 100)).astype(np.float32)


def test_min_max_is_the_observed_range() -> None:
    x = heavy_tails()
    ranges = calibrate(relu(), x, "min-max")
    assert ranges["x"] == (x.min(), x.max())
    assert ranges["y"] == (0, x.max())


def test_heavy_tails_are_clipped_if_that_reduces_the_error() -> None:
    x = heavy_tails()
    chosen, seen = calibrate(relu(), x, "mse"), calibrate(relu(), x, "min-max")
    for name, values in (("t", x), ("y", np.maximum(x, 0))):
        assert squared_error(values, chosen[name]) < 0.9 * squared_error(values, seen[name])


def test_mse_minimizes_the_squared_error() -> None:
    x = heavy_tails()
    found = calibrate(relu(), x, "mse")["t"]
    least = squared_error(x, found)
    for low in np.linspace(0.6, 1.5, 7):
        for high in np.linspace(0.6, 1.5, 7):
            other = Range(found.low * low, found.high * high)
            assert least < 1.02 * squared_error(x, other)


@pytest.mark.parametrize("tail", [1.5, 3, 30])
@pytest.mark.parametrize("offset", [0.0, 0.4, 9.0])
def test_mse_finds_the_best_of_all_pairs_of_edges(tail: float, offset: float) -> None:
    values = np.random.default_rng(0).standard_t(tail, 3000) + offset
    low, high = min(0.0, values.min()), max(0.0, values.max())
    bins, _ = np.histogram(values, 256, (low, high))
    histogram = Histogram(low, (high - low) / 256, bins, 0)
    found = least_error_range(histogram)
    edges = np.append(histogram.edges, 0.0)
    errors = [
        _expected_error(histogram, first, last)
        for first in edges[edges <= 0]
        for last in edges[edges >= 0]
    ]
    assert _expected_error(histogram, found.low, found.high) <= min(errors) * (1 + 1e-6)


def _expected_error(histogram: Histogram, low: float, high: float) -> float:
    """Of values clipped to a range, and of rounding to 256 levels."""
    outside = histogram.centers - np.clip(histogram.centers, low, high)
    rounding = histogram.counts.sum() * ((high - low) / 255) ** 2 / 12
    return float(histogram.counts @ outside**2 + rounding)


def test_mse_keeps_a_uniform_distribution_whole() -> None:
    x = np.random.default_rng(0).uniform(-1, 3, (2000, 100)).astype(np.float32)
    found = calibrate(relu(), x, "mse")["t"]
    np.testing.assert_allclose(found, (-1, 3), atol=0.01)


def test_percentiles_equal_numpys_within_a_bin() -> None:
    x = heavy_tails()
    found = calibrate(relu(), x, "percentile")["t"]
    bin_width = (x.max() - x.min()) / 2048
    expected = np.percentile(x, [0.01, 99.99])
    np.testing.assert_allclose(found, expected, atol=1.01 * bin_width)


def test_a_tensor_that_is_nearly_always_zero_keeps_its_values() -> None:
    x = np.zeros((2000, 100), np.float32)
    x[::500, 0] = (1, 2, 3, 4)
    assert calibrate(relu(), x, "percentile")["y"].high == pytest.approx(4, rel=1e-3)


def test_few_values_are_not_clipped() -> None:
    x = np.linspace(-2, 7, 100, dtype=np.float32)[np.newaxis]
    np.testing.assert_allclose(calibrate(relu(), x, "percentile")["t"], (-2, 7), rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("low", "high"), [(2, 5), (-5, -2), (0, 0), (3, 3), (-1e-30, 1e30)])
def test_every_range_includes_zero(method: Method, low: float, high: float) -> None:
    x = np.linspace(low, high, 300, dtype=np.float32).reshape(3, 100)
    for found in calibrate(relu(), x, method).values():
        assert found.low <= 0 <= found.high
        assert np.isfinite(found).all()


@pytest.mark.parametrize("choose", [least_error_range, percentile_range])
def test_values_of_one_sign_only(choose: type) -> None:
    counts = np.full(10, 1000)
    np.testing.assert_allclose(choose(Histogram(0.0, 0.5, counts, 0)), (0, 5))
    np.testing.assert_allclose(choose(Histogram(-5.0, 0.5, counts, 0)), (-5, 0))


def test_zero_is_exact_and_the_bounds_are_reached() -> None:
    for low, high in [(-1.0, 2.5), (0.0, 6.0), (-3.0, 0.0), (-1e-3, 100.0)]:
        parameters = Range(low, high).parameters
        grid = dequantize_values(np.array([-128, parameters.zero_point, 127]), parameters)
        assert grid[1] == 0
        np.testing.assert_allclose(grid[[0, 2]], (low, high), atol=0.51 * parameters.scale)
        assert parameters.scale == float(np.float32(parameters.scale))


@pytest.mark.parametrize("method", METHODS)
def test_the_input_keeps_its_observed_range(method: Method) -> None:
    x = heavy_tails()
    assert calibrate(relu(), x, method)["x"] == (x.min(), x.max())


def test_unknown_method() -> None:
    with pytest.raises(
        DataError, match=r"no calibration method 'kl'\. Expected one of: auto, min-max"
    ):
        calibrate(relu(), heavy_tails(), "kl")  # type: ignore[arg-type]


def test_no_samples() -> None:
    with pytest.raises(DataError, match="There are no calibration samples"):
        calibrate(relu(), np.zeros((0, 100), np.float32), "mse")


def test_a_layer_that_overflows_is_named(graph: Graph, inputs: Array) -> None:
    huge = Constant("fw", np.full((5, 48), 3e38, np.float32))
    broken = replace(graph, constants={**graph.constants, "fw": huge})
    with pytest.raises(
        ModelError, match="'dense' becomes NaN or overflows on the calibration data"
    ):
        calibrate(broken, inputs, "percentile")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite(bad: float) -> None:
    x = heavy_tails()
    x[3, 4] = bad
    with pytest.raises(ModelError, match="'x' becomes NaN or overflows"):
        calibrate(relu(), x, "percentile")
