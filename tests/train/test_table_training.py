"""Tables of embeddings train like weights; they have one scale, that of what is read from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.common.errors import ModelError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.mean import Mean
from tinycomp.ops.reshape import Reshape
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.row_numbers import row_numbers
from tinycomp.quantization.tables import shared_tables, trained_tables
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate
from tinycomp.train.augment import Augmentation
from tinycomp.train.constraint import Constraint
from tinycomp.train.int8 import Int8
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule
from tinycomp.train.share import Share

ROWS, VALUES, LENGTH = 20, 6, 8


def _graph(*, tables: int = 1) -> Graph:
    rng = np.random.default_rng(0)
    builder = GraphBuilder("text")
    x, read = builder.input("x", (LENGTH,)), []
    for number in range(tables):
        values = rng.normal(0, 0.5, (ROWS, VALUES)).astype(np.float32)
        table = builder.constant(f"table_{number}", values)
        read.append(builder.add(Embedding(), [x, table], f"embedding_{number}"))
    joined = builder.add(Concatenation(1), read, "joined") if tables > 1 else read[0]
    mean = builder.add(Mean(), [joined], "mean")
    kernel = builder.constant("kernel", rng.normal(0, 1, (3, VALUES * tables)).astype(np.float32))
    bias = builder.constant("bias", np.zeros(3, np.float32))
    return builder.build([builder.add(FullyConnected(), [mean, kernel, bias], "y")])


def _samples() -> np.ndarray:
    return np.random.default_rng(1).integers(0, ROWS, (64, LENGTH)).astype(np.float32)


@pytest.mark.parametrize(
    ("constraints", "most"),
    [
        ((), 256),
        ((Int8(),), 255),
        ((Int8(3),), 7),
        ((Share(2),), 4),
        pytest.param((Rate(bits=1.5),), 32, marks=pytest.mark.slow),
        pytest.param((Prune(0.5), Share(3)), 8, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_trains_and_is_quantized_as_it_was_trained(
    constraints: tuple[Constraint, ...], most: int
) -> None:
    graph, x = _graph(), _samples()
    model = trainable(graph, constraints, x)
    model.compile(import_keras().optimizers.Adam(0.05), "mse")
    wanted = np.random.default_rng(2).normal(0, 1, (ROWS, 3))[x.astype(int)].mean(axis=1)
    losses = model.fit(x, wanted, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    trained = finish(model)
    before, after = graph.constants["table_0"].values, trained.constants["table_0"].values
    assert not np.allclose(before, after, atol=0.02)
    int8 = quantize(trained, observe(trained, x).ranges("mse"), model.tinycomp.rounding)
    table = int8.constants["table_0"]
    assert len(np.unique(table.values)) <= most
    assert table.quantization == int8.tensors["embedding_0"].quantization
    if constraints:
        assert table.quantization is not None
        real = table.values * table.quantization.scale
        np.testing.assert_allclose(real, after, atol=table.quantization.scale * 0.02)
    if any(isinstance(each, Prune) for each in constraints):
        assert np.mean(table.values == 0) >= 0.3
    samples = quantize_inputs(int8, x[:8])
    expected = oracle.run(write_tflite(int8), samples)
    found = simulate(int8, samples)
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name].reshape(values.shape), err_msg=name)


def test_means_of_rows_are_finer_than_the_table() -> None:
    """A table of three values does not force its grid on their means."""
    graph, x = _graph(), _samples()
    trained = finish(trainable(graph, (Int8(2),), x))
    int8 = quantize(trained, observe(trained, x).ranges("mse"))
    table = int8.constants["table_0"]
    assert sorted(np.unique(table.values)) == [-127, 0, 127]


def test_tables_that_share_a_scale_with_other_values_stay_as_they_are() -> None:
    graph, x = _graph(tables=2), _samples()
    assert trained_tables(graph) == {}
    assert shared_tables(graph) == ["table_0", "table_1"]
    model = trainable(graph, (Int8(3),), x)
    assert [layer.name for layer in model.tinycomp.layers] == ["y"]
    quantize(finish(model), observe(graph, x).ranges("mse"), model.tinycomp.rounding)


def test_a_table_that_left_its_grid_is_refused() -> None:
    graph, x = _graph(), _samples()
    trained = finish(trainable(graph, (Int8(3),), x))
    table = trained.constants["table_0"]
    moved = replace(table, values=table.values * 1.1)
    changed = replace(trained, constants={**trained.constants, "table_0": moved})
    with pytest.raises(ModelError, match="'table_0' was changed after it was trained"):
        quantize(changed, observe(changed, x).ranges("mse"))


@pytest.mark.parametrize("options", [{"noise": 0.1}, {"mixup": 0.2}])
def test_augmentation_that_changes_tokens_is_refused(options: dict[str, float]) -> None:
    x, graph = _samples(), _graph()
    model = trainable(graph)
    targets = Supervision.values(np.zeros((len(x), 3), np.float32), None)
    schedule = Schedule(epochs=1, augment=Augmentation(**options), imitation=1.0)
    (name,) = options
    with pytest.raises(TinycompError, match=f"'{name}' would turn the tokens of input 'x'"):
        train(model, x, targets, schedule, Silent(), teacher=trainable(graph))


def test_inputs_that_are_numbers_of_rows() -> None:
    assert row_numbers(_graph()) == {"x": ROWS}
    builder = GraphBuilder("real")
    x = builder.input("x", (LENGTH,))
    kernel = builder.constant("kernel", np.ones((3, LENGTH), np.float32))
    bias = builder.constant("bias", np.zeros(3, np.float32))
    other = builder.input("other", (LENGTH,))
    table = builder.constant("table", np.ones((ROWS, VALUES), np.float32))
    read = builder.add(Embedding(), [builder.add(Reshape((2, 4)), [other], "pairs"), table], "rows")
    graph = builder.build([builder.add(FullyConnected(), [x, kernel, bias], "y"), read])
    assert row_numbers(graph) == {"other": ROWS, "pairs": ROWS}
