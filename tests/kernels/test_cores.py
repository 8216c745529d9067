"""Kernels of each instruction set equal the simulator in every byte: on the emulated core, and in
their portable form on this computer with sanitizers.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from conformance import Case
from core_cases import FAMILIES, few_factors, plain, very_sparse
from core_program import KernelCase, asked, available, known, lowered, run

from tinycomp.codecs._channels import merged
from tinycomp.codecs._merged import WHOLE
from tinycomp.codecs._policy import PLAIN, SMALLEST
from tinycomp.plan.program import Storage
from tinycomp.target.boards import Board, load_board

CORES = [
    ("armv7e_m", "cortex-m4"),
    ("armv8_1m_mve", "cortex-m55"),
    ("scalar", "cortex-m0"),
    ("scalar", "rv32imc"),
    ("lx6", "lx6"),
]
"""Boards for each instruction set with its own kernels. An AVR has too little memory for all cases
at once; tests/ops/test_on_avr.py runs them one by one.
"""
BUILDS = [
    *((kernels, "host", "-O1") for kernels in (*dict(CORES), "avr")),
    *((kernels, core, level) for kernels, core in CORES for level in ("-O2", "-Os")),
]
SLOW = [
    pytest.param(*build, marks=[] if build[1] == "host" else pytest.mark.slow) for build in BUILDS
]
"""Boards for slow tests: running all cases takes more than ten seconds."""
SMALL = [*((kernels, core, "-O2") for kernels, core in CORES), ("generic", "host", "-O1")]
"""Boards for small code."""


DSP, MVE = "armv7e_m", "armv8_1m_mve"
PACKING = (DSP, "scalar", "lx6")
"""Instruction sets with kernels that unpack constants."""
ESTIMATED = (DSP,)
"""Of those the ones whose kernels round once, so that an estimate completes merged constants."""


def _board(name: str, optimize: str) -> Board:
    """The board with that optimization level; skips the test if its tools are not installed."""
    chosen = load_board(name)
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    compiler = chosen.compiler.model_copy(update={"optimize": optimize})
    return chosen.model_copy(update={"compiler": compiler})


PACKED = Storage(policy=replace(PLAIN, beside=math.inf))
"""A storage in which channel constants are packed if that saves bytes."""
SHORT = Storage(policy=replace(PLAIN, beside=math.inf, packed=1))
"""The same, where they are chosen to take few bytes."""


def _every_storage(cases: list[Case], kernels: str) -> list[KernelCase]:
    """The cases with constants unpacked, packed, packed with shared multipliers, and packed in
    short where sums may be rounded once.
    """
    some = [
        few_factors(case, i) if i % 4 == 2 else plain(case) if i % 4 == 3 else case
        for i, case in enumerate(cases)
    ]
    storages = (None, PACKED, PACKED, SHORT)
    stored = [lowered(some[i :: len(storages)], kernels, each) for i, each in enumerate(storages)]
    return [case for part in stored for case in part]


def _packings(cases: list[KernelCase]) -> set[int]:
    """Storage of constants: 0 unpacked, 1 with a single multiplier, 2 with several, 3 merged, 4 the
    same with estimates.
    """
    packed = [case.operation.fields for case in cases if case.operation.fields.get("packed")]
    plain = [case for case in cases if case.operation.fields.get("packed") == 0]
    found = {
        3 + int(fields["factors"][4] != WHOLE)
        if merged(fields["factors"])
        else min(2, int(fields["factors"][2]))
        for fields in packed
    }
    return found | ({0} if plain else set())


@pytest.mark.parametrize(("kernels", "board", "optimize"), SLOW)
def test_kernels_equal_the_simulator(
    kernels: str, board: str, optimize: str, tmp_path: Path
) -> None:
    chosen = _board(board, optimize)
    cases = [case for family in FAMILIES.values() for case in _every_storage(family(), kernels)]
    sparse = lowered(very_sparse(), kernels, Storage({"gap_huffman"}, SMALLEST))
    assert {case.kernel for case in sparse} == {"fully_connected_gaps"}
    assert {case.operation.fields["by_input"] for case in sparse} == {0, 1}
    cases += sparse
    assert kernels not in PACKING or _packings(cases) == {*range(4 + (kernels in ESTIMATED))}
    for first in range(2):  # all at once do not fit a core's flash
        part = cases[first::2]
        stored = kernels in PACKING and kernels not in ESTIMATED
        assert known(part, kernels) == (["TC_FACTORS_STORED"] if stored else [])
        assert run(part, chosen, kernels, tmp_path / str(first)) == []


def test_avr_kernels_for_little_ram_equal_the_simulator(tmp_path: Path) -> None:
    """On this computer; tests/ops/test_on_avr.py runs some of the cases on the core."""
    short = Storage(most_room=1)
    drawn = [case for family in FAMILIES.values() for case in lowered(family(), "avr", short)]
    cases = [case for case in drawn if "_direct_" in case.kernel]
    assert {case.kernel for case in cases} == {
        "conv_2d_direct_avr",
        "conv_2d_direct_codebook_avr",
    }
    assert all(case.operation.areas == () for case in cases)
    assert run(cases, _board("host", "-O1"), "avr", tmp_path) == []


def _of_plain(cases: list[KernelCase]) -> list[str]:
    """The facts that headers test, without those about packed constants: there are none."""
    others = ("MERGED", "ESTIMATED", "PACKED", "STORED", "TC_SMALL", "TC_NO_RINGS")
    return [macro for macro in asked(cases, DSP) if not macro.endswith(others)]


@pytest.mark.slow
@pytest.mark.parametrize(("board", "optimize"), [build[1:] for build in BUILDS if build[0] == DSP])
def test_kernels_equal_the_simulator_where_facts_are_known(
    board: str, optimize: str, tmp_path: Path
) -> None:
    """The cases for which all facts of their headers hold."""
    chosen = _board(board, optimize)
    lower = lowered([plain(case) for family in FAMILIES.values() for case in family()], DSP)
    drawn = [case for case in lower if case.kernel.endswith("_dsp")]
    cases = [case for case in drawn if known([case], DSP) == _of_plain([case])]
    assert {case.kernel for case in cases} == {case.kernel for case in drawn}
    assert known(cases, DSP) == _of_plain(drawn)
    assert run(cases, chosen, DSP, tmp_path) == []


@pytest.mark.parametrize("board", ["host", pytest.param("cortex-m55", marks=pytest.mark.slow)])
def test_upright_windows_of_whole_rows_equal_the_simulator(board: str, tmp_path: Path) -> None:
    """Depthwise layers without the code for rows that lie across and for rows in parts."""
    facts = ["TC_DEPTHWISE_ENTIRE", "TC_DEPTHWISE_UPRIGHT"]
    drawn = lowered([*FAMILIES["depthwise"](), *FAMILIES["regular"]()], MVE)
    cases = [case for case in drawn if known([case], MVE) == facts]
    assert {case.kernel for case in cases} == {
        "depthwise_conv_2d_mve",
        "depthwise_conv_2d_signed_mve",
    }
    assert run(cases, _board(board, "-O2"), MVE, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(("kernels", "board", "optimize"), SMALL)
def test_small_code_equals_the_simulator(
    kernels: str, board: str, optimize: str, tmp_path: Path
) -> None:
    """As with --optimize flash, with rings and without them."""
    cases = [case for family in FAMILIES.values() for case in _every_storage(family(), kernels)]
    for first in range(2):
        folder, defines = tmp_path / str(first), ("-DTC_SMALL=1", f"-DTC_NO_RINGS={first}")
        assert run(cases[first::2], _board(board, optimize), kernels, folder, defines) == []
