"""Weights are stored according to --optimize."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import Layers

from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, PLAIN, Policy, Use
from tinycomp.codecs._registry import choose
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.options.build import Optimize
from tinycomp.plan.program import Storage, lower
from tinycomp.plan.storage import CODE, POLICIES, StorageTarget, _constants, stored_program
from tinycomp.plan.streaming import choose as plan_for

LARGE = StorageTarget("generic", copied=False, flash=1 << 20, ram=1 << 20)
ONCE, OFTEN = Use(products=1), Use(products=1000)


def _weights(shares: dict[int, float]) -> Weights:
    """4096 weights with these values and their shares."""
    values = np.repeat([*shares], [round(share * 4096) for share in shares.values()])
    shuffled = np.random.default_rng(0).permutation(values).astype(np.int8)
    return Weights(shuffled.reshape(64, 64), 4)


FLAT = _weights(dict.fromkeys(range(-120, 120, 15), 1 / 16))
"""Weights that take 4 bits with any codec."""
UNEVEN = _weights({**dict.fromkeys(range(-120, 105, 15), 1 / 64), 120: 49 / 64})
"""Weights that entropy codes store in half as many bits."""
SLIGHT = _weights(
    {**dict.fromkeys(range(-120, 0, 15), 7 / 64), **dict.fromkeys(range(0, 120, 15), 1 / 64)}
)
"""Weights that entropy codes store in a tenth fewer bits."""
SPARSE = _weights({0: 15 / 16, **dict.fromkeys(range(5, 21), 1 / 256)})


@pytest.mark.parametrize(
    ("weights", "policy", "use", "codec"),
    [
        (FLAT, FEWEST_BYTES, ONCE, "codebook"),
        (FLAT, BALANCED, ONCE, "codebook"),
        (FLAT, FASTEST, ONCE, "dense"),
        (FLAT, FASTEST, OFTEN, "codebook"),
        (SLIGHT, FEWEST_BYTES, ONCE, "huffman"),
        (SLIGHT, BALANCED, ONCE, "codebook"),
        (UNEVEN, FEWEST_BYTES, ONCE, "huffman"),
        (UNEVEN, BALANCED, ONCE, "huffman"),
        (UNEVEN, BALANCED, Use(readings=9), "codebook"),
        (UNEVEN, PLAIN, ONCE, "codebook"),
        (UNEVEN, FASTEST, ONCE, "dense"),
        (UNEVEN, FASTEST, OFTEN, "huffman"),
        (SPARSE, PLAIN, ONCE, "sparse_huffman"),
        (SPARSE, FASTEST, ONCE, "dense"),
    ],
)
def test_bytes_against_instructions(weights: Weights, policy: Policy, use: Use, codec: str) -> None:
    assert choose(weights, None, policy, use).codec == codec


def test_decoding_has_to_be_worthwhile() -> None:
    smallest = choose(FLAT).size
    share = smallest / choose(FLAT, {"dense"}).size
    assert choose(FLAT, None, Policy(decoded=share)).codec == "codebook"
    assert choose(FLAT, None, Policy(decoded=share * 0.99)).codec == "dense"


class _Dealt(Layers):
    """Layers with weights taken from a list in order."""

    def __init__(self, *weights: Weights) -> None:
        super().__init__((12, 12, 64))
        self.dealt = iter(weights)

    def _values(self, channels: int, length: int) -> Array:
        return next(self.dealt).values.reshape(channels, length)


def _graph() -> Graph:
    """Two convolutions that use each weight 144 times, and a dense layer that uses it once."""
    layers = _Dealt(FLAT, SLIGHT, UNEVEN)
    x = layers.conv(layers.conv("input", 64, Window((1, 1))), 64, Window((1, 1)))
    x = layers.tied(MaxPool2D(Window((12, 12))), x)
    layers.dense(layers.reshape(x, (64,)), 64)
    return layers.graph()


def _codecs(
    optimize: Optimize, place: StorageTarget = LARGE, *, compressed: bool = True
) -> list[str]:
    graph = _graph()
    program = stored_program(graph, optimize, compressed, place)
    return [encoded.codec for op in program.operations for encoded in op.encoded]


def test_each_goal_chooses_the_expected_codecs() -> None:
    """The smallest RAM streams the second layer, and so reads its weights for each row."""
    assert _codecs("speed") == ["codebook", "codebook", "dense"]
    assert _codecs("balanced") == ["codebook", "codebook", "huffman"]
    assert _codecs("ram") == ["codebook", "codebook", "huffman"]
    assert _codecs("flash") == ["codebook", "huffman", "huffman"]


def shared_factors() -> Graph:
    """Convolutions with the same scale in all channels."""
    layers = Layers((8, 8, 8), seed=3)
    x = layers.conv("input", 32, Window((1, 1)))
    layers.conv(layers.conv(x, 32, Window((1, 1))), 8, Window((1, 1)))
    graph = layers.graph()
    constants = dict(graph.constants)
    for node in graph.nodes:
        for name in node.inputs[1:]:
            parameters = constants[name].quantization
            assert parameters is not None
            equal = replace(parameters, scales=(parameters.scales[0],) * len(parameters.scales))
            constants[name] = replace(constants[name], quantization=equal)
    return replace(graph, constants=constants)


def test_constants_are_packed_according_to_the_goal() -> None:
    place = replace(LARGE, kernels="armv7e_m")

    def packed(optimize: Optimize, graph: Graph) -> list[int]:
        program = stored_program(graph, optimize, compressed=True, place=place)
        return [op.fields["packed"] for op in program.operations if "packed" in op.fields]

    assert packed("balanced", shared_factors()) == [1, 1, 1]
    assert packed("speed", shared_factors()) == [0, 0, 0]
    assert packed("flash", shared_factors()) == [1, 1, 1]


@pytest.mark.parametrize("compressed", [False, True])
def test_flash_takes_the_fewest_bytes(compressed: bool) -> None:
    place = replace(LARGE, kernels="armv7e_m")
    for graph in (_graph(), shared_factors()):
        sizes = {
            optimize: _constants(stored_program(graph, optimize, compressed, place))
            for optimize in POLICIES
        }
        assert sizes["flash"] == min(sizes.values())


def test_constants_are_not_unpacked_if_that_takes_ram() -> None:
    graph = shared_factors()
    programs = [
        lower(graph, Storage(policy=replace(FEWEST_BYTES, beside=beside)), "armv7e_m")
        for beside in (0, 1000)
    ]
    plain, unpacked = (plan_for(program, "ram", 1 << 20).arena for program in programs)
    assert plain < unpacked
    place = replace(LARGE, kernels="armv7e_m")
    chosen = stored_program(graph, "ram", compressed=True, place=place)
    assert plan_for(chosen, "ram", 1 << 20).arena == plain


def test_without_a_compression_recipe() -> None:
    """Indices take half the bytes; entropy codes are only used with a compression recipe."""
    assert _codecs("balanced", compressed=False) == ["codebook"] * 3
    assert _codecs("ram", compressed=False) == ["codebook", "codebook", "huffman"]


def test_size_has_priority_if_flash_is_small() -> None:
    assert _codecs("speed", replace(LARGE, flash=CODE + 9_000)) == _codecs("balanced")
    assert _codecs("speed", replace(LARGE, flash=CODE)) == ["codebook", "huffman", "huffman"]


def test_a_decoder_has_to_save_more_than_it_takes() -> None:
    few = Weights(SLIGHT.values[:32], 4)
    layers = _Dealt(FLAT, few)
    layers.conv(layers.conv("input", 64, Window((1, 1))), 32, Window((1, 1)))
    program = stored_program(layers.graph(), "ram", True, LARGE)
    assert choose(few).codec == "huffman"
    assert [op.encoded[0].codec for op in program.operations] == ["codebook", "codebook"]
