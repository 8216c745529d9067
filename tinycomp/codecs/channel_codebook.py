"""For few distinct values per channel: a table for each, and 1 to 7 bits of index per weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._packing import UNPACKING_COST, bits_for, exact_divisor, pack_indices, unpack
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Array


class ChannelCodebook(Codec):
    """All tables have the length of the longest; indices are packed without gaps."""

    name: ClassVar[str] = "channel_codebook"
    code: ClassVar[Mapping[str, int]] = {"channel_codebook": 84, "unpack": 440}
    instructions: ClassVar[Mapping[str, float]] = {"weights": UNPACKING_COST + 1}

    def encode(self, weights: Weights) -> Encoded | None:
        """None if a channel has more than 128 distinct values or 65535 weights."""
        tables = [np.unique(channel) for channel in weights.values]
        entries = max(table.size for table in tables)
        bits, length = bits_for(entries), weights.values.shape[1]
        if bits > 7 or length > 0xFFFF:
            return None
        pairs = zip(tables, weights.values, strict=True)
        indices = np.stack([np.searchsorted(table, channel) for table, channel in pairs])
        shift, inverse = exact_divisor(length)
        fields: dict[str, int | Array] = {
            "indices": pack_indices(indices, bits),
            "tables": np.concatenate([_lengthen(table, entries) for table in tables]),
            "length": length,
            "inverse": inverse,
            "shift": shift,
            "bits": bits,
            "entries": entries,
        }
        return Encoded("channel_codebook", fields, struct_size=20)

    def decode(self, encoded: Encoded, shape: tuple[int, int]) -> NDArray[np.int8]:
        """The values again."""
        indices = unpack(encoded.array("indices"), encoded.integer("bits"), shape[0] * shape[1])
        tables = encoded.array("tables").reshape(shape[0], encoded.integer("entries"))
        values: NDArray[np.int8] = np.take_along_axis(tables, indices.reshape(shape), axis=1)
        return values


def _lengthen(table: NDArray[np.int8], entries: int) -> NDArray[np.int8]:
    """The table with its last value repeated."""
    return np.pad(table, (0, entries - table.size), "edge")
