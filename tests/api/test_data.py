"""Data as Python programs have them, put into an .npz."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinycomp.api._data import data_file
from tinycomp.common.errors import DataError
from tinycomp.common.progress import Silent

X = np.arange(48, dtype=np.float32).reshape(12, 4)
Y = np.arange(12) % 3


def read(data: Any, folder: Path, limit: int = 1000) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of the file, and the notes."""
    progress = Silent()
    path = data_file(data, folder, limit, progress)
    assert path is not None
    with np.load(path) as archive:
        return dict(archive), progress.notes


class Loader:
    """Batches as a PyTorch DataLoader gives them, made anew each time."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int) -> None:
        self.x, self.y, self.batch_size = x, y, size

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.x), self.batch_size):
            part = slice(start, start + self.batch_size)
            yield [self.x[part], self.y[part]]


class Tensor:
    """A tensor of PyTorch on another device: NumPy can't read it there."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.values

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError("can't convert from another device")


class Items:
    """A dataset by index, like PyTorch's."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return X[index], int(Y[index])


BOTH = {"x": X, "y": Y}
HALVES = {"x_train": X[:8], "y_train": Y[:8], "x_test": X[8:], "y_test": Y[8:]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ((X, Y), BOTH),
        ((X.tolist(), Y.tolist()), {"x": X.astype(np.float64), "y": Y}),
        (X, {"x": X}),
        ((Tensor(X), Tensor(Y)), BOTH),
        (((X[:8], Y[:8]), (X[8:], Y[8:])), HALVES),
        (HALVES, HALVES),
        (({"a": X, "b": X[:, :1]}, Y), {"a": X, "b": X[:, :1], "y": Y}),
        (
            (({"a": X[:8]}, Y[:8]), ({"a": X[8:]}, Y[8:])),
            {"a_train": X[:8], "y_train": Y[:8], "a_test": X[8:], "y_test": Y[8:]},
        ),
        (Loader(X, Y, 5), BOTH),
        ((Loader(X[:8], Y[:8], 3), Loader(X[8:], Y[8:], 3)), HALVES),
        (Items(), BOTH),
        (zip(X, Y, strict=True), BOTH),
        (iter([X[:5], X[5:]]), {"x": X}),
        (iter([{"a": X[:5], "y": Y[:5]}, {"a": X[5:], "y": Y[5:]}]), {"a": X, "y": Y}),
        (iter([(X[:5], Y[:5], np.ones(5)), (X[5:], Y[5:], np.ones(7))]), BOTH),
        ((X, np.array(["no", "yes"] * 6, object)), {"x": X, "y": np.array(["no", "yes"] * 6)}),
    ],
)  # fmt: skip
def test_kinds_of_data(data: Any, expected: dict[str, np.ndarray], tmp_path: Path) -> None:
    found, notes = read(data, tmp_path)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == np.asarray(values).dtype
    assert notes == []


def test_paths_and_none_are_left_alone(tmp_path: Path) -> None:
    assert data_file("some.npz", tmp_path, 1, Silent()) == Path("some.npz")
    assert data_file(None, tmp_path, 1, Silent()) is None
    assert list(tmp_path.iterdir()) == []


def test_an_iterable_is_gone_through_once_and_no_further_than_the_limit(tmp_path: Path) -> None:
    drawn = 0

    def endless() -> Iterator[Any]:
        nonlocal drawn
        while True:
            drawn += 1
            yield X[:5], Y[:5]

    found, notes = read(endless(), tmp_path, limit=12)
    assert [len(found["x"]), len(found["y"])] == [12, 12]
    assert drawn == 3
    (note,) = notes
    assert "more than 12 samples: the first 12 are used" in note
    assert "data_limit" in note
    assert read(iter([(X, Y)]), tmp_path, limit=12)[1] == []  # just as many


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter([]), "gave no samples"),
        (object(), "x is of type object and holds Python objects"),
        ((X, {"a": [object()]}), "a is of type list and holds Python objects"),
        (iter([(X[:5], Y[:5]), (X[5:, :2], Y[5:])]), r"x have the shapes \(5, 4\) and \(7, 2\)"),
        ((([1, [2]]), Y), "x is of type list, which NumPy can't read"),
        (((X, Y, X), (X, Y, X)), "The data are 3 things"),
    ],
)
def test_what_holds_no_samples_is_refused(data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        data_file(data, tmp_path, 1000, Silent())
    assert list(tmp_path.iterdir()) == []


def test_a_limit_is_a_number_of_samples(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data_limit is 0"):
        data_file((X, Y), tmp_path, 0, Silent())


def test_data_of_tensorflow(tmp_path: Path) -> None:
    """Batches, single samples, and datasets without an end."""
    import tensorflow as tf

    samples = tf.data.Dataset.from_tensor_slices((X, Y))
    for data in (samples, samples.batch(5), (tf.constant(X), tf.constant(Y))):
        found, _ = read(data, tmp_path)
        np.testing.assert_array_equal(found["x"], X)
        np.testing.assert_array_equal(found["y"], Y)
    found, notes = read(samples.repeat().batch(8), tmp_path, limit=20)
    assert len(found["x"]) == 20
    assert len(notes) == 1
    named = tf.data.Dataset.from_tensor_slices(({"a": X, "b": X[:, :1]}, Y)).batch(5)
    assert read(named, tmp_path)[0].keys() == {"a", "b", "y"}


def test_data_of_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    for source in (data, torch.utils.data.DataLoader(data, batch_size=5)):
        found, _ = read(source, tmp_path)
        np.testing.assert_array_equal(found["x"], X)
        np.testing.assert_array_equal(found["y"], Y)


def test_a_list_has_an_array_for_each_input(tmp_path: Path) -> None:
    other = X[:, :1]
    arrays, _ = read(([X, other], Y), tmp_path)
    assert sorted(arrays) == ["x0", "x1", "y"]
    arrays, _ = read((([X, other], Y), ([X, other], Y)), tmp_path)
    assert sorted(arrays) == ["x0_test", "x0_train", "x1_test", "x1_train", "y_test", "y_train"]
    alike, _ = read(([X, X + 1], Y), tmp_path)
    assert sorted(alike) == ["x0", "x1", "y"]
    np.testing.assert_array_equal(alike["x1"], X + 1)


def test_a_list_of_samples_is_one_array(tmp_path: Path) -> None:
    arrays, _ = read((list(X), Y), tmp_path)
    np.testing.assert_array_equal(arrays["x"], X)
    arrays, _ = read([X[0], X[1]], tmp_path)
    np.testing.assert_array_equal(arrays["x"], X[:2])
