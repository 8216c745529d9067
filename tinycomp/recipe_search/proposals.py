"""New candidates: first the built-in recipes and some with changed layers, then variations of the
best ones. Several are looked at before one is trained: those beyond a limit are left out, and the
one that should add most to the front is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinycomp.common.toml_file import toml_text
from tinycomp.options.search import STRUCTURES, VALUES, Limits
from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.evaluate import RefusedError
from tinycomp.recipe_search.expectation import Expectation
from tinycomp.recipe_search.outcome import Outcome
from tinycomp.recipe_search.space import Space

Choices = dict[str, Any]
"""Values of the space's parameters, by name."""
Range = tuple[Any, ...]
"""A parameter's options; or its lowest and highest value."""

_DRAWN = 4
"""Candidates that are looked at for each one that is trained; the others stay in the pool."""
_POOL = 16
"""The largest pool; the oldest leave it."""
_FRESH = 0.25
"""Share of candidates whose choices are all random."""
_PARENTS = 6
"""The best candidates, of which new ones are variations."""
_MIXED = 0.3
"""How often values and structure come from two of them."""
_HOPE = 0.5
"""Standard deviations by which expected errors are reduced."""
_BEYOND = 1.02
"""A preview may exceed a limit by this factor: sizes are known to about two percent."""
_FEWEST = 4
"""Finished candidates from which errors are predicted."""
_PRESSURES = (8, 13)
"""Of the first candidates with changed layers."""


@dataclass(frozen=True)
class Known:
    """A finished candidate."""

    choices: Choices
    """What was chosen."""
    outcome: Outcome
    """Its figures."""
    preview: Outcome | None
    """Those before its training."""


class Draw:
    """Given choices where there are any, otherwise random ones; remembers all, and their ranges."""

    def __init__(self, given: Mapping[str, Any], rng: np.random.Generator) -> None:
        self.given, self.rng = given, rng
        self.made: Choices = {}
        self.ranges: dict[str, tuple[str, Range]] = {}

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        """One of the options."""
        drawn = options[int(self.rng.integers(len(options)))]
        return self._kept(name, "choice", tuple(options), drawn)

    def whole(self, name: str, low: int, high: int) -> int:
        """An integer from low to high, inclusive."""
        return int(self._kept(name, "whole", (low, high), int(self.rng.integers(low, high + 1))))

    def real(self, name: str, low: float, high: float) -> float:
        """A number on a logarithmic scale."""
        drawn = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        return float(self._kept(name, "real", (low, high), drawn))

    def _kept(self, name: str, kind: str, known: Range, drawn: Any) -> Any:
        value = self.given.get(name, drawn)
        if kind == "choice" and value not in known:
            value = drawn
        self.made[name], self.ranges[name] = value, (kind, known)
        return value


@dataclass(frozen=True)
class _Seen:
    """A candidate that was looked at."""

    choices: Choices
    """What was chosen."""
    preview: Outcome
    """Its figures before training."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Chooses what to train next."""

    space: Space
    """The search space."""
    box: Box
    """What candidates are for."""
    preview: Callable[[str], Outcome]
    """Figures of a recipe before training, with code and stack of the unchanged model."""
    epochs: int
    """Of the first stage."""
    rng: np.random.Generator
    """Draws choices."""
    pool: list[_Seen] = field(default_factory=list)
    """Candidates that were looked at, and not trained yet."""
    looked: dict[str, _Seen | None] = field(default_factory=dict)
    """All that were looked at, by their recipe; None if it is not possible."""

    def next(self, known: Sequence[Known], begun: Sequence[Choices]) -> tuple[Choices, Outcome]:
        """The choices of a new candidate, and its preview.

        Args:
            known: all finished candidates.
            begun: choices of all candidates, running ones too.
        """
        recipes = {self._recipe(each) for each in begun}
        for seed in seeds(self.space):
            choices = self._completed(seed)
            if self._recipe(choices) not in recipes and (seen := self._look(choices)):
                if self._fits(seen.preview):
                    return seen.choices, seen.preview
                recipes.add(self._recipe(choices))
        self._draw(known, recipes)
        best = self._best(known)
        self.pool.remove(best)
        return best.choices, best.preview

    def _draw(self, known: Sequence[Known], recipes: set[str]) -> None:
        """Look at new candidates."""
        parents = self._parents(known)
        recipes = recipes | {self._recipe(each.choices) for each in self.pool}
        for _ in range(8 * _DRAWN):
            fresh = not parents or self.rng.random() < _FRESH
            choices = self._completed({}) if fresh else self._varied(parents)
            text = self._recipe(choices)
            if text in recipes:
                continue
            recipes.add(text)
            if seen := self._look(choices):
                self.pool.append(seen)
            if len(self.pool) >= _DRAWN and any(self._fits(s.preview) for s in self.pool):
                break
        if not self.pool:
            choices = self._completed({})
            self.pool.append(_Seen(choices, self.box.whole))
        del self.pool[:-_POOL]

    def _parents(self, known: Sequence[Known]) -> list[Choices]:
        limits = self.box.limits
        ranks = self.box.order([each.outcome for each in known])
        missed = [round(limits.missed(each.outcome, 1), 9) for each in known]
        order = sorted(range(len(known)), key=lambda n: (missed[n], ranks[n], n))
        return [known[n].choices for n in order if np.isfinite(ranks[n])][:_PARENTS]

    def _varied(self, parents: Sequence[Choices]) -> Choices:
        """A variation of one of the parents, or of a mix of two."""
        first, second = (parents[int(self.rng.integers(len(parents)))] for _ in range(2))
        mixed = dict(first)
        if self.rng.random() < _MIXED:
            of_values = {k: v for k, v in second.items() if not _of_structure(k)}
            mixed = {k: v for k, v in first.items() if _of_structure(k)} | of_values
        draw = Draw(mixed, self.rng)
        self.space.recipe(draw, self.epochs)
        names = [name for name, (_, known) in draw.ranges.items() if len(set(known)) > 1]
        count = min(len(names), 1 + int(self.rng.integers(3)))
        for name in self.rng.choice(names, count, replace=False) if names else ():
            draw.made[str(name)] = self._moved(draw.made[name], *draw.ranges[str(name)])
        return self._completed(draw.made)

    def _moved(self, value: Any, kind: str, known: Range) -> Any:
        """Another value, near the one given if it is a number."""
        if kind == "choice":
            others = [each for each in known if each != value]
            return others[int(self.rng.integers(len(others)))]
        if kind == "real":
            return float(np.clip(value * np.exp(self.rng.normal(0, 0.4)), *known))
        reach = max(1, (known[1] - known[0]) // 5)
        step = int(self.rng.integers(1, reach + 1)) * int(self.rng.choice([-1, 1]))
        return int(np.clip(value + step, *known))

    def _completed(self, given: Mapping[str, Any]) -> Choices:
        """These choices, and random ones for what they leave open; nothing that has no effect."""
        draw = Draw(given, self.rng)
        self.space.recipe(draw, self.epochs)
        return draw.made

    def _recipe(self, choices: Mapping[str, Any]) -> str:
        return toml_text(self.space.recipe(Draw(choices, self.rng), self.epochs))

    def _look(self, choices: Choices) -> _Seen | None:
        """The candidate with its preview; None if it is not possible."""
        text = self._recipe(choices)
        if text not in self.looked:
            try:
                self.looked[text] = _Seen(choices, self.preview(text))
            except RefusedError:
                self.looked[text] = None
        return self.looked[text]

    def _fits(self, preview: Outcome) -> bool:
        return fits(self.box.limits, preview)

    def _best(self, known: Sequence[Known]) -> _Seen:
        """The candidate of the pool that should add most to what is covered."""
        fitting = [each for each in self.pool if self._fits(each.preview)] or self.pool
        if len(known) < _FEWEST:
            return fitting[0]
        covered = self.box.union([each.outcome for each in known])
        gains = []
        for each, error in zip(fitting, self._expected(known, fitting), strict=True):
            place = self.box.place(each.preview)
            place[0] = error
            gains.append(int((self.box.covered(place) & ~covered).sum()))
        return fitting[int(np.argmax(gains))]

    def _expected(self, known: Sequence[Known], pool: Sequence[_Seen]) -> list[float]:
        """Hopeful errors after training, as coordinates of the box."""
        looked_at = [each for each in known if each.preview is not None]
        if len(looked_at) < _FEWEST:
            return [float(self.box.place(each.preview)[0]) for each in pool]
        places = np.array([self._features(k.choices, k.preview or k.outcome) for k in looked_at])
        errors = np.array([min(self.box.place(each.outcome)[0], 2.0) for each in looked_at])
        wanted = np.array([self._features(each.choices, each.preview) for each in pool])
        mean, spread = Expectation(places, errors).at(wanted)
        return [max(0.0, float(each)) for each in mean - _HOPE * spread]

    def _features(self, choices: Mapping[str, Any], preview: Outcome) -> list[float]:
        """Errors and costs before training, and the techniques."""
        error, *costs = self.box.place(preview)
        kinds = [choices.get("values") == each for each in VALUES]
        kinds += [choices.get("structure") == each for each in STRUCTURES]
        zeros = float(choices.get("sparsity", 0.0))
        return [min(float(error), 4.0) / 4, *costs, zeros, *(0.35 * each for each in kinds)]


def seeds(space: Space) -> Iterator[Choices]:
    """The first candidates: the built-in recipes, and changed layers with values of three bits."""
    training = {"rate": 0.01, "imitation": 0.6}
    plain = {"structure": "none", "sparsity": 0.0, **training}
    if "rate" in space.values:
        for bits in (4.0, 2.0, 1.0):
            yield {**plain, "values": "rate", "bits": bits, "per_channel": False}
    if "int8" in space.values:
        yield {**plain, "values": "int8"}
    values = "rate" if "rate" in space.values else space.values[0]
    for name in space.structures:
        for pressure in _PRESSURES:
            unmoved = {f"{name} deviation {number}": 0 for number in range(8)}
            yield {
                **training, **unmoved, "structure": name, f"{name} pressure": pressure,
                "criterion": "l1", "multiple": 1, "values": values, "bits": 3.0,
                "per_channel": False, "sparsity": 0.0, "entries": 3,
            }  # fmt: skip


def fits(limits: Limits, preview: Outcome) -> bool:
    """Whether what a candidate costs is within the limits, nearly at least."""
    found = limits.excess(preview)
    return all(value <= _BEYOND - 1 for name, value in found.items() if name != "accuracy")


def _of_structure(name: str) -> bool:
    """Whether a parameter belongs to the structure technique."""
    return name.split(" ")[0] in (*STRUCTURES, "structure", "criterion", "multiple")
