"""Finds the codecs (modules of tinycomp.codecs), and chooses one for each layer."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Collection, Sequence
from functools import cache

import numpy as np

import tinycomp.codecs
from tinycomp.codecs._codec import Codec, Encoded
from tinycomp.codecs._costs import INSTRUCTIONS_A_PRODUCT, DecodingCosts
from tinycomp.codecs._policy import SMALLEST, Policy, Use
from tinycomp.common.errors import TinycompError
from tinycomp.ir.kernel_call import Weights


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


def general_codecs() -> tuple[str, ...]:
    """The codecs that any kernel can read."""
    return tuple(name for name, codec in codecs().items() if codec.general)


def far_codecs() -> tuple[str, ...]:
    """The codecs whose weights may be anywhere in an AVR's memory, for any kernel."""
    return tuple(name for name in codecs() if name.startswith("far_"))


def choose(
    weights: Weights,
    allowed: Collection[str] | None = None,
    policy: Policy = SMALLEST,
    use: Use | None = None,
    costs: DecodingCosts | None = None,
) -> Encoded:
    """The smallest stored form that the policy allows, checked by decoding it.

    Args:
        weights: the weights of a layer, any int8 values.
        allowed: names of the codecs to choose from; None for all general ones.
        policy: which forms are allowed.
        use: how an inference uses the weights; None: each is read and multiplied once.
        costs: what decoding takes; None: what it takes on a Cortex-M4.

    Raises:
        TinycompError: an allowed codec is unknown, or none of them can store these values.
    """
    names = general_codecs() if allowed is None else allowed
    unknown = sorted(set(names) - codecs().keys())
    if unknown:
        raise TinycompError(
            f"There is no weight codec {unknown[0]!r}.",
            expected=f"Expected one of: {', '.join(codecs())}.",
        )
    stored = (codecs()[name].encode(weights) for name in names)
    forms = [form for form in stored if form is not None]
    if not forms:
        raise TinycompError(
            f"None of the weight codecs {', '.join(sorted(names))} can hold these weights.",
            hint="Allow dense too: it holds any.",
        )
    best = _pick(forms, weights.values.size, policy, use or Use(), costs or DecodingCosts())
    if not np.array_equal(codecs()[best.codec].decode(best, weights.values.shape), weights.values):
        raise AssertionError(f"codec {best.codec} does not decode to what it encoded")
    return best


def _pick(
    forms: Sequence[Encoded], count: int, policy: Policy, use: Use, costs: DecodingCosts
) -> Encoded:
    """The smallest form of `count` weights that the policy allows; among equal sizes the fastest
    to decode. If it allows none that is not entropy-coded, the fastest of all.
    """

    def cost(form: Encoded) -> float:
        return costs.of(codecs()[form.codec], form)

    def rank(form: Encoded) -> tuple[float, float, str]:
        return form.size, cost(form), form.codec

    in_place = min((form.size for form in forms if not form.buffered), default=math.inf)
    slowest = policy.slowdown * INSTRUCTIONS_A_PRODUCT * use.products / use.readings
    allowed = [
        form
        for form in forms
        if cost(form) <= slowest and (not form.buffered or form.size <= policy.decoded * in_place)
    ]
    plain = [form for form in allowed if not codecs()[form.codec].entropy]
    best = min(plain, key=rank) if plain else min(forms, key=cost)
    for form in sorted(plain, key=cost):
        spared = (cost(best) - cost(form)) * count * use.readings
        if form.buffered and spared > policy.byte * (form.size - best.size):
            best = form
    for form in sorted(allowed, key=rank):
        more = (cost(form) - cost(best)) * count * use.readings
        saved = best.size - form.size
        worthwhile = form.size <= policy.entropy * best.size and more <= policy.byte * saved
        if codecs()[form.codec].entropy and saved > 0 and (worthwhile or more <= 0):
            return form
    return best
