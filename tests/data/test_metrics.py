"""Metrics compared with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn

from tinycomp.data.metrics import (
    confusion_matrix,
    f1_score,
    macro_roc_auc,
    r2_score,
    roc_auc,
    softmax,
)

SIZES = (2, 3, 17, 400)


@pytest.mark.parametrize("samples", SIZES)
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_area_under_the_curve(samples: int, levels: int) -> None:
    """Few levels, as in int8 outputs, give many ties."""
    rng = np.random.default_rng(samples * levels)
    positive = np.arange(samples) % 2 == 0
    scores = rng.integers(0, levels, samples) / levels + 0.1 * positive
    assert roc_auc(positive, scores) == pytest.approx(sklearn.roc_auc_score(positive, scores))


@pytest.mark.parametrize("value", [True, False])
def test_samples_of_one_class_have_no_area(value: bool) -> None:
    assert roc_auc(np.full(4, value), np.arange(4.0)) is None
    assert macro_roc_auc(np.ones(4, int), np.ones((4, 3))) is None


def test_macro_area_is_one_against_the_rest() -> None:
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 5, 300)
    logits = rng.normal(size=(300, 5)) + 2 * np.eye(5)[classes]
    shares = softmax(logits)
    expected = sklearn.roc_auc_score(classes, shares, multi_class="ovr", average="macro")
    assert macro_roc_auc(classes, shares) == pytest.approx(expected)


def test_a_class_that_does_not_occur_is_excluded_from_the_mean() -> None:
    rng = np.random.default_rng(2)
    classes = rng.choice([0, 2], 60)
    shares = softmax(rng.normal(size=(60, 3)))
    areas = [sklearn.roc_auc_score(classes == each, shares[:, each]) for each in (0, 2)]
    assert macro_roc_auc(classes, shares) == pytest.approx(np.mean(areas))


def test_confusion() -> None:
    rng = np.random.default_rng(3)
    classes, found = rng.integers(0, 4, (2, 200))
    expected = sklearn.confusion_matrix(classes, found, labels=range(4))
    np.testing.assert_array_equal(confusion_matrix(classes, found, 4), expected)


def test_f1() -> None:
    rng = np.random.default_rng(4)
    positive, found = rng.integers(0, 2, (2, 50)).astype(bool)
    assert f1_score(positive, found) == pytest.approx(sklearn.f1_score(positive, found))
    nothing = np.zeros(50, bool)
    assert f1_score(positive, nothing) == 0
    assert f1_score(nothing, nothing) is None


def test_r2() -> None:
    rng = np.random.default_rng(5)
    targets, noise = rng.normal(size=(2, 80))
    expected = sklearn.r2_score(targets, targets + 0.3 * noise)
    assert r2_score(targets, targets + 0.3 * noise) == pytest.approx(expected)
    assert r2_score(np.full(7, 0.1), rng.normal(size=7)) is None
