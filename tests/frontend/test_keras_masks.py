"""Masked steps, first states that are computed, and cell states, as Keras computes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_masks import Masks
from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ir.tensor import Array
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.reading import clean_up

STEPS, FEATURES, WORDS = 7, 3, 11
Layers = Callable[[Any], list[Any]]

NETWORKS: dict[str, Layers] = {
    "lstm": lambda k: [k.LSTM(4), k.Dense(2)],
    "gru": lambda k: [k.Dense(5), k.GRU(4)],
    "gru with the reset before": lambda k: [k.GRU(4, reset_after=False, use_bias=False)],
    "simple": lambda k: [k.Dropout(0.5), k.SimpleRNN(4, activation="relu")],
    "stacked": lambda k: [k.LSTM(4, return_sequences=True), k.GRU(3)],
    "both ways": lambda k: [k.Bidirectional(k.GRU(3, return_sequences=True)), k.Flatten()],
    "zeros for masked steps": lambda k: [
        k.GRU(3, return_sequences=True, zero_output_for_mask=True),
        k.Flatten(),
    ],
    "both ways, last states": lambda k: [k.Bidirectional(k.LSTM(3), merge_mode="sum")],
    "mean": lambda k: [k.LayerNormalization(), k.GlobalAveragePooling1D()],
    "mean, kept": lambda k: [k.GlobalAveragePooling1D(keepdims=True), k.Flatten()],
    "convolution": lambda k: [k.Conv1D(3, 2), k.GlobalAveragePooling1D()],
    "maximum": lambda k: [k.GlobalMaxPooling1D()],
}


def words() -> Array:
    """Numbers of words: zeros in front, behind, in the middle, none, and nothing but zeros."""
    numbers = np.random.default_rng(0).integers(1, WORDS, (5, STEPS))
    numbers[0, :3] = numbers[1, 4:] = numbers[2, 3] = 0
    numbers[3, 1:] = 0
    return numbers.astype(np.float32)


def rows(value: float) -> Array:
    """Rows of values, some of which are all equal to one, and some only partly."""
    values = np.random.default_rng(1).uniform(-1, 1, (5, STEPS, FEATURES))
    values[0, :3] = values[1, 4:] = values[2, 3] = value
    values[3, 2, 1] = value
    return values.astype(np.float32)


def require_same(model: Any, path: Path, x: Array) -> None:
    graph = read_keras(path)
    expected = np.asarray(model(x))
    for found in (lower_batch_normalization(graph), clean_up(graph)):
        assert_close(run(found, x), expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_words_of_number_zero_are_skipped(name: str, keras: Any, save: Callable[..., Path]) -> None:
    first = keras.layers.Embedding(WORDS, FEATURES, mask_zero=True)
    model = keras.Sequential([keras.Input((STEPS,)), first, *NETWORKS[name](keras.layers)])
    require_same(model, save(model), words())


@pytest.mark.parametrize("name", ["lstm", "gru", "both ways", "mean", "convolution"])
@pytest.mark.parametrize("value", [0.0, -4.0])
def test_rows_of_one_value_are_skipped(
    value: float, name: str, keras: Any, save: Callable[..., Path]
) -> None:
    first = keras.layers.Masking(value)
    source = keras.Input((STEPS, FEATURES))
    model = keras.Sequential([source, first, *NETWORKS[name](keras.layers)])
    require_same(model, save(model), rows(value))


SEEN = np.abs(np.subtract.outer(np.arange(STEPS), np.arange(STEPS)))[None] < 3
"""Each step sees two before it and two behind."""
Attended = Callable[[Any, Any], Any]

ATTENTION: dict[str, Attended] = {
    "heads": lambda k, y: k.MultiHeadAttention(2, 4)(y, y),
    "heads that look back": lambda k, y: k.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True),
    "heads with keys": lambda k, y: k.MultiHeadAttention(1, 4)(y, k.Dense(5)(y), y),
    "masked keys": lambda k, y: k.MultiHeadAttention(2, 4)(k.Reshape((3, 7))(k.Flatten()(y)), y),
    "masked queries": lambda k, y: k.MultiHeadAttention(2, 4)(y, k.Reshape((3, 7))(k.Flatten()(y))),
    "a given mask": lambda k, y: k.MultiHeadAttention(2, 4)(y, y, attention_mask=SEEN),
    "a given mask, behind": lambda k, y: k.MultiHeadAttention(2, 4)(
        y, y, use_causal_mask=True, attention_mask=SEEN
    ),
    "a given mask alone": lambda k, y: k.MultiHeadAttention(2, 4)(
        *[k.Reshape((STEPS, FEATURES))(k.Flatten()(y))] * 2, attention_mask=SEEN
    ),
    "plain": lambda k, y: k.Attention()([y, y]),
    "plain, looks back": lambda k, y: k.Attention()([y, y], use_causal_mask=True),
    "additive": lambda k, y: k.AdditiveAttention()([y, y]),
    "masks go on": lambda k, y: k.GlobalAveragePooling1D()(
        k.Add()([k.Attention()([y, y]), k.MultiHeadAttention(1, 2)(y, y)])
    ),
}


@pytest.mark.filterwarnings("ignore:Layer 'flatten.*mask")
@pytest.mark.parametrize("name", ATTENTION)
def test_attention_skips_steps(name: str, keras: Any, save: Callable[..., Path]) -> None:
    x, k = keras.Input((STEPS,)), keras.layers
    y = k.Embedding(WORDS, FEATURES, embeddings_initializer="normal", mask_zero=True)(x)
    model = keras.Model(x, ATTENTION[name](k, y))
    require_same(model, save(model), words())


def test_two_masks_in_one_layer() -> None:
    """In files of Keras 2; Keras 3 writes a mask as an argument of the call."""
    masks = Masks(GraphBuilder("m"))
    for name in ("a", "b"):
        layer = KerasLayer(name, "Embedding", {"mask_zero": True, "input_dim": 9}, {})
        masks.follow(layer, ["x"], name)
    masks.follow(KerasLayer("sum", "Add", {}, {}), ["a", "b"], "sum")
    with pytest.raises(ModelError, match=r"'x' \(GRU\) skips the steps that 'a' and 'b' masks"):
        masks.taken(KerasLayer("x", "GRU", {}, {}), ["sum"])


@pytest.mark.parametrize("name", ["lstm", "gru", "stacked", "both ways", "mean", "convolution"])
@pytest.mark.parametrize("first", ["words", "rows"])
def test_masks_of_functional_models(
    first: str, name: str, keras: Any, save: Callable[..., Path]
) -> None:
    k = keras.layers
    if first == "words":
        x, data = keras.Input((STEPS,)), words()
        y = k.Embedding(WORDS, FEATURES, mask_zero=True)(x)
    else:
        x, data = keras.Input((STEPS, FEATURES)), rows(-4.0)
        y = k.Masking(-4.0)(x)
    for layer in (k.Dropout(0.5), *NETWORKS[name](k)):
        y = layer(y)
    model = keras.Model(x, y)
    require_same(model, save(model), data)


def test_a_masked_layer_is_a_loop(keras: Any, save: Callable[..., Path]) -> None:
    """As many nodes for 40 steps as for 7, and no note."""
    k, counts = keras.layers, []
    for steps in (7, 40):
        first = [keras.Input((steps,)), k.Embedding(WORDS, FEATURES, mask_zero=True)]
        graph = read_keras(save(keras.Sequential([*first, k.Bidirectional(k.LSTM(2))])))
        assert graph.notes == ()
        counts.append(len(graph.nodes))
    assert counts[0] == counts[1]


def test_masks_that_meet_and_that_are_given(keras: Any, save: Callable[..., Path]) -> None:
    """A sum of two masked tensors has both masks, here the same; a mask that a convolution drops
    can be given again.
    """
    x, k = keras.Input((STEPS,)), keras.layers
    first = k.Embedding(WORDS, FEATURES, mask_zero=True)
    y = first(x)
    total = k.Add()([y, k.Dense(FEATURES)(y)])
    given = k.GRU(3)(k.Conv1D(4, 3, padding="same")(y), mask=first.compute_mask(x))
    model = keras.Model(x, k.Concatenate()([k.LSTM(4)(total), given]))
    require_same(model, save(model), words())


def test_masks_of_other_kinds_are_refused(keras: Any, save: Callable[..., Path]) -> None:
    x, k = keras.Input((STEPS,)), keras.layers
    first, other = (k.Embedding(WORDS, FEATURES, mask_zero=each)(x) for each in (True, False))
    for mask in (keras.ops.not_equal(x, 3), keras.ops.greater(x, 0)):
        model = keras.Model(x, k.GRU(3, name="x")(other, mask=mask))
        with pytest.raises(ModelError, match=r"'x' is called with mask=a tensor.*Masking"):
            read_keras(save(model))
    assert first is not None


def test_many_steps_from_a_state(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, k = keras.Input((33, 3)), keras.layers
    model = keras.Model(x, k.LSTM(2, name="x")(x, initial_state=[k.Flatten()(x[:, :1, :2])] * 2))
    assert len(assert_same(model).nodes) < 8


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("layer", ["GRU", "LSTM", "SimpleRNN"])
def test_an_encoder_and_a_decoder(
    layer: str, sequences: bool, keras: Any, assert_same: Callable[..., Graph]
) -> None:
    """The decoder begins with the last states of the encoder."""
    x, k = keras.Input((STEPS, FEATURES)), keras.layers
    made = getattr(k, layer)
    last, *states = made(4, return_state=True)(x)
    options = {"return_sequences": sequences}
    y = made(4, **options)(k.RepeatVector(3)(last), initial_state=states)
    graph = assert_same(keras.Model(x, k.Dense(2)(y)))
    assert sum(node.op.weight_axis is not None for node in graph.nodes) == 3


def test_a_cell_state_as_output(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, k = keras.Input((STEPS, FEATURES)), keras.layers
    states, last, cell = k.LSTM(4, return_sequences=True, return_state=True)(x)
    assert_same(keras.Model(x, k.Concatenate()([k.Flatten()(states), last, cell])))


def test_a_backward_decoder(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, k = keras.Input((STEPS, FEATURES)), keras.layers
    first = k.GRU(4)(x)
    layer = k.GRU(4, go_backwards=True, return_sequences=True, reset_after=False)
    assert_same(keras.Model(x, layer(x, initial_state=first)))
