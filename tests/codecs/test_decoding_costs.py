"""What decoding takes depends on the core, and decides how weights are stored there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.fit_decoding import PLAIN_WEIGHTS, encoded, layer, time
from tinycomp.codecs._costs import (
    FOLDER,
    INSTRUCTIONS_A_PRODUCT,
    PRODUCT,
    WEIGHTS,
    DecodingCosts,
    decoding_costs,
)
from tinycomp.codecs._policy import BALANCED, FEWEST_BYTES, SMALLEST
from tinycomp.codecs._registry import choose, codecs, far_codecs, general_codecs
from tinycomp.device import firmware_build
from tinycomp.ir.kernel_call import Weights
from tinycomp.kernels._registry import instruction_sets
from tinycomp.plan.program import Storage
from tinycomp.target.boards import load_board

WITHIN = 0.15
"""Allowed relative error. If a decoder has changed since it was measured, run
benchmarks/fit_decoding.py again.
"""
MEASURED = [path.stem for path in FOLDER.glob("*.json")]


def weights(values: list[int], shares: list[float]) -> Weights:
    drawn = np.random.default_rng(0).choice(values, (64, 64), p=shares)
    return Weights(drawn.astype(np.int8), 4)


SHARES = np.exp(-np.abs(np.arange(16) - 8) / 1.4)
UNEVEN = weights([*range(-119, 120, 15)], [*SHARES / SHARES.sum()])
"""Sixteen values that entropy codes store in a quarter fewer bits."""
FEW_ZEROS = weights([*range(0, 160, 10)], [0.27] + [0.73 / 15] * 15)
"""Sixteen values of which a quarter is zero, which saves a few bytes without zeros."""


@pytest.mark.parametrize("kernels", MEASURED)
def test_files_have_every_codec_that_the_set_reads(kernels: str) -> None:
    assert kernels in instruction_sets()
    found = json.loads((FOLDER / f"{kernels}.json").read_text())
    assert found.pop(PRODUCT) > 0
    assert {*general_codecs()} - {"dense"} <= found.keys() <= codecs().keys()
    for name, terms in found.items():
        assert terms.keys() == codecs()[name].instructions.keys(), name
        assert min(terms.values()) >= 0


@pytest.mark.parametrize("name", codecs())
def test_stored_weights_have_the_amounts_of_their_terms(name: str) -> None:
    stored = codecs()[name].encode(weights([0, 10, 20], [0.7, 0.2, 0.1]))
    assert stored is not None
    assert stored.amounts.keys() | {WEIGHTS} >= codecs()[name].instructions.keys()
    assert (DecodingCosts().of(codecs()[name], stored) == 0) == (not stored.buffered)


def test_a_set_without_measurements_decodes_like_a_cortex_m4() -> None:
    assert decoding_costs("armv7e_m") == decoding_costs("generic") == DecodingCosts()
    assert DecodingCosts().product == INSTRUCTIONS_A_PRODUCT


def test_huffman_codes_cost_an_avr_more_of_its_time() -> None:
    """Compared with a product, so that slow cores are not refused what fast ones are given."""
    avr = decoding_costs("avr")
    assert choose(UNEVEN, None, BALANCED).codec == "huffman"
    assert choose(UNEVEN, None, BALANCED, None, avr).codec == "codebook"
    assert choose(UNEVEN, None, FEWEST_BYTES, None, avr).codec == "huffman"
    assert choose(UNEVEN, None, SMALLEST, None, avr).codec == "huffman"


def test_a_plain_codec_has_to_be_worth_its_time_too() -> None:
    for costs in (None, decoding_costs("avr")):
        assert choose(FEW_ZEROS, None, SMALLEST, None, costs).codec != "codebook"
        assert choose(FEW_ZEROS, None, BALANCED, None, costs).codec == "codebook"


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["huffman", "codebook", "bitmap", *far_codecs()])
def test_predictions_equal_the_emulated_chip(codec: str) -> None:
    board = load_board("mega")
    if firmware_build.missing(board) is not None:
        pytest.skip("there is no emulated Mega")
    prepared = layer(UNEVEN.values)
    stored = encoded(prepared, board, codec)
    assert stored is not None
    costs = decoding_costs("avr")
    predicted = costs.of(codecs()[codec], stored) / costs.scale
    plain = time(prepared, board, PLAIN_WEIGHTS)
    decoded = time(prepared, board, Storage({codec}, SMALLEST))
    assert costs.product == pytest.approx(plain / UNEVEN.values.size, rel=WITHIN)
    assert predicted == pytest.approx((decoded - plain) / UNEVEN.values.size, rel=WITHIN)
