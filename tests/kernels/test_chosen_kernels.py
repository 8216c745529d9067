"""Common shapes use the fast kernels of their core; unsupported ones do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conformance import Case, CaseBuilder, extreme_inputs, parameters, weighted_case
from core_cases import few_cells, few_channels, many_inputs, sums
from core_program import lowered
from numpy.random import default_rng

from tinycomp.ir.tensor import Shape
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.quantize import Quantize

TIES = (0.1, 0.13, 0.1)
"""Scales of two inputs and a sum with ties, which no affine function rounds away from zero."""
ADDS = {"armv7e_m": "add_dsp", "armv8_1m_mve": "add_mve"}


def sum_of(wide: Shape, pool: Window, scales: tuple[float, float, float]) -> Case:
    """The sum of the input and a pooled copy.

    Args:
        scales: of the input, of the copy, and of the sum.
    """
    tied = parameters(scales[0], 3)
    builder = CaseBuilder(wide, tied)
    other = builder.add(AveragePool2D(pool), ["input"], tied)
    other = builder.add(Quantize(), [other], parameters(scales[1], -9))
    builder.add(Add(), ["input", other], parameters(scales[2], -4))
    return Case("sum", builder.graph(), extreme_inputs(default_rng(0), wide))


@pytest.mark.parametrize("kernels", ADDS)
@pytest.mark.parametrize("shape", [(1, 16, 8), (4, 4, 8)])
def test_a_height_of_one_is_not_a_broadcast(kernels: str, shape: Shape) -> None:
    (found,) = lowered([sum_of(shape, Window((1, 1)), TIES)], kernels)
    assert found.kernel == ADDS[kernels]


@pytest.mark.parametrize("kernels", [*ADDS, "scalar", "lx6"])
@pytest.mark.parametrize("pool", [(1, 1), (4, 4)])
def test_sums_and_broadcasts_are_affine_functions(kernels: str, pool: tuple[int, int]) -> None:
    cases = [sum_of((4, 4, 8), Window(pool), scales) for scales in ((0.1, 0.07, 0.17), TIES)]
    found, ties = lowered(cases, kernels)
    same = "add_scalar" if kernels in ("scalar", "lx6") and pool == (1, 1) else "add_affine"
    assert (found.kernel, ties.kernel == same) == (same, False)


def test_the_random_sums_have_both_heights() -> None:
    heights = {case.graph.tensors[case.graph.outputs[0]].shape[0] == 1 for case in sums()}
    assert heights == {True, False}


@pytest.mark.parametrize("family", [few_cells, few_channels, many_inputs])
def test_ordinary_layers_use_a_dsp_kernel(family: Callable[[], list[Case]]) -> None:
    """Whatever the number of cells, channels or inputs; only extreme factors keep a layer out."""
    found = [case.kernel for case in lowered(family(), "armv7e_m")]
    fast = [name for name in found if name.endswith("_dsp")]
    assert len(fast) >= 0.7 * len(found)


@pytest.mark.parametrize("window", [(5, 5), (7, 7), (1, 9), (9, 1), (2, 3)])
def test_any_depthwise_window_uses_vectors(window: tuple[int, int]) -> None:
    op = DepthwiseConv2D(Window.make("same", (12, 12), window))
    (found,) = lowered(
        [weighted_case("window", op, (12, 12, 8), (1, *window, 8), seed=1)], "armv8_1m_mve"
    )
    assert found.kernel.endswith("_mve")


@pytest.mark.parametrize(("channels", "multiplier"), [(1, 8), (2, 3), (3, 2)])
def test_several_outputs_of_few_channels_use_vectors(channels: int, multiplier: int) -> None:
    op = DepthwiseConv2D(Window.make("same", (12, 12), (3, 3)), multiplier)
    weights = (1, 3, 3, channels * multiplier)
    case = weighted_case("few channels", op, (12, 12, channels), weights, seed=1)
    (found,) = lowered([case], "armv8_1m_mve")
    assert found.kernel.startswith("conv_2d_")


@pytest.mark.parametrize(
    ("width", "window", "multiplier", "kernel"),
    [
        (24, (5, 5), 1, "depthwise_pairs_dsp"),
        (96, (1, 9), 1, "depthwise_pairs_dsp"),
        (4, (5, 5), 1, "depthwise_dsp"),  # weights are prepared for four pixels only
        (24, (9, 1), 1, "depthwise_dsp"),
        (24, (3, 3), 1, "depthwise_3x3_dsp"),
        (6, (3, 3), 2, "depthwise_pairs_dsp"),
    ],
)
def test_depthwise_windows(
    width: int, window: tuple[int, int], multiplier: int, kernel: str
) -> None:
    op = DepthwiseConv2D(Window.make("same", (8, width), window), multiplier)
    weights = (1, *window, 16 * multiplier)
    (found,) = lowered([weighted_case("window", op, (8, width, 16), weights, seed=1)], "armv7e_m")
    assert found.kernel == kernel


@pytest.mark.parametrize(
    ("weights", "kernel"),
    [
        ((8, 10, 8, 1), "conv_2d_small_scalar"),
        ((8, 5, 5, 3), "conv_2d_small_scalar"),
        ((8, 3, 3, 3), "conv_2d_scalar"),  # too few weights to pay for another kernel
        ((8, 12, 11, 1), "conv_2d_scalar"),  # too much scratch
        ((8, 3, 3, 8), "conv_2d_scalar"),
        ((8, 1, 1, 106), "conv_2d_scalar"),
    ],
)
def test_large_windows_over_few_channels(weights: Shape, kernel: str) -> None:
    op = Conv2D(Window.make("same", (12, 12), weights[1:3]))
    (found,) = lowered(
        [weighted_case("window", op, (12, 12, weights[3]), weights, seed=1)], "scalar"
    )
    assert found.kernel == kernel
