"""For values of unequal frequency: a Huffman code for each weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded, Least
from tinycomp.codecs._prefix_code import PrefixCode, Reader, blocks_of, join, least_bytes, store
from tinycomp.ir.kernel_call import Weights


class Huffman(Codec):
    """One code for the distinct values of the layer."""

    name: ClassVar[str] = "huffman"
    code: ClassVar[Mapping[str, int]] = {"huffman": 140}
    instructions: ClassVar[Mapping[str, float]] = {"weights": 17.5, "bits": 1.3}
    entropy: ClassVar[bool] = True

    def encode(self, weights: Weights) -> Encoded | None:
        """None if a block has more than 65535 weights or bytes."""
        code = PrefixCode.of(weights.values)
        blocks = [join(*code.bits(block)) for block in blocks_of(weights)]
        bits = 8 * sum(block.size for block in blocks) / weights.values.size
        return store("huffman", code, blocks, weights, {"bits": bits})

    def least(self, weights: Weights) -> Least:
        """The entropy of the weights."""
        size = least_bytes(weights.values)
        return Least(size, {"bits": 8 * size / weights.values.size})

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        reader, values = Reader(encoded), list[int]()
        for count in reader.blocks(shape):
            values += [reader.value() for _ in range(count)]
        return np.array(values, np.int8).reshape(shape)
