"""Kernels on 16-bit activations of each instruction set equal the simulator in every byte: on the
emulated core, and in their portable form on this computer with sanitizers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conformance import Case, extreme_inputs
from core_cases import (
    broadcasts,
    clustered,
    convolutions,
    dense,
    depthwise,
    few_cells,
    few_channels,
    narrow,
    pointwise,
    pools,
    regular,
    stored,
    sums,
    wide_dense,
    windows,
)
from core_program import available, lowered, run

from tinycomp.codecs._policy import SMALLEST
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.plan.program import Storage
from tinycomp.target.boards import Board, load_board

FAMILIES = (
    convolutions, pointwise, narrow, few_cells, few_channels, depthwise, regular, clustered,
    dense, wide_dense, stored, broadcasts, pools, windows,
)  # fmt: skip
CASES = 10
"""Of each family."""
FINER = 256
"""How much finer scales are than those of the case on int8."""
LARGE = 1 << 20
"""Of biases: those that a few cases have on int8 already to reach every bound."""
KERNELS = {
    "armv7e_m": {
        "add_int16_dsp",
        "conv_2d_int16_dsp",
        "depthwise_3x3_int16_dsp",
        "depthwise_3x3_stride_2_int16_dsp",
        "depthwise_int16_dsp",
        "fully_connected_int16_dsp",
    },
    "armv8_1m_mve": {
        "add_int16_mve",
        "conv_2d_int16",
        "conv_2d_int16_mve",
        "depthwise_int16_mve",
        "fully_connected_factor_int16",
        "mul_int16_mve",
    },
}
"""Kernels whose code differs from the portable one, by instruction set."""
BUILDS = [
    pytest.param("armv7e_m", "host", "-O1"),
    pytest.param("armv8_1m_mve", "host", "-O1"),
    pytest.param("armv7e_m", "cortex-m4", "-O2", marks=pytest.mark.slow),
    pytest.param("armv8_1m_mve", "cortex-m55", "-O2", marks=pytest.mark.slow),
    pytest.param("armv7e_m", "cortex-m4", "-Os", marks=pytest.mark.slow),
]


def on_int16(case: Case) -> Case:
    """Weighted layers, pooling, or a sum, with int16 activations, at scales so much finer that
    outputs are spread over as much of their range.
    """
    graph = case.graph
    shape = graph.tensors[graph.inputs[0]].shape
    tensors = {
        name: replace(tensor, dtype="int16", quantization=_finer(tensor.quantization))
        for name, tensor in graph.tensors.items()
    }
    constants = dict(graph.constants)
    for name in (node.inputs[2] for node in graph.nodes if node.op.weight_axis is not None):
        bias = constants[name]
        large = np.abs(bias.values) > LARGE
        values = bias.values.astype(np.int64) * np.where(large, 1, FINER)
        constants[name] = replace(bias, values=values, quantization=_finer(bias.quantization))
    inputs = extreme_inputs(np.random.default_rng(len(case.name)), shape, 3, "int16")
    return Case(case.name, replace(graph, tensors=tensors, constants=constants), inputs)


def _finer(parameters: QuantizationParameters | None) -> QuantizationParameters:
    assert parameters is not None
    scales = tuple(scale / FINER for scale in parameters.scales)
    return replace(parameters, scales=scales, zero_points=(0,) * len(scales))


def _board(name: str, optimize: str) -> Board:
    chosen = load_board(name)
    if not available(chosen):
        pytest.skip(f"{chosen.compiler.prefix}gcc or the emulator of {chosen.name} is missing")
    compiler = chosen.compiler.model_copy(update={"optimize": optimize})
    return chosen.model_copy(update={"compiler": compiler})


@pytest.mark.parametrize(("kernels", "board", "optimize"), BUILDS)
def test_kernels_equal_the_simulator(
    kernels: str, board: str, optimize: str, tmp_path: Path
) -> None:
    chosen = _board(board, optimize)
    drawn = [on_int16(case) for case in sums(3 * CASES)]
    drawn += [on_int16(case) for family in FAMILIES for case in family(CASES)]
    storages = (None, Storage(policy=SMALLEST))
    cases = [
        case for i, each in enumerate(storages) for case in lowered(drawn[i::2], kernels, each)
    ]
    found = Counter(case.kernel for case in cases)
    assert all(found[name] > 1 for name in KERNELS[kernels])
    assert run(cases, chosen, kernels, tmp_path) == []
