"""What each constraint guarantees: patterns of zeros, few values, moving weights."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import run
from small_networks import network, task

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.post_training import quantize
from tinycomp.train.constraint import Constraint
from tinycomp.train.fine_tune import FineTune
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision, loss
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune, _grouped
from tinycomp.train.rate import Rate, entropy
from tinycomp.train.schedule import Schedule
from tinycomp.train.share import Share
from tinycomp.train.sparse import Sparse


def trained(*constraints: Constraint, epochs: int = 8, graph: Graph | None = None) -> Graph:
    x, y = task()
    model = trainable(graph or network(), constraints, logits=True)
    supervision = Supervision.classes(4 * np.eye(3, dtype=np.float32)[y], y)
    train(model, x, supervision, Schedule(epochs=epochs, batch=16), Silent())
    return finish(model)


def rows(graph: Graph) -> list[Array]:
    """The weights of each layer, (channels, weights)."""
    found = []
    for node in graph.nodes:
        axis = node.op.weight_axis
        if axis is not None:
            values = np.moveaxis(graph.constants[node.inputs[1]].values, axis, 0)
            found.append(values.reshape(len(values), -1))
    return found


def window_rows(graph: Graph) -> list[Array]:
    """The same, (rows of windows, weights)."""
    found = []
    for node in graph.nodes:
        if node.op.weight_axis == 0:
            values = graph.constants[node.inputs[1]].values
            row = int(np.prod(values.shape[2 if values.ndim == 4 else 1 :]))
            found.append(values.reshape(-1, row if row >= 4 else values[0].size))
    return found


def accuracy(graph: Graph) -> float:
    x, y = task()
    return float(np.mean(run(graph, x).argmax(axis=1) == y))


def share_of_zeros(graph: Graph) -> float:
    return float(np.mean(np.concatenate([each.ravel() for each in rows(graph)]) == 0))


def test_two_of_four_weights_stay() -> None:
    graph = trained(Prune(0.5, pattern="2:4", every=4))
    for each in window_rows(graph):
        whole = each[:, : each.shape[1] // 4 * 4].reshape(-1, 4)
        assert ((whole != 0).sum(axis=1) <= 2).all()
    assert 0.4 < share_of_zeros(graph) < 0.6
    assert accuracy(graph) > 0.85


def test_blocks_are_zero_together() -> None:
    graph = trained(Prune(0.5, pattern="1x4", every=4))
    for each in window_rows(graph):
        whole = each[:, : each.shape[1] // 4 * 4].reshape(-1, 4)
        assert np.isin((whole != 0).sum(axis=1), (0, 4)).all()
    assert 0.4 < share_of_zeros(graph) <= 0.5
    assert accuracy(graph) > 0.85


def test_groups_begin_with_each_row_of_a_window() -> None:
    """As kernels read them: rows of 3 x 5 weights are three groups of four and one of three."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(2, 4, 3, 5))
    scores = _grouped(kernel**2, 0, Prune(0.5, pattern="2:4"))
    groups = np.isfinite(scores).reshape(8, 15)
    assert (groups[:, :12].reshape(-1, 4).sum(axis=1) == 2).all()
    assert (groups[:, 12:].sum(axis=1) == 1).all()


def test_a_pattern_holds_where_a_layer_cannot_have_that_many_zeros() -> None:
    graph = trained(Prune(0.5, pattern="2:4", every=4, ranking="layer"), epochs=2)
    for each in window_rows(graph):
        groups, rest = divmod(each.shape[1], 4)
        assert ((each == 0).sum(axis=1) <= 2 * groups + rest // 2).all()


def test_movement_finds_the_weights_that_training_needs() -> None:
    """Magnitudes carry no information: all are equal, and the first layer's signs are learned."""
    graph = trained(Prune(0.6, score="movement", begin=0.2, every=4))
    assert share_of_zeros(graph) == pytest.approx(0.6, abs=0.01)
    assert accuracy(graph) > 0.85


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pattern": "4:2"}, "pattern '4:2' is not possible"),
        ({"pattern": "2x4"}, "pattern '2x4' is not possible"),
        ({"pattern": "half"}, "pattern 'half' is not possible"),
        ({"pattern": "2:4", "sparsity": 0.6}, "2:4 allows a sparsity of 0.5 at most, not 0.6"),
    ],
)
def test_impossible_patterns_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(TinycompError, match=said):
        Prune(**{"sparsity": 0.5, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", [2, 3])
def test_codebooks_are_trained_and_survive_quantization(bits: int) -> None:
    graph = trained(Share(bits), graph=trained(FineTune()))
    x, _ = task()
    int8 = quantize(graph, calibrate(graph, x, "min-max"))
    for real, stored in zip(rows(graph), rows(int8), strict=True):
        assert len(np.unique(stored)) <= 2**bits
        np.testing.assert_array_equal(stored == 0, real == 0)
    assert accuracy(graph) > {2: 0.7, 3: 0.85}[bits]


def test_a_short_training_has_the_bits_that_were_asked_for_too() -> None:
    """Some steps of a percent each move no weight from a fine grid to one of a bit."""
    graph = trained(Rate(bits=1.0), epochs=2)
    symbols = []
    for node in graph.nodes:
        if node.op.weight_axis is not None:
            weights = graph.constants[node.inputs[1]]
            assert weights.grid is not None
            symbols.append(np.rint(weights.values / weights.grid.scale).astype(np.float64))
    sizes = [each.size for each in symbols]
    bits = sum(entropy(each) * each.size for each in symbols) / sum(sizes)
    assert 0.6 < bits < 1.3


def test_projection_and_final_weights_agree() -> None:
    """In float32 in training and in float64 at the end."""
    from keras import ops

    for constraint in (Share(3), Sparse(0.5), Prune(0.5, score="movement")):
        model = trainable(network(), [constraint], logits=True)
        for layer in model.tinycomp.layers:
            inside = np.array(ops.convert_to_tensor(layer.projected()[0][0]))
            outside = layer.fixed().kernel * layer.scale
            np.testing.assert_allclose(inside, outside, atol=1e-5)


@pytest.mark.parametrize("growth", ["gradient", "random"])
def test_sparse_training_moves_weights_and_keeps_their_number(growth: str) -> None:
    begin = trained(Sparse(0.6, every=1000), epochs=1)  # chosen once
    graph = trained(Sparse(0.6, growth=growth, every=10))  # type: ignore[arg-type]
    moved = [np.mean((a != 0) != (b != 0)) for a, b in zip(rows(begin), rows(graph), strict=True)]
    assert max(moved) > 0.1
    assert share_of_zeros(graph) == pytest.approx(0.6, abs=0.02)
    assert accuracy(graph) > 0.7


def test_sparsity_rises_while_weights_move() -> None:
    x, y = task()
    sparse = Sparse(0.8, initial=0.2, every=2, end=0.75)
    model = trainable(network(), [sparse], logits=True)
    supervision = Supervision.classes(4 * np.eye(3, dtype=np.float32)[y], y)
    schedule, masks = Schedule(epochs=8, batch=16), []

    def look(_: object) -> None:
        found = [layer.state(sparse)["mask"].ravel() for layer in model.tinycomp.layers]
        masks.append(np.concatenate(found))

    train(model, x, supervision, schedule, Silent(), report=look)
    zeros = [1 - float(mask.mean()) for mask in masks]
    assert zeros[0] == pytest.approx(sparse.sparsity_at(1 / 8), abs=0.05)
    assert zeros == sorted(zeros)
    assert zeros[6:] == pytest.approx([0.8, 0.8], abs=0.01)
    assert (masks[0] < masks[1]).any()  # a weight has come back
    assert share_of_zeros(finish(model)) == pytest.approx(0.8, abs=0.02)


def test_gradients_of_zero_weights_are_found() -> None:
    """The probe is proportional to the gradients of all weights, computed by TensorFlow."""
    import tensorflow as tf

    x, y = task()
    model = trainable(network(), [constraint := Sparse(0.6, every=1000)], logits=True)
    supervision = Supervision.classes(4 * np.eye(3, dtype=np.float32)[y], y)
    schedule = Schedule(epochs=1, batch=len(x), validation=0.0, rate=1e-6, average=0.0)
    layer = model.tinycomp.layers[0]
    with tf.GradientTape() as tape:
        outputs = model(x)
        value = loss("classes", schedule.temperature, schedule.imitation)(supervision.rows, outputs)
    (gradient,) = tape.gradient(value, [layer.raw])
    train(model, x, supervision, schedule, Silent())  # one step, with all weights
    probe = layer.state(constraint)["probe"]
    assert np.corrcoef(-probe.ravel(), np.array(gradient).ravel())[0, 1] > 0.999


def test_small_layers_keep_more_weights() -> None:
    sparse = Sparse(0.8, start="random", layers="erk")
    shapes = [(8, 3, 3, 2), (3, 3, 64, 64), (10, 6400)]
    found = sparse.densities(shapes, 0.8)
    sizes = [int(np.prod(shape)) for shape in shapes]
    assert max(found) <= 1
    assert found[0] > found[2] > found[1]
    assert np.dot(found, sizes) == pytest.approx(0.2 * sum(sizes))
    with pytest.raises(TinycompError, match="ranks by magnitude"):
        Sparse(0.8, start="random")
    with pytest.raises(TinycompError, match=r"A sparsity of 0\.8, and of 0\.9 at"):
        Sparse(0.8, initial=0.9)
