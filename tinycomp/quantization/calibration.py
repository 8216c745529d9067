"""Ranges of all tensors from running the float model on calibration data; all include zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from tinycomp.common.errors import DataError, ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import hidden_tensor
from tinycomp.ir.tensor import Array
from tinycomp.options.build import AUTO
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.ranges import LEVELS, Range
from tinycomp.quantization.ties import hidden_names
from tinycomp.reference.oracle import float_batches

Method = Literal["min-max", "percentile", "mse"]
METHODS: tuple[Method, ...] = get_args(Method)
PERCENTILE = 99.99
"""Percent of the values below the upper bound, and percent above the lower bound."""

SPARSE_PERCENTILE = 99.0
"""The same for values other than zero, if that range is wider."""

_BINS = 2048
_COARSE = 16
"""The edges, one in so many, among which a first pair of bounds is sought."""
_SLACK = 1 + 1e-9
"""More than errors are off by rounding."""
_OVERFLOW = 1e38


@dataclass(frozen=True)
class Histogram:
    """A histogram of a tensor's values: bin i covers low + i * width to low + (i + 1) * width."""

    low: float
    """The lower edge of the first bin."""
    width: float
    """Of a bin."""
    counts: Array
    """Values per bin."""
    zeros: int
    """How many values are exactly zero, and so quantize without error."""

    @property
    def edges(self) -> Array:
        """The edges of the bins, one more than bins."""
        return self.low + self.width * np.arange(len(self.counts) + 1)

    @property
    def centers(self) -> Array:
        """The centers of the bins."""
        return self.low + self.width * (np.arange(len(self.counts)) + 0.5)


def calibrate(graph: Graph, x: Array, method: Method) -> dict[str, Range]:
    """Run a float graph on calibration data and choose a range for every tensor, by one method.

    See observe for the arguments and errors, and Observations.ranges for the methods.
    """
    return observe(graph, x).ranges(method)


@dataclass(frozen=True, eq=False)
class Observations:
    """The values of a float graph's tensors on calibration data."""

    extremes: dict[str, Range]
    """Smallest and largest value of every tensor."""
    histograms: dict[str, Histogram]
    """Of all tensors that are not zero throughout."""
    inputs: tuple[str, ...]
    """Names of the model's inputs, which no method clips."""

    def ranges(self, method: Method) -> dict[str, Range]:
        """The range of every tensor.

        "min-max": all values. "percentile": PERCENTILE of them on either side. "mse": the range
        with the smallest expected squared error of a uniform 8-bit quantizer. The model's input
        is never clipped, because no later layer can recover what is lost there.

        Raises:
            DataError: there is no such method.
        """
        require_method(method)
        if method == "min-max":
            return dict(self.extremes)
        choose = percentile_range if method == "percentile" else least_error_range
        return {
            name: choose(self.histograms[name])
            if name in self.histograms and name not in self.inputs
            else extremes
            for name, extremes in self.extremes.items()
        }


def require_method(name: str) -> Method:
    """The method of that name.

    Raises:
        DataError: there is none.
    """
    for method in METHODS:
        if name == method:
            return method
    raise DataError(
        f"There is no calibration method '{name}'.",
        expected=f"Expected one of: {', '.join((AUTO, *METHODS))}.",
    )


def observe(graph: Graph, x: Array) -> Observations:
    """Run a float graph on calibration data, and record the values of every tensor.

    Args:
        graph: a float graph without float-only operators that TFLite can't run.
        x: (samples, *input shape), real values.

    Raises:
        DataError: no samples.
        ModelError: a layer's output is NaN or overflows float32.
    """
    if len(x) == 0:
        raise DataError("There are no calibration samples.", expected="Expected at least one.")
    model, observed = write_tflite(graph), _observed(graph)
    extremes = _extremes(observed, model, x)
    return Observations(extremes, _histograms(observed, model, x, extremes), graph.inputs)


def _observed(graph: Graph) -> dict[str, list[str]]:
    """What is observed, and the tensors of the .tflite that hold it: a tensor of the graph, or a
    hidden value of a node at every step.
    """
    observed = {name: [name] for name in graph.tensors}
    for node in graph.nodes:
        steps = graph.tensors[node.outputs[0]].shape[0]
        for each, name in hidden_names(node).items():
            observed[name] = [hidden_tensor(node.outputs[0], each, step) for step in range(steps)]
    return observed


def percentile_range(histogram: Histogram, percentile: float = PERCENTILE) -> Range:
    """The bounds that less than 100 - percentile percent of the values exceed on either side.

    A tensor that is nearly always zero keeps at least SPARSE_PERCENTILE of its other values.
    """
    others = histogram.counts.copy()
    others[_bins(np.zeros(1), histogram.low, histogram.width, len(others))] -= histogram.zeros
    return _quantiles(histogram, histogram.counts, percentile).union(
        _quantiles(histogram, others, SPARSE_PERCENTILE)
    )


def _quantiles(histogram: Histogram, counts: Array, percentile: float) -> Range:
    """Bin edges that contain the given percent of the counted values, on either side."""
    share = np.cumsum(counts) / max(1, counts.sum())
    # The last share is 1 except for rounding, and 0 for an empty histogram.
    high = int(np.searchsorted(share, percentile / 100 - 1e-12)) + 1
    low = int(np.searchsorted(share, 1 - percentile / 100, side="right"))
    edges = histogram.edges
    return Range.of(edges[min(low, len(counts))], edges[min(high, len(counts))])


def least_error_range(histogram: Histogram) -> Range:
    """The bounds that minimise the expected squared error of 256 evenly spaced levels.

    The error is step^2 / 12 for a value between the bounds (Bennett's model of a uniform quantizer)
    and the squared distance to the nearer bound outside. Every pair of bin edges counts; those that
    can't have the smallest error are left out.
    """
    edges = histogram.edges
    clipped_above = _clipping(histogram.centers, histogram.counts, edges)
    clipped_below = _clipping(-histogram.centers[::-1], histogram.counts[::-1], -edges[::-1])[::-1]
    low = np.concatenate([edges[edges < 0], [0.0]])
    high = np.concatenate([[0.0], edges[edges > 0]])
    below = np.concatenate([clipped_below[edges < 0], [np.interp(0.0, edges, clipped_below)]])
    above = np.concatenate([[np.interp(0.0, edges, clipped_above)], clipped_above[edges > 0]])
    rounded = float(histogram.counts.sum() - histogram.zeros)
    every = slice(None, None, _COARSE)
    found = _errors(low[every], high[every], below[every], above[every], rounded).min()
    most = found * _SLACK  # a pair's error is at least that of one bound with 0 as the other
    lows = below + rounded * (low / LEVELS) ** 2 / 12 <= most
    highs = above + rounded * (high / LEVELS) ** 2 / 12 <= most
    low, high = low[lows], high[highs]
    error = _errors(low, high, below[lows], above[highs], rounded)
    row, column = np.unravel_index(np.argmin(error), error.shape)
    return Range.of(low[row], high[column])


def _errors(low: Array, high: Array, below: Array, above: Array, rounded: float) -> Array:
    """Of all pairs of bounds: values clipped on either side, and values rounded between."""
    step = (high[np.newaxis, :] - low[:, np.newaxis]) / LEVELS
    error: Array = below[:, np.newaxis] + above[np.newaxis, :] + rounded * step**2 / 12
    return error


def _clipping(values: Array, counts: Array, bounds: Array) -> Array:
    """Sum of counts * (value - bound)^2 over the values above each bound; all arrays ascending."""
    moments = [
        np.concatenate([np.cumsum((counts * values**power)[::-1])[::-1], [0.0]])
        for power in range(3)
    ]
    first = np.searchsorted(values, bounds, side="right")
    count, total, squares = (moment[first] for moment in moments)
    clipped: Array = np.maximum(squares - 2 * bounds * total + bounds**2 * count, 0.0)
    return clipped


def _bins(values: Array, low: float, width: float, count: int) -> Array:
    """The histogram bin of each value, in float32."""
    bins = (values.astype(np.float32) - np.float32(low)) * np.float32(1 / width)
    return np.clip(bins.astype(np.int64), 0, count - 1)


def _extremes(observed: Mapping[str, list[str]], model: bytes, x: Array) -> dict[str, Range]:
    """The smallest and largest value of everything that is observed."""
    ranges: dict[str, Range] = {}
    for batch in float_batches(model, x):
        for name, parts in observed.items():
            low = min(batch[part].min() for part in parts)
            high = max(batch[part].max() for part in parts)
            # LiteRT clamps overflows to the largest float32. NaN fails every comparison.
            if not (low > -_OVERFLOW and high < _OVERFLOW):
                raise ModelError(
                    f"{name!r} becomes NaN or overflows on the calibration data.",
                    hint="Check the layer's weights, and the scale of the data.",
                )
            found = Range.of(low, high)
            ranges[name] = ranges[name].union(found) if name in ranges else found
    return ranges


def _histograms(
    observed: Mapping[str, list[str]], model: bytes, x: Array, extremes: dict[str, Range]
) -> dict[str, Histogram]:
    """Histograms between the extremes, for tensors that are not zero throughout."""
    counts = {name: np.zeros(_BINS, np.int64) for name, r in extremes.items() if r.width > 0}
    zeros = dict.fromkeys(counts, 0)
    for batch in float_batches(model, x):
        for name in counts:
            values = np.concatenate([batch[part].ravel() for part in observed[name]])
            bounds = extremes[name]
            bins = _bins(values, bounds.low, bounds.width / _BINS, _BINS)
            counts[name] += np.bincount(bins, minlength=_BINS)
            zeros[name] += values.size - int(np.count_nonzero(values))
    return {
        name: Histogram(extremes[name].low, extremes[name].width / _BINS, counts[name], zeros[name])
        for name in counts
    }
