"""Pairs of weights as words do not depend on how an array lies in memory."""

from __future__ import annotations

import numpy as np

from tinycomp.kernels._dsp_words import weight_words


def test_a_transposed_matrix_has_the_words_of_its_values() -> None:
    """Low rank leaves factors behind whose rows are not contiguous."""
    matrix = np.random.default_rng(0).integers(-127, 128, (6, 10))
    found, expected = weight_words(np.asfortranarray(matrix), 8), weight_words(matrix, 8)
    assert found is not None
    assert expected is not None
    np.testing.assert_array_equal(found, expected)
    pairs = found.reshape(8, -1).view("<i2")
    np.testing.assert_array_equal(pairs[:6, :5], 256 * matrix[:, 1::2] + matrix[:, ::2])
    assert not pairs[6:].any()
    assert not pairs[:, 5:].any()
