"""A small layer gets the kernel with the fewest bytes, including code."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import weighted_case
from core_cases import Draw
from core_program import lowered

from tinycomp.ops.fully_connected import FullyConnected


@pytest.mark.parametrize(
    ("inputs", "values", "kernel"),
    [
        (64, 16, "fully_connected_small_codebook_dsp"),
        (64, 40, "fully_connected_small_dsp"),
        (20, 16, "fully_connected_small_dsp"),
        (100, 16, "fully_connected_codebook_dsp"),
    ],
)
def test_pairs_are_looked_up_where_that_saves_bytes(inputs: int, values: int, kernel: str) -> None:
    case = weighted_case("dense", FullyConnected(), (inputs,), (12, inputs), seed=4)
    case = Draw(np.random.default_rng(4)).of_values(case, values)
    (found,) = lowered([case], "armv7e_m")
    assert found.kernel == kernel
