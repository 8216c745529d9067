"""What is trained next: what covers most of the box of errors and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tinycomp.options.search import Limits
from tinycomp.recipe_search.box import Box
from tinycomp.recipe_search.evaluate import RefusedError
from tinycomp.recipe_search.expectation import Expectation
from tinycomp.recipe_search.outcome import Outcome
from tinycomp.recipe_search.proposals import Choices, Draw, Known, Proposals, seeds
from tinycomp.recipe_search.sensitivity import LayerOptions, Option
from tinycomp.recipe_search.space import Space

SPACE = Space(
    {
        "channels": (
            LayerOptions("conv", 100, (Option(0.25, 0.01), Option(0.5, 0.1), Option(0.75, 0.9))),
        ),
        "bits": (LayerOptions("conv", 100, (Option(4, 0.01), Option(2, 0.5))),),
    }
)


def outcome(score: float, flash: int = 1000, ram: int = 100) -> Outcome:
    return Outcome("top-1", score, score, flash, ram, 1e5, flash, 1000, 4.0, 3, 1.0, "")


WHOLE = outcome(0.95, 8000)


def box(limits: Limits | None = None) -> Box:
    return Box(WHOLE, ("flash",), limits or Limits())


def test_what_is_useless_covers_nothing() -> None:
    tiny, fair, dear = outcome(0.3, 260), outcome(0.9, 1000), outcome(0.94, 9000)
    found = box()
    assert found.order([tiny, fair, dear]) == [float("inf"), 0.0, 1.0]
    assert not found.covered(found.place(tiny)).any()


def test_what_others_cover_comes_last() -> None:
    found = box().order([outcome(0.9, 1000), outcome(0.89, 1100), outcome(0.8, 400)])
    assert sorted(found) == [0.0, 1.0, float("inf")]
    assert found[1] == float("inf")


def test_errors_of_regressions_count_too() -> None:
    whole = replace(WHOLE, metric="mean squared error", score=0.1)
    found = Box(whole, ("flash",), Limits())
    good, bad = replace(whole, score=0.12, flash=1000), replace(whole, score=0.9, flash=1000)
    assert found.order([bad, good]) == [float("inf"), 0.0]


def test_values_between_known_ones_are_expected() -> None:
    known = Expectation(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]))
    mean, spread = known.at(np.array([[0.0], [0.5], [1.0], [9.0]]))
    assert mean[0] < 0.1
    assert 0.4 < mean[1] < 0.6
    assert mean[2] > 0.9
    assert mean[3] == pytest.approx(0.5)  # nothing is near
    assert spread[0] < spread[1] < spread[3]


def figures(choices: Choices) -> Outcome:
    """A model whose layers lose little up to a point, and then much."""
    pressure = choices.get("channels pressure", 0) / 20
    bits = {
        "rate": choices.get("bits", 8.0), "share": choices.get("entries", 8) + 1.0, "int8": 8.0,
    }.get(choices["values"], 6.0)  # fmt: skip
    zeros = choices.get("sparsity", 0.0)
    error = 0.05 + 0.5 * max(0.0, pressure - 0.4) ** 2 + 0.4 * 4.0**-bits
    error += 0.9 * max(0.0, zeros - 0.5)
    size = 7500 * (1 - 0.8 * pressure) * bits / 8 * (1 - 0.7 * zeros)
    return outcome(1 - min(error, 1.0), int(400 + size))


def proposals(seed: int, limits: Limits | None = None) -> tuple[Proposals, list[Choices]]:
    """With previews that know sizes, and twice the errors; and what was looked at."""
    looked: list[Choices] = []
    by_recipe: dict[str, Choices] = {}

    def preview(recipe: str) -> Outcome:
        choices = by_recipe[recipe]
        looked.append(choices)
        found = figures(choices)
        return replace(found, score=max(0.0, 1 - 2 * (1 - found.score)))

    class Remembering(Proposals):
        def _recipe(self, choices: Any) -> str:
            text = super()._recipe(choices)
            by_recipe[text] = dict(choices)
            return text

    rng = np.random.default_rng(seed)
    return Remembering(SPACE, box(limits), preview, 3, rng), looked


def covered(found: list[Choices]) -> float:
    return float(box().union([figures(each) for each in found]).mean())


def run(seed: int, count: int) -> list[Choices]:
    chooser, _ = proposals(seed)
    known: list[Known] = []
    for _ in range(count):
        choices, preview = chooser.next(known, [each.choices for each in known])
        known.append(Known(choices, figures(choices), preview))
    return [each.choices for each in known]


def at_random(seed: int, count: int) -> list[Choices]:
    found = []
    for number in range(count):
        draw = Draw({}, np.random.default_rng((seed, number)))
        SPACE.recipe(draw, 3)
        found.append(draw.made)
    return found


def median(of: Callable[[int, int], list[Choices]], count: int) -> float:
    return float(np.median([covered(of(seed, count)) for seed in range(5)]))


def test_better_than_as_many_random_ones() -> None:
    assert median(run, 8) > 1.05 * median(at_random, 8)
    assert median(run, 14) > 1.03 * median(at_random, 14)


def test_built_in_recipes_come_first_and_nothing_comes_twice() -> None:
    found = run(0, 14)
    first = list(seeds(SPACE))
    for seed, choices in zip(first, found, strict=False):
        assert all(seed[name] == value for name, value in choices.items() if name in seed)
    assert [each.get("bits") for each in found[:3]] == [4.0, 2.0, 1.0]
    assert len({str(sorted(each.items())) for each in found}) == len(found)


def test_what_exceeds_a_limit_is_not_trained() -> None:
    chooser, looked = proposals(0, Limits(flash=1500))
    known: list[Known] = []
    for _ in range(8):
        choices, preview = chooser.next(known, [each.choices for each in known])
        known.append(Known(choices, figures(choices), preview))
    assert max(each.outcome.flash for each in known) <= 1500 * 1.02
    assert max(figures(each).flash for each in looked) > 3000
    assert len(looked) == len({str(each) for each in looked})  # each once


def test_impossible_candidates_are_left_out() -> None:
    def preview(recipe: str) -> Outcome:
        if "channels" in recipe:
            raise RefusedError("No.")
        return WHOLE

    chooser = Proposals(SPACE, box(), preview, 3, np.random.default_rng(0))
    begun: list[Choices] = []
    for _ in range(8):
        choices, _ = chooser.next([], begun)
        begun.append(choices)
    assert {each["structure"] for each in begun} == {"none"}
