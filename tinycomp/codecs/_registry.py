"""Finds the codecs (modules of tinycomp.codecs), and chooses one for each layer."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
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
    terms = _Terms(weights, policy, use or Use(), costs or DecodingCosts())
    plain = terms.encoded(name for name in names if not codecs()[name].entropy)
    coded = [name for name in names if codecs()[name].entropy]
    most = terms.most(plain)
    best = terms.smallest(plain, most)
    if best is not None:
        coded = [name for name in coded if terms.may_replace(name, best, most)]
    forms = terms.encoded(coded)
    best = best or min([*plain, *forms], key=terms.cost, default=None)
    if best is None:
        raise TinycompError(
            f"None of the weight codecs {', '.join(sorted(names))} can hold these weights.",
            hint="Allow dense too: it holds any.",
        )
    best = terms.best(forms, best, most)
    if not np.array_equal(codecs()[best.codec].decode(best, weights.values.shape), weights.values):
        raise AssertionError(f"codec {best.codec} does not decode to what it encoded")
    return best


@dataclass(frozen=True, eq=False)
class _Terms:
    """What the choice for one layer depends on."""

    weights: Weights
    """The weights."""
    policy: Policy
    """Which forms are allowed."""
    use: Use
    """How an inference uses them."""
    costs: DecodingCosts
    """What decoding takes."""

    def encoded(self, names: Iterable[str]) -> list[Encoded]:
        """The forms of the codecs that can store these weights."""
        forms = (codecs()[name].encode(self.weights) for name in names)
        return [form for form in forms if form is not None]

    def cost(self, form: Encoded) -> float:
        """Instructions to decode a weight."""
        return self.costs.of(codecs()[form.codec], form)

    def most(self, forms: Sequence[Encoded]) -> float:
        """The most bytes of a form that is decoded, given the forms without entropy codes."""
        in_place = min((form.size for form in forms if not form.buffered), default=math.inf)
        return self.policy.decoded * in_place

    def smallest(self, forms: Sequence[Encoded], most: float) -> Encoded | None:
        """The smallest of the forms without entropy codes that the policy allows, or one that is
        faster by enough; None if it allows none. Among equal sizes the fastest to decode.
        """
        allowed = [
            form
            for form in forms
            if self.cost(form) <= self.slowest and (not form.buffered or form.size <= most)
        ]
        best = min(allowed, key=self._rank, default=None)
        for form in sorted(allowed, key=self.cost):
            assert best is not None
            spared = (self.cost(best) - self.cost(form)) * self.readings
            if form.buffered and spared > self.policy.byte * (form.size - best.size):
                best = form
        return best

    def best(self, forms: Sequence[Encoded], plain: Encoded, most: float) -> Encoded:
        """The smallest of the entropy-coded forms that the policy prefers to the best of the
        others, or else that one.
        """
        for form in sorted(forms, key=self._rank):
            if form.size <= most and self._replaces(form.size, self.cost(form), plain):
                return form
        return plain

    def may_replace(self, name: str, plain: Encoded, most: float) -> bool:
        """Whether an entropy code could be preferred to the best other form: false if not even with
        the fewest bytes and instructions that it can take.
        """
        codec = codecs()[name]
        least = codec.least(self.weights)
        cost = self.costs.taken(codec, least.amounts)
        return least.size <= most and self._replaces(least.size, cost, plain)

    def _replaces(self, size: float, cost: float, plain: Encoded) -> bool:
        more, saved = (cost - self.cost(plain)) * self.readings, plain.size - size
        few = size <= self.policy.entropy * plain.size and more <= self.policy.byte * saved
        return cost <= self.slowest and saved > 0 and (few or more <= 0)

    @property
    def slowest(self) -> float:
        """The most instructions to decode a weight."""
        products = self.use.products / self.use.readings
        return self.policy.slowdown * INSTRUCTIONS_A_PRODUCT * products

    @property
    def readings(self) -> float:
        """Weights read by an inference."""
        return self.weights.values.size * self.use.readings

    def _rank(self, form: Encoded) -> tuple[float, float, str]:
        return form.size, self.cost(form), form.codec
