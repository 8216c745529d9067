"""Which names of classes the library holds."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Silent
from tinycomp.data.class_names import fit_class_names
from tinycomp.data.dataset import Dataset
from tinycomp.data.task import ModelShape
from tinycomp.options.data import Task

X = np.zeros((2, 4), np.float32)


def fitted(
    outputs: int, task: Task | None, names: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> tuple[str, ...]:
    data = Dataset(X, None, X, None, names, labels)
    return fit_class_names(data, ModelShape((4,), (outputs,), "softmax"), task, Silent())


def test_labels_name_the_classes_if_there_are_as_many() -> None:
    assert fitted(3, "classification", labels=("a", "b", "c")) == ("a", "b", "c")
    assert fitted(1, "binary", labels=("ham", "spam")) == ("ham", "spam")
    assert fitted(3, "classification", labels=("a", "b")) == ()
    assert fitted(3, "reconstruction", labels=("a", "b", "c")) == ()


def test_names_in_the_file_must_fit() -> None:
    assert fitted(3, "classification", ("c", "b", "a")) == ("c", "b", "a")
    assert fitted(1, "binary", ("spam",)) == ("spam",)
    assert fitted(3, "regression", ("c", "b", "a")) == ()
    with pytest.raises(DataError, match="class_names holds 2 names, but the model has 3 outputs"):
        fitted(3, "classification", ("c", "b"))
