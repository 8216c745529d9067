"""Kernels of layers over time: on emulated cores, whole and row by row, they equal the simulator.

The state stays in scratch from one row to the next, so that an order or a place of it that is wrong
shows in the rows behind.
"""

from __future__ import annotations

from pathlib import Path

import int16_cases
import numpy as np
import pytest
from conformance import cases_of
from core_program import available, lowered, run

from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.kernels._dsp_recurrent import _at_shift
from tinycomp.kernels._factor_int16 import multiplier
from tinycomp.target.boards import load_board

DSP = "armv7e_m"
LAYERS = ("gru", "lstm", "lstm_steps", "simple_rnn")
BUILDS = [
    (DSP, "host"),
    (DSP, "cortex-m4"),
    ("armv8_1m_mve", "cortex-m55"),
    ("scalar", "cortex-m0"),
    ("scalar", "rv32imc"),
]


@pytest.mark.parametrize(
    ("kernels", "board"),
    [pytest.param(*b, marks=[] if b[1] == "host" else pytest.mark.slow) for b in BUILDS],
)
def test_kernels_equal_the_simulator(kernels: str, board: str, tmp_path: Path) -> None:
    chosen = load_board(board)
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    wide = int16_cases.cases()
    drawn = [*(case for layer in LAYERS for case in cases_of(layer)), *wide["gru"]]
    cases = lowered([*drawn, *wide["simple_rnn"]], kernels)
    for kernel, all_of in (("gru_dsp", cases_of("gru")), ("gru_int16_dsp", wide["gru"])):
        fast = sum(case.kernel == kernel for case in cases)
        assert fast == 0 if kernels != DSP else fast > 0.8 * len(all_of)
    assert any(case.kernel == "lstm_dsp" for case in cases) == (kernels == DSP)
    assert run(cases, chosen, kernels, tmp_path) == []


@pytest.mark.parametrize("seed", range(20))
def test_one_shift_for_all_rows_rounds_every_sum_alike(seed: int) -> None:
    """Against every sum within the limits, both signs."""
    rng = np.random.default_rng(seed)
    multiplier, left = int(rng.integers(1 << 30, 1 << 31)), -int(rng.integers(2, 14))
    low, high = sorted(int(each) for each in rng.integers(-300_000, 300_000, 2))
    total = 31 - left - int(rng.integers(0, min(4, -1 - left)))
    found = _at_shift(total, multiplier, left, low, high)
    sums, shift = np.arange(low, high + 1), 31 - left
    wanted = np.clip((sums * multiplier + (1 << (shift - 1))) >> shift, -128, 127)
    if found is not None:
        values = np.clip((sums * found + (1 << (total - 1))) >> total, -128, 127)
        assert np.array_equal(values, wanted)
    else:
        assert seed  # at least the first is found


@pytest.mark.parametrize("seed", range(6))
def test_a_multiplier_of_47_bits_rounds_every_sum_alike(seed: int) -> None:
    """Against LiteRT's double, at every sum, both signs."""
    rng = np.random.default_rng(seed)
    mantissa = int(rng.integers(1 << 52, 1 << 53)) if seed else 1 << 52  # ties at every other sum
    shift, most = int(rng.integers(36, 50)), 1 << 20
    found = multiplier(mantissa, shift, most)
    assert found is not None
    upper, low, total = found[0], found[1] >> 16, found[1] & 31
    sums = np.arange(-most, most + 1)
    high = (sums * upper + ((sums * low) >> 16)) >> 32
    rounded = (high + (1 << (total - 1))) >> total
    assert np.array_equal(rounded, scale_and_round(sums, mantissa * 2.0 ** (-22 - shift)))
