"""Labels of every kind: the task, how they are read, and what is only a note."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import LOGISTIC, Layers, small_classifier

from tinycomp.data.targets import Targets, find_targets
from tinycomp.data.task import Ending, ModelShape, model_shape
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops.logistic import Logistic
from tinycomp.options.data import Task

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def targets(
    y: object,
    outputs: Shape = (3,),
    ending: Ending = "softmax",
    names: tuple[str, ...] = (),
    task: Task | None = None,
    x: Array = X,
) -> Targets:
    labels = None if y is None else np.array(y)
    return find_targets(ModelShape(x.shape[1:], outputs, ending), x, labels, names, task)


def assert_read(found: Targets, task: str, values: object, *notes: str) -> None:
    assert found.task == task, found.notes
    np.testing.assert_array_equal(found.values, values)
    assert found.notes == notes


CLASSES = [0, 2, 1, 0, 1, 2]
WAYS: dict[str, tuple[object, tuple[str, ...], tuple[str, ...]]] = {
    "indices": (CLASSES, (), ()),
    "column": ([[c] for c in CLASSES], (), ()),
    "floats": ([float(c) for c in CLASSES], (), ()),
    "from one": ([c + 1 for c in CLASSES], (), ("Labels 1 to 3 are read as classes 0 to 2.",)),
    "one-hot": (np.eye(3)[CLASSES], (), ("Labels are one-hot.",)),
    "one-hot, integers": (np.eye(3, dtype=int)[CLASSES], (), ("Labels are one-hot.",)),
    "shares": (
        np.eye(3)[CLASSES] * 0.7 + 0.1,
        (),
        ("Labels are probabilities, of which the highest counts.",),
    ),
    "strings": (
        ["cba"[c] for c in CLASSES],
        ("c", "b", "a"),
        ("Labels are strings; the classes are 'c', 'b', 'a'.",),
    ),
    "bytes": (
        [b"cba"[c : c + 1] for c in CLASSES],
        ("c", "b", "a"),
        ("Labels are strings; the classes are 'c', 'b', 'a'.",),
    ),
    "sorted strings": (
        ["abc"[c] for c in CLASSES],
        (),
        ("Labels are strings; the classes are 'a', 'b', 'c'.",),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_classes(way: str) -> None:
    y, names, notes = WAYS[way]
    assert_read(targets(y, names=names), "classification", CLASSES, *notes)


TWO = [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("ending", ["sigmoid", "other"])
@pytest.mark.parametrize(
    ("y", "names", "notes"),
    [
        (TWO, (), ()),
        ([float(c) for c in TWO], (), ()),
        ([bool(c) for c in TWO], (), ()),
        ([2 * c - 1 for c in TWO], (), ("Labels -1 and 1 are read as classes 0 and 1.",)),
        (np.eye(2)[TWO], (), ("Labels are one-hot.",)),
        ([["ham", "spam"][c] for c in TWO], ("ham", "spam"),
         ("Labels are strings; the classes are 'ham', 'spam'.",)),
    ],
)  # fmt: skip
def test_one_output(ending: Ending, y: object, names: tuple[str, ...], notes: tuple[str]) -> None:
    assert_read(targets(y, (1,), ending, names), "binary", TWO, *notes)


def test_classes_1_and_2_of_one_output() -> None:
    """With a sigmoid they are classes; without, values, unless the user sets the task."""
    y = [c + 1 for c in TWO]
    note = "Labels 1 to 2 are read as classes 0 to 1."
    assert_read(targets(y, (1,), "sigmoid"), "binary", TWO, note)
    assert targets(y, (1,), "other").task == "regression"
    assert_read(targets(y, (1,), "other", task="binary"), "binary", TWO, note)


def test_values() -> None:
    y = X[:, :2] * 3
    assert_read(targets(y, (2,), "other"), "regression", y)
    y = X[:, 0] * 3
    assert_read(targets(y, (1,), "other"), "regression", y[:, None])
    assert_read(targets(np.arange(6) * 7, (1,), "other"), "regression", np.arange(6)[:, None] * 7)


def test_constant_values() -> None:
    y = np.stack([np.full(6, 5.0), X[:, 0]], axis=1)
    note = "R2 is left out for outputs whose targets are all the same."
    assert_read(targets(y, (2,), "other"), "regression", y, note)


def test_one_class_only() -> None:
    note = "ROC AUC is left out: all samples are of class 1."
    assert_read(targets(np.ones(6)), "classification", np.ones(6), note)
    assert_read(targets(np.ones(6), (1,), "other"), "binary", np.ones(6), note)


def test_several_labels() -> None:
    y = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]])
    assert_read(targets(y, (3,), "sigmoid"), "multilabel", y == 1)
    note = "Labels -1 and 1 are read as no and yes."
    assert_read(targets(2 * y - 1, (3,), "other"), "multilabel", y == 1, note)


def test_a_class_for_each_position() -> None:
    places = np.random.default_rng(1).integers(0, 3, (6, 2, 5))
    note = "Each sample has 10 positions, each with its own class."
    found = targets(places, (2, 5, 3))
    assert_read(found, "classification", places.ravel(), note)
    found = targets(np.eye(3)[places], (2, 5, 3))
    assert_read(found, "classification", places.ravel(), "Labels are one-hot.", note)


def test_labels_that_are_not_finite_are_left_out() -> None:
    y = X[:, 0].copy()
    y[[1, 4]] = np.nan, np.inf
    note = "2 of 6 samples have labels that are not finite: not scored."
    found = targets(y, (1,), "other")
    assert_read(found, "regression", y[[0, 2, 3, 5], None], note)
    np.testing.assert_array_equal(found.kept, [0, 2, 3, 5])


UNUSABLE: dict[str, tuple[object, Shape, Ending, Task | None, str]] = {
    "none": (None, (3,), "softmax", None, "there are no labels"),
    "sine": (None, (1,), "other", None, "there are no labels"),
    "all NaN": (np.full(6, np.nan), (3,), "softmax", None, "no sample has finite labels"),
    "outside": (
        [0, 1, 5, 0, 0, 0], (3,), "softmax", None,
        "labels run from 0 to 5, but the model knows 3 classes",
    ),
    "negative": (
        [0, 1, -1, 0, 0, 0], (3,), "softmax", None,
        "labels run from -1 to 1, but the model knows 3 classes",
    ),
    "fractions": (
        X[:, 0], (3,), "softmax", None,
        "class indices are whole numbers, but labels have fractions",
    ),
    "shape": (
        np.zeros((6, 5)), (3,), "softmax", None,
        "labels of shape (5,) a sample don't fit outputs of shape (3,)",
    ),
    "strings": (
        ["a", "b", "c", "d", "a", "a"], (3,), "softmax", None,
        "labels are 4 different strings ('a', 'b', 'c', 'd'), but the model knows 3",
    ),
    "dates": (
        np.zeros(6, "datetime64[D]"), (3,), "softmax", None,
        "labels are of type datetime64[D], neither numbers nor strings",
    ),
    "task": (
        CLASSES, (3,), "softmax", "regression",
        "labels of shape () a sample don't fit outputs of shape (3,)",
    ),
    "two of three": (
        TWO, (3,), "softmax", "binary",
        "a binary classifier has one output, or two, but this model 3",
    ),
    "no reconstruction": (
        CLASSES, (3,), "softmax", "reconstruction",
        "a reconstruction of 4 inputs has as many outputs, but the model 3",
    ),
    "several numbers": (
        np.arange(18).reshape(6, 3), (3,), "sigmoid", "multilabel",
        "several labels are each 0 or 1 (or -1 or 1), but these run from 0 to 17",
    ),
    "no shares": (
        np.arange(18).reshape(6, 3), (3,), "softmax", "classification",
        "labels have a number for each class, which don't add up to 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNUSABLE)
def test_labels_that_cannot_be_scored_are_a_note(kind: str) -> None:
    y, outputs, ending, task, reason = UNUSABLE[kind]
    found = targets(y, outputs, ending, task=task)
    assert found.task is None
    (note,) = found.notes
    assert note.startswith(f"Not scored: {reason}")


def test_strings_that_are_not_class_names() -> None:
    (note,) = targets(["a", "x", "b", "a", "y", "a"], names=("a", "b", "c")).notes
    assert note == (
        "Not scored: 'x', 'y' among the labels, but not among class_names ('a', 'b', 'c')."
    )


def test_reconstructions() -> None:
    for found in (
        targets(None, (4,), "other"),
        targets(None, (4, 1), "sigmoid"),
        targets(X, (4,), "other"),
        targets(None, (2, 2), "other", task="reconstruction"),
    ):
        assert_read(found, "reconstruction", X)


@pytest.mark.parametrize(
    ("outputs", "ending", "names"),
    [((4,), "softmax", ()), ((2, 2), "other", ()), ((4,), "other", ("a", "b", "c", "d"))],
)
def test_targets_that_are_not_reconstructions(
    outputs: Shape, ending: Ending, names: tuple[str, ...]
) -> None:
    assert targets(None, outputs, ending, names).task is None


def test_an_autoencoder_with_labels_of_anomalies() -> None:
    found = targets(TWO, (4,), "other", ("normal", "anomaly"))
    assert found.task == "reconstruction"
    assert found.anomalies is not None
    np.testing.assert_array_equal(found.anomalies, np.array(TWO) == 1)
    assert "--task classification" in found.notes[0]
    assert targets(TWO, (4,), "other", task="classification").task == "classification"
    assert targets(CLASSES, (4,), "other").task == "classification"
    assert targets(TWO, (4,), "softmax").task == "classification"


def sigmoids(count: int) -> Graph:
    """Heads with one output each, concatenated."""
    layers = Layers((4,))
    heads = [layers.apply(Logistic(), layers.dense("input", 1), LOGISTIC) for _ in range(count)]
    return layers.graph(
        layers.concatenate(heads) if count > 1 else layers.reshape(heads[0], (1, 1))
    )


def test_endings_of_models() -> None:
    layers = Layers((4,))
    layers.dense("input", 4)
    assert model_shape(layers.graph()) == ModelShape((4,), (4,), "other")
    assert model_shape(small_classifier()) == ModelShape((6, 5, 3), (5,), "softmax")
    assert model_shape(sigmoids(1)) == ModelShape((4,), (1, 1), "sigmoid")
    assert model_shape(sigmoids(3)) == ModelShape((4,), (3,), "sigmoid")
