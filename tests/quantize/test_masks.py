"""Masked scores have no share, however far above the others they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinycomp.frontend.keras import import_keras, read_live_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.layer_errors import signal_to_noise
from tinycomp.quantization.masks import BELOW, bounded_scores, masked_sums
from tinycomp.quantization.post_training import quantize
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

STEPS = 6


def _causal(keras: Any, x: Any) -> Any:
    return keras.layers.Attention()([x, x], use_causal_mask=True)


def _added(keras: Any, x: Any) -> Any:
    scores = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))
    mask = np.triu(np.full((1, STEPS, STEPS), -1e9, np.float32), 1)
    return keras.ops.matmul(keras.layers.Softmax()(scores + mask), x)


def _selected(keras: Any, x: Any) -> Any:
    scores = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))
    mask = np.tri(STEPS, dtype=np.float32)[None] > 0
    return keras.ops.matmul(keras.layers.Softmax()(keras.ops.where(mask, scores, -1e9)), x)


@pytest.mark.parametrize("masked", [_causal, _added, _selected])
def test_a_row_depends_on_no_row_behind(masked: Callable[[Any, Any], Any]) -> None:
    """Scores reach from -100 to 100."""
    keras = import_keras()
    inputs = keras.Input((STEPS, 4))
    graph = read_live_keras(keras.Model(inputs, masked(keras, inputs)))
    x = np.random.default_rng(0).uniform(-5, 5, (40, STEPS, 4)).astype(np.float32)
    other = np.concatenate([x[:, :3], x[::-1, 3:]], axis=1)
    real, changed = (
        oracle.run_float(write_tflite(graph), data)[graph.outputs[0]] for data in (x, other)
    )
    assert np.array_equal(real[:, :3], changed[:, :3])
    int8 = quantize(graph, observe(graph, x).ranges("min-max"))
    rows = _outputs(int8, x)
    assert np.array_equal(rows[:, :3], _outputs(int8, other)[:, :3])
    assert not np.array_equal(rows[:, 3:], _outputs(int8, other)[:, 3:])
    (node,) = masked_sums(graph)
    ratios = signal_to_noise(graph, int8, x)
    assert node.outputs[0] not in ratios
    assert ratios[graph.outputs[0]] > 20


def _outputs(graph: Graph, x: Array) -> Array:
    inputs = quantize_inputs(graph, x)
    found, expected = simulate(graph, inputs), oracle.run(write_tflite(graph), inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in found)
    return found[graph.outputs[0]]


def test_padding_has_no_share() -> None:
    """Scores reach from -100 to 100; bounds lie 16 below the lowest, and no further."""
    keras = import_keras()
    inputs = keras.Input((STEPS, 4))
    x = keras.layers.Masking()(inputs)
    graph = read_live_keras(keras.Model(inputs, keras.layers.Attention()([x, x])))
    data = np.random.default_rng(0).uniform(-5, 5, (40, STEPS, 4)).astype(np.float32)
    data[:, 4:] = 0
    ranges = observe(graph, data).ranges("min-max")
    int8 = quantize(graph, ranges)
    (each,) = bounded_scores(int8)
    found = int8.tensors[each.bound.outputs[0]].quantization
    assert found is not None
    low = found.scale * (-128 - found.zero_point)
    assert abs(low - (ranges[each.scores].low - BELOW)) < 2 * found.scale
    values = simulate(int8, quantize_inputs(int8, data))
    share = next(node.outputs[0] for node in int8.nodes if node.op.name == "softmax")
    assert (values[share][:, :4, 4:] == -128).all()
    assert (values[share][:, :4, :4] > -128).any()
    assert each.node.outputs[0] not in signal_to_noise(graph, int8, data)
