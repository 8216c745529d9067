"""Labels of models with several outputs: which arrays they are, and which output counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.data.scored import notes_of, scored_outputs
from tinycomp.data.task import ModelShape
from tinycomp.options.data import DataOptions

N = 20
X = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
KIND, AGE = np.arange(N) % 3, X[:, :2] * 2
SHAPES = (
    ModelShape((4,), (3,), "softmax", 2, 0, "kind"),
    ModelShape((4,), (2,), "other", 2, 1, "age"),
)


def read(tmp_path: Path, options: DataOptions | None = None, **arrays: Any) -> Dataset:
    np.savez(tmp_path / "data.npz", **arrays)
    return load_data(tmp_path / "data.npz", (4,), options, outputs=("kind", "age"))


def test_each_output_is_scored_by_its_own_labels_and_the_first_counts(tmp_path: Path) -> None:
    data = read(tmp_path, x=X, kind=KIND, age=AGE)
    first, second = scored_outputs(SHAPES, data, None)
    assert (first.shape.name, first.targets.task) == ("kind", "classification")
    assert (second.shape.name, second.targets.task) == ("age", "regression")
    np.testing.assert_array_equal(first.targets.values, KIND)
    np.testing.assert_allclose(second.targets.values, AGE)
    assert notes_of((first, second)) == (
        "2 outputs are scored; targets of accuracy look at 'kind'.",
    )


def test_labels_have_the_halves_of_the_inputs(tmp_path: Path) -> None:
    arrays = {"x_train": X, "age_train": AGE, "x_test": X[:5], "age_test": AGE[5:10]}
    data = read(tmp_path, DataOptions(test_samples=3), **arrays)
    assert data.outputs.keys() == {"age"}
    assert data.y is None
    np.testing.assert_allclose(data.outputs["age"].y_test, AGE[5:10][[0, 1, 3]], rtol=1e-6)
    np.testing.assert_allclose(data.outputs["age"].y, AGE, rtol=1e-6)


def test_the_first_output_with_labels_counts(tmp_path: Path) -> None:
    data = read(tmp_path, x=X, age=AGE)
    found = scored_outputs(SHAPES, data, "regression")
    assert [each.shape.name for each in found] == ["age", "kind"]
    assert found[1].targets.task is None
    assert notes_of(found) == (
        "Not scored: output 'kind': there are no labels. They are arrays named after the output: "
        "kind_train, kind_test.",
    )


def test_y_is_the_labels_of_the_first_output(tmp_path: Path) -> None:
    found = scored_outputs(SHAPES, read(tmp_path, x=X, y=KIND, age=AGE), None)
    assert [each.targets.task for each in found] == ["classification", "regression"]
    alone = scored_outputs(SHAPES, read(tmp_path, x=X, y=KIND), None)
    assert [each.targets.task for each in alone] == ["classification", None]


def test_without_any_labels_one_note_names_all_outputs(tmp_path: Path) -> None:
    (note,) = notes_of(scored_outputs(SHAPES, read(tmp_path, x=X), None))
    assert note.startswith("Not scored: outputs 'kind', 'age': there are no labels.")


def test_labels_that_fit_no_output_are_named_with_it(tmp_path: Path) -> None:
    data = read(tmp_path, x=X, kind=KIND, age=np.zeros((N, 7)))
    assert notes_of(scored_outputs(SHAPES, data, None)) == (
        "Not scored: output 'age': labels of shape (7,) a sample don't fit outputs of shape (2,). "
        "Its labels can be arrays named after it: age_train, age_test.",
    )


def test_labels_that_are_strings_name_the_classes_of_their_output(tmp_path: Path) -> None:
    words = np.array(["no", "yes", "off"])[KIND]
    first, _ = scored_outputs(SHAPES, read(tmp_path, x=X, kind=words, age=AGE), None)
    assert first.class_names == ("no", "off", "yes")
    assert first.notes[0].startswith("Output 'kind': Labels are strings")


def test_another_number_of_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'age' has the shape .3, 2., but 'x' holds 20 samples"):
        read(tmp_path, x=X, kind=KIND, age=AGE[:3])


def test_samples_that_are_split_off_for_testing_keep_their_labels(tmp_path: Path) -> None:
    data = read(tmp_path, x=X, kind=KIND, age=AGE)
    rows = np.arange(N)
    split = data.with_test(rows[::5]).with_calibration(rows[1::5])
    np.testing.assert_array_equal(split.x_test, X[::5])
    np.testing.assert_array_equal(split.outputs["kind"].y_test, KIND[::5])
    np.testing.assert_array_equal(split.outputs["kind"].y, KIND[1::5])
    np.testing.assert_allclose(split.outputs["age"].y, AGE[1::5])
