"""Finds the codecs, one a module of tinycomp.codecs; takes the one with the fewest bytes."""

from __future__ import annotations

import importlib
import math
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


def choose(
    weights: Weights, allowed: Collection[str] | None = None, worthwhile: float = 1.0
) -> Encoded:
    """The smallest stored form, verified by decoding it; of equal sizes the quickest to decode.

    Args:
        weights: a layer's weights, of any int8 values.
        allowed: names of the codecs to choose from; None for all that are general.
        worthwhile: a form that has to be decoded is taken only where it has at most this share of
            the bytes of one that is read in place.

    Raises:
        TinycompError: an allowed codec is unknown, or none of them can hold these values.
    """
    names = [n for n, codec in codecs().items() if codec.general] if allowed is None else allowed
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
    candidates = _worthwhile(candidates, worthwhile)
    best, codec = min(candidates, key=lambda c: (c[0].size, c[1].cost, c[1].name))
    channels, length = weights.values.shape
    if not np.array_equal(codec.decode(best, (channels, length)), weights.values):
        raise AssertionError(f"codec {codec.name} does not decode to what it encoded")
    return best


def _worthwhile(
    candidates: list[tuple[Encoded, Codec]], share: float
) -> list[tuple[Encoded, Codec]]:
    """The candidates without those whose decoding saves too little."""
    in_place = [encoded.size for encoded, _ in candidates if not encoded.buffered]
    most = share * min(in_place, default=math.inf)
    return [(e, codec) for e, codec in candidates if not e.buffered or e.size <= most]
