"""A library defines macros for facts that hold for all layers whose kernels test them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import parameters
from small_models import HASH, Layers

from tinycomp.codecs._channels import pack
from tinycomp.codecs._merged import APART, WHOLE
from tinycomp.emit.library import emit_library
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import Channels, KernelCall
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.kernels._dsp_rounding import ONCE
from tinycomp.kernels._facts import known_facts
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower

ASKS = "#ifndef TC_ANY_ONCE\n#define TC_ANY_ONCE 0\n#endif\n"


class RectifiedLayers(Layers):
    """All outputs with free parameters have the zero point -128, or another given one."""

    zero_point = -128

    def free(self) -> QuantizationParameters:
        return parameters(super().free().scale, self.zero_point)


def macros(graph: Graph, kernels: str = "armv7e_m") -> list[str]:
    """The macros that the library defines before it includes headers."""
    program = lower(graph, Storage(), kernels)
    text = emit_library(plan(program), prefix="t", model_hash=HASH)["t.c"]
    before, _, _ = text.partition('#include "tinycomp/')
    return [line.split()[1] for line in before.splitlines() if line.startswith("#define")]


def network(zero_point: int, activation: Activation = Activation.NONE) -> Graph:
    """Three layers with the given zero point and activation of the second one."""
    layers = RectifiedLayers((4, 4, 8))
    x = layers.depthwise("input", Window.make("same", (4, 4), (3, 3)))
    layers.zero_point = zero_point
    x = layers.conv(x, 8, Window((1, 1)), activation)
    layers.zero_point = -128
    layers.conv(x, 8, Window((1, 1)))
    return layers.graph()


ALL = {
    "TC_CHANNELS_SINGLE",
    *("TC_CONVOLUTION_EVEN", "TC_CONVOLUTION_UNCLAMPED", "TC_CONVOLUTION_UNDILATED"),
    *("TC_CONVOLUTION_WHOLE", "TC_CONVOLUTION_WIDE", "TC_DEPTHWISE_ONCE"),
    *("TC_DEPTHWISE_FOURS", "TC_DEPTHWISE_UNCLAMPED", "TC_FACTORS_PLAIN", "TC_GEMM_ONCE"),
}


def test_facts_that_hold_for_all_layers_are_defined() -> None:
    assert macros(network(-128)) == sorted(ALL)


def test_one_layer_can_invalidate_a_fact_of_its_kernel() -> None:
    bounded = {"TC_CONVOLUTION_UNCLAMPED", "TC_GEMM_ONCE"}
    assert macros(network(-127)) == sorted(ALL - {"TC_GEMM_ONCE"})
    assert macros(network(3, Activation.RELU)) == sorted(ALL - bounded)


@pytest.mark.parametrize(
    ("window", "channels", "broken"),
    [
        (Window((1, 1)), 7, "TC_CONVOLUTION_EVEN"),
        (Window((2, 2), dilation=(1, 2)), 8, "TC_CONVOLUTION_UNDILATED"),
        (Window((2, 2), dilation=(2, 1)), 8, "TC_CONVOLUTION_UNDILATED"),
        (Window((2, 3)), 8, "TC_CONVOLUTION_WHOLE"),
        (Window((2, 1)), 8, "TC_CONVOLUTION_WIDE"),
    ],
)
def test_facts_of_a_convolution(window: Window, channels: int, broken: str) -> None:
    layers = RectifiedLayers((4, 4, 3 if broken.endswith(("WHOLE", "WIDE")) else 4))
    layers.conv("input", channels, window)
    of_convolutions = {macro for macro in ALL if "DEPTHWISE" not in macro}
    left_out = {broken, "TC_CONVOLUTION_WHOLE"} if broken.endswith("WIDE") else {broken}
    assert macros(layers.graph()) == sorted(of_convolutions - left_out)


@pytest.mark.parametrize("outputs", [[64], [64, 72], [64, 68]])
def test_dense_layers_without_other_blocks_than_eights(outputs: list[int]) -> None:
    layers = RectifiedLayers((64,))
    x = "input"
    for size in outputs:
        x = layers.dense(x, size)
    eights = all(size % 8 == 0 for size in outputs)
    assert ("TC_FULLY_CONNECTED_EIGHTS" in macros(layers.graph())) == eights


@pytest.mark.parametrize("width", [2, 1])
def test_layers_without_rows_of_a_single_pixel(width: int) -> None:
    layers = RectifiedLayers((2, width, 40))
    layers.weights, layers.entries = "few", 16
    layers.conv("input", 40, Window((1, 1)))
    assert ("TC_GEMM_CODEBOOK_BROAD" in macros(layers.graph())) == (width > 1)


def test_a_multiplier_that_all_channels_share_is_single() -> None:
    channels = Channels(*(np.arange(9, dtype=kind) for kind in (np.int32, np.int8, np.int32)))
    alike = replace(channels, low=np.zeros(9, np.int8), multiplier=np.zeros(9, np.int32))
    own, shared = (KernelCall("any", {"constants": pack(each)}) for each in (channels, alike))
    text = "#ifndef TC_CHANNELS_SINGLE\n"
    assert known_facts([(shared, text)]) == ["TC_CHANNELS_SINGLE"]
    assert known_facts([(own, text), (shared, text)]) == []


def test_one_layer_with_packed_constants_is_enough() -> None:
    calls = [KernelCall("any", {"packed": packed}) for packed in (0, 1)]
    text = "#ifndef TC_FACTORS_PLAIN\n"
    assert known_facts([(calls[0], text)]) == ["TC_FACTORS_PLAIN"]
    assert known_facts([(call, text) for call in calls]) == []


def test_merged_constants_are_known_if_all_that_are_packed_are() -> None:
    packed = np.array([APART + 3, 0, 0, 0, WHOLE], np.uint8)
    other = np.array([3, 0, 0], np.uint8)
    calls = [
        KernelCall("any", {"packed": int(each.size > 2), "factors": each})
        for each in (packed, np.zeros(2, np.int32), other)
    ]
    text = "#ifndef TC_FACTORS_MERGED\n#ifndef TC_FACTORS_UNMERGED\n"
    assert known_facts([(call, text) for call in calls[:2]]) == ["TC_FACTORS_MERGED"]
    assert known_facts([(call, text) for call in calls[1:]]) == ["TC_FACTORS_UNMERGED"]
    assert known_facts([(calls[1], text)]) == []
    assert known_facts([(call, text) for call in calls]) == []


def test_estimated_constants_are_known_if_all_that_are_packed_are() -> None:
    calls = [
        KernelCall("any", {"packed": 1, "factors": np.array([APART, 0, 0, 0, own], np.uint8)})
        for own in (2, WHOLE)
    ]
    calls.append(KernelCall("any", {"packed": 0, "factors": np.zeros(2, np.int32)}))
    text = "#ifndef TC_FACTORS_STORED\n#ifndef TC_FACTORS_ESTIMATED\n#ifndef TC_FACTORS_PACKED\n"
    estimated, stored, plain = ([(call, text)] for call in calls)
    assert known_facts(estimated) == ["TC_FACTORS_ESTIMATED", "TC_FACTORS_PACKED"]
    assert known_facts(stored) == ["TC_FACTORS_PACKED", "TC_FACTORS_STORED"]
    assert known_facts(estimated + plain) == ["TC_FACTORS_ESTIMATED"]
    assert known_facts(stored + plain) == ["TC_FACTORS_STORED"]
    assert known_facts(estimated + stored) == ["TC_FACTORS_PACKED"]


def test_kernels_without_facts_define_nothing() -> None:
    assert macros(network(-128), "generic") == []


@pytest.mark.parametrize(("second", "expected"), [(ONCE, ["TC_ANY_ONCE"]), (-255, [])])
def test_only_kernels_that_test_a_fact_count(second: int, expected: list[str]) -> None:
    first, other = (KernelCall("any", {"rounding": rounding}) for rounding in (ONCE, 5))
    asked = KernelCall("any", {"rounding": second})
    assert known_facts([(first, ASKS), (other, ""), (asked, ASKS)]) == expected
