"""An instruction set's kernels equal the simulator in every byte: on the core itself, and in their
portable form on this computer under the sanitizers.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from core_cases import FAMILIES
from core_program import available, lowered, run

from tinycomp.boards import load_board

CORES = {"armv7e_m": "cortex-m4"}
"""A board for each instruction set that has kernels of its own and room for all cases at once."""
ON_HOST = (*CORES, "avr")
"""AVR itself takes the cases one by one: tests/ops/test_on_avr.py."""


@pytest.mark.parametrize(
    ("kernels", "board"), [*((name, "host") for name in ON_HOST), *CORES.items()]
)
def test_kernels_equal_the_simulator(kernels: str, board: str, tmp_path: Path) -> None:
    chosen = load_board(board)
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    cases = [case for family in FAMILIES.values() for case in lowered(family(), kernels)]
    assert run(cases, chosen, kernels, tmp_path) == []
