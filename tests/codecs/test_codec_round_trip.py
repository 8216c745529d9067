"""Every codec is lossless, and `choose` returns the smallest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._packing import exact_divisor, pack, unpack
from tinycomp.codecs._policy import BALANCED, FASTEST, FEWEST_BYTES, PLAIN, Policy
from tinycomp.codecs._registry import _Terms, choose, codecs
from tinycomp.codecs.gap_huffman import GapHuffman
from tinycomp.codecs.kept_words import KeptWords
from tinycomp.codecs.masks import MaskedGroups
from tinycomp.common.errors import TinycompError
from tinycomp.ir.kernel_call import Weights


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    """Any shape and block, few or many values and zeros, with or without a codebook."""
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(-128, 128, shape, dtype=np.int8)
    entries = draw(st.sampled_from([1, 2, 3, 4, 7, 16, 17, 100, 128, 129, 256]))
    codebook = None
    kind = draw(st.sampled_from(["free", "layer", "channel"]))
    if kind != "free":
        groups = 1 if kind == "layer" else shape[0]
        codebook = rng.integers(-128, 128, (groups, entries), dtype=np.int8)
        indices = rng.integers(0, entries, shape)
        values = np.take_along_axis(np.broadcast_to(codebook, (shape[0], entries)), indices, axis=1)
    zeros = draw(st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]))
    group = draw(st.sampled_from([1, 1, 2, 3, 4, 8, 16, 20]))
    scores = rng.random((shape[0], -(-shape[1] // group))).repeat(group, axis=1)
    values = np.where(scores[:, : shape[1]] < zeros, 0, values).astype(np.int8)
    return Weights(values, draw(st.integers(1, shape[0])), codebook)


@given(weights())
def test_decoding_gives_the_weights(given_weights: Weights) -> None:
    for codec in codecs().values():
        encoded = codec.encode(given_weights)
        if encoded is not None:
            decoded = codec.decode(encoded, given_weights.values.shape)
            assert decoded.dtype == np.int8
            np.testing.assert_array_equal(decoded, given_weights.values, codec.name)


@given(weights())
def test_no_form_is_smaller_than_its_bound(given_weights: Weights) -> None:
    for codec in codecs().values():
        encoded = codec.encode(given_weights)
        least = codec.least(given_weights)
        assert encoded is None or least.size <= encoded.size
        for term, amount in least.amounts.items():
            assert encoded is None or amount <= encoded.amounts[term] * (1 + 1e-9)


@given(weights(), st.sampled_from([FASTEST, BALANCED, PLAIN, FEWEST_BYTES]))
def test_codecs_are_only_skipped_if_they_can_not_be_chosen(
    given_weights: Weights, policy: Policy
) -> None:
    chosen = choose(given_weights, None, policy)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Terms, "may_replace", lambda *_: True)
        assert choose(given_weights, None, policy).codec == chosen.codec


@given(weights())
def test_the_choice_is_the_smallest(given_weights: Weights) -> None:
    chosen = choose(given_weights)
    stored = [codec.encode(given_weights) for codec in codecs().values() if codec.general]
    smallest = min(encoded.size for encoded in stored if encoded is not None)
    assert chosen.size == smallest <= given_weights.values.size + 8


@given(st.integers(1, 8), st.integers(0, 100), st.integers(0, 2**32 - 1))
def test_packing_is_dense_and_reversible(bits: int, count: int, seed: int) -> None:
    indices = np.random.default_rng(seed).integers(0, 2**bits, count).astype(np.uint8)
    packed = pack(indices, bits)
    assert packed.size == -(-count * bits // 8)
    np.testing.assert_array_equal(unpack(packed, bits, count), indices)


def test_the_first_index_is_least_significant() -> None:
    assert pack(np.array([1, 2, 3]), 4).tolist() == [0x21, 0x03]
    assert pack(np.array([5, 3]), 3).tolist() == [0b011_101]


@given(st.integers(1, 65535), st.integers(0, 65535))
def test_exact_division(divisor: int, quotient: int) -> None:
    shift, inverse = exact_divisor(divisor)
    assert ((quotient * divisor >> shift) * inverse) & 0xFFFF == quotient


def _normal(shape: tuple[int, int], seed: int = 0) -> NDArray[np.int8]:
    values = np.random.default_rng(seed).normal(0, 40, shape)
    return np.clip(np.rint(values), -127, 127).astype(np.int8)


def _levels(values: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    levels = np.linspace(-120, 120, count).round().astype(np.int8)
    return levels[np.abs(values[..., None].astype(int) - levels).argmin(-1)]


def _uniform(shape: tuple[int, int], count: int) -> NDArray[np.int8]:
    """`count` values of about equal frequency."""
    levels = np.linspace(-120, 120, count).round().astype(np.int8)
    return np.random.default_rng(1).choice(levels, shape)


def _half(values: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(np.random.default_rng(2).random(values.shape) < 0.5, 0, values)


def _thin(values: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(np.abs(values) < 40, 0, values)


def _crowded(shape: tuple[int, int]) -> NDArray[np.int8]:
    """Few nonzero weights, most of them close together: adjacent in some channels."""
    rng = np.random.default_rng(3)
    kept = (rng.random(shape) < 0.2) & (rng.random((shape[0], 1)) < 0.1)
    return np.where(kept | (rng.random(shape) < 0.005), rng.choice([-9, 9], shape), 0)


NOT_ZERO = np.delete(np.arange(-128, 128), 128)


def _pattern(kept: int, group: int, shape: tuple[int, int] = (32, 192)) -> NDArray[np.int8]:
    """At most `kept` of each `group` consecutive weights are not zero."""
    rng = np.random.default_rng(5)
    rank = rng.random((shape[0], shape[1] // group, group)).argsort(axis=2)
    values = np.where(rank < kept, rng.choice(NOT_ZERO, rank.shape), 0)
    return values.reshape(shape).astype(np.int8)


def _blocks(length: int, share: float, shape: tuple[int, int] = (32, 192)) -> NDArray[np.int8]:
    """A share of the blocks of consecutive weights is not zero."""
    rng = np.random.default_rng(6)
    kept = (rng.random((shape[0], -(-shape[1] // length))) < share).repeat(length, axis=1)
    return np.where(kept[:, : shape[1]], rng.choice(NOT_ZERO, shape), 0).astype(np.int8)


@pytest.mark.parametrize(("kept", "group", "bits"), [(2, 4, 3), (1, 4, 2), (1, 8, 3), (2, 8, 5)])
def test_a_pattern_takes_an_index_of_all_its_masks(kept: int, group: int, bits: int) -> None:
    encoded = MaskedGroups().encode(Weights(_pattern(kept, group), 4))
    assert encoded is not None
    assert (encoded.integer("group"), encoded.integer("bits")) == (group, bits)
    assert encoded.array("indices").size == 32 * 192 // group * bits // 8
    assert encoded.array("values").size == 32 * 192 * kept // group


@pytest.mark.parametrize("length", [3, 4, 6, 16])
def test_a_block_takes_a_bit_at_most(length: int) -> None:
    values = _blocks(length, 0.3)
    encoded = MaskedGroups().encode(Weights(values, 4))
    assert encoded is not None
    assert encoded.array("indices").size <= values.size / length / 8 + 1
    assert encoded.array("values").size == np.count_nonzero(values)


def test_zeros_under_a_mask_are_stored_where_that_is_smaller() -> None:
    """Rounding leaves zeros among the weights of a pattern, with which there are more masks."""
    values = _pattern(2, 4)
    values.reshape(-1)[np.flatnonzero(values)[::40]] = 0
    encoded = MaskedGroups().encode(Weights(values, 4))
    assert encoded is not None
    assert encoded.integer("bits") == 3
    assert encoded.array("values").size > np.count_nonzero(values)
    np.testing.assert_array_equal(MaskedGroups().decode(encoded, values.shape), values)


def test_words_of_zeros_are_left_out() -> None:
    values = _blocks(8, 0.25)
    encoded = KeptWords().encode(Weights(values, 0))
    assert encoded is not None
    assert encoded.array("words").size == np.count_nonzero(values)
    assert encoded.array("kept").size == 32 * 3
    np.testing.assert_array_equal(KeptWords().decode(encoded, values.shape), values)


def test_gaps_are_counted_across_channels_that_share_inputs() -> None:
    """The weights of a channel are far apart, and those of an input are adjacent."""
    rng = np.random.default_rng(4)
    kept = (rng.random((1, 784)) < 0.03) & (rng.random((64, 784)) < 0.8)
    together = np.where(kept, rng.choice([-9, 9], (64, 784)), 0).astype(np.int8)
    across = GapHuffman().encode(Weights(together, 8))
    along = GapHuffman().encode(Weights(np.ascontiguousarray(together.T), 8))
    assert across is not None
    assert along is not None
    assert (across.integer("across"), along.integer("across")) == (8, 1)


def test_a_kernel_that_reads_gaps_itself_needs_no_index() -> None:
    values = _crowded((100, 784)).astype(np.int8)
    whole, blocks = (GapHuffman().encode(Weights(values, block)) for block in (0, 4))
    assert whole is not None
    assert blocks is not None
    assert whole.array("more").size == 1
    assert whole.size < blocks.size
    np.testing.assert_array_equal(GapHuffman().decode(whole, values.shape), values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dense", _uniform((64, 64), 256)),
        ("codebook", _uniform((64, 64), 16)),
        ("bitmap", _half(_uniform((4, 1024), 256))),
        ("sparse_codebook", _half(_uniform((4, 1024), 16))),
        ("channel_codebook", _uniform((64, 512), 4) + np.arange(-4, 4).repeat(8)[:, None]),
        ("huffman", _normal((64, 64))),
        ("huffman", _levels(_normal((64, 64)), 16)),
        ("sparse_huffman", _thin(_normal((64, 64)))),
        ("sparse_huffman", _thin(_levels(_normal((64, 64)), 16))),
        ("gap_huffman", _crowded((100, 784))),
        ("masks", _pattern(2, 4)),
        ("masks", _pattern(1, 4)),
        ("masks", _blocks(4, 0.25)),
        ("masks", _blocks(3, 0.25)),
    ],
)
def test_each_codec_wins_where_it_should(name: str, values: NDArray[np.int8]) -> None:
    assert choose(Weights(values.astype(np.int8), 4)).codec == name


def test_sizes_count_every_byte() -> None:
    encoded = choose(Weights(_uniform((64, 64), 16), 4))
    assert encoded.size == 64 * 64 // 2 + 16 + 16  # indices, table, struct
    assert Encoded("x", {"a": np.zeros(3, np.uint16), "b": 7}, struct_size=12).size == 18


def test_a_tie_goes_to_the_cheaper_decoder() -> None:
    weights = Weights(np.tile(np.arange(-8, 8, dtype=np.int8), (1, 3)), 1)
    dense, codebook = (codecs()[name].encode(weights) for name in ("dense", "codebook"))
    assert dense is not None
    assert codebook is not None
    assert dense.size == 48 + 8 == codebook.size == 24 + 16 + 16
    assert choose(weights).codec == "dense"


def test_a_shared_codebook_is_stored_as_given() -> None:
    shared = np.array([[-90, -30, 0, 25, 80]], np.int8)
    for seed in (0, 1):
        values = np.random.default_rng(seed).choice(shared[0, : 4 + seed], (8, 64))
        encoded = choose(Weights(values, 4, np.resize(shared, (1, 5))), {"codebook"})
        table = encoded.array("table").tolist()
        assert table == (shared[0].tolist() if seed else shared[0, :4].tolist())


def test_unknown_and_unfit_codecs_are_refused() -> None:
    weights = Weights(np.arange(-128, 128).astype(np.int8).reshape(16, 16), 4)
    with pytest.raises(TinycompError, match=r"no weight codec 'zip'\. Expected one of: bitmap, ch"):
        choose(weights, {"zip"})
    with pytest.raises(TinycompError, match="None of the weight codecs codebook can hold"):
        choose(weights, {"codebook"})
