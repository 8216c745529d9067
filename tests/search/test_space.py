"""Candidates are valid recipes for any choices."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from typing import Any

import pytest

from tinycomp.common.errors import TinycompError
from tinycomp.common.toml_file import toml_text
from tinycomp.options.search import STRUCTURES, TECHNIQUES
from tinycomp.recipe_search.sensitivity import LayerOptions, Option, of_plain, plain
from tinycomp.recipe_search.space import Space, require_techniques
from tinycomp.recipes.steps import parse

LAYERS = {
    "channels": [("conv", 100, [(0.25, 0.01), (0.5, 0.3)]), ("dense", 50, [(0.5, 0.02)])],
    "low_rank": [("dense", 50, [(8, 0.001), (4, 0.1), (2, 0.5)])],
    "tucker": [("conv", 100, [((8, 8), 0.001), ((2, 4), 0.5)])],
    "bits": [("conv", 100, [(4, 0.001), (2, 0.5)]), ("dense", 50, [(4, 0.01), (2, 0.1)])],
}
SENSITIVITY = {
    name: tuple(
        LayerOptions(layer, weights, tuple(Option(*each) for each in options))
        for layer, weights, options in layers
    )
    for name, layers in LAYERS.items()
}


class Drawn:
    """Random choices by a seed, except given ones."""

    def __init__(self, seed: int, **given: Any) -> None:
        self.random, self.given = random.Random(seed), given
        self.asked: list[str] = []

    def _known(self, name: str, drawn: Any) -> Any:
        assert name not in self.asked, f"{name} was asked for twice"
        self.asked.append(name)
        return self.given.get(name.replace(" ", "_"), drawn)

    def choice(self, name: str, options: Sequence[Any]) -> Any:
        return self._known(name, self.random.choice(options))

    def whole(self, name: str, low: int, high: int) -> int:
        return int(self._known(name, self.random.randint(low, high)))

    def real(self, name: str, low: float, high: float) -> float:
        return float(self._known(name, self.random.uniform(low, high)))


@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 27])
def test_every_candidate_is_a_recipe_with_the_given_epochs(epochs: int) -> None:
    space = Space(SENSITIVITY, training={"validation": 0.2, "seed": 3})
    seen = set()
    for seed in range(150):
        text = toml_text(space.recipe(Drawn(seed), epochs))
        recipe = parse(tomllib.loads(text), "a candidate")
        assert recipe.split == (3, 0.2, "random")
        trained = [step.schedule.epochs for step in recipe.steps if step.schedule]
        pruned = any(step.name == "prune" for step in recipe.steps)
        if not trained:
            assert {step.name for step in recipe.steps} == {"rounding"}
        elif epochs > 1 or not pruned:
            assert sum(trained) == epochs
        else:
            assert sum(trained) in (1, 2)
        seen |= {step.name for step in recipe.steps}
    assert seen == {*STRUCTURES, "prune", "int8", "rate", "share", "post_training", "rounding"}


def chosen(pressure: int, *deviations: int) -> dict[str, float]:
    given = {f"channels_deviation_{n}": each for n, each in enumerate(deviations)}
    drawn = Drawn(0, structure="channels", channels_pressure=pressure, **given)
    steps = Space(SENSITIVITY).recipe(drawn, 4)["steps"]
    found: dict[str, float] = steps[0]["by_layer"]
    return found


def test_pressure_chooses_options_of_equal_damage() -> None:
    assert chosen(20, 0, 0) == {"conv": 0.5, "dense": 0.5}
    assert chosen(10, 0, 0) == {"conv": 0.25, "dense": 0.5}
    assert chosen(1, 0, 0) == {"conv": 0.25}
    assert chosen(10, 1, -1) == {"conv": 0.5}
    assert chosen(1, -1, 0) == {"conv": 0.25}  # one layer at least is changed
    assert chosen(20, 1, 1) == {"conv": 0.5, "dense": 0.5}  # nothing is stronger


def test_only_allowed_and_possible_techniques_are_used() -> None:
    space = Space({"bits": SENSITIVITY["bits"]}, ("channels", "int8", "codebooks"))
    steps = {
        step["technique"] for seed in range(30) for step in space.recipe(Drawn(seed), 3)["steps"]
    }
    assert steps == {"int8", "post_training"}
    assert space.narrowest() == [{"steps": []}]


def test_the_narrowest_candidates_use_the_strongest_options() -> None:
    found = Space(SENSITIVITY).narrowest()
    by_layer = [each["steps"][0]["by_layer"] for each in found[1:]]
    assert by_layer == [{"conv": 0.5, "dense": 0.5}, {"dense": 2}, {"conv": (2, 4)}]
    for each in found:
        parse(tomllib.loads(toml_text(each)), "the narrowest")


def test_sensitivity_as_plain_data() -> None:
    assert of_plain(plain(SENSITIVITY)) == SENSITIVITY


def test_techniques_by_name() -> None:
    assert require_techniques(["rate", "channels"]) == ("channels", "rate")
    assert require_techniques(TECHNIQUES) == TECHNIQUES
    with pytest.raises(TinycompError, match="'ratte' is not a technique of the search"):
        require_techniques(["ratte"])
    with pytest.raises(TinycompError, match="channels include no quantization method"):
        require_techniques(["channels"])
