"""Arrays of numpy.save: a file, a pair, a folder; damaged files are one clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.data.dataset import load_data
from tinycomp.options.data import DataOptions

SHAPE = (3,)
X = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_a_file_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", X)
    found = load_data(tmp_path / "samples.npy", SHAPE)
    np.testing.assert_array_equal(found.x_test, X)
    assert found.y is None


def test_labels_of_another_file(tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", X)
    np.save(tmp_path / "classes.npy", np.array(["a", "b", "a", "b"]))
    options = DataOptions(labels=tmp_path / "classes.npy")
    found = load_data(tmp_path / "samples.npy", SHAPE, options)
    assert found.y_test is not None
    assert list(found.y_test) == ["a", "b", "a", "b"]


def test_labels_beside_the_inputs_are_used_with_a_note(tmp_path: Path) -> None:
    np.save(tmp_path / "x_test.npy", X)
    np.save(tmp_path / "y_test.npy", np.arange(4))
    found = load_data(tmp_path / "x_test.npy", SHAPE)
    np.testing.assert_array_equal(found.y_test, np.arange(4))
    assert found.notes[0] == "Labels of x_test.npy are read from y_test.npy beside it."


def test_a_folder_of_arrays(tmp_path: Path) -> None:
    for name, values in {"x_train": X, "y_train": np.arange(4), "x_test": X[:2] + 1}.items():
        np.save(tmp_path / f"{name}.npy", values)
    found = load_data(tmp_path, SHAPE)
    np.testing.assert_array_equal(found.x, X)
    np.testing.assert_array_equal(found.y, np.arange(4))
    np.testing.assert_array_equal(found.x_test, X[:2] + 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [("absent.npy", "There is no file of labels"), ("y.txt", "are no .npy file")],
)
def test_labels_that_are_no_array(name: str, text: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.txt").write_text("0 1")
    with pytest.raises(DataError, match=text):
        load_data(tmp_path / "x.npy", SHAPE, DataOptions(labels=tmp_path / name))


def test_an_empty_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X[:0])
    with pytest.raises(DataError, match="Array 'x' is empty"):
        load_data(tmp_path / "x.npy", SHAPE)


def test_objects_are_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}] * 4, object), allow_pickle=True)
    with pytest.raises(DataError, match=r"File 'x\.npy' can't be read"):
        load_data(tmp_path / "x.npy", SHAPE)


def test_a_file_cut_off_at_any_length(tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", X)
    whole = (tmp_path / "whole.npy").read_bytes()
    path = tmp_path / "data.npy"
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="can't be read"):
            load_data(path, SHAPE)


def test_a_size_that_the_file_does_not_have(tmp_path: Path) -> None:
    """Refused before memory is allocated for it."""
    np.save(tmp_path / "x.npy", X)
    content = (tmp_path / "x.npy").read_bytes()
    huge = content.replace(b"(4, 3), }         ", b"(99999999999, 3), }"[:19].ljust(18))
    assert huge != content
    (tmp_path / "x.npy").write_bytes(huge)
    with pytest.raises(DataError, match="can't be read"):
        load_data(tmp_path / "x.npy", SHAPE)
