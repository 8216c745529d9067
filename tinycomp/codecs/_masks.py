"""Which weights of a group are stored: a mask, one bit per weight, the first weight lowest.

Pruning by a pattern leaves few different masks: blocks of zeros two, all or nothing, and N:M as
many as there are ways to place N weights in M. The pattern is found in the weights, whatever made
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._packing import bits_for
from tinycomp.ir.tensor import Array

LONGEST_GROUP = 16
"""The most weights of a group: a mask has 16 bits."""
MOST_MASKS = 256
"""An index has at most 8 bits."""
_MOST_SEEN = 2048
"""Groups with more different masks have no pattern."""


def group_masks(flags: NDArray[np.bool_], group: int) -> NDArray[np.uint16]:
    """The masks (channels, groups) of flags (channels, weights); groups begin with each channel,
    and its last one may be shorter.
    """
    filled = np.pad(flags, ((0, 0), (0, -flags.shape[1] % group)))
    split = filled.reshape(len(flags), -1, group)
    masks: NDArray[np.uint16] = (split * (1 << np.arange(group))).sum(axis=2).astype(np.uint16)
    return masks


def group_flags(masks: NDArray[np.uint16], group: int, length: int) -> NDArray[np.bool_]:
    """The inverse: flags (channels, weights)."""
    bits = masks[:, :, None] >> np.arange(group) & 1
    return bits.reshape(len(masks), -1)[:, :length].astype(bool)


@dataclass(frozen=True, eq=False)
class Masks:
    """Masks that cover all weights other than zero; zeros under them are stored as well."""

    group: int
    """Weights per group."""
    table: NDArray[np.uint16]
    """The different masks, ascending."""
    indices: Array
    """(channels, groups): places in the table."""

    @property
    def bits(self) -> int:
        """Of an index."""
        return bits_for(self.table.size)

    def flags(self, length: int) -> NDArray[np.bool_]:
        """(channels, length): which weights are stored."""
        return group_flags(self.table[self.indices], self.group, length)

    def size(self, length: int) -> int:
        """Bytes of indices, table and the stored weights, a byte each."""
        stored = int(np.count_nonzero(self.flags(length)))
        return -(-self.indices.size * self.bits // 8) + self.table.nbytes + stored


def smallest_masks(flags: NDArray[np.bool_]) -> Masks | None:
    """The masks that take the fewest bytes; None if there are too many for any length of groups."""
    found: list[Masks] = []
    for group in range(2, min(LONGEST_GROUP, flags.shape[1]) + 1):
        masks = group_masks(flags, group)
        counts = np.bincount(masks.reshape(-1), minlength=1 << group)
        seen = np.flatnonzero(counts)
        if seen.size <= _MOST_SEEN:
            found += [Masks(group, *each) for each in _covers(masks, seen, counts[seen])]
    return min(found, key=lambda masks: masks.size(flags.shape[1]), default=None)


def _covers(masks: NDArray[np.uint16], seen: Array, counts: Array) -> list[tuple[Array, Array]]:
    """Tables and indices, for indices of each number of bits: the masks that no other one covers,
    and of the others those that save most.
    """
    covered = (seen[:, None] & ~seen[None, :]) == 0  # the first by the second
    largest = covered.sum(axis=1) == 1
    sizes = np.array([int(mask).bit_count() for mask in seen])
    fewest = np.where(covered[:, largest], sizes[largest], LONGEST_GROUP + 1).min(axis=1)
    order = np.argsort(-(fewest - sizes) * counts, kind="stable")
    others = [place for place in order if not largest[place]]
    found = []
    for bits in range(bits_for(int(largest.sum())), 9):
        more = (1 << bits) - int(largest.sum())
        if more < 0:
            break
        chosen = np.sort(np.concatenate([np.flatnonzero(largest), np.array(others[:more], int)]))
        cost = np.where(covered[:, chosen], sizes[chosen], LONGEST_GROUP + 1)
        place = np.zeros(int(seen.max(initial=0)) + 1, np.int64)
        place[seen] = cost.argmin(axis=1)
        found.append((seen[chosen].astype(np.uint16), place[masks]))
        if more >= len(others):
            break
    return found
