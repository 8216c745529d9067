"""An instruction set's kernels equal the simulator in every byte: on the core itself, and in their
portable form on this computer under the sanitizers.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from core_cases import FAMILIES
from core_program import available, lowered, run

from tinycomp.boards import load_board

CORES = [
    ("armv7e_m", "cortex-m4"),
    ("armv8_1m_mve", "cortex-m55"),
    ("scalar", "cortex-m0"),
    ("scalar", "rv32imc"),
]
"""Boards for each instruction set that has kernels of its own. An AVR has no room for all cases at
once: it takes them one by one in tests/ops/test_on_avr.py.
"""
BUILDS = [
    *((kernels, "host", "-O1") for kernels in (*dict(CORES), "avr")),
    *((kernels, core, level) for kernels, core in CORES for level in ("-O2", "-Os")),
]


@pytest.mark.parametrize(("kernels", "board", "optimize"), BUILDS)
def test_kernels_equal_the_simulator(
    kernels: str, board: str, optimize: str, tmp_path: Path
) -> None:
    chosen = load_board(board)
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    compiler = chosen.compiler.model_copy(update={"optimize": optimize})
    chosen = chosen.model_copy(update={"compiler": compiler})
    cases = [case for family in FAMILIES.values() for case in lowered(family(), kernels)]
    assert run(cases, chosen, kernels, tmp_path) == []
