"""An instruction set's kernels equal the simulator in every byte: on the core itself, and in their
portable form on this computer under the sanitizers.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from core_cases import FAMILIES
from core_program import available, lowered, run

from tinycomp.boards import load_board

CORES = {"armv7e_m": "cortex-m4", "armv8_1m_mve": "cortex-m55"}
"""A board for each instruction set that has kernels of its own."""


@pytest.mark.parametrize("board", ["host", "core"])
@pytest.mark.parametrize("kernels", CORES)
def test_kernels_equal_the_simulator(kernels: str, board: str, tmp_path: Path) -> None:
    chosen = load_board(CORES[kernels] if board == "core" else "host")
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    cases = [case for family in FAMILIES.values() for case in lowered(family(), kernels)]
    assert run(cases, chosen, kernels, tmp_path) == []
