"""Finds the codecs, one a module of tinycomp.codecs; takes the one with the fewest bytes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from functools import cache

import numpy as np

import tinycomp.codecs
from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.errors import TinycompError
from tinycomp.ir import Weights


@cache
def codecs() -> dict[str, Codec]:
    """All codecs by name, in alphabetical order."""
    found: dict[str, Codec] = {}
    for module in pkgutil.iter_modules(tinycomp.codecs.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.codecs.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Codec) and value.__module__ == name:
                found[value.name] = value()
    return dict(sorted(found.items()))


WORTHWHILE = 2 / 3
"""Where nobody asked for a codebook, decoding has to bring the bytes down to this share."""


def choose(weights: Weights, allowed: Collection[str] | None = None) -> Encoded:
    """The smallest stored form, verified by decoding it; of equal sizes the quickest to decode.

    Weights without a codebook of their own stay readable in place unless decoding saves a third: a
    model that nobody compressed runs at full speed.

    Args:
        weights: a layer's weights, of any int8 values.
        allowed: names of the codecs to choose from; None for all.

    Raises:
        TinycompError: an allowed codec is unknown, or none of them can hold these values.
    """
    names = codecs().keys() if allowed is None else allowed
    unknown = sorted(set(names) - codecs().keys())
    if unknown:
        raise TinycompError(
            f"There is no weight codec {unknown[0]!r}.", expected=f"Known: {', '.join(codecs())}."
        )
    stored = [(codecs()[name].encode(weights), codecs()[name]) for name in names]
    candidates = [(encoded, codec) for encoded, codec in stored if encoded is not None]
    if not candidates:
        raise TinycompError(
            f"None of the weight codecs {', '.join(sorted(names))} can hold these weights.",
            hint="Allow dense too: it holds any.",
        )
    candidates = _worthwhile(weights, candidates)
    best, codec = min(candidates, key=lambda c: (c[0].size, c[1].cost, c[1].name))
    channels, length = weights.values.shape
    if not np.array_equal(codec.decode(best, (channels, length)), weights.values):
        raise AssertionError(f"codec {codec.name} does not decode to what it encoded")
    return best


def _worthwhile(
    weights: Weights, candidates: list[tuple[Encoded, Codec]]
) -> list[tuple[Encoded, Codec]]:
    """The candidates without those whose decoding saves too little."""
    in_place = [encoded.size for encoded, _ in candidates if not encoded.buffered]
    if weights.codebook is not None or not in_place:
        return candidates
    most = WORTHWHILE * min(in_place)
    return [(e, codec) for e, codec in candidates if not e.buffered or e.size <= most]
