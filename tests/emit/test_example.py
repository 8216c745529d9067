"""The output of a project's example, depending on the model."""

from __future__ import annotations

import pytest

from tinycomp.data.task import ModelShape
from tinycomp.emit.example import Example, choose_example
from tinycomp.options.data import Task


@pytest.mark.parametrize(
    ("names", "task", "shows"),
    [
        ("abcde", None, "class"),
        ("abcde", "classification", "class"),
        ("abcde", "multilabel", "values"),
        ("abcde", "regression", "values"),
        ("", "classification", "values"),
        ("", "reconstruction", "error"),
    ],
)
def test_several_outputs(names: str, task: Task | None, shows: str) -> None:
    assert choose_example(tuple(names), ModelShape((8,), (1, 5)), task).shows == shows


def test_a_class_for_each_position() -> None:
    assert choose_example(("a", "b"), ModelShape((8,), (4, 2)), None) == Example("values")


def test_one_output_is_compared_with_one_half_or_zero() -> None:
    logit, sigmoid = ModelShape((8,), (1,)), ModelShape((8,), (1,), "sigmoid")
    assert choose_example(("no", "yes"), logit, "binary") == Example("threshold", 0.0)
    assert choose_example(("no", "yes"), sigmoid, "binary") == Example("threshold", 0.5)
    assert choose_example(("yes",), sigmoid, "binary") == Example("values")
    assert choose_example((), sigmoid, "binary") == Example("values")
