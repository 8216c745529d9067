"""The space of candidates: a few choices, each of which ends in steps of a recipe.

What a technique does to each layer is one number, the pressure: all layers are changed until the
next stronger option would do more damage than it allows. The layers with the most weights may
deviate from that by one option.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tinycomp.common.errors import TinycompError
from tinycomp.search.sensitivity import LayerOptions, Sensitivity

STRUCTURES = ("channels", "low_rank", "tucker")
"""Techniques of which a candidate has one or none."""
VALUES = ("int8", "rate", "share", "codebooks", "rounding")
"""How weights get their values: "codebooks" are int8 training, and then codebooks whose bits follow
the layers' sensitivity; "rounding" is to such bits, without training.
"""
_BY_BITS = ("codebooks", "rounding")
_UNTRAINED = ("post_training", "rounding")
ZEROS = "prune"
TECHNIQUES = (*STRUCTURES, ZEROS, *VALUES)
"""All that a search knows."""
DEVIATING = 4
"""Layers that may deviate from the pressure of all."""
_SMALLEST = 1e-5
"""Damage below which differences mean nothing."""
_STEPS = 20
"""Pressures between none and the strongest options."""


class Ask(Protocol):
    """Chooses values, by name."""

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """One of these."""

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number; both ends are possible."""

    def real(self, name: str, low: float, high: float) -> float:
        """A positive number, on a logarithmic scale."""


@dataclass(frozen=True)
class Space:
    """Candidates for one model."""

    sensitivity: Sensitivity
    """What its layers tolerate."""
    techniques: tuple[str, ...] = TECHNIQUES
    """Those that candidates may use."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Options of all trainings that are the same in all candidates: validation, seed, batch."""

    @property
    def structures(self) -> tuple[str, ...]:
        """The techniques of structure that can change this model."""
        return tuple(
            each for each in STRUCTURES if each in self.techniques and each in self.sensitivity
        )

    @property
    def values(self) -> tuple[str, ...]:
        """The ways to give weights their values."""
        known = tuple(each for each in VALUES if each in self.techniques)
        return tuple(v for v in known if "bits" in self.sensitivity or v not in _BY_BITS)

    def recipe(self, ask: Ask, epochs: int) -> dict[str, Any]:
        """A candidate, as the values of a recipe file.

        Args:
            ask: chooses.
            epochs: of all steps together.
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
        """Recipes without training whose structure is changed as much as the space allows; a
        model without changes among them.
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
        """The value for each layer that is changed; one at least."""
        layers = self.sensitivity[name]
        pressure = ask.whole(f"{name} pressure", 1, _STEPS) / _STEPS
        places = {each.layer: _place(each, _allowed(layers, pressure)) for each in layers}
        largest = sorted(layers, key=lambda each: -each.weights)[:DEVIATING]
        for number, each in enumerate(largest):
            places[each.layer] += ask.whole(f"{name} deviation {number}", -1, 1)
        found = {
            each.layer: each.options[min(places[each.layer], len(each.options) - 1)].value
            for each in layers
            if places[each.layer] >= 0
        }
        return found or {largest[0].layer: largest[0].options[0].value}


def require_techniques(names: Sequence[str]) -> tuple[str, ...]:
    """Techniques by name, in the order of TECHNIQUES.

    Raises:
        TinycompError: one is not known, or none gives weights their values.
    """
    unknown = [name for name in names if name not in TECHNIQUES]
    if unknown:
        raise TinycompError(
            f"The search knows no technique '{unknown[0]}'.",
            expected=f"Expected some of {', '.join(TECHNIQUES)}.",
        )
    if not set(names) & set(VALUES):
        raise TinycompError(
            f"With {', '.join(names)} alone no weights get their values.",
            expected=f"Expected one of {', '.join(VALUES)} among them.",
        )
    return tuple(name for name in TECHNIQUES if name in names)


def _by_layer(name: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A step of structure that changes these layers and no others."""
    step: dict[str, Any] = {"technique": name, "by_layer": dict(chosen)}
    return {**step, "fraction": 0.0} if name == "channels" else {**step, "energy": 1.0}


def _allowed(layers: Sequence[LayerOptions], pressure: float) -> float:
    """The damage that a pressure allows, between those of the weakest and the strongest option."""
    damages = [max(option.damage, _SMALLEST) for each in layers for option in each.options]
    low, high = math.log(min(damages)), math.log(max(damages))
    return math.exp(low + (high - low) * pressure) * (1 + 1e-9)


def _place(layer: LayerOptions, allowed: float) -> int:
    """The strongest option within the damage; -1 for none."""
    return sum(option.damage <= allowed for option in layer.options) - 1


def _timed(steps: list[dict[str, Any]], epochs: int) -> list[dict[str, Any]]:
    """The steps with their epochs: the last training, which gives the values as a rule, has half at
    least, the others share the rest. A step of structure that would have none is not trained after.
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
