"""The search space: a few choices that determine the steps of a recipe.

A single number, the pressure, determines how a technique changes each layer: all layers get the
strongest option within the damage that it allows. The layers with the most weights may deviate by
one option.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tinycomp.common.errors import TinycompError
from tinycomp.options.search import STRUCTURES, TECHNIQUES, VALUES, ZEROS
from tinycomp.recipe_search.sensitivity import LayerOptions, Sensitivity

_BY_BITS = ("codebooks", "rounding")
_UNTRAINED = ("post_training", "rounding")
DEVIATING = 4
"""Number of layers that may deviate from the common pressure."""
_SMALLEST = 1e-5
"""Smaller damages are considered equal."""
_STEPS = 20
"""Resolution of the pressure."""


class Ask(Protocol):
    """Chooses values of parameters by name."""

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """One of the options."""

    def whole(self, name: str, low: int, high: int) -> int:
        """An integer from low to high, inclusive."""

    def real(self, name: str, low: float, high: float) -> float:
        """A positive number, on a logarithmic scale."""


@dataclass(frozen=True)
class Space:
    """The candidates for one model."""

    sensitivity: Sensitivity
    """Sensitivity of its layers."""
    techniques: tuple[str, ...] = TECHNIQUES
    """Techniques that candidates may use."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Training options common to all candidates: validation, seed, batch."""

    @property
    def structures(self) -> tuple[str, ...]:
        """The structure techniques that are possible for this model."""
        return tuple(
            each for each in STRUCTURES if each in self.techniques and each in self.sensitivity
        )

    @property
    def values(self) -> tuple[str, ...]:
        """The possible quantization methods."""
        known = tuple(each for each in VALUES if each in self.techniques)
        return tuple(v for v in known if "bits" in self.sensitivity or v not in _BY_BITS)

    def recipe(self, ask: Ask, epochs: int) -> dict[str, Any]:
        """A candidate, as the values of a recipe file.

        Args:
            ask: chooses values.
            epochs: epochs of all steps together.
        """
        steps: list[dict[str, Any]] = []
        structure = ask.choice("structure", ("none", *self.structures))
        if structure != "none":
            steps.append(self._structure(ask, structure))
        values = ask.choice("values", self.values)
        if values != "rate" and ZEROS in self.techniques:
            steps += self._zeros(ask)
        steps += self._values(ask, values)
        training = {
            **self.training,
            "rate": ask.choice("rate", (0.003, 0.01, 0.03)),
            "imitation": ask.choice("imitation", (0.3, 0.6, 0.9)),
        }
        return {"training": training, "steps": _timed(steps, epochs)}

    def narrowest(self) -> list[dict[str, Any]]:
        """Recipes without training that change the structure as much as possible, and one without
        changes.
        """
        found: list[dict[str, Any]] = [{"steps": []}]
        for name in self.structures:
            layers = self.sensitivity[name]
            chosen = {each.layer: each.options[-1].value for each in layers}
            found.append({"steps": [_by_layer(name, chosen)]})
        return found

    def _structure(self, ask: Ask, name: str) -> dict[str, Any]:
        step = _by_layer(name, self._chosen(ask, name))
        if name == "channels":
            step["criterion"] = ask.choice("criterion", ("l1", "l2"))
            step["multiple"] = ask.choice("multiple", (1, 4))
        return step

    def _zeros(self, ask: Ask) -> list[dict[str, Any]]:
        sparsity = ask.choice("sparsity", (0.0, 0.5, 0.7, 0.8, 0.9, 0.95))
        return [{"technique": ZEROS, "sparsity": sparsity, "every": 5}] if sparsity else []

    def _values(self, ask: Ask, name: str) -> list[dict[str, Any]]:
        if name == "rate":
            bits = round(ask.real("bits", 0.4, 5.0), 3)
            wide = ask.choice("per_channel", (False, True))
            return [{"technique": "rate", "bits": bits, "per_channel": wide}]
        if name == "share":
            return [{"technique": "share", "bits": ask.whole("entries", 2, 5)}]
        if name == "rounding":
            return [{"technique": "rounding", "by_layer": self._chosen(ask, "bits"), "bits": 8}]
        steps: list[dict[str, Any]] = [{"technique": "int8"}]
        if name == "codebooks":
            chosen = self._chosen(ask, "bits")
            layers = {layer: {"codebook_bits": bits} for layer, bits in chosen.items()}
            steps.append({"technique": "post_training", "layers": layers})
        return steps

    def _chosen(self, ask: Ask, name: str) -> dict[str, Any]:
        """The values of changed layers, at least one."""
        layers = self.sensitivity[name]
        pressure = ask.whole(f"{name} pressure", 1, _STEPS) / _STEPS
        chosen = {each.layer: _strongest(each, _allowed(layers, pressure)) for each in layers}
        largest = sorted(layers, key=lambda each: -each.weights)[:DEVIATING]
        for number, each in enumerate(largest):
            chosen[each.layer] += ask.whole(f"{name} deviation {number}", -1, 1)
        found = {
            each.layer: each.options[min(chosen[each.layer], len(each.options) - 1)].value
            for each in layers
            if chosen[each.layer] >= 0
        }
        return found or {largest[0].layer: largest[0].options[0].value}


def require_techniques(names: Sequence[str]) -> tuple[str, ...]:
    """Techniques by name, in the order of TECHNIQUES.

    Raises:
        TinycompError: one is not known, or there is no quantization method.
    """
    unknown = [name for name in names if name not in TECHNIQUES]
    if unknown:
        raise TinycompError(
            f"'{unknown[0]}' is not a technique of the search.",
            expected=f"Expected some of {', '.join(TECHNIQUES)}.",
        )
    if not set(names) & set(VALUES):
        raise TinycompError(
            f"{', '.join(names)} include no quantization method.",
            expected=f"Expected at least one of {', '.join(VALUES)}.",
        )
    return tuple(name for name in TECHNIQUES if name in names)


def _by_layer(name: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A structure step that changes only these layers."""
    step: dict[str, Any] = {"technique": name, "by_layer": dict(chosen)}
    return {**step, "fraction": 0.0} if name == "channels" else {**step, "energy": 1.0}


def _allowed(layers: Sequence[LayerOptions], pressure: float) -> float:
    """The allowed damage of a pressure, between those of the weakest and the strongest option."""
    damages = [max(option.damage, _SMALLEST) for each in layers for option in each.options]
    low, high = math.log(min(damages)), math.log(max(damages))
    return math.exp(low + (high - low) * pressure) * (1 + 1e-9)


def _strongest(layer: LayerOptions, allowed: float) -> int:
    """Index of the strongest option within the allowed damage; -1 if there is none."""
    return sum(option.damage <= allowed for option in layer.options) - 1


def _timed(steps: list[dict[str, Any]], epochs: int) -> list[dict[str, Any]]:
    """The steps with epochs: the last training, usually the quantization, gets at least half of
    them, the others share the rest. A structure step without epochs is not followed by training.
    """
    trained = [step for step in steps if step["technique"] not in _UNTRAINED]
    if not trained:
        return steps
    before = len(trained) - 1
    share = 0 if not before else int(epochs / (2 * before))
    for step in trained[:-1]:
        needed = 1 if step["technique"] == ZEROS else 0
        if own := max(share, needed):
            step["epochs"] = own
    trained[-1]["epochs"] = max(1, epochs - sum(step.get("epochs", 0) for step in trained[:-1]))
    return steps
